"""Opening domains however they are given, and comparing them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xlbuild.api.building import begin, build
from xlbuild.api.looking import examine
from xlbuild.api.options import ignore
from xlbuild.errors import UsageError

if TYPE_CHECKING:
    from xlbuild.built import BuiltDomain
    from xlbuild.diff.given import Given
    from xlbuild.diff.model import Comparison
    from xlbuild.domain import Domain
    from xlbuild.expected import Expected
    from xlbuild.identity import Identity
    from xlbuild.opening import Opened
    from xlbuild.pipeline import OnStage, OnWarning


def open_domain(
    domain: str | Path | bytes,
    *,
    overrides: Sequence[str] = (),
    xen: str | None = None,
    firmware_dirs: Sequence[str] = (),
    hypercall_page: bool = True,
    host: str | Path | None = None,
    max_kernel_size: int | None = None,
    source: str = "-",
    on_stage: OnStage = ignore,
    on_warning: OnWarning = ignore,
) -> BuiltDomain:
    """Return a domain as one that is read back, whatever it is given as, a path or text; nothing is written.

    A built domain's directory and a manifest (a domain.json alone, under any name) are read; of a manifest's memory
    nothing but the digests is known. So is a host's save file or dump-core of a guest that has not run yet: what such
    a file does not tell is in `untold`. A configuration is built in memory, with arguments as for `build`; they are
    nothing to the others.

    Raises what `build` does, FilesError and RefusedError for what cannot be read back or is something else, and
    UsageError for overrides where there is no configuration.
    """
    from functools import partial

    from xlbuild.opening import open_domain as open_it

    given = domain if isinstance(domain, bytes) else str(domain)
    building = partial(
        build,
        given,
        overrides=overrides,
        xen=xen,
        firmware_dirs=firmware_dirs,
        hypercall_page=hypercall_page,
        host=host,
        max_kernel_size=max_kernel_size,
        source=source,
        on_stage=on_stage,
        on_warning=on_warning,
    )
    return open_it(given, source if isinstance(given, bytes) else given, overrides, building)


def identify(domain: BuiltDomain, *, on_warning: OnWarning = ignore) -> Identity:
    """Return what a domain that was opened is known by: its digests, and those of all that enters them.

    All of a directory's memory is read for that. Where it is not what the manifest records, the digests are those of
    what is there, and `on_warning` is told. Raises FilesError for an image that cannot be read, or changes meanwhile.
    """
    from xlbuild.emit.readback import identify as identify_it

    identity = identify_it(domain)
    for warning in identity.warnings():
        on_warning(warning)
    return identity


def side(
    given: str | Path | bytes,
    *,
    overrides: Sequence[str] = (),
    xen: str | None = None,
    firmware_dirs: Sequence[str] = (),
    hypercall_page: bool = True,
    host: str | Path | None = None,
    max_kernel_size: int | None = None,
    source: str = "-",
    on_stage: OnStage = ignore,
    on_warning: OnWarning = ignore,
) -> Opened:
    """Open something to be compared: a domain, whatever it is given as (see `open_domain`), or a kernel's file.

    Arguments and errors are those of `open_domain`, and of `examine` for other files. A configuration is built when
    it is compared.
    """
    from xlbuild.diff.given import GivenDomain, GivenFile
    from xlbuild.identity import Origin
    from xlbuild.inspect.subject import File
    from xlbuild.opening import GivenConfig, origin_of, read_domain

    name = source if isinstance(given, bytes) else str(given)
    content = given if isinstance(given, bytes) else name
    origin = origin_of(content)
    if origin is Origin.CONFIG:
        guest = begin(
            content,
            overrides=overrides,
            xen=xen,
            firmware_dirs=firmware_dirs,
            hypercall_page=hypercall_page,
            host=host,
            max_kernel_size=max_kernel_size,
            source=name,
            on_stage=on_stage,
            on_warning=on_warning,
        )
        return GivenConfig(" ".join([name, *overrides]), guest)
    if isinstance(origin, Origin):
        return GivenDomain(name, read_domain(content, name, origin, overrides))
    if overrides:
        raise UsageError(
            "no-settings",
            f"{name} is {origin.what}, and settings are for configurations",
            hint="leave them out",
        )
    file = examine(content, xen=xen, max_kernel_size=max_kernel_size, source=name)
    assert isinstance(file, File)
    return GivenFile(name, file)


def is_of_host(given: str | Path) -> bool:
    """Return whether a file is a save file or a dump-core, by its first bytes; False for what cannot be read."""
    from xlbuild.opening import captured

    return captured(str(given)) is not None


def release_of_host(opened: Opened) -> str | None:
    """Return the Xen release of the host that wrote a side, where it says; None for any other side."""
    from xlbuild.diff.given import GivenDomain

    if not isinstance(opened, GivenDomain) or not opened.origin.is_capture:
        return None
    return None if "profile" in opened.built.untold.members else opened.built.profile


def side_of(domain: Domain, label: str) -> Given:
    """Return a domain that was built of a configuration, to be compared; `label` is what the comparison calls it."""
    from xlbuild.opening import side_of as as_side

    return as_side(domain, label)


def compare(a: Opened, b: Opened, *, ignore: Sequence[str] = ()) -> Comparison:
    """Return all that differs between two sides, but for what is at paths that are to be ignored (docs/diff.md).

    Raises UsageError for sides that have nothing in common, FilesError where an image cannot be read, and what
    `build` does for configurations.
    """
    from xlbuild.diff.compare import compare as compare_sides
    from xlbuild.opening import built_sides

    return compare_sides(*built_sides((a, b)), ignore)


def expected(what: str) -> Expected:
    """Return the digest that a build is to come to: itself, a file that has it, or a domain that was built.

    Raises UsageError for a file without a digest, and what reading the others does.
    """
    from xlbuild.expected import read_expected

    return read_expected(what)


def known_from(expected: Expected, place: str | Path) -> Expected:
    """Return what is expected with the domain at a place, if that has just the digest, and no other is known."""
    from xlbuild.expected import known_from as known

    return known(expected, str(place))
