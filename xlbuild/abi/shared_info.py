"""The shared info page as the toolstack leaves it (public xen.h)."""

from xlbuild.units import PAGE_SIZE

XEN_LEGACY_MAX_VCPUS = 32
VCPU_INFO_SIZE = 64
EVTCHN_UPCALL_MASK_OFFSET = 1


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
