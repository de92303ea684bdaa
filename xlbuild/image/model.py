"""What a loader makes of a kernel file: the values that the plan is built from."""

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TypeAlias

from xlbuild.errors import Diagnostic
from xlbuild.image.blob import Blob

Buffer: TypeAlias = bytes | bytearray | memoryview
"""Bytes that are not copied on their way into guest memory."""


class GuestType(Enum):
    """The guest types that a supported Xen offers, by Xen's own names."""

    PV64 = "xen-3.0-x86_64"
    PV32PAE = "xen-3.0-x86_32p"
    HVM = "hvm-3.0-x86_32"


class PaeMode(IntEnum):
    """XEN_ELFNOTE_PAE_MODE's meanings (XEN_PAE_* upstream)."""

    NO = 0
    YES = 1
    EXTENDED_CR3 = 2
    BIMODAL = 3


@dataclass(frozen=True, slots=True)
class Note:
    """One Xen ELF note, or one NAME=VALUE of a `__xen_guest` section."""

    type: int
    """XEN_ELFNOTE_* number (xen/elfnote.h)."""
    name: str
    """Xen's name of it, without the prefix."""
    value: int | str


@dataclass(frozen=True, slots=True)
class XenParameters:
    """What the kernel's notes ask for, with the builder's defaults filled in (libelf's elf_dom_parms).

    Addresses are in bytes; None stands for upstream's "unset" (all ones).
    """

    notes: tuple[Note, ...]
    guest_os: str
    guest_version: str
    xen_version: str
    loader: str
    pae: PaeMode
    bsd_symtab: bool
    unmapped_initrd: bool
    """MOD_START_PFN: the ramdisk goes last, unmapped, and is told by frame number."""
    virt_base: int | None
    virt_entry: int | None
    virt_hypercall: int | None
    virt_hv_start_low: int | None
    p2m_base: int | None
    """INIT_P2M."""
    elf_paddr_offset: int | None
    phys_entry: int | None
    """PHYS32_ENTRY; for firmware, the ELF's own entry point."""
    virt_kstart: int
    virt_kend: int
    features_supported: int
    features_required: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes and where in their segment they go; what no piece covers is zero."""

    offset: int
    """Bytes from the start of the segment (the kernel's: `KernelImage.start`)."""
    data: Buffer


@dataclass(frozen=True, slots=True)
class KernelImage:
    """A loaded kernel: its format, what its notes say, and its bytes."""

    format: str
    """Name of the loader that took it, as in the loader table."""
    packing: tuple[str, ...]
    """What was undone on the way, outermost first: `("gzip",)`, `("bzImage", "xz")`."""
    guest_type: GuestType
    parameters: XenParameters
    start: int
    """First byte of the kernel segment: virtual for PV, physical for HVM containers."""
    end: int
    """One past its last byte, BSD symbol tables included."""
    entry: int
    """Where vCPU 0 starts."""
    features_active: int
    pieces: tuple[Piece, ...]
    """In ascending order, without overlaps; they may reach behind `end`, to the end of its page."""
    core: Blob = field(compare=False, repr=False)
    """The innermost file, which the pieces are of: an ELF file, or a multiboot-style binary."""
    is_firmware: bool = False
    """HVM firmware: its loader places firmware modules behind it; no other does."""
    warnings: tuple[Diagnostic, ...] = ()
    """What was left out of a damaged file that is built all the same."""
