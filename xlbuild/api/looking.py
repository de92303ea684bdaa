"""Looking at files: configurations that are checked, and whatever else there is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xlbuild.api.options import find_profile, ignore, limited, parse_host, read_host, unknown_release
from xlbuild.errors import NOWHERE, UsageError, raise_all
from xlbuild.host import STAND_IN_TOPOLOGY, HostTopology
from xlbuild.profiles import Profile

if TYPE_CHECKING:
    from xlbuild.checking import LookAtDisks, LookAtFiles
    from xlbuild.checking.model import CheckReport
    from xlbuild.host import Host
    from xlbuild.inspect.subject import Subject
    from xlbuild.pipeline import OnWarning

_HEAD = 64
"""Bytes that tell what a host wrote of a guest."""


def xl_json(
    config: str | Path | bytes,
    *,
    overrides: Sequence[str] = (),
    xen: str | None = None,
    source: str = "-",
    topology: HostTopology = STAND_IN_TOPOLOGY,
    on_warning: OnWarning = ignore,
) -> str:
    """Return the JSON that a release's `xl -N create` prints of a configuration: libxl_domain_config.

    Arguments and errors are those of `build`; `topology` is of the host that xl would run on. A uuid that the
    configuration does not give is left out.
    """
    from xlbuild.emit.readfile import config_data
    from xlbuild.libxl.json import json_text
    from xlbuild.reading import read_config

    source = source if isinstance(config, bytes) else str(config)
    data = config_data(config, source)
    reading = read_config(data, source, overrides, find_profile(xen), topology)
    for warning in reading.warnings:
        on_warning(warning)
    raise_all(reading.errors)
    assert reading.domain_config is not None
    return json_text(reading.domain_config)


def check(
    config: str | Path | bytes,
    *,
    overrides: Sequence[str] = (),
    xen: str | None = None,
    files: bool = True,
    firmware_dirs: Sequence[str] = (),
    host: str | Path | None = None,
    max_kernel_size: int | None = None,
    source: str = "-",
) -> CheckReport:
    """Check an xl configuration: everything that xl would stop at, and what it does not tell.

    files           look at the files that the configuration names, load the kernel, and plan the domain

    Other arguments are those of `build`. Raises FilesError when the configuration itself cannot be read, and
    UsageError as `build` does; all else is in the report.
    """
    from xlbuild.checking import check_config
    from xlbuild.emit.readfile import config_data

    profile = find_profile(xen, max_kernel_size)
    source = source if isinstance(config, bytes) else str(config)
    data = config_data(config, source)
    host_file = read_host(host) if host is not None else None
    known_host = parse_host(host_file)
    if not files:
        return check_config(data, source, overrides, profile, known_host)
    look_at_files, look_at_disks = _with_files(profile, firmware_dirs, known_host)
    return check_config(data, source, overrides, profile, known_host, look_at_files, look_at_disks)


def _with_files(
    profile: Profile, firmware_dirs: Sequence[str], host: Host | None
) -> tuple[LookAtFiles, LookAtDisks]:
    """Return what looks at a guest's files, for a check."""
    from functools import partial

    from xlbuild.checking.files import look_at_files
    from xlbuild.emit.disks import missing_disks
    from xlbuild.emit.inputs import HostFiles
    from xlbuild.pipeline import BuildOptions

    options, files = BuildOptions(profile, host=host), HostFiles(profile, firmware_dirs)
    return partial(look_at_files, options=options, files=files), missing_disks


def examine(
    file: str | Path | bytes,
    *,
    overrides: Sequence[str] = (),
    xen: str | None = None,
    kind: str | None = None,
    max_kernel_size: int | None = None,
    source: str = "-",
) -> Subject:
    """Open a file, or a built domain's directory, to be looked at: ask the result.

    Of a save file or a dump-core, which may be as large as a guest, memory is read only where it is asked for.

    overrides       `key=value` settings that come after a configuration's
    xen             release that is asked about, `4.2` … (default: the newest known)
    kind            take the file for this, whatever it looks like: `kernel`, `ramdisk`, `firmware`, `configuration`
    max_kernel_size bytes that a kernel may have, packed or unpacked

    Raises FilesError for what cannot be read, RefusedError for what is too large, for a directory that is no built
    domain and for a save file or dump-core that is damaged, UsageError for a release or kind that is not known, or
    settings for what is no configuration.
    """
    from xlbuild.emit.inputs import BUILT_IN_SCHEME, built_in
    from xlbuild.emit.readback import is_directory
    from xlbuild.emit.readfile import read_file
    from xlbuild.inspect.kernels.release_verdicts import profile_of
    from xlbuild.inspect.releases import RELEASES
    from xlbuild.inspect.subject import open_file

    release = RELEASES[-1] if xen is None else xen
    if release not in RELEASES:
        raise unknown_release(release, RELEASES)
    name = source if isinstance(file, bytes) else str(file)
    if not isinstance(file, bytes) and is_directory(name):
        return _examine_directory(name, overrides, kind)
    content = file if isinstance(file, bytes) else name
    if kind is None and (capture := _examine_capture(content, name)) is not None:
        if overrides:
            raise UsageError(
                "no-settings",
                f"{name} is what a host wrote of a guest, and settings are for configurations",
                hint="leave them out",
            )
        return capture
    if isinstance(content, bytes):
        data = content
    elif name.startswith(BUILT_IN_SCHEME):
        data = built_in(name, NOWHERE)
    else:
        data = read_file(name, "file", NOWHERE)
    profile = profile_of(release)
    if max_kernel_size is not None:
        profile = limited(profile, max_kernel_size)
    return open_file(name, data, release, profile, tuple(overrides), kind)


def _examine_capture(content: bytes | str, name: str) -> Subject | None:
    """Return what a host wrote of a guest, of which memory is not read at once; None for any other file."""
    from functools import partial

    from xlbuild.emit.inputs import BUILT_IN_SCHEME
    from xlbuild.emit.readfile import read_head
    from xlbuild.fromhost import captured_as, read_file, recovered

    if isinstance(content, str) and content.startswith(BUILT_IN_SCHEME):
        return None
    head = content if isinstance(content, bytes) else read_head(content, "file", NOWHERE, _HEAD)
    if (origin := captured_as(head)) is None:
        return None
    from xlbuild.inspect.captures.subject import CaptureSubject

    capture = read_file(content, name, origin)
    return CaptureSubject(capture, partial(recovered, capture))


def _examine_directory(name: str, overrides: Sequence[str], kind: str | None) -> Subject:
    from xlbuild.emit.readback import read_directory, verify
    from xlbuild.inspect.domains.subject import DomainSubject

    if overrides or kind is not None:
        raise UsageError(
            "no-settings",
            f"{name} is a directory, and settings or a kind are for files",
            hint="leave them out; xlbuild create makes a domain of other settings",
        )
    return DomainSubject(read_directory(name), verify)
