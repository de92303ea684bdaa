"""The library's functions: the command line uses nothing else."""

from collections.abc import Sequence
from pathlib import Path

from xlbuild.container import Role
from xlbuild.domain import Digests, Domain
from xlbuild.emit.directory import write_directory
from xlbuild.emit.hostfile import parse_host
from xlbuild.emit.inputs import HostFiles, InputFile, read_config_file, read_file
from xlbuild.emit.manifest import manifest as make_manifest
from xlbuild.errors import NOWHERE, Diagnostic, UsageError, raise_all
from xlbuild.host import STAND_IN_TOPOLOGY, HostTopology
from xlbuild.libxl.json import json_text
from xlbuild.pipeline import BuildOptions, OnStage, OnWarning, build_domain
from xlbuild.profiles import NEWEST, PROFILES, Profile
from xlbuild.reading import read_config


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
    source          what messages call a configuration given as bytes
    on_stage        called with a stage's name and detail as it starts
    on_warning      called with each warning as it is found; `Domain.warnings` has them all

    Raises ConfigError, FilesError or RefusedError, and UsageError for a release that is not known or an override
    without `=`; nothing is written.
    """
    profile = find_profile(xen)
    source = source if isinstance(config, bytes) else str(config)
    on_stage("config", source)
    data = config if isinstance(config, bytes) else read_config_file(source)
    host_file = _read_host(host) if host is not None else None
    options = BuildOptions(
        profile,
        fill_hypercall_page=hypercall_page,
        features=features,
        host=parse_host(host_file.data, host_file.path) if host_file else None,
        host_file=host_file,
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
    source = source if isinstance(config, bytes) else str(config)
    data = config if isinstance(config, bytes) else read_config_file(source)
    reading = read_config(data, source, overrides, find_profile(xen), topology)
    for warning in reading.warnings:
        on_warning(warning)
    raise_all(reading.errors)
    assert reading.domain_config is not None
    return json_text(reading.domain_config)


def _read_host(path: str | Path) -> InputFile:
    return InputFile(Role.HOST, str(path), read_file(str(path), "host file", NOWHERE))


def find_profile(xen: str | None) -> Profile:
    """Return a release's profile, the newest for None; UsageError for one that is not known."""
    if xen is None:
        return NEWEST
    for profile in PROFILES:
        if profile.name == xen:
            return profile
    raise UsageError(
        "profile-unknown",
        f"Xen {xen} is not a release that xlbuild knows",
        cause="each release builds guests its own way, and this one's is not described",
        hint="use one of " + ", ".join(profile.name for profile in PROFILES),
    )


def manifest(domain: Domain) -> dict[str, object]:
    """Return the document that describes a domain: domain.json."""
    return make_manifest(domain)[0]


def digests(domain: Domain) -> Digests:
    """Return a domain's digests."""
    return make_manifest(domain)[1]


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
    write_directory(domain, document if document is not None else manifest(domain), Path(target), force=force)
