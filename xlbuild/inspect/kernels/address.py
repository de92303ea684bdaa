"""What lies at an address of a kernel file: `--at` for an image that is in no guest's memory yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from xlbuild.errors import RefusedError, Where
from xlbuild.image.elf import ADDRESS_MASK, ElfFile, ProgramHeader
from xlbuild.image.notes import xen_notes
from xlbuild.inspect.address import parse_address
from xlbuild.inspect.kernels.elf import flags_of, section_name
from xlbuild.inspect.kernels.file import KernelFile
from xlbuild.inspect.kernels.names import KernelNames
from xlbuild.inspect.kernels.notes import note_name
from xlbuild.inspect.memory.hexdump import describe_bytes
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.units import UINT64

_NO_ELF = "create a guest from it, and ask about an address of the directory: `xlbuild inspect --at ADDR DIR`"
_GRAMMAR = (
    "an address is a number, in hex as 0x1000 or decimal; virt:, phys: or file: before it says of what kind"
)
_EXAMPLES = "write 0x1000000, virt:0xffffffff81000000, phys:0x1000000 or file:0x200"


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of address: what it is called, and where a segment begins in its terms."""

    prefix: str
    title: str
    start: Callable[[ProgramHeader], int]
    extent: Callable[[ProgramHeader], int]


_KINDS: tuple[_Kind, ...] = (
    _Kind("virt", "a virtual address (p_vaddr)", lambda s: s.vaddr, lambda s: s.memsz),
    _Kind("phys", "a physical address (p_paddr)", lambda s: s.paddr, lambda s: s.memsz),
    _Kind("file", "an offset into the ELF file", lambda s: s.offset, lambda s: s.filesz),
)
"""In the order in which an address without a prefix is tried."""
_LIMITS = dict.fromkeys(("", *(kind.prefix for kind in _KINDS)), UINT64)


def describe_kernel_address(file: KernelFile, text: str, length: int) -> Branch:
    """Return what lies at an address, in words and as a dump of `length` bytes at most.

    Raises UsageError for what is no address, RefusedError where the kernel has nothing there.
    """
    elf = file.elf
    prefix, number = parse_address(text, _LIMITS, _EXAMPLES)
    if elf is None:
        raise _nothing(file, text, "it is no ELF file, nor is there one in it", _NO_ELF)
    for kind in _KINDS:
        if prefix in ("", kind.prefix) and (segment := _segment_at(elf, kind, number)) is not None:
            return _described(elf, text, kind, segment, (number - kind.start(segment)) & ADDRESS_MASK, length)
    if prefix in ("", "file") and number < elf.blob.size:
        return _in_file(elf, text, number, length)
    raise _nothing(file, text, f"its segments are at {_ranges(elf)}")


def _segment_at(elf: ElfFile, kind: _Kind, number: int) -> ProgramHeader | None:
    return next((s for s in elf.loadable if (number - kind.start(s)) & ADDRESS_MASK < kind.extent(s)), None)


def _described(
    elf: ElfFile, text: str, kind: _Kind, segment: ProgramHeader, distance: int, length: int
) -> Branch:
    """Describe what is `distance` bytes into a segment."""
    virtual, offset = (segment.vaddr + distance) & ADDRESS_MASK, segment.offset + distance
    in_file = distance < segment.filesz
    index = next(n for n, each in enumerate(elf.program_headers()) if each == segment)
    words = list(_words(KernelNames(elf), index, segment, virtual))
    if in_file:
        words += _note_at(elf, offset)
    else:
        words.append("behind the bytes that the file has: zero when it is loaded")
    room = min(length, segment.filesz - distance) if in_file else 0
    return {
        "asked": text,
        "understood": kind.title,
        "what": ", ".join(words),
        "virtual": hexadecimal(virtual),
        "physical": hexadecimal((segment.paddr + distance) & ADDRESS_MASK),
        "file_offset": hexadecimal(offset) if in_file else None,
        "dump": _dump(elf, offset, room, (kind.start(segment) + distance) & ADDRESS_MASK),
    }


def _words(names: KernelNames, index: int, segment: ProgramHeader, virtual: int) -> Iterator[str]:
    yield f"segment {index} ({flags_of(segment)})"
    if (section := names.section_at(virtual)) is not None:
        yield f"section {section.name} + {section.bytes:#x}"
    if (symbol := names.symbol_at(virtual)) is not None:
        yield f"symbol {symbol.name} + {symbol.bytes:#x}"


def _note_at(elf: ElfFile, offset: int) -> Iterator[str]:
    """Yield the Xen note that is at an offset into the file, if there is one."""
    for note in xen_notes(elf):
        if note.offset <= offset < note.offset + note.size:
            yield f"note {note_name(note)} + {offset - note.offset:#x}"
            return


def _in_file(elf: ElfFile, text: str, offset: int, length: int) -> Branch:
    """Describe what is in the file and in no segment that is loaded."""
    names = (
        f"section {name}"
        for section in elf.section_headers()
        if section.offset <= offset < section.offset + section.size and (name := section_name(elf, section))
    )
    return {
        "asked": text,
        "understood": "an offset into the ELF file",
        "what": ", ".join(["in no segment that is loaded", *islice(names, 1), *_note_at(elf, offset)]),
        "file_offset": hexadecimal(offset),
        "dump": _dump(elf, offset, length, offset),
    }


def _dump(elf: ElfFile, offset: int, length: int, address: int) -> list[Tree]:
    return list(describe_bytes(elf.blob.data[offset : offset + length].tobytes(), address))


def _ranges(elf: ElfFile) -> str:
    places = [
        f"{s.vaddr:#x}..{s.vaddr + s.memsz:#x} (physical {s.paddr:#x})" for s in elf.loadable[:_MOST_RANGES]
    ]
    more = len(elf.loadable) - len(places)
    return "; ".join(places + ([f"and {more} more"] if more > 0 else [])) or "none"


_MOST_RANGES = 16


def _nothing(file: KernelFile, text: str, cause: str, mend: str = _GRAMMAR) -> RefusedError:
    return RefusedError(
        "address-outside",
        f"the kernel has nothing at {text}",
        cause=cause,
        hint=mend,
        where=Where(file.given.name),
    )
