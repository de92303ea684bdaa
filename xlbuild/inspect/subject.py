"""Whatever is looked at: what can be asked of it, and who answers for each kind of file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType
from typing import Protocol

from xlbuild.errors import UsageError
from xlbuild.image.elf import MAGIC
from xlbuild.inspect.config import describe_config
from xlbuild.inspect.firmware.describe import describe_firmware
from xlbuild.inspect.kernels.address import describe_kernel_address
from xlbuild.inspect.kernels.describe import describe_kernel
from xlbuild.inspect.kernels.file import KernelFile, take_apart
from xlbuild.inspect.kernels.parts import kernel_parts
from xlbuild.inspect.kernels.release_verdicts import release_verdicts
from xlbuild.inspect.kernels.verdicts import Verdict
from xlbuild.inspect.memory.hexdump import DUMP_LENGTH
from xlbuild.inspect.problems import Problem, problem_rows
from xlbuild.inspect.ramdisks.describe import describe_ramdisk, ramdisk_parts
from xlbuild.inspect.recognise import FileKind, Recognition, recognise
from xlbuild.inspect.tree import Branch, Part, Tree
from xlbuild.profiles import Profile

SCHEMA = "xlbuild.inspect/1"
"""What a description calls itself (docs/inspect.md)."""

KINDS: tuple[str, ...] = (FileKind.KERNEL, FileKind.FIRMWARE, FileKind.RAMDISK, FileKind.CONFIG)
"""What a user may say that a file is."""


class Subject(Protocol):
    """Something that is looked at: a file, or a built domain."""

    def describe(self) -> Branch:
        """Return all there is to say of it."""

    def describe_address(self, address: str, length: int = DUMP_LENGTH) -> Branch:
        """Return what lies at an address, in words and as a dump; UsageError where it has no addresses."""

    def parts(self) -> tuple[Part, ...]:
        """Return what can be taken out of it."""

    def verdicts(self) -> tuple[Verdict, ...]:
        """Return where it boots; UsageError for what is no kernel."""


@dataclass(frozen=True)  # without slots: what was taken apart for one question is kept for the next
class File:
    """A file, and what is asked about it."""

    name: str
    data: bytes
    recognition: Recognition
    release: str
    """The Xen release that is asked about."""
    profile: Profile
    """How that release builds, or the nearest that is known."""
    overrides: tuple[str, ...] = ()
    """`key=value` settings behind a configuration's."""

    def describe(self) -> Branch:
        """Return what it is, and why it is thought to be that; then what there is to say of files of its kind."""
        found = self.recognition
        head: dict[str, Tree] = {
            "schema": SCHEMA,
            "file": self.name,
            "kind": found.kind.value,
            "what": found.what,
            "why": found.why,
            "size": len(self.data),
            "sha256": sha256(self.data).hexdigest(),
        }
        told = _ANSWERS[found.kind].describe(self)
        return head | {name: value for name, value in told.items() if name not in head}

    def describe_address(self, address: str, length: int = DUMP_LENGTH) -> Branch:
        """Return what lies at an address; UsageError for a kind of file that has none."""
        at = _ANSWERS[self.recognition.kind].at
        if at is None:
            raise UsageError(
                "no-addresses",
                f"{self.name} has no addresses: it is {self.recognition.what}",
                hint="--at looks into kernels and built domains; --as kernel takes any file for a kernel",
            )
        return at(self, address, length)

    def parts(self) -> tuple[Part, ...]:
        """Return what can be taken out of it."""
        return _ANSWERS[self.recognition.kind].parts(self)

    def verdicts(self) -> tuple[Verdict, ...]:
        """Return where it boots in the release that is asked about; UsageError for what nobody takes for a kernel."""
        if self.recognition.kind is FileKind.CONFIG:
            raise UsageError(
                "no-kernel",
                f"{self.name} is a configuration, and only kernels boot",
                hint="xlbuild check says whether its guest can be built; name the kernel to ask about that",
            )
        return release_verdicts(self.kernel, self.release)

    @cached_property
    def kernel(self) -> KernelFile:
        """The file taken apart as a kernel."""
        return take_apart(self.data, self.name, self.profile)


def open_file(
    name: str,
    data: bytes,
    release: str,
    profile: Profile,
    overrides: tuple[str, ...] = (),
    kind: str | None = None,
) -> File:
    """Return a file to be asked; `kind` says what to take it for. UsageError for what does not go together."""
    recognition = recognise(data)
    if kind is not None:
        if kind not in KINDS:
            raise UsageError(
                "kind-unknown", f"{kind!r} is no kind of file", hint="use one of " + ", ".join(KINDS)
            )
        why = f"you say so; it looks like {recognition.what}"
        recognition = Recognition(FileKind(kind), f"a {kind}", why)
    if overrides and recognition.kind is not FileKind.CONFIG:
        raise UsageError(
            "no-settings",
            f"{name} is {recognition.what}, and settings are for configurations",
            hint="leave them out, or take the file for one with --as configuration",
        )
    if recognition.kind is FileKind.CONFIG and release != profile.name:
        raise UsageError(
            "profile-unknown",
            f"configurations of Xen {release} are not known here",
            cause="its xl reads other keys than later ones",
            hint=f"use --xen {profile.name} or later",
        )
    return File(name, data, recognition, release, profile, overrides)


@dataclass(frozen=True, slots=True)
class _Answers:
    """Who answers for a kind of file."""

    describe: Callable[[File], Branch]
    parts: Callable[[File], tuple[Part, ...]]
    at: Callable[[File, str, int], Branch] | None = None


def _kernel(file: File) -> Branch:
    return describe_kernel(file.kernel, file.release)


def _kernel_parts(file: File) -> tuple[Part, ...]:
    return kernel_parts(file.kernel, file.release)


def _kernel_at(file: File, address: str, length: int) -> Branch:
    return describe_kernel_address(file.kernel, address, length)


def _firmware(file: File) -> Branch:
    """Describe firmware, and what is an ELF file also as one."""
    told = describe_firmware(file.data) or _unlike("firmware")
    return {**told, **_kernel(file)} if file.data.startswith(MAGIC) else told


def _ramdisk(file: File) -> Branch:
    return describe_ramdisk(file.data) or _unlike("a ramdisk")


def _ramdisk_parts(file: File) -> tuple[Part, ...]:
    return ramdisk_parts(file.data)


def _config(file: File) -> Branch:
    return describe_config(file.data, file.name, file.overrides, file.profile)


def _unread(file: File) -> Branch:
    """Say of a host's file why it is not looked into: those that can be are no files here (inspect.captures)."""
    what = "save files" if file.recognition.kind is FileKind.SAVE else "dump-cores"
    mend = file.recognition.unpacking
    problem = f"{what} are looked into as they are" if mend else f"this form of {what} is not read"
    return {"problems": problem_rows([Problem(None, problem, mend)])}


def _unlike(kind: str) -> Branch:
    """Say of a file that it has nothing of the kind that a user takes it for."""
    return {"problems": problem_rows([Problem(None, f"nothing in it is known of {kind}", "leave out --as")])}


def _no_parts(file: File) -> tuple[Part, ...]:
    return ()


_AS_KERNEL = _Answers(_kernel, _kernel_parts, _kernel_at)

_ANSWERS: Mapping[FileKind, _Answers] = MappingProxyType(
    {
        FileKind.CONFIG: _Answers(_config, _no_parts),
        FileKind.KERNEL: _AS_KERNEL,
        FileKind.FIRMWARE: _Answers(_firmware, _kernel_parts, _kernel_at),
        FileKind.RAMDISK: _Answers(_ramdisk, _ramdisk_parts),
        FileKind.DISK: _Answers(_ramdisk, _no_parts),
        FileKind.SAVE: _Answers(_unread, _no_parts),
        FileKind.CORE: _Answers(_unread, _no_parts),
        FileKind.FOREIGN: _AS_KERNEL,
        FileKind.DOCUMENT: _AS_KERNEL,
        FileKind.ARCHIVE: _AS_KERNEL,
        FileKind.SCRIPT: _AS_KERNEL,
        FileKind.TEXT: _AS_KERNEL,
        FileKind.EMPTY: _AS_KERNEL,
        FileKind.UNKNOWN: _AS_KERNEL,
    }
)
"""Who answers for each kind; of what is nothing known, the builder's loaders say why they do not take it."""
