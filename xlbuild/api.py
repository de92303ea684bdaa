"""The library's functions: the command line uses nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from xlbuild.errors import NOWHERE, Diagnostic, UsageError, raise_all
from xlbuild.host import STAND_IN_TOPOLOGY, HostTopology
from xlbuild.profiles import MOST_CONFIG, NEWEST, PROFILES, XC_DOM_DECOMPRESS_MAX, Profile

if TYPE_CHECKING:
    from xlbuild.built import BuiltDomain
    from xlbuild.checking import LookAtDisks, LookAtFiles
    from xlbuild.checking.model import CheckReport
    from xlbuild.domain import Digests, Domain
    from xlbuild.emit.inputs import InputFile
    from xlbuild.host import Host
    from xlbuild.identity import Identity
    from xlbuild.inspect.subject import Subject
    from xlbuild.inspect.tree import Part
    from xlbuild.pipeline import OnStage, OnWarning

# What a function needs is imported when it is called: a check must not wait for the builder.


def _ignore_stage(name: str, detail: str) -> None:
    """Take no notice of a stage."""


def _ignore_warning(warning: Diagnostic) -> None:
    """Take no notice of a warning."""


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
    source: str = "-",
    on_stage: OnStage = _ignore_stage,
    on_warning: OnWarning = _ignore_warning,
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
    source          what messages call a configuration given as bytes
    on_stage        called with a stage's name and detail as it starts
    on_warning      called with each warning as it is found; `Domain.warnings` has them all

    Raises ConfigError, FilesError or RefusedError, and UsageError for a release that is not known, a size that cannot
    be or an override without `=`; nothing is written.
    """
    from xlbuild.emit.inputs import HostFiles
    from xlbuild.emit.readfile import config_data
    from xlbuild.pipeline import BuildOptions, build_domain

    profile = find_profile(xen, max_kernel_size)
    source = source if isinstance(config, bytes) else str(config)
    on_stage("config", source)
    data = config_data(config, source)
    host_file = _read_host(host) if host is not None else None
    options = BuildOptions(
        profile,
        fill_hypercall_page=hypercall_page,
        features=features,
        host=_parse_host(host_file),
        host_file=host_file,
        strict=strict,
    )
    files = HostFiles(profile, firmware_dirs)
    return build_domain(data, source, overrides, options, files, on_stage, on_warning)


def xl_json(
    config: str | Path | bytes,
    *,
    overrides: Sequence[str] = (),
    xen: str | None = None,
    source: str = "-",
    topology: HostTopology = STAND_IN_TOPOLOGY,
    on_warning: OnWarning = _ignore_warning,
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
    host_file = _read_host(host) if host is not None else None
    known_host = _parse_host(host_file)
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

    overrides       `key=value` settings that come after a configuration's
    xen             release that is asked about, `4.2` … (default: the newest known)
    kind            take the file for this, whatever it looks like: `kernel`, `ramdisk`, `firmware`, `configuration`
    max_kernel_size bytes that a kernel may have, packed or unpacked

    Raises FilesError for what cannot be read, RefusedError for what is too large or for a directory that is no built
    domain, UsageError for a release or kind that is not known, or settings for what is no configuration.
    """
    from xlbuild.emit.inputs import BUILT_IN_SCHEME, built_in
    from xlbuild.emit.readback import is_directory
    from xlbuild.emit.readfile import read_file
    from xlbuild.inspect.kernels.release_verdicts import profile_of
    from xlbuild.inspect.releases import RELEASES
    from xlbuild.inspect.subject import open_file

    release = RELEASES[-1] if xen is None else xen
    if release not in RELEASES:
        raise _unknown_release(release, RELEASES)
    name = source if isinstance(file, bytes) else str(file)
    if not isinstance(file, bytes) and is_directory(name):
        return _examine_directory(name, overrides, kind)
    if isinstance(file, bytes):
        data = file
    elif name.startswith(BUILT_IN_SCHEME):
        data = built_in(name, NOWHERE)
    else:
        data = read_file(name, "file", NOWHERE)
    profile = profile_of(release)
    if max_kernel_size is not None:
        profile = _limited(profile, max_kernel_size)
    return open_file(name, data, release, profile, tuple(overrides), kind)


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


def write_part(part: Part, target: str | Path, *, force: bool = False) -> None:
    """Write a part of what was examined as a file, all or nothing; FilesError when the target exists."""
    from xlbuild.emit.partfile import write_part as write

    write(part, Path(target), force=force)


def _read_host(path: str | Path) -> InputFile:
    from xlbuild.container.model import Role
    from xlbuild.emit.inputs import InputFile
    from xlbuild.emit.readfile import read_file

    return InputFile(Role.HOST, str(path), read_file(str(path), "host file", NOWHERE, MOST_CONFIG))


def _parse_host(file: InputFile | None) -> Host | None:
    if file is None:
        return None
    from xlbuild.emit.hostfile import parse_host

    return parse_host(file.data, file.path)


def find_profile(xen: str | None, max_kernel_size: int | None = None) -> Profile:
    """Return a release's profile, the newest for None, with a limit of its own for a kernel's size in bytes.

    Raises UsageError for a release that is not known, and for a limit that is none or above Xen's own.
    """
    for profile in PROFILES:
        if profile.name == (NEWEST.name if xen is None else xen):
            return profile if max_kernel_size is None else _limited(profile, max_kernel_size)
    raise _unknown_release(str(xen), [profile.name for profile in PROFILES])


def _unknown_release(xen: str, known: Sequence[str]) -> UsageError:
    return UsageError(
        "profile-unknown",
        f"Xen {xen} is not a release that xlbuild knows",
        cause="each release builds guests its own way, and this one's is not described",
        hint="use one of " + ", ".join(known),
    )


def _limited(profile: Profile, max_kernel_size: int) -> Profile:
    if not 0 < max_kernel_size <= XC_DOM_DECOMPRESS_MAX:
        raise UsageError(
            "kernel-size-limit",
            f"{max_kernel_size} bytes are no limit for a kernel's size",
            cause=f"Xen's own is {XC_DOM_DECOMPRESS_MAX} bytes, and no release takes more",
            hint="give a number of bytes from 1 to that, or none",
        )
    return replace(profile, kernel_max_size=max_kernel_size)


def manifest(domain: Domain) -> dict[str, object]:
    """Return the document that describes a domain: domain.json."""
    from xlbuild.emit.manifest import manifest as make_manifest

    return make_manifest(domain)[0]


def digests(domain: Domain) -> Digests:
    """Return a domain's digests."""
    from xlbuild.emit.manifest import manifest as make_manifest

    return make_manifest(domain)[1]


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
    on_stage: OnStage = _ignore_stage,
    on_warning: OnWarning = _ignore_warning,
) -> BuiltDomain:
    """Return a domain as one that is read back, whatever it is given as, a path or text; nothing is written.

    A built domain's directory and a manifest (a domain.json alone, under any name) are read; of a manifest's memory
    nothing but the digests is known. A configuration is built in memory, with arguments as for `build`; they are
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


def identify(domain: BuiltDomain, *, on_warning: OnWarning = _ignore_warning) -> Identity:
    """Return what a domain that was opened is known by: its digests, and those of all that enters them.

    All of a directory's memory is read for that. Where it is not what the manifest records, the digests are those of
    what is there, and `on_warning` is told. Raises FilesError for an image that cannot be read, or changes meanwhile.
    """
    from xlbuild.emit.readback import identify as identify_it

    identity = identify_it(domain)
    for warning in identity.warnings():
        on_warning(warning)
    return identity


def write(
    domain: Domain,
    target: str | Path,
    *,
    force: bool = False,
    document: dict[str, object] | None = None,
) -> None:
    """Write a domain as a directory, all or nothing; `document` saves making its manifest again.

    Raises FilesError when the target exists, or with `force` when it is no domain that this program built.
    """
    from xlbuild.emit.directory import write_directory

    write_directory(domain, document if document is not None else manifest(domain), Path(target), force=force)
