"""The layers of a save file (public documents libxl-migration-stream and libxc-migration-stream; xl's own header).

xl's header and its optional data come first, then libxl's stream, whose LIBXC_CONTEXT record is followed by libxc's
stream. All is little-endian but for the two streams' headers.
"""

from xlbuild.abi.layout import Layout, raw, u8, u16, u16be, u32, u32be, u64, u64be

XL_MAGIC = b"Xen saved domain, xl format\n \0 \r"
"""32 bytes."""
XL_BYTE_ORDER = 0x01020304
XL_MANDATORY_JSON = 1 << 0
"""The embedded configuration is JSON."""
XL_MANDATORY_STREAM_V2 = 1 << 1
"""libxl's stream is of version 2."""

XL_HEADER = Layout.of(
    "xl header",
    ("magic", raw(32)),
    ("byteorder", u32),
    ("mandatory_flags", u32),
    ("optional_flags", u32),
    ("optional_data_len", u32),
)
"""`optional_data_len` bytes follow: the configuration's length as u32, the configuration, and what else there is."""

RECORD_ALIGNMENT = 8
"""A record's body is padded with zeros to a multiple of so many bytes, in both streams."""
OPTIONAL_RECORD = 1 << 31
"""Bit of a record's type: who does not know it may ignore it."""

RECORD_HEADER = Layout.of("record header", ("type", u32), ("length", u32))
"""Of both streams; `length` is the body's, without padding."""

LIBXL_IDENT = 0x4C6962786C466D74
"""`LibxlFmt`."""
LIBXL_VERSION = 2
LIBXL_HEADER = Layout.of("libxl stream header", ("ident", u64be), ("version", u32be), ("options", u32be))

LIBXL_END = 0
LIBXL_LIBXC_CONTEXT = 1
LIBXL_EMULATOR_XENSTORE_DATA = 2
LIBXL_EMULATOR_CONTEXT = 3

LIBXL_RECORD_NAMES: dict[int, str] = {
    0: "END",
    1: "LIBXC_CONTEXT",
    2: "EMULATOR_XENSTORE_DATA",
    3: "EMULATOR_CONTEXT",
    4: "CHECKPOINT_END",
    5: "CHECKPOINT_STATE",
}

EMULATOR_HEADER = Layout.of("EMULATOR_CONTEXT", ("emulator_id", u32), ("index", u32))
"""Of both EMULATOR_* records; what the device model saved follows, or NUL-ended keys and values of xenstore's."""
EMULATORS = ("not known", "qemu-xen-traditional", "qemu-xen")
"""By `emulator_id`, as a configuration calls them (device_model_version)."""

LIBXC_MARKER = (1 << 64) - 1
LIBXC_ID = 0x58454E46
"""`XENF`."""
LIBXC_VERSION = 3
LIBXC_OPTION_BIG_ENDIAN = 1 << 0
LIBXC_HEADER = Layout.of(
    "libxc image header",
    ("marker", u64be),
    ("id", u32be),
    ("version", u32be),
    ("options", u16be),
    ("_reserved", raw(6)),
)

DOMAIN_X86_PV = 1
DOMAIN_X86_HVM = 2
DOMAIN_HEADER = Layout.of(
    "libxc domain header",
    ("type", u32),
    ("page_shift", u16),
    ("_reserved", u16),
    ("xen_major", u32),
    ("xen_minor", u32),
)

LIBXC_END = 0x00
PAGE_DATA = 0x01
X86_PV_INFO = 0x02
X86_PV_P2M_FRAMES = 0x03
X86_PV_VCPU_BASIC = 0x04
X86_PV_VCPU_EXTENDED = 0x05
X86_PV_VCPU_XSAVE = 0x06
SHARED_INFO = 0x07
X86_TSC_INFO = 0x08
HVM_CONTEXT = 0x09
HVM_PARAMS = 0x0A
X86_PV_VCPU_MSRS = 0x0C
STATIC_DATA_END = 0x10
X86_CPUID_POLICY = 0x11
X86_MSR_POLICY = 0x12

LIBXC_RECORD_NAMES: dict[int, str] = {
    0x00: "END",
    0x01: "PAGE_DATA",
    0x02: "X86_PV_INFO",
    0x03: "X86_PV_P2M_FRAMES",
    0x04: "X86_PV_VCPU_BASIC",
    0x05: "X86_PV_VCPU_EXTENDED",
    0x06: "X86_PV_VCPU_XSAVE",
    0x07: "SHARED_INFO",
    0x08: "X86_TSC_INFO",
    0x09: "HVM_CONTEXT",
    0x0A: "HVM_PARAMS",
    0x0B: "TOOLSTACK",
    0x0C: "X86_PV_VCPU_MSRS",
    0x0D: "VERIFY",
    0x0E: "CHECKPOINT",
    0x0F: "CHECKPOINT_DIRTY_PFN_LIST",
    0x10: "STATIC_DATA_END",
    0x11: "X86_CPUID_POLICY",
    0x12: "X86_MSR_POLICY",
}

PAGE_DATA_HEADER = Layout.of("PAGE_DATA", ("count", u32), ("_reserved", u32))
"""`count` × u64 follow: the frame in the lower 52 bits, its type in the upper 4; then the pages that have data."""
MOST_PAGES_OF_A_RECORD = 1024
"""What Xen's own tools put into one."""
PAGE_TYPE_SHIFT = 60
PAGE_PFN_MASK = (1 << 52) - 1

PV_INFO = Layout.of(
    "X86_PV_INFO", ("guest_width", u8), ("pt_levels", u8), ("_reserved0", u16), ("_reserved1", u32)
)
P2M_FRAMES_HEADER = Layout.of("X86_PV_P2M_FRAMES", ("p2m_start_pfn", u32), ("p2m_end_pfn", u32))
"""u64 frames follow, of the p2m list's pages from the one with the first entry to the one with the last."""
VCPU_HEADER = Layout.of("X86_PV_VCPU_BASIC", ("vcpu_id", u32), ("_reserved", u32))
"""Of all four X86_PV_VCPU_* records; the state follows."""
TSC_INFO = Layout.of(
    "X86_TSC_INFO", ("mode", u32), ("khz", u32), ("nsec", u64), ("incarnation", u32), ("_reserved", u32)
)
HVM_PARAMS_HEADER = Layout.of("HVM_PARAMS", ("count", u32), ("_reserved", u32))
HVM_PARAM_ENTRY = Layout.of("HVM_PARAMS entry", ("index", u64), ("value", u64))
CPUID_LEAF_SIZE = 24
MSR_ENTRY_SIZE = 16
