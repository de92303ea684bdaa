"""Building domains."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from xlbuild.api.options import find_profile, ignore, not_restorable, parse_host, read_host
from xlbuild.errors import XlbuildError

if TYPE_CHECKING:
    from xlbuild.domain import Digests, Domain
    from xlbuild.pipeline import Guest, OnStage, OnUnplanned, OnWarning

T = TypeVar("T")


def build(
    config: str | Path | bytes,
    *,
    overrides: Sequence[str] = (),
    xen: str | None = None,
    firmware_dirs: Sequence[str] = (),
    hypercall_page: bool = True,
    host: str | Path | None = None,
    features: str | None = None,
    max_kernel_size: int | None = None,
    strict: bool = False,
    restorable: bool = False,
    set_memory_map: bool = False,
    source: str = "-",
    on_stage: OnStage = ignore,
    on_warning: OnWarning = ignore,
) -> Domain:
    """Build a domain in memory from an xl configuration: a file's path, or the text itself as bytes.

    overrides       `key=value` settings that come after the file's, as for `xl create`
    xen             release to build as, `4.17` … (default: the newest known)
    firmware_dirs   searched first for hvmloader, SeaBIOS, OVMF, the shim: flat directories or root trees
    hypercall_page  fill a PV kernel's hypercall page, which on a host the hypervisor does
    host            file that describes the host the guest is to run on (docs/host.md)
    features        what a PV guest is to have on request, names joined by `|`: xl itself never asks
    max_kernel_size  bytes of the largest kernel that is taken, packed and unpacked (default: 1 GiB, as upstream)
    strict          take warnings (not notes) for errors: StrictError has all of them
    restorable      build it for a save file (`write_save`): a PV guest is laid out for `xl restore`
    set_memory_map  have a PVH guest, which is to be restorable, tell the hypervisor its memory map before its kernel
                    starts: GRUB and Mini-OS ask for it, and `xl restore` does not set it
    source          what messages call a configuration given as bytes
    on_stage        called with a stage's name and detail as it starts
    on_warning      called with each warning as it is found; `Domain.warnings` has them all

    Raises ConfigError, FilesError or RefusedError, and UsageError for a release that is not known, a size that cannot
    be, an override without `=`, or set_memory_map for a guest that is not restorable or not PVH; nothing is written.
    """
    guest = begin(
        config,
        overrides=overrides,
        xen=xen,
        firmware_dirs=firmware_dirs,
        hypercall_page=hypercall_page,
        host=host,
        features=features,
        max_kernel_size=max_kernel_size,
        strict=strict,
        restorable=restorable,
        set_memory_map=set_memory_map,
        source=source,
        on_stage=on_stage,
        on_warning=on_warning,
    )
    return finish(guest)


def begin(
    config: str | Path | bytes,
    *,
    overrides: Sequence[str] = (),
    xen: str | None = None,
    firmware_dirs: Sequence[str] = (),
    hypercall_page: bool = True,
    host: str | Path | None = None,
    features: str | None = None,
    max_kernel_size: int | None = None,
    strict: bool = False,
    restorable: bool = False,
    set_memory_map: bool = False,
    source: str = "-",
    on_stage: OnStage = ignore,
    on_warning: OnWarning = ignore,
    on_unplanned: OnUnplanned = ignore,
) -> Guest:
    """Start a build: read the configuration and choose the container, but read no file of the guest yet.

    on_unplanned    called with a guest that gets no plan, too little memory say, before the error that says why

    Other arguments and the errors are those of `build`, which is `finish(begin(…))`.
    """
    from xlbuild.emit.inputs import HostFiles
    from xlbuild.emit.readfile import config_data
    from xlbuild.pipeline import BuildOptions, begin_guest
    from xlbuild.plan.model import PlanFor

    if set_memory_map and not restorable:
        raise not_restorable()
    profile = find_profile(xen, max_kernel_size)
    source = source if isinstance(config, bytes) else str(config)
    on_stage("config", source)
    data = config_data(config, source)
    host_file = read_host(host) if host is not None else None
    options = BuildOptions(
        profile,
        fill_hypercall_page=hypercall_page,
        features=features,
        host=parse_host(host_file),
        host_file=host_file,
        strict=strict,
        plan_for=PlanFor.RESTORE if restorable else PlanFor.CREATE,
        set_memory_map=set_memory_map,
    )
    files = HostFiles(profile, firmware_dirs)
    return begin_guest(data, source, overrides, options, files, on_stage, on_warning, on_unplanned)


def finish(guest: Guest) -> Domain:
    """Build the domain of a guest that `begin` has started; errors are those of `build`."""
    from xlbuild.pipeline import finish_guest

    return finish_guest(guest)


def build_each(
    guests: Sequence[Guest],
    work: Callable[[int, Callable[[], Domain]], T],
    *,
    jobs: int | None = None,
    on_start: Callable[[int], None] = ignore,
    on_end: Callable[[int, T | XlbuildError], None] = ignore,
    on_wait: Callable[[], None] = ignore,
) -> list[T | XlbuildError]:
    """Build the domains of several guests that `begin` has started, each in a process of its own, a fork of this one.

    work        called in that process with the guest's number and a function that builds its domain, as `finish`
                does; what it returns comes back pickled
    jobs        how many to build at a time (default: as many as this process may use CPUs)
    on_start    called with a guest's number as its process starts: guests with the same kernel, which is unpacked
                once for them all, come behind one another
    on_end      called with a guest's number and what came of it as its process ends
    on_wait     called some ten times a second meanwhile

    Returns what came of each guest, in their order: what `work` returned, the XlbuildError that it raised, or a
    CrashError when it raised another exception or the process was killed. None of them stops the others.
    """
    import xlbuild.emit.readback
    import xlbuild.emit.structures
    import xlbuild.emit.writers  # noqa: F401 (once here, not in each process)
    from xlbuild.several import build_guests

    most = len(os.sched_getaffinity(0)) if jobs is None else jobs
    return build_guests(guests, work, most, on_start, on_end, on_wait)


def manifest(domain: Domain) -> dict[str, object]:
    """Return the document that describes a domain: domain.json."""
    from xlbuild.emit.manifest import manifest as make_manifest

    return make_manifest(domain)[0]


def digests(domain: Domain) -> Digests:
    """Return a domain's digests."""
    from xlbuild.emit.manifest import manifest as make_manifest

    return make_manifest(domain)[1]


def files_read(domain: Domain, config: str | Path | None) -> tuple[str, ...]:
    """Return the files that a domain is made from, each once; `config` is its configuration's, None where it is none.

    What is built into the program is no file.
    """
    from xlbuild.emit.depfile import files_read as read

    return read(None if config is None else str(config), domain.inputs)
