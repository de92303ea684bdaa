"""The way of `xlbuild check`: that of a build up to its plan, which nothing that is wrong ends sooner than it must.

Each stage tells what it finds; one that cannot do its work for what is wrong leaves out the stages that need it.
What needs the files is in `files`, and loaded only for that.
"""

from collections.abc import Callable, Iterable, Sequence

from xlbuild.checking.model import CheckReport, Finding, finding_of, lines_of, sorted_findings
from xlbuild.config.model import GuestConfig
from xlbuild.config.overrides import append_overrides
from xlbuild.container import Container, decide
from xlbuild.errors import ConfigError, ConfigProblemsError, ConfigSyntaxError, Diagnostic, Where
from xlbuild.host import Host
from xlbuild.libxl.domain import DomainConfig
from xlbuild.profiles import Profile
from xlbuild.reading import Reading, read_config

__all__ = ["LookAtDisks", "LookAtFiles", "check_config"]

LookAtFiles = Callable[[GuestConfig, Container], Iterable[Finding]]
"""What becomes of the files that a guest is built from."""

LookAtDisks = Callable[[DomainConfig], Iterable[tuple[int, Diagnostic]]]
"""What there is to say of disks, each with its place in the list."""

_OF_AN_UNKNOWN_HOST = ("config-host-memory-map", "config-reserved-memory")
"""What to say only to those who describe a host: the others do not ask what becomes of the guest on one."""


def check_config(
    data: bytes,
    source: str,
    overrides: Sequence[str],
    profile: Profile,
    host: Host | None = None,
    look_at_files: LookAtFiles | None = None,
    look_at_disks: LookAtDisks | None = None,
) -> CheckReport:
    """Check a configuration's bytes; without the last two, no file that it names is looked at.

    Raises UsageError for an override without `=`; all that is wrong with the configuration is in the report.
    """
    append_overrides(data, source, overrides)
    try:
        reading = read_config(data, source, overrides, profile)
    except ConfigSyntaxError as error:
        findings = _of_syntax(error, source)
    else:
        findings = [*map(finding_of, reading.errors), *map(finding_of, reading.warnings)]
        findings += _of_disks(reading, look_at_disks)
        findings += _of_container(reading, profile, host, look_at_files)
    arguments = tuple(line for argument in overrides for line in argument.split("\n"))
    found = sorted_findings(findings)
    return CheckReport(source, found, lines_of(data, found), arguments)


def _of_syntax(error: ConfigSyntaxError, source: str) -> list[Finding]:
    findings = [finding_of(problem) for problem in error.problems]
    if error.advice:
        python = Diagnostic(
            "config-python", "the file looks like a Python program", Where(source), error.advice
        )
        findings.append(finding_of(python))
    return findings


def _of_disks(reading: Reading, look_at_disks: LookAtDisks | None) -> list[Finding]:
    if look_at_disks is None or reading.domain_config is None or "disk" not in reading.settings:
        return []
    places = [where for where, _ in reading.settings.element_places("disk")]
    found = look_at_disks(reading.domain_config)
    return [finding_of(problem, places[index]) for index, problem in found if index < len(places)]


def _of_container(
    reading: Reading, profile: Profile, host: Host | None, look_at_files: LookAtFiles | None
) -> list[Finding]:
    if reading.kind is None:
        return []
    try:
        container = decide(reading.guest, profile, host)
    except ConfigProblemsError as error:
        return [finding_of(each) for each in error.errors]
    except ConfigError as error:
        return [finding_of(error)]
    unasked = _OF_AN_UNKNOWN_HOST if host is None else ()
    findings = [finding_of(warning) for warning in container.warnings if warning.code not in unasked]
    if look_at_files is not None:
        findings += look_at_files(reading.guest, container)
    return findings
