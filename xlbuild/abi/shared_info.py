"""The shared info page as the toolstack leaves it (public xen.h)."""

from xlbuild.abi.layout import Layout, raw, u32, u64
from xlbuild.units import PAGE_SIZE

XEN_LEGACY_MAX_VCPUS = 32
VCPU_INFO_SIZE = 64
EVTCHN_UPCALL_MASK_OFFSET = 1

_VCPUS = XEN_LEGACY_MAX_VCPUS * VCPU_INFO_SIZE

SHARED_INFO_X86_64 = Layout.of(
    "foreign/x86_64.h struct shared_info_x86_64",
    ("vcpu_info", raw(_VCPUS)),
    ("evtchn_pending", raw(512)),
    ("evtchn_mask", raw(512)),
    ("wc_version", u32),
    ("wc_sec", u32),
    ("wc_nsec", u32),
    ("wc_sec_hi", u32),
    ("max_pfn", u64),
    ("pfn_to_mfn_frame_list_list", u64),
    ("nmi_reason", u64),
    ("p2m_cr3", u64),
    ("p2m_vaddr", u64),
    ("p2m_generation", u64),
)

SHARED_INFO_X86_32 = Layout.of(
    "foreign/x86_32.h struct shared_info_x86_32",
    ("vcpu_info", raw(_VCPUS)),
    ("evtchn_pending", raw(128)),
    ("evtchn_mask", raw(128)),
    ("wc_version", u32),
    ("wc_sec", u32),
    ("wc_nsec", u32),
    ("max_pfn", u32),
    ("pfn_to_mfn_frame_list_list", u32),
    ("nmi_reason", u32),
    ("p2m_cr3", u32),
    ("p2m_vaddr", u32),
    ("p2m_generation", u32),
    ("wc_sec_hi", u32),
)


def initial_shared_info() -> bytes:
    """Return the page of a PV guest before its first instruction: event delivery masked on every legacy vCPU.

    4096 bytes, the same for 32-bit and 64-bit guests: `struct shared_info` starts with
    `vcpu_info[XEN_LEGACY_MAX_VCPUS]`, 64 bytes each in both, and the mask is the second byte of each
    (xen.h, foreign/x86_32.h, foreign/x86_64.h).
    """
    page = bytearray(PAGE_SIZE)
    for vcpu in range(XEN_LEGACY_MAX_VCPUS):
        page[vcpu * VCPU_INFO_SIZE + EVTCHN_UPCALL_MASK_OFFSET] = 1
    return bytes(page)
