"""What becomes of a domain that stops: the on_... keys (upstream: xl's parse_config_data)."""

from dataclasses import replace

from xlbuild.config.values import Values
from xlbuild.libxl.domain import DomainConfig
from xlbuild.libxl.enums import ActionOnShutdown


def with_events(values: Values, config: DomainConfig) -> DomainConfig:
    """Return the configuration with its actions."""
    return replace(config, on_reboot=ActionOnShutdown.RESTART, on_soft_reset=ActionOnShutdown.SOFT_RESET)
