"""Reading a built domain back: what `emit.directory` wrote, or what somebody made of it since.

Nothing in it is trusted: the manifest is checked member by member, files are regular and of the size that they must
have, and no more is read of them than that.
"""

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from xlbuild.built import AbsentMemory, BuiltDomain, Origin, Verification
from xlbuild.domain import Digests, Domain
from xlbuild.emit.digest import domain_digest, memory_digests, part_digests
from xlbuild.emit.directory import MEMORY_IMAGE, MOST_MANIFEST
from xlbuild.emit.formats import MANIFEST
from xlbuild.emit.jsonplace import DocumentKind, Place, parse_document
from xlbuild.emit.manifest import manifest, manifest_text
from xlbuild.emit.manifestread import check_schema, read_manifest, read_populated
from xlbuild.emit.memoryimage import MemoryImage
from xlbuild.emit.readfile import check_size, read_file, unreadable
from xlbuild.emit.structures import structure_files
from xlbuild.errors import FilesError, RefusedError, Where
from xlbuild.identity import Identity
from xlbuild.units import MIB, Pfn

_MOST_STRUCTURE = MIB
"""Bytes of a .bin file; the largest has some 70 KiB."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_KIND = DocumentKind(
    "domain's manifest",
    RefusedError,
    no_json="domain-manifest-syntax",
    invalid="domain-manifest-invalid",
    hint="docs/domain-json.md describes it; build the domain again with this version of xlbuild",
)


def is_directory(path: str) -> bool:
    """Return whether a path leads to a directory, which may be a domain's."""
    return os.path.isdir(path)  # noqa: PTH112 (Path.is_dir raises where a directory on the way may not be searched)


def may_be_manifest(head: bytes) -> bool:
    """Return whether a file that begins like this is a manifest, or some other JSON object."""
    return head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"{")


def read_directory(path: str | os.PathLike[str]) -> BuiltDomain:
    """Return the domain in a directory; of its memory nothing is read yet, and the image stays open.

    Raises FilesError (domain-not-a-directory, domain-manifest-missing, domain-image-missing, domain-changed) and
    RefusedError (domain-manifest-syntax, domain-manifest-invalid, domain-image-length), and what `read_file` does.
    """
    source = os.fspath(path)
    before = _inode(source)
    try:
        top = _manifest(source)
        memory = MemoryImage(str(Path(source) / MEMORY_IMAGE), read_populated(top))
        domain = read_manifest(top, source, memory)
        domain = replace(domain, structures=_structures(domain), origin=Origin.DIRECTORY)
    except (FilesError, RefusedError):  # of what is half of one domain, and half of another
        _check_inode(source, before)
        raise
    _check_inode(source, before)
    return domain


def _check_inode(source: str, before: tuple[int, int]) -> None:
    if _inode(source) != before:
        raise FilesError(
            "domain-changed",
            f"the domain {source} has been replaced while it was read",
            cause="its directory is another one than before",
            hint="run this again",
            where=Where(source),
        )


def read_manifest_file(path: str | os.PathLike[str]) -> BuiltDomain:
    """Return the domain that a manifest alone describes, a domain.json under any name: without memory and structures.

    Raises FilesError where it cannot be read and RefusedError (domain-manifest-syntax, domain-manifest-invalid).
    """
    source = os.fspath(path)
    return read_manifest_text(read_file(source, _KIND.what, Where(source), MOST_MANIFEST), source)


def read_manifest_text(data: bytes, source: str) -> BuiltDomain:
    """Return the same of a manifest's bytes; RefusedError as `read_manifest_file`. `source` is its name."""
    check_size(data, source, _KIND.what, MOST_MANIFEST)
    top = parse_document(data, _KIND, source)
    check_schema(top)
    domain = read_manifest(top, source, AbsentMemory(read_populated(top), source))
    return replace(domain, origin=Origin.MANIFEST)


def in_memory(domain: Domain, source: str, document: Mapping[str, object] | None = None) -> BuiltDomain:
    """Return a domain as it would be read back, its memory the one in which it was built; `source` is its name.

    `document` saves making its manifest again.
    """
    if document is None:
        document, _ = manifest(domain)
    top = parse_document(manifest_text(document).encode(), _KIND, source)
    return replace(read_manifest(top, source, domain.memory), structures=structure_files(domain))


def verify(domain: BuiltDomain) -> Verification:
    """Return what a directory's memory and manifest come to: all of the memory is read.

    Raises FilesError as `MemoryImage.pages` does.
    """
    memory, segments = memory_digests(domain.memory, domain.segments)
    digests = Digests(memory, segments, domain_digest(domain.document, memory))
    stray = domain.memory.stray() if isinstance(domain.memory, MemoryImage) else None
    return Verification(digests, stray)


def identify(domain: BuiltDomain) -> Identity:
    """Return what a domain is known by: of one in a directory all of the memory is read, FilesError as `verify`."""
    if domain.origin is Origin.DIRECTORY:
        found = verify(domain)
        return _identity_of(domain, found.digests, found.stray)
    digests = replace(domain.digests, domain=domain_digest(domain.document, domain.digests.memory))
    return _identity_of(domain, digests)


def _identity_of(domain: BuiltDomain, digests: Digests, stray: Pfn | None = None) -> Identity:
    parts = part_digests(domain.document, digests.memory)
    told = {name: digest for name, digest in parts.items() if name not in domain.untold.members}
    return Identity(domain, digests, told, stray)


def _inode(source: str) -> tuple[int, int]:
    """Return what tells a directory from one that takes its place; FilesError where there is none."""
    try:
        status = os.stat(source)  # noqa: PTH116 (a Path takes an empty name for `.`)
    except OSError as error:
        raise unreadable(source, "domain", error, Where(source)) from error
    except ValueError as error:  # a NUL byte in the path
        raise unreadable(source, "domain", OSError(errno.EINVAL, str(error)), Where(source)) from error
    if not stat.S_ISDIR(status.st_mode):
        raise FilesError(
            "domain-not-a-directory",
            "it is no built domain",
            cause="a built domain is a directory, and this is none",
            hint="give the directory that `xlbuild create` wrote",
            where=Where(source),
        )
    return status.st_dev, status.st_ino


def _manifest(source: str) -> Place:
    path = str(Path(source) / MANIFEST)
    try:
        data = read_file(path, _KIND.what, Where(path), MOST_MANIFEST)
    except FilesError as error:
        if error.code != "file-missing":
            raise
        raise FilesError(
            "domain-manifest-missing",
            "it is no built domain",
            cause=f"a built domain is a directory with a {MANIFEST}, and this one has none",
            hint="give the directory that `xlbuild create` wrote",
            where=Where(source),
        ) from error
    top = parse_document(data, _KIND, path)
    check_schema(top)
    return top


def _structures(domain: BuiltDomain) -> dict[str, bytes]:
    """Return the .bin files that are there; one that is missing is for the description to tell."""
    directory = Path(domain.source)
    names = (name for name in domain.structure_files() if os.path.lexists(directory / name))
    return {name: _structure(str(directory / name)) for name in names}


def _structure(path: str) -> bytes:
    return read_file(path, "start-of-day structure", Where(path), _MOST_STRUCTURE)
