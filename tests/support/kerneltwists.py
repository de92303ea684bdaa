"""What may be odd or wrong about a kernel: each twist changes a draft in one way, and most kernels survive it."""

import struct
from collections.abc import Callable

from dice import Dice
from kerneldraft import MASK, Draft
from kernels import EM_386, EM_AARCH64, EM_ARM, EM_X86_64, PT_NOTE, Load, Value, note
from randombinary import table


def _note_of_odd_size(dice: Dice, draft: Draft) -> None:
    numbers = [n for n, (_, value) in enumerate(draft.notes) if isinstance(value, int)]
    if numbers:
        index = dice.choice(numbers)
        name, value = draft.notes[index]
        assert isinstance(value, int)
        draft.notes[index] = (name, struct.pack("<Q", value & MASK)[: dice.pick(0, 1, 2, 3, 4, 5, 7)])


def _note_twice(dice: Dice, draft: Draft) -> None:
    if draft.notes:
        name, value = dice.choice(draft.notes)
        draft.notes.insert(dice.place(len(draft.notes)), (name, value if dice.chance(50) else 1))


def _note_missing(dice: Dice, draft: Draft) -> None:
    if draft.notes:
        del draft.notes[dice.place(len(draft.notes))]


def _note_wrong(dice: Dice, draft: Draft) -> None:
    wrong: tuple[tuple[str, Value], ...] = (
        ("XEN_VERSION", "xen-2.0"),
        ("LOADER", "special"),
        ("ENTRY", draft.start - 1 & MASK),
        ("ENTRY", draft.start + 0x800_0000 & MASK),
        ("VIRT_BASE", draft.start + 0x1000 & MASK),
        ("VIRT_BASE", MASK),
        ("PADDR_OFFSET", 0x1000),
        ("INIT_P2M", draft.start),
        ("INIT_P2M", draft.start + 0x800 & MASK),
        ("HYPERCALL_PAGE", draft.start - 0x1000 & MASK),
        ("PHYS32_ENTRY", 1),
        ("FEATURES", "!no_such_thing"),
        ("FEATURES", "!dom0"),
        ("FEATURES", "!auto_translated_physmap"),
        ("FEATURES", b"no NUL"),
        ("PAE_MODE", b"yes"),
    )
    draft.notes.append(dice.choice(wrong))


def _notes_elsewhere(dice: Dice, draft: Draft) -> None:
    draft.notes_in = "section"


def _notes_in_two_segments(dice: Dice, draft: Draft) -> None:
    cut = dice.place(len(draft.notes) + 1)
    first, draft.notes = draft.notes[:cut], draft.notes[cut:]
    data = b"".join(note(name, value, bits=draft.bits, order=draft.order) for name, value in first)
    place = dice.pick(0, len(draft.loads))
    draft.loads.insert(place, Load(0, data, 0, flags=4, header={"p_type": PT_NOTE}))


_OTHERS_NOTES: tuple[tuple[str | int, Value], ...] = (
    ("GUEST_OS", "odd"),
    ("ENTRY", b"\1\2\3\4"),
    ("PAE_MODE", "yes"),
    (3, b"\0" * 8),
)


def _notes_of_others(dice: Dice, draft: Draft) -> None:
    kind, value = dice.choice(_OTHERS_NOTES)
    owner = dice.pick(b"GNU\0", b"xen\0", b"Xen", b"Xen\0Y", b"XenY\0", b"", b"Linux\0")
    draft.raw_notes += note(kind, value, name=owner)


def _notes_badly_placed(dice: Dice, draft: Draft) -> None:
    draft.note_header = dice.pick(
        {"p_offset": 0},
        {"p_filesz": 1 << 30},
        {"p_filesz": 40},
        {"p_filesz": 3},
        {"p_offset": 1 << 30},
        {"p_type": 1},
    )


def _segment_header(dice: Dice, draft: Draft) -> None:
    """Change a program header's field."""
    index = dice.place(len(draft.loads))
    load = draft.loads[index]
    size = len(load.data)
    change = dice.pick(
        {"p_flags": 0},
        {"p_flags": dice.pick(1, 2, 4, 8)},
        {"p_type": dice.pick(0, 2, 6, 0x6474_E551)},
        {"p_filesz": (load.memsz or size) + dice.pick(1, 0x800, 0x8000)},
        {"p_filesz": dice.place(size + 1)},
        {"p_memsz": dice.place(size + 1)},
        {"p_memsz": dice.pick(0, 0x100_0000, 0x1000_0000, 0x2000_0000, (1 << 64) - 0x1000)},
        {"p_offset": dice.pick(0, 0x40, 1 << 20, (1 << 64) - 0x400)},
        {"p_paddr": (load.paddr or 0) + dice.pick(-0x1000, 0x800, 0x1000, 0x400_0000, 1 << 32)},
        {"p_vaddr": dice.getrandbits(32)},
        {"p_align": dice.pick(0, 3, 1 << 21)},
    )
    draft.loads[index] = Load(
        load.vaddr, load.data, load.paddr, load.memsz, load.flags, {**load.header, **change}
    )


def _segments_overlap(dice: Dice, draft: Draft) -> None:
    load = dice.choice(draft.loads)
    at = dice.pick(0, 1, 0x800, dice.place(len(load.data) + 1))
    data = dice.randbytes(dice.pick(1, 50, 5000))
    over = Load(load.vaddr + at & MASK, data, (load.paddr or 0) + at & MASK, len(data) + dice.pick(0, 0, 700))
    draft.loads.insert(dice.place(len(draft.loads) + 1), over)


def _segment_far_away(dice: Dice, draft: Draft) -> None:
    load = draft.loads[-1]
    far = dice.pick(0x20_0000, 0x100_0000, 0x800_0000, 0x2000_0000, -0x10_0000)
    extra = Load(
        load.vaddr + far & MASK, dice.randbytes(200), (load.paddr or 0) + far & MASK, dice.pick(200, 0, 5000)
    )
    draft.loads.append(extra)


def _header_field(dice: Dice, draft: Draft) -> None:
    """Change a field of the ELF header."""
    draft.header |= dice.pick(
        {"e_machine": dice.pick(EM_386, EM_X86_64, 0, 243)},
        {"e_machine": dice.pick(EM_ARM, EM_AARCH64)},
        {"e_type": dice.pick(0, 1, 3, 4)},
        {"e_version": 7},
        {"e_entry": dice.pick(0, draft.start, draft.start + 0x1000_0000)},
        {"e_phnum": dice.pick(0, 1, 60000)},
        {"e_phentsize": dice.pick(0, 32, 56, 60)},
        {"e_phoff": dice.pick(0, 52, 64, 1 << 20)},
        {"e_shnum": dice.pick(0, 1, 2, 5000)},
        {"e_shentsize": dice.pick(0, 40, 64)},
        {"e_shoff": dice.pick(0, 1 << 20)},
        {"e_shstrndx": dice.pick(0, 77)},
    )


def _big_endian(dice: Dice, draft: Draft) -> None:
    draft.order = ">"


def _guest_string_too(dice: Dice, draft: Draft) -> None:
    draft.guest_string = [*draft.guest_string, f"LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE={draft.base:#x}"]


def _unaligned_base(dice: Dice, draft: Draft) -> None:
    draft.notes.append(("VIRT_BASE", draft.base + dice.pick(2, 0x10, 0x800) & MASK))


def _table_inside(dice: Dice, draft: Draft) -> None:
    """Put a multiboot table into the first segment's data, within the first 8 KiB of the file or just behind."""
    load = draft.loads[0]
    words = table(dice, draft.start, dice.randrange(0x4000))
    at = dice.place(max(len(load.data) - len(words), 1)) & ~3
    data = load.data[:at] + words + load.data[at + len(words) :]
    draft.loads[0] = Load(
        load.vaddr, data, load.paddr, max(load.memsz or 0, len(data)), load.flags, load.header
    )


TWISTS: tuple[tuple[float, Callable[[Dice, Draft], None]], ...] = (
    (6, _notes_elsewhere),
    (4, _notes_in_two_segments),
    (4, _notes_of_others),
    (4, _note_twice),
    (3, _note_wrong),
    (2, _note_missing),
    (3, _note_of_odd_size),
    (2, _notes_badly_placed),
    (5, _segments_overlap),
    (4, _segment_header),
    (2, _segment_far_away),
    (3, _header_field),
    (1, _big_endian),
    (2, _guest_string_too),
    (2, _unaligned_base),
    (1, _table_inside),
)
