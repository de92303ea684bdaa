"""The front end of every command: a configuration read whole, as xl reads it, with all that is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from xlbuild.config import read_settings
from xlbuild.config.guest import guest_config
from xlbuild.config.model import GuestConfig
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Settings
from xlbuild.config.values import Values
from xlbuild.container.kind import choose_kind
from xlbuild.container.model import Kind
from xlbuild.domain_config import domain_config
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.host import STAND_IN_TOPOLOGY, HostTopology
from xlbuild.libxl.domain import DomainConfig
from xlbuild.lints import lint
from xlbuild.profiles import Profile


@dataclass(frozen=True, slots=True)
class Reading:
    """What a configuration says."""

    settings: Settings
    guest: GuestConfig
    """To the builder."""
    kind: Kind | None
    """Its container; None where it names none that there is."""
    domain_config: DomainConfig | None
    """To libxl: whole only where there are no errors."""
    errors: tuple[ConfigError, ...]
    """Everything on which xl itself stops."""
    warnings: tuple[Diagnostic, ...]


def read_config(
    data: bytes,
    source: str,
    overrides: Sequence[str],
    profile: Profile,
    topology: HostTopology = STAND_IN_TOPOLOGY,
) -> Reading:
    """Read a configuration as a release's xl does on a host with these CPUs.

    Raises ConfigSyntaxError with every place that is not in xl's language, UsageError for an override without `=`;
    all other errors are in the result.
    """
    settings = read_settings(data, source, overrides)
    problems = Problems()
    values = Values(settings, profile.name, problems)
    guest = guest_config(values)
    decision = problems.attempt(lambda: choose_kind(guest), None)
    kind = decision[0] if decision else None
    document = domain_config(values, guest, kind, topology) if kind else None
    for warning in lint(settings, guest, kind, profile.name):
        problems.warn(warning)
    return Reading(settings, guest, kind, document, problems.errors, problems.warnings)
