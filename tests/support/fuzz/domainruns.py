"""Running inputs that are built domains: their manifests."""

import json
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from kernels import LOAD_ADDRESS, Load, elf_file, pattern

import xlbuild
from fuzz.model import Seed, Seeds, promise
from fuzz.promises import check_error
from xlbuild.built import BuiltDomain
from xlbuild.container import FileRequest
from xlbuild.domain import Domain
from xlbuild.emit.directory import MANIFEST, MEMORY_IMAGE
from xlbuild.emit.inputs import InputFile
from xlbuild.emit.readback import read_directory, verify
from xlbuild.errors import FilesError, RefusedError
from xlbuild.hello import HELLO_KERNELS
from xlbuild.pipeline import BuildOptions, build_domain
from xlbuild.profiles import NEWEST
from xlbuild.units import TIB

_GUESTS = (
    b'name="pv"\ntype="pv"\nkernel="hello-pv"\nmemory=4\nramdisk="ramdisk"\nextra="x"\n',
    b'name="pvh"\ntype="pvh"\nkernel="hello-pvh"\nmemory=4\nvcpus=2\nramdisk="ramdisk"\n',
    b'name="hvm"\ntype="hvm"\nmemory=16\nvnc=0\n',
)


class _Files:
    """Small files of every role."""

    def read(self, request: FileRequest) -> InputFile:
        path = request.path or str(request.firmware)
        if path in HELLO_KERNELS:
            return InputFile(request.role, path, HELLO_KERNELS[path]())
        if path == "ramdisk":
            return InputFile(request.role, path, pattern(700))
        loader = elf_file([Load(LOAD_ADDRESS, pattern(0x900))], bits=32, header={"e_entry": LOAD_ADDRESS})
        return InputFile(request.role, path, loader if request.role == "hvmloader" else pattern(0x4000))


def _nothing(*arguments: object) -> None:
    """Take no notice of stages and warnings."""


@cache
def domains() -> tuple[Domain, ...]:
    """Return small built domains, one of each container."""
    options, files = BuildOptions(NEWEST), _Files()
    return tuple(build_domain(text, "guest.cfg", (), options, files, _nothing, _nothing) for text in _GUESTS)


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
        return f"{domain.kind} read"


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
