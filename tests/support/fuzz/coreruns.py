"""Running inputs that are dump-cores: read, and made domains of."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import corefiles as cf
from dice import Dice

from fuzz.bytemutations import MOST_BYTES, mutated
from fuzz.model import Field, Seed, Seeds, promise
from fuzz.promises import check_error
from xlbuild.captured.model import DumpCore
from xlbuild.emit.core.read import read_core_data
from xlbuild.emit.digest import memory_digests
from xlbuild.errors import RefusedError
from xlbuild.recovery import recover_core

_HEAD = 64 + 8 * 64
"""Bytes of the ELF header and the section headers."""


@cache
def cores() -> tuple[cf.Core, ...]:
    """Dump-cores by their parts: of guests that have not run, and of one that has."""
    return (
        cf.pv_core(),
        cf.pv_core(pages=cf.pv_pages(marks=1 << 52 | 1 << 2, xens=0x1234063)),
        cf.pvh_core(),
        cf.pvh_core(contexts=[cf.hvm_context(cr0=0x80000011)] * 2),
    )


@cache
def core_files() -> Seeds:
    """The same as whole files."""
    return tuple(_seed(core) for core in cores())


def _seed(core: cf.Core) -> Seed:
    """Return a file, and where its headers, its notes, its tables and what leads on in memory stand."""
    data = cf.core_file(core)
    fields = [Field(at, 2) for at in range(16, 64, 2)]
    fields += [Field(at, 8) for at in range(64, min(_HEAD, len(data)) - 8, 8)]
    sections = read_core_data(data, "seed").sections
    places = {section.name: (section.offset, section.size) for section in sections}
    notes, _ = places[cf.NOTES]
    fields += [Field(notes + at, 4) for at in range(0, 112, 4)]
    for name, most, size in (
        (cf.PRSTATUS, 5168, 8),
        (cf.TABLES[core.is_pv], 1 << 12, 8),
    ):
        at, room = places[name]
        fields += [Field(at + n, size) for n in range(0, min(room, most) - size + 1, size)]
    pages, _ = places[cf.PAGES]
    leading = range(cf.START_INFO, cf.L1 + 1) if core.is_pv else range(1, 3)
    for number in leading:
        start = pages + number * cf.PAGE
        words = [
            at
            for at in range(start, min(start + cf.PAGE, len(data)) - 8, 8)
            if data[at : at + 8].strip(b"\0")
        ]
        fields += [Field(at, 8) for at in words]
    return Seed(data, tuple(fields))


def core_mutation(dice: Dice, seeds: Seeds) -> bytes:
    """Return a dump-core with changed numbers, or with sections, notes, pages or frames that are not as they were."""
    if dice.chance(60):
        return mutated(dice, seeds)
    core = dice.choice(cores())
    for _ in range(1 + dice.randrange(3)):
        core = dice.choice(_CHANGES)(dice, core)
    data = cf.core_file(core)
    if dice.chance(30):
        return mutated(dice, (Seed(data),), 2)
    return data[:MOST_BYTES]


def _frames(dice: Dice, core: cf.Core) -> cf.Core:
    """Give pages other frames: none, the same as others, such as cannot be."""
    frames = list(core.frames)
    at = dice.randrange(len(frames))
    frame = dice.pick(
        0, 1, (1 << 64) - 1, 1 << 40, (1 << 40) - 1, cf.mfn(0), dice.randrange(cf.PV_FRAMES + 2)
    )
    frames[at] = (frame, frames[at][1]) if dice.chance(50) else (frames[at][0], frame)
    return core.changed(frames=frames)


def _exchange(dice: Dice, core: cf.Core) -> cf.Core:
    pages = list(core.pages)
    a, b = dice.randrange(len(pages)), dice.randrange(len(pages))
    pages[a], pages[b] = pages[b], pages[a]
    return core.changed(pages=pages)


def _registers(dice: Dice, core: cf.Core) -> cf.Core:
    make = cf.context if core.is_pv else cf.hvm_context
    names = ("rip", "rsp", "rsi", "rdx", "cr3") if core.is_pv else ("rip", "rbx", "cr0")
    values = (0, 1, cf.BASE, cf.BASE + cf.PAGE, 0x101000, 1 << 52, (1 << 64) - 1, dice.randrange(1 << 32))
    contexts = [make(**{dice.choice(names): dice.choice(values)}) for _ in range(dice.pick(1, 1, 1, 2))]
    size = dice.pick(5168, 5168, 2800)
    return core.changed(contexts=[context[:size] for context in contexts])


def _start_info(dice: Dice, core: cf.Core) -> cf.Core:
    pages = list(core.pages)
    number = dice.pick(0, 1, 8, 10, 129, 1 << 20, cf.BASE + cf.PAGE, 1 << 40, (1 << 64) - 1)
    if core.is_pv:
        name = dice.pick("nr_pages", "flags", "mod_start", "mod_len")
        fields = {name: number & 0xFFFFFFFF if name == "flags" else number, "mod_len": dice.pick(0, 1, 8192)}
        pages[cf.START_INFO] = cf.start_info(cf.mfn(3), dice.pick(cf.mfn(4), 4, 0), **fields)
    else:
        name = dice.pick("cmdline", "memmap", "entries", "modules")
        limit = 1 << 32 if name in ("entries", "modules") else 1 << 64
        pages[2] = cf.hvm_start_info(**{name: number % limit})
    return core.changed(pages=pages)


def _sections(dice: Dice, core: cf.Core) -> cf.Core:
    """Have a section of another size, or one more."""
    name = dice.pick(cf.NOTES, cf.PRSTATUS, cf.SHARED_INFO, cf.PAGES, ".xen_p2m", ".xen_pfn", ".xen_more")
    return core.changed(more={name: bytes(dice.pick(0, 1, 8, 16, 4096, 5168, 8192))})


def _notes(dice: Dice, core: cf.Core) -> cf.Core:
    changes: dict[str, int] = {
        dice.pick("magic", "page_size", "version"): dice.pick(0, 1, 4096, 0xF00FEBED, 0xF00FEBEE, 1 << 32)
    }
    return core.changed(notes=cf.notes(core, **changes))


_CHANGES: tuple[Callable[[Dice, cf.Core], cf.Core], ...] = (
    _frames,
    _exchange,
    _registers,
    _start_info,
    _sections,
    _notes,
)


def run_core_file(data: bytes) -> str:
    """Read a dump-core and all of its memory, and the domain in it."""
    try:
        core = read_core_data(data, "guest.core")
    except RefusedError as error:
        return check_error(error, len(data))
    check_core(core, len(data))
    try:
        domain = recover_core(core)
    except RefusedError as error:
        return check_error(error)
    for segment in (*domain.segments, *domain.firmware_modules):
        is_there = any(there.covers(segment.frames) for there in domain.populated)
        promise(is_there or not segment.pages, "a segment lies in memory", segment.name)
    return "a domain"


def check_core(core: DumpCore, size: int) -> None:
    """Check what was read of a file of so many bytes."""
    frames = sum(item.pages for item in core.memory.populated)
    promise(frames <= core.pages <= size // cf.PAGE, "each frame has a page in the file")
    promise(
        all(section.offset + section.size <= size for section in core.sections), "a section lies in the file"
    )
    promise((core.machine_frames is not None) == core.is_pv, "a PV guest has machine frames")
    memory_digests(core.memory, ())
