"""Random kernels: ELF files of each kind with good notes and layouts, then twists that most of them survive.

`kernel` makes one for a kind of guest. Each part throws its own dice and knows nothing of the others.
"""

import struct
from collections.abc import Callable

from dice import Dice
from kerneldraft import MASK, Draft
from kernels import SHT_STRTAB, SHT_SYMTAB, Load, Section, Value
from kerneltwists import TWISTS
from randombinary import multiboot

HIGH = 0xFFFF_FFFF_8000_0000

_BASES = {
    64: (
        *(HIGH,) * 8, 0, 0, 0x10_0000, 0x4000_0000, 0x4030_0000, 0x7F_C000_0000, 0xFFFF_8000_0000_0000, HIGH + 0x1000,
        HIGH + 0xF_F000, HIGH + 0x30_0000, HIGH + 0x4000_0000,
    ),
    32: (*(0xC000_0000,) * 6, 0, 0x4000_0000, 0x8000_0000, 0x8000_0000, 0xBFC0_0000, 0xC010_0000, 0xF000_0000),
}  # fmt: skip
_PV_STARTS = (*(0x10_0000,) * 6, 0, 0x1000, 0x9_F000, 0x20_0000, 0x3F_F000, 0x40_0000, 0x100_0000)
_PVH_STARTS = (*(0x10_0000,) * 6, 0, 0x1000, 0x9_F000, 0xA_0000, 0xF_0000, 0xF_F000, 0x20_0000, 0x100_0000)
_FIRMWARE_STARTS = (*(0x10_0000,) * 6, 0x1000, 0x8_0000, 0x9_F000, 0xC_0000, 0xF_F000, 0x20_0000)

_FEATURES = (
    "writable_page_tables", "writable_descriptor_tables", "supervisor_mode_kernel", "pae_pgdir_above_4gb",
    "hvm_callback_vector", "!writable_page_tables", "!pae_pgdir_above_4gb", "!supervisor_mode_kernel",
    "no_such_thing", "auto_translated_physmap", "dom0", "", "x" * 70,
)  # fmt: skip


def _segments(dice: Dice, base: int, start: int, paddr_offset: int = 0) -> list[Load]:
    """Return one to four segments with gaps, zeros behind their data and odd sizes, sometimes in disorder."""
    loads = []
    at = start
    for _ in range(dice.pick(1, 1, 2, 2, 3, 4)):
        size = dice.pick(1, 100, 4096, 5000, 0x8000, dice.randrange(1, 0x4000))
        memory = size + dice.pick(0, 0, 0, 1, 5000, 0x1_0000, dice.randrange(0x8000), 0x3F_0000)
        loads.append(Load(base + at & MASK, dice.randbytes(size), at + paddr_offset & MASK, memory))
        at += memory + dice.pick(0, 0, 1, 4096, dice.randrange(0x2_0000))
        if dice.chance(70):
            at = (at + 4095) & ~4095
    if dice.chance(15):
        dice.shuffle(loads)
    return loads


def _entry(dice: Dice, start: int, loads: list[Load]) -> int:
    first = min(loads, key=lambda load: load.paddr or 0)
    return start + dice.pick(0, 0, 0x40, dice.place(len(first.data)))


def _identity(dice: Dice) -> list[tuple[str | int, Value]]:
    """Return the notes that say a kernel is one of Xen's."""
    names: list[tuple[str | int, Value]] = [("XEN_VERSION", dice.pick(*("xen-3.0",) * 6, "xen-3.0-x86_64"))]
    os = dice.pick("test", "linux", "linux", "linux-2.6", "a name of more than sixteen characters")
    if dice.chance(90):
        names.append(("GUEST_OS", os))
    if dice.chance(90) or not os.startswith("linux"):
        names.append(("LOADER", dice.pick("generic", "generic", "generic-loader")))
    if dice.chance(50):
        names.append(("GUEST_VERSION", dice.pick("1.0", "", "2.6" * 10)))
    return names


def _features(dice: Dice) -> str:
    weights = [8] * 9 + [2, 1, 4, 1]
    return "|".join(dice.choices(_FEATURES, weights, k=dice.pick(1, 1, 2, 3)))


def _options(dice: Dice, draft: Draft) -> None:
    """Add notes that any kernel may have."""
    draft.notes += dice.some(
        (
            (35, ("MOD_START_PFN", dice.pick(1, 1, 1, 0, 7))),
            (30, ("FEATURES", _features(dice))),
            (25, ("SUPPORTED_FEATURES", dice.pick(1 << 15, 1 << 15, 0x801, dice.getrandbits(16) & ~0x804))),
            (10, ("HV_START_LOW", dice.pick(0xF580_0000, 0))),
            (10, ("L1_MFN_VALID", struct.pack("<QQ", 1, 1))),
            (10, ("SUSPEND_CANCEL", 1)),
            (5, (19, dice.randbytes(12))),
            (5, (dice.randrange(20, 1 << 32), "unknown")),
        )
    )


def pv64(dice: Dice) -> Draft:
    """Return a 64-bit PV kernel."""
    return _pv(dice, 64)


def pv32(dice: Dice) -> Draft:
    """Return a 32-bit PV kernel, with PAE nearly always."""
    draft = _pv(dice, 32)
    pae = dice.weighted(((8, "yes"), (4, "yes,bimodal"), (1, "bimodal"), (1, "no"), (0.5, "yesterday")))
    draft.notes.append(("PAE_MODE", pae))
    return draft


def _pv(dice: Dice, bits: int) -> Draft:
    base, start = dice.pick(*_BASES[bits]), dice.pick(*_PV_STARTS)
    offset = dice.pick(0, 0, 0, base, 0x10_0000)
    draft = Draft(bits, base, _segments(dice, base, start, offset), _identity(dice))
    entry = _entry(dice, base + start, draft.loads)
    if base or dice.chance(50):
        draft.notes.append(("VIRT_BASE", base))
    if offset or dice.chance(10):
        draft.notes.append(("PADDR_OFFSET", offset))
        draft.notes += [] if any(name == "VIRT_BASE" for name, _ in draft.notes) else [("VIRT_BASE", base)]
    if dice.chance(85):
        draft.notes.append(("ENTRY", entry))
    else:
        draft.header["e_entry"] = entry
    draft.notes += dice.some(
        (
            (35 if bits == 64 else 10, ("INIT_P2M", _p2m_place(dice, base))),
            (35, ("HYPERCALL_PAGE", base + start + dice.pick(0, 0x1000, 0x40, 0x2000) & MASK)),
            (1, ("HYPERCALL_PAGE", base + dice.pick(0x1000_0000, 0x3F_F000) & MASK)),
            (8, ("PHYS32_ENTRY", start)),
        )
    )
    if dice.chance(20):
        _add_symbols(dice, draft)
    _options(dice, draft)
    return draft


def _p2m_place(dice: Dice, base: int) -> int:
    below = tuple(
        base - distance & MASK for distance in (0x1000, 0x10_0000, 0x10_1000, 0x18_0000, 0x20_0000, 0x80_0000)
    )
    return dice.pick(
        *(0x80_0000_0000,) * 8, 0, 0x1000, 0x123, 0x3F_FFFF_F000, 0x80_001F_F000, 0xFFFF_FFFF_0000_0000,
        0xFFFF_FFFF_7FE0_0000, 0xFFFF_FFFF_7FFF_F000, 0xFFFF_8800_0000_0000, *below,
    )  # fmt: skip


def _add_symbols(dice: Dice, draft: Draft) -> None:
    """Add a symbol and a string table and, beside other notes, mostly the one that asks for them."""
    strings_index = len(draft.sections) + 2 + bool(draft.notes)
    entry_size = 24 if draft.bits == 64 else 16
    symbols = dice.randbytes(entry_size * dice.pick(1, 3, 40)) + dice.pick(b"", b"", b"", b"odd")
    strings = b"\0" + dice.randbytes(dice.pick(3, 19, 300, dice.randrange(2000)))
    link = dice.weighted(((20, strings_index), (1, 0), (1, 1), (1, 77)))
    draft.sections.append(Section(".symtab", SHT_SYMTAB, symbols, 8, link=link, entsize=entry_size))
    draft.sections.append(Section(".strtab", SHT_STRTAB, strings, 1))
    if draft.notes and dice.chance(90):
        draft.notes.append(("BSD_SYMTAB", dice.pick("yes", "yes", "yes", "yes,please", "no")))


def legacy(dice: Dice) -> Draft:
    """Return a PV kernel whose notes are a `__xen_guest` string."""
    bits = dice.pick(64, 64, 32)
    base, start = dice.pick(*_BASES[bits]), dice.pick(*_PV_STARTS)
    virtual = dice.chance(
        75
    )  # its physical addresses are its virtual ones: what such a string means by default
    draft = Draft(bits, base, _segments(dice, base, start, base if virtual else 0))
    entry = _entry(dice, base + start, draft.loads)
    draft.header["e_entry"] = entry
    number = dice.pick("{:#x}", "{:#X}", "{}", "0{:o}").format
    pairs = ["XEN_VER=xen-3.0", dice.pick("LOADER=generic", "GUEST_OS=linux", "LOADER=generic,GUEST_OS=test")]
    pairs += [] if virtual and dice.chance(80) else [f"ELF_PADDR_OFFSET={number(base if virtual else 0)}"]
    pairs += dice.some(
        (
            (95, f"VIRT_BASE={number(base)}"),
            (50, f"VIRT_ENTRY={number(entry)}"),
            (50, f"HYPERCALL_PAGE={number((start >> 12) + 1)}"),
            (30, f"FEATURES={_features(dice)}"),
            (20, "BSD_SYMTAB=" + dice.pick("yes", "no")),
            (20, "GUEST_VER=1.0"),
            (
                100 if bits == 32 else 20,
                dice.pick("PAE=yes", "PAE=yes[extended-cr3]", "PAE=yes[extended-cr3]", "PAE=no"),
            ),
            (5, "NONSENSE=" + "v" * dice.randrange(200)),
            (5, dice.pick("", "=x", " LOADER=generic", "PAE", "VIRT_BASE")),
        )
    )
    dice.shuffle(pairs)
    draft.guest_string = pairs
    if dice.chance(40):
        _add_symbols(dice, draft)
    return draft


def pvh(dice: Dice) -> Draft:
    """Return a PVH kernel; some are PV kernels as well, as Linux is."""
    if dice.chance(25):
        draft = _pv(dice, 64)
        physical = [load.paddr or 0 for load in draft.loads]
        draft.notes.append(("PHYS32_ENTRY", min(physical) + dice.pick(0, 0, 1)))
        return draft
    bits = dice.pick(32, 32, 64)
    base = dice.pick(0, 0, HIGH if bits == 64 else 0xC000_0000)
    start = dice.pick(*_PVH_STARTS) + dice.weighted(((97, 0), (3, 0x10)))
    draft = Draft(bits, base, _segments(dice, base, start))
    entry = _entry(dice, start, draft.loads)
    draft.header["e_entry"] = entry
    draft.notes = [*(_identity(dice) if dice.chance(85) else []), ("PHYS32_ENTRY", entry)]
    draft.notes += dice.some(
        ((15, ("VIRT_BASE", base)), (10, ("ENTRY", base + entry)), (5, ("INIT_P2M", base)))
    )
    if dice.chance(10):
        _add_symbols(dice, draft)
    _options(dice, draft)
    return draft


def firmware(dice: Dice) -> Draft:
    """Return an ELF file without notes, as hvmloader is one; rarely for another machine than a 386."""
    bits = dice.weighted(((12, 32), (1, 64)))
    start = dice.pick(*_FIRMWARE_STARTS) + dice.weighted(((97, 0), (3, 0x123)))
    draft = Draft(bits, 0, _segments(dice, 0, start))
    draft.header["e_entry"] = _entry(dice, start, draft.loads)
    if dice.chance(10):
        draft.notes = _identity(dice)[:1]
    return draft


def _twisted(dice: Dice, make: Callable[[Dice], Draft]) -> tuple[bytes, str]:
    draft = make(dice)
    dice.shuffle(draft.notes)
    draft.align = dice.pick(16, 16, 4096, 1)
    label = make.__name__
    while dice.chance(30):
        twist = dice.weighted(TWISTS)
        twist(dice, draft)
        label += f", {twist.__name__.strip('_').replace('_', ' ')}"
    return draft.file(), label


def elf(make: Callable[[Dice], Draft]) -> Callable[[Dice], tuple[bytes, str]]:
    """Return a maker of files out of a maker of drafts."""
    return lambda dice: _twisted(dice, make)


KERNELS: dict[str, tuple[tuple[float, Callable[[Dice], tuple[bytes, str]]], ...]] = {
    "pv": (
        (55, elf(pv64)),
        (20, elf(pv32)),
        (10, elf(legacy)),
        (9, multiboot),
        (4, elf(pvh)),
        (2, elf(firmware)),
    ),
    "pvh": ((84, elf(pvh)), (4, elf(pv64)), (2, elf(legacy)), (8, elf(firmware)), (2, multiboot)),
    "hvm": ((70, elf(firmware)), (18, elf(pvh)), (8, elf(pv64)), (2, elf(pv32)), (2, multiboot)),
}
"""For each type of guest, what its kernel (HVM: its firmware) may be, the wrong things among them."""


def kernel(dice: Dice, guest_type: str) -> tuple[bytes, str]:
    """Return a kernel file for a type of guest, and what it is."""
    return dice.weighted(KERNELS[guest_type])(dice)
