"""What can be taken out of a kernel file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

from xlbuild.image.blob import Blob
from xlbuild.image.elf import ElfFile
from xlbuild.image.model import KernelImage
from xlbuild.inspect.kernels.elf import MOST_SHOWN, SHT_NOBITS, section_name
from xlbuild.inspect.kernels.file import KernelFile
from xlbuild.inspect.kernels.release_verdicts import release_verdicts
from xlbuild.inspect.releases import CONTAINER_NAMES
from xlbuild.inspect.tree import Part
from xlbuild.units import GIB, MIB

_PIECE = 4 * MIB
_ZEROS = bytes(_PIECE)
_MOST_LOADED = GIB
"""Bytes that a kernel may have in memory to be a part; most of a larger one can only be zeros."""


def kernel_parts(file: KernelFile, release: str) -> tuple[Part, ...]:
    """Return a kernel's parts: what it is packed in, the ELF file's, and what each container has of it in memory."""
    return (*_packed_parts(file), *_elf_parts(file.elf), *_loaded_parts(file, release))


def blob_part(name: str, title: str, blob: Blob) -> Part:
    """Return a run of bytes as a part."""
    return Part(name, title, blob.size, partial(_in_pieces, blob))


def _packed_parts(file: KernelFile) -> Iterator[Part]:
    if file.opened is not None and file.opened.packing:
        yield blob_part("unzipped", "the file, gzip undone", file.opened.blob)
    if file.payload is not None:
        blob = (file.opened or file.given).blob
        yield blob_part(
            "setup", "real-mode code, with the boot protocol's header", blob.part(0, file.payload.offset)
        )
        yield blob_part("packed-payload", "the payload as it is packed", file.payload.blob)
    if file.unpacked is not None:
        yield blob_part("payload", "the payload, unpacked: the kernel itself", file.unpacked)


def _elf_parts(elf: ElfFile | None) -> Iterator[Part]:
    if elf is None:
        return
    for index, segment in enumerate(islice(elf.program_headers(), MOST_SHOWN)):
        title = f"program header {index}'s bytes in the file"
        yield blob_part(f"segment{index}", title, _inside(elf.blob, segment.offset, segment.filesz))
    seen: set[str] = set()
    for index, section in enumerate(islice(elf.section_headers(), MOST_SHOWN), 1):
        name = section_name(elf, section) or ""
        if section.type != SHT_NOBITS:
            part = f"section:{name}" if name and name not in seen else f"section{index}"
            seen.add(name)
            yield blob_part(
                part, f"section header {index}'s bytes", _inside(elf.blob, section.offset, section.size)
            )


def _inside(blob: Blob, offset: int, size: int) -> Blob:
    """Return what a file has of a run of bytes."""
    start = min(offset, blob.size)
    return blob.part(start, min(size, blob.size - start))


def _loaded_parts(file: KernelFile, release: str) -> Iterator[Part]:
    for verdict in release_verdicts(file, release):
        image = verdict.image
        if image is not None and image.end - image.start <= _MOST_LOADED:
            name = f"loaded-{CONTAINER_NAMES[verdict.target]}"
            title = f"what {verdict.target.value} has of it in memory, from {image.start:#x} on"
            yield Part(name, title, image.end - image.start, partial(_loaded, image))


def _loaded(image: KernelImage) -> Iterator[bytes | memoryview]:
    """Yield the kernel's memory, zeros included, up to its end."""
    size, at = image.end - image.start, 0
    for piece in image.pieces:
        yield from _zeros(min(piece.offset, size) - at)
        data = memoryview(piece.data)[: max(size - piece.offset, 0)]
        yield from (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))
        at = max(at, min(piece.offset + len(data), size))
    yield from _zeros(size - at)


def _in_pieces(blob: Blob) -> Iterator[bytes | memoryview]:
    for start in range(0, len(blob.data), _PIECE):
        yield blob.data[start : start + _PIECE]
    yield from _zeros(blob.size - len(blob.data))


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield _ZEROS[:count]
        count -= _PIECE
