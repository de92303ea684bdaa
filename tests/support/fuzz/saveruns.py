"""Running inputs that are save files: read, with all of their memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path

import savefiles
from dice import Dice

from fuzz import domainruns
from fuzz.bytemutations import MOST_BYTES, mutated
from fuzz.model import Field, Seed, Seeds, promise
from fuzz.promises import check_error
from xlbuild import api
from xlbuild.captured.model import SaveFile
from xlbuild.emit.digest import memory_digests
from xlbuild.emit.save.read import read_save_data
from xlbuild.errors import RefusedError

Pieces = Sequence[bytes]

_FIELDS_OF_A_PIECE = 24
"""Words at the start of a piece to which changes are drawn."""


@cache
def save_pieces() -> tuple[Pieces, ...]:
    """Save files by their headers and records: of guests that ran, and what the program itself writes."""
    return (
        savefiles.pv_pieces(),
        savefiles.pvh_pieces(vcpus=2),
        savefiles.pv_pieces()[1:],
        savefiles.with_device_model(),
        *(_pieces(data) for data in _written()),
    )


@cache
def save_files() -> Seeds:
    """The same as whole files."""
    return tuple(Seed(savefiles.save_file(pieces), _fields(pieces)) for pieces in save_pieces())


def _written() -> list[bytes]:
    """Return save files of small domains that were built for it."""
    written = []
    for domain in domainruns.travelling():
        with tempfile.TemporaryDirectory() as scratch:
            api.write_save(domain, Path(scratch) / "save")
            data = (Path(scratch) / "save").read_bytes()
        assert len(data) < MOST_BYTES
        written.append(data)
    return written


def _pieces(data: bytes) -> Pieces:
    """Return the headers and records of a save file that is right."""
    save = read_save_data(data, "seed")
    offsets = sorted(record.offset for record in (*save.libxl_records, *save.records))
    headers = len(savefiles.libxc_headers(1))
    starts = [0, offsets[0] - len(savefiles.libxl_header()), *offsets, save.records[0].offset - headers]
    starts = sorted(set(starts))
    return [
        data[first:end] for first, end in zip(starts, [*starts[1:], len(data)], strict=True) if first < end
    ]


def _fields(pieces: Pieces) -> tuple[Field, ...]:
    """Return the words that headers and records begin with."""
    starts = accumulate((len(piece) for piece in pieces), initial=0)
    return tuple(
        Field(start + at, 4)
        for start, piece in zip(starts, pieces, strict=False)
        for at in range(0, min(len(piece) - 3, 4 * _FIELDS_OF_A_PIECE), 4)
    )


def save_mutation(dice: Dice, seeds: Seeds) -> bytes:
    """Return a save file with changed bytes, or with records left out, repeated, exchanged, resized or retyped."""
    if dice.chance(50):
        return mutated(dice, seeds)
    pieces = list(dice.choice(save_pieces()))
    for _ in range(1 + dice.randrange(3)):
        dice.choice(_CHANGES)(dice, pieces)
    data = savefiles.save_file(pieces)
    if dice.chance(30):
        return mutated(dice, (Seed(data, _fields(pieces)),), 2)
    return data[:MOST_BYTES]


def _leave_out(dice: Dice, pieces: list[bytes]) -> None:
    del pieces[dice.randrange(len(pieces))]
    pieces.append(b"")


def _repeat(dice: Dice, pieces: list[bytes]) -> None:
    at = dice.randrange(len(pieces))
    pieces[at:at] = [pieces[at]] * dice.pick(1, 1, 2, 30)


def _exchange(dice: Dice, pieces: list[bytes]) -> None:
    a, b = dice.randrange(len(pieces)), dice.randrange(len(pieces))
    pieces[a], pieces[b] = pieces[b], pieces[a]


def _borrow(dice: Dice, pieces: list[bytes]) -> None:
    """Put in a piece of another file."""
    pieces.insert(dice.randrange(len(pieces)), dice.choice(dice.choice(save_pieces())))


def _resize(dice: Dice, pieces: list[bytes]) -> None:
    at = dice.randrange(len(pieces))
    kind, body = pieces[at][:4], pieces[at][8:]
    size = dice.pick(0, 4, 8, len(body) - 8, len(body) + 8, len(body) // 2, len(body) * 2)
    body = body[: max(size, 0)].ljust(max(size, 0), b"\1")
    pieces[at] = savefiles.record(int.from_bytes(kind, "little"), body)


def _retype(dice: Dice, pieces: list[bytes]) -> None:
    at = dice.randrange(len(pieces))
    kind = dice.randrange(0x14) | dice.pick(0, 0, 1 << 31)
    pieces[at] = kind.to_bytes(4, "little") + pieces[at][4:]


def _pages(dice: Dice, pieces: list[bytes]) -> None:
    """Put in pages of any type, for any frames."""
    first = dice.pick(0, 5, 12, 1 << 20, (1 << 40) - 4, 1 << 52)
    entries = [(dice.randrange(16), first + at * dice.pick(1, 1, 0, 7)) for at in range(dice.randrange(1, 6))]
    data = [savefiles.page(dice.randrange(256)) for kind, _ in entries if kind < savefiles.BROKEN]
    pieces.insert(dice.randrange(len(pieces)), savefiles.page_data(entries, data))


_CHANGES: tuple[Callable[[Dice, list[bytes]], None], ...] = (
    _leave_out,
    _repeat,
    _exchange,
    _borrow,
    _resize,
    _retype,
    _pages,
)
"""Of whole records."""


def run_save_file(data: bytes) -> str:
    """Read a save file, and all of its memory."""
    try:
        save = read_save_data(data, "guest.save")
    except RefusedError as error:
        return check_error(error, len(data))
    check_save(save, len(data))
    return "read"


def check_save(save: SaveFile, size: int) -> None:
    """Check what was read of a file of so many bytes."""
    frames = sum(item.pages for item in save.memory.populated)
    pages = save.pages
    promise(sum(pages.by_type.values()) == pages.entries, "each entry has a type")
    missing = pages.by_type.get(savefiles.XTAB, 0)
    promise(frames == pages.entries - missing - pages.repeated, "each frame has an entry")
    promise(all(record.offset + 8 <= size for record in save.records), "a record lies in the file")
    promise(
        all(pfn < save.memory.end and 1 <= kind.level <= 4 for pfn, kind in save.page_types.items()),
        "a page table is a page",
    )
    if frames < 1 << 20:
        memory_digests(save.memory, ())
