"""Opening a domain, or a side of a comparison, whatever it is given as.

That is a directory, a manifest, a configuration, or what a host wrote: a save file or a dump-core. What a file is,
its first bytes say. Files that are something else are told apart here, so that nobody reads in an error about line 1
that a kernel is no configuration.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from xlbuild.built import BuiltDomain
from xlbuild.config.hints import is_binary
from xlbuild.container.model import Kind
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
from xlbuild.errors import NOWHERE, FilesError, RefusedError, UsageError, Where
from xlbuild.fromhost import captured_as, read_capture
from xlbuild.identity import Origin
from xlbuild.image.recognise import FileKind
from xlbuild.inspect.kernels.facts import KernelCore
from xlbuild.inspect.recognise import Recognition, recognise
from xlbuild.pipeline import Guest, Kernel, finish_guest
from xlbuild.plan.model import PlanFor
from xlbuild.several.kernels import with_kernels
from xlbuild.units import KIB, MIB

_HEAD = 16 * MIB
"""Bytes by which a file is known: all of the largest firmware."""
_SIGNED = KIB
"""Bytes by which a host's file is."""

_MAY_BE_CONFIG = frozenset({FileKind.CONFIG, FileKind.SCRIPT, FileKind.TEXT, FileKind.EMPTY})
"""Kinds of which the parser has to say whether they are configurations."""


@dataclass(frozen=True, slots=True)
class GivenConfig:
    """A configuration that is to be compared, read but not built yet."""

    label: str
    """As the user gave it, with settings."""
    guest: Guest
    remarks: tuple[str, ...] = ()
    """What is to be said of how it is built."""

    @property
    def is_built(self) -> bool:
        """Whether it was built before, as some release."""
        return False


Opened: TypeAlias = Given | GivenConfig
"""A side of a comparison that is opened, and perhaps to be built."""


def built_sides(sides: tuple[Opened, Opened]) -> tuple[Given, Given]:
    """Return two sides, configurations built; a kernel that both start is unpacked once. Raises as a build does.

    A PV guest is laid out as the other side's is, if that is built: for a restore, where it is a save file's. A PVH
    guest is made to set its memory map where the other side's does.
    """
    a, b = sides
    configs = [config for config in (_planned_as(a, b), _planned_as(b, a)) if config is not None]
    built = iter(
        [_built(configs[at], kernel) for at, kernel in sorted(with_kernels([c.guest for c in configs]))]
    )
    a, b = (next(built) if isinstance(side, GivenConfig) else side for side in sides)
    return a, b


def _planned_as(side: Opened, other: Opened) -> GivenConfig | None:
    """Return a configuration, to be laid out as the other side is; None for what is no configuration."""
    if not isinstance(side, GivenConfig):
        return None
    options = side.guest.options
    if not isinstance(other, GivenDomain) or side.guest.container.kind is not other.built.kind:
        return side
    plan_for = other.built.plan_for
    if plan_for is options.plan_for:
        return side
    sets_memory_map = other.built.kind is Kind.PVH and plan_for is PlanFor.RESTORE
    guest = replace(side.guest, options=replace(options, plan_for=plan_for, set_memory_map=sets_memory_map))
    remark = f"{side.label} is laid out for `xl {plan_for.value}`, as {other.label} is"
    return replace(side, guest=guest, remarks=(remark,))


def _built(config: GivenConfig, kernel: Kernel | None) -> Given:
    return side_of(finish_guest(config.guest, kernel), config.label, config.remarks)


def side_of(domain: Domain, label: str, remarks: tuple[str, ...] = ()) -> Given:
    """Return a domain that was built of a configuration, to be compared.

    label           what the comparison calls it
    remarks         what is to be said of how it was built
    """
    core = KernelCore(domain.plan.request.image.core)
    return GivenDomain(label, in_memory(domain, label), core, remarks)


def open_domain(
    given: str | bytes, source: str, settings: Sequence[str], build: Callable[[], Domain]
) -> BuiltDomain:
    """Return a domain: read back from what is there, or what `build` makes of a configuration.

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
    if (origin := captured_as(head)) is not None:
        return origin
    found = recognise(head)
    return Origin.CONFIG if _may_be_config(found, head) else found


def captured(given: str | bytes) -> Origin | None:
    """Return what a file is of a host's, by its first bytes; None for any other, and where it cannot be read."""
    if isinstance(given, bytes) or is_directory(given):
        return None
    try:
        return captured_as(read_head(given, "file", NOWHERE, _SIGNED))
    except FilesError:
        return None


def read_domain(given: str | bytes, source: str, origin: Origin, settings: Sequence[str]) -> BuiltDomain:
    """Return a domain that is built already, or a host's; arguments as for `open_domain`."""
    if settings:
        raise UsageError(
            "no-settings",
            f"{source} is a {origin.value}, and settings are for configurations",
            hint="leave them out; a domain that is built has its settings",
        )
    if origin.is_capture:
        return read_capture(given, source, origin)
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
        hint=found.unpacking
        or "give a built domain's directory, its domain.json, the xl configuration that it is built from, "
        "or a save file or dump-core of a guest that has not run yet",
        where=Where(source),
    )
