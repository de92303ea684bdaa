"""Running inputs that are built domains: their manifests."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from kernels import LOAD_ADDRESS, Load, elf_file, pattern

import xlbuild
from fuzz.inspectruns import check_parts, check_tree
from fuzz.model import Field, Seed, Seeds, promise
from fuzz.promises import check_error, check_warnings
from xlbuild.built import BuiltDomain, Verification
from xlbuild.container import FileRequest
from xlbuild.domain import Domain
from xlbuild.emit.digest import digest_document
from xlbuild.emit.directory import MEMORY_IMAGE
from xlbuild.emit.formats import MANIFEST
from xlbuild.emit.inputs import InputFile
from xlbuild.emit.readback import identify, read_directory, read_manifest_text, verify
from xlbuild.errors import FilesError, RefusedError, UsageError
from xlbuild.hello import HELLO_KERNELS
from xlbuild.identity import DOMAIN_DIGEST_PARTS
from xlbuild.inspect.domains.regions import domain_regions, virtual_address
from xlbuild.inspect.domains.subject import DomainSubject
from xlbuild.pipeline import BuildOptions, build_domain
from xlbuild.plan.model import PlanFor
from xlbuild.profiles import NEWEST
from xlbuild.units import TIB, FrameRange, Pfn, PhysAddr

_GUESTS = (
    b'name="pv"\ntype="pv"\nkernel="hello-pv"\nmemory=4\nramdisk="ramdisk"\nextra="x"\n',
    b'name="pvh"\ntype="pvh"\nkernel="hello-pvh"\nmemory=4\nvcpus=2\nramdisk="ramdisk"\n',
    b'name="hvm"\ntype="hvm"\nmemory=16\nvnc=0\n',
)
_TRAVELLING = (b'name="pv"\ntype="pv"\nkernel="hello-pv"\nmemory=4\nextra="x"\n', _GUESTS[1])
"""Those whose save files have less than 64 KiB."""
_LIKE_THEM = (
    b'name="pv"\ntype="pv"\nkernel="hello-pv"\nmemory=5\nramdisk="larger"\nextra="xy"\n',
    b'name="pvh"\ntype="pvh"\nkernel="hello-pvh"\nmemory=4\nvcpus=3\nramdisk="larger"\n',
    b'name="hvm"\ntype="hvm"\nmemory=20\nvnc=0\nvcpus=2\n',
)
"""Those with larger ramdisks, and more of what else they have: what lies behind has moved."""


_RAMDISKS = {"ramdisk": 700, "larger": 9000}
"""Sizes in bytes."""


class _Files:
    """Small files of every role."""

    def read(self, request: FileRequest) -> InputFile:
        path = request.path or str(request.firmware)
        if path in HELLO_KERNELS:
            return InputFile(request.role, path, HELLO_KERNELS[path]())
        if path in _RAMDISKS:
            return InputFile(request.role, path, pattern(_RAMDISKS[path]))
        loader = elf_file([Load(LOAD_ADDRESS, pattern(0x900))], bits=32, header={"e_entry": LOAD_ADDRESS})
        return InputFile(request.role, path, loader if request.role == "hvmloader" else pattern(0x4000))


def _nothing(*arguments: object) -> None:
    """Take no notice of stages and warnings."""


@cache
def domains() -> tuple[Domain, ...]:
    """Return small built domains, one of each container."""
    return _build(_GUESTS)


@cache
def travelling() -> tuple[Domain, ...]:
    """Return a PV and a PVH guest that are laid out to travel as save files."""
    return _build(_TRAVELLING, PlanFor.RESTORE)


def _build(configs: Sequence[bytes], plan_for: PlanFor = PlanFor.CREATE) -> tuple[Domain, ...]:
    options, files = BuildOptions(NEWEST, plan_for=plan_for), _Files()
    return tuple(build_domain(text, "guest.cfg", (), options, files, _nothing, _nothing) for text in configs)


@cache
def manifests() -> Seeds:
    """Their manifests."""
    return tuple(Seed(json.dumps(xlbuild.manifest(domain)).encode()) for domain in domains())


MANIFEST_WORDS = (
    *(b'"schema"', b'"populated"', b'"segments"', b'"pfn"', b'"pages"', b'"vcpus"', b'"registers"', b'"0x0"'),
    *(b'"0x1000"', b'"first"', b'"end"', b'"name"', b'"kernel"', b'"../memory.img"', b"{", b"}", b"[", b"]"),
    *(b",", b":", b"null", b"true", b"1e3", b"NaN", b'"\\ud800"', b'"'),
)


def run_manifest(data: bytes) -> str:
    """Read a built domain's directory, whose memory has the size that the manifest asks for, if it asks for any."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        (directory / MANIFEST).write_bytes(data)
        with (directory / MEMORY_IMAGE).open("wb") as image:
            image.truncate(_wanted(data))
        try:
            domain = read_directory(directory)
            verification = verify(domain)
        except (FilesError, RefusedError) as error:
            return check_error(error)
        promise(verification.stray is None, "an image of holes has nothing anywhere")
        check_domain(domain)
        _check_digests(data, domain, verification)
        subject = DomainSubject(domain, verify)
        check_tree(subject.describe())
        check_parts(subject.parts())
        said = {_at(subject, place) for place in _PLACES}
        return f"{domain.kind} read, {' and '.join(sorted(said))}"


def _check_digests(data: bytes, domain: BuiltDomain, verification: Verification) -> None:
    """Check what a domain is known by; a manifest alone says the same, with the memory that it records."""
    identity, alone = identify(domain), identify(read_manifest_text(data, domain.source))
    promise(identity.digests == verification.digests, "a domain has one digest")
    promise(
        list(identity.parts)[: len(DOMAIN_DIGEST_PARTS)] == [*DOMAIN_DIGEST_PARTS], "each part has a digest"
    )
    for each in (identity, alone):
        json.dumps(digest_document(each), allow_nan=False)
        check_warnings(tuple(each.warnings()))
    promise(alone.built.document == domain.document, "a manifest alone says the same")
    promise(alone.parts["memory"] == domain.digests.memory, "a manifest alone has the memory that it records")


def _wanted(data: bytes) -> int:
    """Return the size that memory.img has to have by a manifest, as far as it says so."""
    with suppress(ValueError, LookupError, TypeError, RecursionError, OverflowError):
        size = int(json.loads(data)["populated"][-1][1], 16) << 12
        if 0 < size <= 4 * TIB:
            return size
    return 4096


def check_domain(domain: BuiltDomain) -> None:
    """Check that all that a domain names exists."""
    end = domain.memory.end
    for segment in (*domain.segments, *domain.firmware_modules):
        promise(segment.pfn + segment.pages <= end, "a segment lies in the memory", segment.name)
    for name, pfn in domain.special_pages.items():
        promise(pfn < end, "a special page lies in the memory", name)


_PAGE = 4096
_NOT_LOOKED_INTO = ("kernel", "module0")
"""Segments that are left as they are: what they hold is the guest's."""


class Pages:
    """Memory that has some pages, and zeros elsewhere. A `MemoryReader`."""

    def __init__(self, populated: tuple[FrameRange, ...], pages: dict[int, bytes]) -> None:
        """Take the frames that exist, and the contents of some."""
        self.populated = populated
        self.end = populated[-1].end
        self._pages = {
            pfn: page
            for pfn, page in pages.items()
            if any(each.first <= pfn < each.end for each in populated)
        }

    def read(self, address: PhysAddr, size: int) -> bytes:
        """Return bytes."""
        first, last = address // _PAGE, -(-(address + size) // _PAGE)
        promise(size <= _MOST_READ, "no more is read at a time than memory has", f"{size} bytes")
        data = b"".join(self._pages.get(pfn, _ZEROS) for pfn in range(first, last))
        return data[address % _PAGE : address % _PAGE + size]

    def pages(self) -> Iterator[tuple[Pfn, bytes]]:
        """Yield the pages that are not zero."""
        for pfn in sorted(self._pages):
            if self._pages[pfn] != _ZEROS:
                yield Pfn(pfn), self._pages[pfn]

    def pages_in(self, frames: FrameRange) -> Iterator[tuple[Pfn, bytes]]:
        """Yield those of a range."""
        return (item for item in self.pages() if frames.first <= item[0] < frames.end)


_ZEROS = bytes(_PAGE)
_MOST_READ = 64 << 20


@cache
def built() -> tuple[BuiltDomain, ...]:
    """Return the domains as they are read back from directories."""
    return _read_back(domains())


@cache
def like_them() -> tuple[BuiltDomain, ...]:
    """Return for each of the domains one that is much like it."""
    return _read_back(_build(_LIKE_THEM))


def _read_back(these: Sequence[Domain]) -> tuple[BuiltDomain, ...]:
    with tempfile.TemporaryDirectory() as scratch:
        read = []
        for domain in these:
            directory = Path(scratch) / domain.container.name
            xlbuild.write(domain, directory)
            back = read_directory(directory)
            pages = {int(pfn): data for pfn, data in back.memory.pages()}
            read.append(replace(back, memory=Pages(back.populated, pages)))
        return tuple(read)


@cache
def _told(index: int) -> tuple[int, ...]:
    """Return the frames of a domain whose contents are changed: tables and structures, and no more than fit."""
    domain = built()[index]
    left = [segment for segment in domain.segments if segment.name in _NOT_LOOKED_INTO]
    frames = (int(pfn) for pfn, _ in domain.memory.pages())
    told = [pfn for pfn in frames if not any(s.pfn <= pfn < s.pfn + s.pages for s in left)]
    return tuple(told[:12])


@cache
def memories() -> Seeds:
    """For each domain a byte that says which, its pages that are told of, and its structures' files."""
    seeds = []
    for index, domain in enumerate(built()):
        pages = b"".join(domain.memory.read(PhysAddr(pfn * _PAGE), _PAGE) for pfn in _told(index))
        files = b"".join(domain.structures[name] for name in sorted(domain.structures))
        data = bytes([index]) + pages + files
        words = (Field(at, 8) for at in range(1, len(data) - 8, 8) if any(data[at : at + 8]))
        seeds.append(Seed(data, tuple(words)))
    return tuple(seeds)


def run_domain_description(data: bytes) -> str:
    """Describe a built domain whose memory and files are others than its manifest says, and read its parts."""
    domain = _changed(data)
    subject = DomainSubject(domain, verify)
    tree = subject.describe()
    check_tree(tree)
    check_parts(subject.parts())
    for region in domain_regions(domain):
        promise(region.first <= region.end, "a region ends behind its start", region.name)
        virtual_address(domain, region.first)
    problems = tree["problems"]
    assert isinstance(problems, Sequence)
    return f"{domain.kind}, {'without problems' if not problems else 'with problems'}"


_PLACES = ("0x100000", "frame:0x100", "phys:0xfc000000", "virt:0xffffffff80100040", "0x3ff000", "0xfff")
"""Addresses that are asked about, whatever is there."""

ADDRESS_WORDS = (
    *(b"virt:", b"phys:", b"frame:", b"mfn:", b"pfn:", b"file:", b":", b"0x", b"-", b"+", b"_", b" ", b"0X"),
    *(
        b"0xffffffff80000000",
        b"0xffffffffffffffff",
        b"0x10000000000000000",
        b"0x3fffff",
        b"0b1",
        b"0o7",
        b"1e3",
    ),
    *("\u0661".encode(), "\u00b2".encode(), b"kernel", b"start_info"),
)


@cache
def addresses() -> Seeds:
    """Addresses as people write them."""
    return tuple(Seed(place.encode()) for place in (*_PLACES, "4096", "frame:16", "frame:0x3ff"))


def run_domain_address(data: bytes) -> str:
    """Say what lies at addresses of a built domain whose memory was changed."""
    subject = DomainSubject(_changed(data), verify)
    return ", ".join(sorted({_at(subject, place) for place in _PLACES}))


def run_address(data: bytes) -> str:
    """Say what lies at an address that is given as any text."""
    text = data.decode(errors="surrogateescape")
    return ", ".join(sorted({_at(DomainSubject(domain, verify), text) for domain in built()}))


def _at(subject: DomainSubject, text: str) -> str:
    try:
        tree = subject.describe_address(text, 64)
    except (RefusedError, UsageError) as error:
        return check_error(error)
    check_tree(tree)
    return "nothing there" if tree["physical"] is None else "described"


def _changed(data: bytes) -> BuiltDomain:
    index = data[0] % len(built()) if data else 0
    return with_memory(built()[index], index, data[1:])


def with_memory(domain: BuiltDomain, index: int, data: bytes) -> BuiltDomain:
    """Return a domain that was one of those built, with others of the pages and structures that `memories` has."""
    pages = dict(domain.memory.pages())
    at = 0
    for pfn in _told(index % len(built())):
        pages[Pfn(pfn)] = data[at : at + _PAGE].ljust(_PAGE, b"\0")
        at += _PAGE
    structures = {}
    for name in sorted(domain.structures):
        structures[name] = data[at : at + len(domain.structures[name])]
        at += len(domain.structures[name])
    memory = Pages(domain.populated, {int(pfn): page for pfn, page in pages.items()})
    return replace(domain, memory=memory, structures=structures)
