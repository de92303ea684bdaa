"""A built domain: the plan, the memory it became, and what went in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from xlbuild.container import Container, FileRequest, Role
from xlbuild.errors import Diagnostic, RefusedError
from xlbuild.libxl.domain import DomainConfig
from xlbuild.memory import GuestMemory
from xlbuild.plan.model import BuildRequest, Plan, Segment
from xlbuild.profiles import Profile


class Input(Protocol):
    """A file that went into the build."""

    @property
    def role(self) -> Role:
        """What it is for."""

    @property
    def path(self) -> str:
        """Its path as the configuration has it, or where it was found."""

    @property
    def data(self) -> bytes:
        """Its bytes."""


class InputFiles(Protocol):
    """Where input files come from."""

    def read(self, request: FileRequest) -> Input:
        """Return a requested file, or raise FilesError."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain as built: everything that a host would start it from."""

    domain_config: DomainConfig
    """The configuration as libxl has it, which a save file carries along."""
    container: Container
    profile: Profile
    inputs: tuple[Input, ...]
    plan: Plan
    memory: GuestMemory
    warnings: tuple[Diagnostic, ...]
    """What the user should know though the domain was built."""


@dataclass(frozen=True, slots=True)
class Unplanned:
    """A guest that gets no plan."""

    request: BuildRequest
    inputs: tuple[Input, ...]
    so_far: tuple[Segment, ...]
    """What had its place by then."""
    refusal: RefusedError
    reason: str | None
    """The refusal's cause without that map."""


@dataclass(frozen=True, slots=True)
class Digests:
    """SHA-256 digests in hex, as docs/domain-json.md defines them."""

    memory: str
    segments: Mapping[str, str]
    domain: str
