"""What a case is: an input that is broken or does not suit, and exactly what xlbuild says of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

PV = 'name = "g"; type = "pv"; kernel = "vmlinuz"; memory = 64'
PVH = 'name = "g"; type = "pvh"; kernel = "vmlinuz"; memory = 64'
HVM = (
    'name = "g"; type = "hvm"; memory = 64; firmware_override = "hvmloader"; bios = "seabios"; '
    'bios_path_override = "bios"'
)
HELLO_PV = 'name = "g"; type = "pv"; kernel = "xlbuild:hello-pv"; memory = 64'
HELLO_PVH = 'name = "g"; type = "pvh"; kernel = "xlbuild:hello-pvh"; memory = 64'

REFUSES, BUILDS, CRASHES = "refuses", "builds", "crashes"
NO_FILES: Mapping[str, Callable[[], bytes]] = MappingProxyType({})


@dataclass(frozen=True)
class Case:
    """One input."""

    what: str
    """What is wrong, in words."""
    config: str
    """The configuration, guest.cfg; files are named as `files` has them."""
    files: Mapping[str, Callable[[], bytes]] = field(default_factory=lambda: NO_FILES)
    """The files beside it, made when they are needed."""
    arguments: str = "create guest.cfg"
    status: int = 3
    xl: str | None = None
    """What Xen's own toolstack (4.17) does with the same input; None: it is not asked, having no such thing."""
    mended: str | None = None
    """Arguments with which the guest is built: what the mend says, where that is no change to a file."""
    prepare: Callable[[Path], object] | None = None
    """Makes in a directory what is no regular file."""
    said: str = ""
    """All that goes to stderr."""


@dataclass(frozen=True)
class Group:
    """Cases that belong together."""

    title: str
    cases: tuple[Case, ...]
