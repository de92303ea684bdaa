"""What a loader says of a kernel file: a match, or a reason why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from xlbuild.errors import NOWHERE, Where
from xlbuild.image.blob import Blob
from xlbuild.image.codecs import Codec
from xlbuild.image.model import KernelImage
from xlbuild.profiles import Profile

Unpack: TypeAlias = Callable[[Codec, Blob, Profile], Blob]
"""Undoes a payload's compression as a release does; raises CodecError."""


def unpack(codec: Codec, payload: Blob, profile: Profile) -> Blob:
    """Undo a payload's compression: the plain way, each time it is asked for."""
    return codec.unpack(payload, profile)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kernel file on its way through the loaders."""

    name: str
    """The file's name as given, for messages."""
    blob: Blob
    packing: tuple[str, ...]
    """What has been undone so far, outermost first."""
    hvm_container: bool
    profile: Profile
    firmware: bool = False
    """Whether it is what an HVM guest starts in place of a kernel, hvmloader for one: messages then say so."""
    features: int = 0
    """What a PV guest is to have on request, beside what its kernel requires: a bitmap of xen/features.h."""
    unpack: Unpack = unpack
    """How its payload is unpacked: whoever asks the loaders more than once need not do it each time."""

    @property
    def noun(self) -> str:
        """What messages call it."""
        return "firmware" if self.firmware else "kernel"

    @property
    def mend(self) -> str:
        """What to do about a file that is nothing of the kind."""
        if self.firmware:
            return (
                "give hvmloader, or remove firmware_override and firmware: xlbuild then looks for hvmloader"
            )
        return "give the guest's own kernel: a Linux bzImage, or an ELF file (vmlinux) with Xen notes"


@dataclass(frozen=True, slots=True)
class Match:
    """The loader takes the file, finally: what `load` then refuses is refused."""

    load: Callable[[], KernelImage]


@dataclass(frozen=True, slots=True)
class Reject:
    """The loader does not take the file."""

    reason: str
    hint: str | None = None
    where: Where = NOWHERE
    leaves: Candidate | None = None
    """What the loaders behind this one get to see instead: a bzImage leaves its payload."""


class RejectedError(Exception):
    """Carries a `Reject` out of the depths of a probe; it never leaves this package."""

    def __init__(self, reason: str, hint: str | None = None, where: Where = NOWHERE) -> None:
        """Take what the `Reject` is to say."""
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.where = where

    def verdict(self) -> Reject:
        """Return it as a loader's answer."""
        return Reject(self.reason, self.hint, self.where)
