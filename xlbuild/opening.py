"""Opening a domain, or a side of a comparison, whatever it is given as: a directory, a manifest, a configuration.

What a file is, its first bytes say. Files that are something else are told apart here, so that nobody reads in an
error about line 1 that a kernel is no configuration.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xlbuild.built import BuiltDomain
from xlbuild.config.hints import is_binary
from xlbuild.diff.given import Given, GivenDomain
from xlbuild.domain import Domain
from xlbuild.emit.inputs import BUILT_IN_SCHEME, built_in
from xlbuild.emit.readback import (
    in_memory,
    is_directory,
    may_be_manifest,
    read_directory,
    read_manifest_file,
    read_manifest_text,
)
from xlbuild.emit.readfile import read_head
from xlbuild.errors import NOWHERE, RefusedError, UsageError, Where
from xlbuild.identity import Origin
from xlbuild.image.recognise import FileKind
from xlbuild.inspect.kernels.facts import KernelCore
from xlbuild.inspect.recognise import Recognition, recognise
from xlbuild.pipeline import Guest, Kernel, finish_guest
from xlbuild.several.kernels import with_kernels
from xlbuild.units import MIB

_HEAD = 16 * MIB
"""Bytes by which a file is known: all of the largest firmware."""

_MAY_BE_CONFIG = frozenset({FileKind.CONFIG, FileKind.SCRIPT, FileKind.TEXT, FileKind.EMPTY})
"""Kinds of which the parser has to say whether they are configurations."""


@dataclass(frozen=True, slots=True)
class GivenConfig:
    """A configuration that is to be compared, read but not built yet."""

    label: str
    """As the user gave it, with settings."""
    guest: Guest

    @property
    def is_built(self) -> bool:
        """Whether it was built before, as some release."""
        return False


Opened: TypeAlias = Given | GivenConfig
"""A side of a comparison that is opened, and perhaps to be built."""


def built_sides(sides: tuple[Opened, Opened]) -> tuple[Given, Given]:
    """Return two sides, configurations built; a kernel that both start is unpacked once. Raises as a build does."""
    configs = [side for side in sides if isinstance(side, GivenConfig)]
    built = iter(
        [_built(configs[at], kernel) for at, kernel in sorted(with_kernels([c.guest for c in configs]))]
    )
    a, b = (next(built) if isinstance(side, GivenConfig) else side for side in sides)
    return a, b


def _built(config: GivenConfig, kernel: Kernel | None) -> Given:
    return side_of(finish_guest(config.guest, kernel), config.label)


def side_of(domain: Domain, label: str) -> Given:
    """Return a domain that was built of a configuration, to be compared; `label` is what the comparison calls it."""
    core = KernelCore(domain.plan.request.image.core)
    return GivenDomain(label, Origin.CONFIG, in_memory(domain, label), core)


def open_domain(
    given: str | bytes, source: str, settings: Sequence[str], build: Callable[[], Domain]
) -> BuiltDomain:
    """Return a domain: read back from a directory or a manifest, or what `build` makes of a configuration.

    given           a path, or the text of a manifest or a configuration
    source          what messages call it
    settings        what `build` has in addition; UsageError where it is no configuration

    Raises what reading or building it does, and RefusedError (no-domain) for a file that is something else.
    """
    origin = origin_of(given)
    if isinstance(origin, Recognition):
        raise _no_domain(source, origin)
    if origin is Origin.CONFIG:
        return in_memory(build(), source)
    return read_domain(given, source, origin, settings)


def origin_of(given: str | bytes) -> Origin | Recognition:
    """Return what a domain is given as; for a file that is none, what it is. FilesError where it cannot be read."""
    if not isinstance(given, bytes) and is_directory(given):
        return Origin.DIRECTORY
    head = given if isinstance(given, bytes) else _head(given)
    if may_be_manifest(head):
        return Origin.MANIFEST
    found = recognise(head)
    return Origin.CONFIG if _may_be_config(found, head) else found


def read_domain(given: str | bytes, source: str, origin: Origin, settings: Sequence[str]) -> BuiltDomain:
    """Return a domain that is built already, from its directory or its manifest; arguments as for `open_domain`."""
    if settings:
        raise UsageError(
            "no-settings",
            f"{source} is a {origin.value}, and settings are for configurations",
            hint="leave them out; a domain that is built has its settings",
        )
    if isinstance(given, bytes):
        return read_manifest_text(given, source)
    return read_directory(given) if origin is Origin.DIRECTORY else read_manifest_file(given)


def _head(path: str) -> bytes:
    if path.startswith(BUILT_IN_SCHEME):
        return built_in(path, NOWHERE)
    return read_head(path, "file", NOWHERE, _HEAD)


def _may_be_config(found: Recognition, head: bytes) -> bool:
    """Return whether the parser's own words are the best that can be said of a file."""
    if found.kind is FileKind.UNKNOWN:
        return not found.packing and not is_binary(head)
    return found.kind in _MAY_BE_CONFIG


def _no_domain(source: str, found: Recognition) -> RefusedError:
    return RefusedError(
        "no-domain",
        f"it is no domain, but {found.what}",
        cause=found.why,
        hint="give a built domain's directory, its domain.json, or the xl configuration that it is built from",
        where=Where(source),
    )
