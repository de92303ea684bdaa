"""A kernel file taken apart: what is packed in what, as far as one can get, whatever is wrong with it.

The loaders stop at the first thing that decides; this goes on, so that a file which no Xen takes is described, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from xlbuild.errors import RefusedError
from xlbuild.image.blob import Blob
from xlbuild.image.bzimage import Payload, codec_of, find_payload, is_bzimage
from xlbuild.image.codecerror import CodecError
from xlbuild.image.codecs import Codec
from xlbuild.image.elf import MAGIC, ElfFile, open_elf
from xlbuild.image.loaders import Answer, ask_loaders, load_as_answered, open_file
from xlbuild.image.model import KernelImage
from xlbuild.image.unpackonce import UnpackOnce
from xlbuild.image.verdict import Candidate, Reject, RejectedError
from xlbuild.profiles import Profile


@dataclass(frozen=True, slots=True)
class Asked:
    """What the loaders say of a file for one kind of container, and what comes of it."""

    answers: tuple[Answer, ...]
    """Of each loader, up to the first that takes the file; none where the file cannot be opened."""
    outcome: KernelImage | RefusedError


@dataclass(frozen=True, slots=True)
class KernelFile:
    """What is in a file that may be a kernel."""

    given: Candidate
    """The file as it is."""
    opened: Candidate | None = None
    """The file as the loaders see it, gzip of the whole undone; None where that cannot be done."""
    refusal: RefusedError | None = None
    """Why it cannot."""
    is_bzimage: bool = False
    payload: Payload | None = None
    """A bzImage's payload, packed; None for other files, and where it does not fit into the file."""
    payload_missing: str | None = None
    """Why a bzImage has none."""
    codec: Codec | None = None
    """How the payload is packed; None: not at all, or in no way that is known."""
    unpacked: Blob | None = None
    """The payload unpacked."""
    unpack_error: str | None = None
    elf: ElfFile | None = None
    """The ELF file at the core of it all."""
    elf_error: str | None = None
    """Why what starts like an ELF file cannot be read as one."""
    _asked: dict[tuple[object, ...], Asked] = field(default_factory=dict, compare=False, repr=False)
    """What the loaders have said, so that they are asked once: a hostile file may keep them busy for a while."""

    def ask(self, profile: Profile, *, hvm_container: bool) -> Asked:
        """Return what a release's loaders make of the file for PV, or for an HVM container (PVH and HVM)."""
        key = self._goes_by(profile, hvm_container)
        if key not in self._asked:
            self._asked[key] = self._ask(profile, hvm_container)
        return self._asked[key]

    def goes_by(self, profile: Profile) -> tuple[object, ...]:
        """Return that of a profile on which it depends whether this file is taken: releases that agree are alike."""
        return (*self._goes_by(profile, hvm_container=False), *self._goes_by(profile, hvm_container=True))

    def _goes_by(self, profile: Profile, hvm_container: bool) -> tuple[object, ...]:
        codec = self.codec.name if self.codec is not None else None
        return (
            hvm_container,
            hvm_container and profile.pvh_paddr_offset_needs_virt_base,
            codec == "lz4" and profile.lz4_fills_up,
            codec in ("xz", "lzma") and profile.lzma_memory_limit,
            profile.kernel_max_size,
        )

    def _ask(self, profile: Profile, hvm_container: bool) -> Asked:
        if self.opened is None:
            assert self.refusal is not None
            return Asked((), self.refusal)
        file = replace(self.opened, hvm_container=hvm_container, profile=profile)
        answers = ask_loaders(file)
        try:
            return Asked(answers, load_as_answered(file, answers))
        except RefusedError as error:
            return Asked(answers, error)

    @property
    def is_packed(self) -> bool:
        """Whether there is anything around the innermost bytes."""
        return self.core is not self.given.blob

    @property
    def core(self) -> Blob:
        """The innermost bytes that could be reached."""
        if self.unpacked is not None:
            return self.unpacked
        if self.payload is not None and self.codec is None:
            return self.payload.blob
        return (self.opened or self.given).blob


def take_apart(data: bytes, name: str, profile: Profile) -> KernelFile:
    """Return what is in a file, as far as it can be unpacked; nothing is refused here."""
    given = Candidate(name, Blob.of(data), (), False, profile, unpack=UnpackOnce())
    file = KernelFile(given)
    try:
        file = replace(file, opened=open_file(given))
    except RefusedError as error:
        file = replace(file, refusal=error)
    return _with_elf(_with_payload(file))


def _with_payload(file: KernelFile) -> KernelFile:
    blob = (file.opened or file.given).blob
    found = find_payload(blob)
    if isinstance(found, Reject):
        starts = is_bzimage(blob)
        return replace(file, is_bzimage=starts, payload_missing=found.reason if starts else None)
    file = replace(file, is_bzimage=True, payload=found, codec=codec_of(found.blob))
    if file.codec is None:
        return file
    most_lenient = replace(file.given.profile, lz4_fills_up=True)
    try:
        return replace(file, unpacked=file.given.unpack(file.codec, found.blob, most_lenient))
    except CodecError as error:
        return replace(file, unpack_error=str(error))


def _with_elf(file: KernelFile) -> KernelFile:
    if not file.core.starts_with(MAGIC):
        return file
    try:
        return replace(file, elf=open_elf(file.core))
    except RejectedError as failure:
        return replace(file, elf_error=failure.reason)
