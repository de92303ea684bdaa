"""Running inputs that are compared with others: domains, kernels, files of any kind; and paths to be ignored."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from dice import Dice
from kernels import pattern
from symboltables import BASE, LABEL, OBJECT, Part, Symbol, kernel

from fuzz import domainruns, fileseeds, seeds
from fuzz.bytemutations import mutated
from fuzz.elffields import seed
from fuzz.jsonmutations import json_mutation
from fuzz.kernelruns import MOST_OUTPUT
from fuzz.model import Seed, Seeds, promise
from fuzz.promises import check_error
from fuzz.showings import check_shown
from xlbuild import api
from xlbuild.built import BuiltDomain
from xlbuild.diff.compare import compare
from xlbuild.diff.given import Given, GivenDomain, GivenFile
from xlbuild.diff.ignore import Pattern, without
from xlbuild.diff.model import Comparison
from xlbuild.diff.show.text import plain_text
from xlbuild.emit.digest import memory_digests
from xlbuild.emit.readback import read_manifest_text
from xlbuild.errors import RefusedError, UsageError
from xlbuild.inspect.kernels.facts import KernelCore
from xlbuild.inspect.subject import File

MARKUP = (
    b"<script>x</script>",
    b'" onload="x',
    b"' onload='x",
    b"]]>",
    b"-->",
    b"<!--",
    b"&lt;b&gt;",
    b"\xe2\x80\xae",
)
"""What must not become markup, and a character that turns texts around."""
_BETWEEN = b"\n\0\n"
"""Stands between the pieces of an input; in JSON there is no such byte."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two domains: the first has another manifest and other memory than it was built with, the second a manifest."""

    which: bytes
    """Two bytes: which guests they are."""
    a: bytes
    """A manifest; empty: the guest's own."""
    b: bytes
    memory: bytes
    """The pages and structures of the first, as `domainruns.memories` has them, without their first byte."""

    @classmethod
    def of(cls, data: bytes) -> _Pair:
        """Return what an input stands for; any does for something."""
        pieces = [*data[2:].split(_BETWEEN, 2), b"", b""]
        return cls(data[:2].ljust(2, b"\0"), *pieces[:3])

    @property
    def data(self) -> bytes:
        """The input."""
        return self.which + _BETWEEN.join((self.a, self.b, self.memory))


@cache
def _guests() -> tuple[BuiltDomain, ...]:
    return (*domainruns.built(), *domainruns.like_them())


@cache
def domain_pairs() -> Seeds:
    """Each guest with itself, and with those that are like it or are not."""
    count = len(domainruns.built())
    pairs = [(a, b) for a in range(count) for b in (a, a + count, (a + 1) % count)]
    return tuple(Seed(_Pair(bytes(pair), b"", b"", b"").data) for pair in pairs)


_change_manifest = json_mutation((*domainruns.MANIFEST_WORDS, *MARKUP), 2)


def mutate_domain_pair(dice: Dice, pairs: Seeds) -> bytes:
    """Return two domains of which one's or both's manifests were changed, or the first one's memory."""
    pair = _Pair.of(dice.choice(pairs).data)
    if dice.chance(50):
        pair = replace(pair, a=_change_manifest(dice, (_manifest(pair.which[0], pair.a),)))
    if dice.chance(25):
        pair = replace(pair, a=_misplaced(dice, _manifest(pair.which[0], pair.a).data))
    if dice.chance(30):
        pair = replace(pair, b=_change_manifest(dice, (_manifest(pair.which[1], pair.b),)))
    if not (pair.a or pair.b) or dice.chance(20):
        known = Seed(pair.memory) if pair.memory else _memory(pair.which[0])
        pair = replace(pair, memory=mutated(dice, (known,)))
    return pair.data


def _memory(which: int) -> Seed:
    """Return the pages and structures of a guest that are changed."""
    found = domainruns.memories()[which % len(domainruns.built())]
    return Seed(
        found.data[1:],
        tuple(replace(field, offset=field.offset - 1) for field in found.fields if field.offset),
    )


def _misplaced(dice: Dice, manifest: bytes) -> bytes:
    """Return a manifest whose segments lie anywhere: over one another, empty, at the end of the address space."""
    try:
        document = json.loads(manifest)
        end = int(document["populated"][0][1], 16)
        for segment in document["segments"]:
            if dice.chance(50):
                segment |= _anywhere(
                    dice, end, int(segment["vstart"], 16), is_pv=document["container"] == "pv"
                )
    except (ValueError, LookupError, TypeError):  # it is none any more
        return manifest
    return json.dumps(document).encode()


def _anywhere(dice: Dice, end: int, vstart: int, *, is_pv: bool) -> dict[str, str | int]:
    """Return where a segment lies then, below a frame."""
    pfn = dice.randrange(end)
    size = max(dice.pick(0, 1, 4096, 4096 * dice.randrange(end - pfn)) - dice.pick(0, 0, 1, 4095), 0)
    first = dice.pick(vstart, 0, (1 << 64) - 1 - size) if is_pv else 4096 * pfn
    return {"pfn": hex(pfn), "pages": -(-size // 4096), "vstart": hex(first), "vend": hex(first + size)}


def _manifest(which: int, known: bytes) -> Seed:
    return Seed(known or json.dumps(_guests()[which % len(_guests())].document).encode())


def run_domain_pair(data: bytes) -> str:
    """Compare two built domains: with their memory, or now and then by the first one's manifest alone."""
    pair = _Pair.of(data)
    try:
        a, b = _read(pair.which[0], pair.a), _read(pair.which[1], pair.b)
    except RefusedError as error:
        return check_error(error)
    if pair.memory:
        a = domainruns.with_memory(a, pair.which[0], pair.memory)
    one, other = (GivenDomain(each.source, each) for each in (a, b))
    if _turn(data) % 4 == 0:
        alone = read_manifest_text(json.dumps(a.document).encode(), "a")
        said = check_sides(GivenDomain("a", alone), other, data)
    else:
        said = check_sides(one, other, data)
        memory_a, memory_b = (memory_digests(each.memory, ())[0] for each in (a, b))
        promise(said == "different" or memory_a == memory_b, "guests are not the same whose memory is not")
    return f"{a.kind} and {b.kind} {said}"


def _read(which: int, manifest: bytes) -> BuiltDomain:
    """Return a guest with another manifest: its memory is what of its own lies in frames that exist by that."""
    guest = _guests()[which % len(_guests())]
    if not manifest:
        return guest
    told = read_manifest_text(manifest, "domain.json")
    names = told.structure_files()
    return replace(
        told,
        memory=domainruns.Pages(told.populated, dict(guest.memory.pages())),
        structures={name: data for name, data in guest.structures.items() if name in names},
    )


def _turn(data: bytes) -> int:
    """Return a number that is an input's own: what takes long is done with some of them."""
    return zlib.crc32(data)


def check_sides(one: Given, other: Given, data: bytes) -> str:
    """Compare two sides both ways, and one with itself, and look at one of the comparisons."""
    try:
        found, back = compare(one, other), compare(other, one)
    except UsageError as error:
        return check_error(error)
    promise(found.same == back.same, "two are the same whichever comes first")
    check_shown(back if _turn(data) & 4 else found, whole=_turn(data) & 24 == 0)
    promise(compare(one, one).same, "whatever it is, it is the same as itself")
    return "same" if found.same else "different"


def _names(number: int) -> str:
    return MARKUP[number % len(MARKUP)].decode("latin-1")


@cache
def _kernels() -> Seeds:
    """Kernels with sections and symbols of odd names, and some without, packed and not."""
    parts = [
        Part(".text", BASE, pattern(0x400)),
        *(
            Part(f".{_names(number)}", BASE + 0x1000 * (1 + number), pattern(64, number))
            for number in range(len(MARKUP))
        ),
        *(
            Part(f".same{'#2' * (number == 2)}", BASE + 0x20000 + 0x1000 * number, pattern(64 + number))
            for number in range(4)
        ),
    ]
    symbols = [Symbol(f"f{number}", BASE + 16 * number, 16) for number in range(12)]
    symbols += [Symbol(_names(number), BASE + 0x200 + 8 * number, 8, OBJECT) for number in range(len(MARKUP))]
    symbols += [Symbol("twice.1", BASE + 4 * number, number, LABEL, is_local=True) for number in range(3)]
    return (
        *(seed(kernel(parts, symbols)),) * 3,
        seed(kernel(parts, symbols, bits=32)),
        *seeds.small_elf_files(),
        *seeds.bzimages()[:2],
        *seeds.gzip_files()[:1],
        *seeds.multiboot_files()[:1],
    )


def _numbered(files: Seeds) -> Seeds:
    """Return files, each behind a byte that says which it was."""
    fields = ([replace(field, offset=field.offset + 1) for field in each.fields] for each in files)
    return tuple(
        Seed(bytes([number]) + each.data, tuple(places))
        for number, (each, places) in enumerate(zip(files, fields, strict=True))
    )


@cache
def kernel_pairs() -> Seeds:
    """Kernels, each behind a byte that says which of them it is compared with."""
    return _numbered(_kernels())


def run_kernel_pair(data: bytes) -> str:
    """Compare a kernel with another one, as files, and as what two domains were built from."""
    one, other = _two_files(data, _kernels(), kind="kernel")
    said = check_sides(one, other, data)
    is_one = one.file.kernel.core.data == other.file.kernel.core.data
    promise(said == "different" or is_one, "kernels are not the same of which the programs are not")
    guest = _guests()[0]
    a, b = (GivenDomain("a", guest, KernelCore(file.file.kernel.core)) for file in (one, other))
    found = compare(a, b)
    promise(found.same, "another kernel's file makes no other guest")
    plain_text(found)
    return said


@cache
def file_pairs() -> Seeds:
    """Files of every kind, each behind a byte that says which of them it is compared with."""
    return _numbered(fileseeds.all_kinds()[:256])


def run_file_pair(data: bytes) -> str:
    """Compare a file with another one, whatever they are."""
    one, other = _two_files(data, fileseeds.all_kinds())
    return f"{one.file.recognition.kind} {check_sides(one, other, data)}"


def _two_files(data: bytes, files: Seeds, kind: str | None = None) -> tuple[GivenFile, GivenFile]:
    which = data[0] % len(files) if data else 0
    one, other = (
        api.examine(each, source="file", kind=kind, max_kernel_size=MOST_OUTPUT)
        for each in (data[1:], files[which].data)
    )
    assert isinstance(one, File)
    assert isinstance(other, File)
    return GivenFile("a", one), GivenFile("b", other)


@cache
def _comparisons() -> tuple[Comparison, ...]:
    """Return comparisons with many paths."""
    guests, files = _guests(), [GivenFile("k", file) for file in _examined()]
    given = [GivenDomain(guest.source, guest) for guest in guests]
    count = len(domainruns.built())
    pairs = [(given[a], given[b]) for a in range(count) for b in (a + count, (a + 1) % count)]
    return (*(compare(a, b) for a, b in pairs), compare(files[0], files[-1]))


def _examined() -> Iterator[File]:
    for each in (_kernels()[0], _kernels()[3]):
        file = api.examine(each.data, kind="kernel")
        assert isinstance(file, File)
        yield file


@cache
def paths() -> Seeds:
    """Paths as they are in comparisons, and as people write them."""
    found = dict.fromkeys(path for comparison in _comparisons() for path in _paths(comparison))
    return tuple(
        Seed(path.encode()) for path in (*found, "vcpus[*].registers[r?p]", "map", "pages[*]", "*.*")
    )


def _paths(comparison: Comparison) -> Iterator[str]:
    """Yield all that --ignore may leave out."""
    yield from (difference.path for section in comparison.sections for difference in section.differences)
    yield from (piece.path for piece in comparison.pieces)
    for owner in comparison.pages:
        yield owner.path
        yield from (run.field for run in owner.runs if run.field is not None)


PATH_WORDS = (
    b"[",
    b"]",
    b"[[",
    b"]]",
    b".",
    b"*",
    b"?",
    b"[*]",
    b"**",
    b"[!a]",
    b"[a-z]",
    b"pages",
    b"map",
    *MARKUP,
)


def run_path(data: bytes) -> str:
    """Leave out of comparisons what a path is of."""
    text = data.decode(errors="surrogateescape")
    try:
        pattern = Pattern.of(text)
    except UsageError as error:
        return check_error(error)
    promise(pattern.covers(text), "a path is its own", text)
    comparisons = _comparisons()
    return _ignored(comparisons[_turn(data) % len(comparisons)], pattern)


def _ignored(comparison: Comparison, pattern: Pattern) -> str:
    """Check what is left of a comparison without a path."""
    left = without(comparison, [pattern])
    check_shown(left, whole=False)
    promise(not comparison.same or left.same, "what is ignored makes no difference")
    promise(without(left, [pattern]) == left, "what is left out is not there any more")
    promise(set(_paths(left)) <= set(_paths(comparison)), "nothing is added by ignoring")
    told = [path for section in left.sections for path in (d.path for d in section.differences)]
    promise(not any(map(pattern.covers, told)), "what is ignored is not told", str(told[:1]))
    return "all is left" if left == comparison else "some is left" if any(_paths(left)) else "nothing is left"
