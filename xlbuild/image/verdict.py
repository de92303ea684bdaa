"""What a loader says of a kernel file: a match, or a reason why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xlbuild.errors import NOWHERE, Where
from xlbuild.image.blob import Blob
from xlbuild.image.model import KernelImage
from xlbuild.profiles import Profile


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
