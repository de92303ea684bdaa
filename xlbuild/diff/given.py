"""What is given to be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from xlbuild.built import BuiltDomain, Origin
from xlbuild.inspect.kernels.facts import KernelCore
from xlbuild.inspect.subject import File


@dataclass(frozen=True, slots=True)
class GivenDomain:
    """A domain: built, or in memory only, or its manifest alone."""

    label: str
    """As the user gave it, with settings."""
    built: BuiltDomain
    kernel: KernelCore | None = None
    """What was loaded as its kernel, unpacked, where that is at hand: of a configuration."""
    remarks: tuple[str, ...] = ()
    """What a reader should know of how it was built for the comparison."""

    @property
    def origin(self) -> Origin:
        """What it was given as."""
        return self.built.origin

    @property
    def is_built(self) -> bool:
        """Whether it was built before, as some release."""
        return self.origin is not Origin.CONFIG


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A kernel, or another file of which no domain is built."""

    label: str
    file: File

    @property
    def is_built(self) -> bool:
        """Whether it was built before: a file is no domain."""
        return False


Given: TypeAlias = GivenDomain | GivenFile
