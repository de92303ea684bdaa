"""What becomes of a domain that stops: the on_... keys (upstream: xl's parse_config_data)."""

from dataclasses import replace

from xlbuild.config.suggest import did_you_mean
from xlbuild.config.values import Values
from xlbuild.errors import ConfigError
from xlbuild.libxl.domain import DomainConfig
from xlbuild.libxl.enums import ActionOnShutdown

ACTIONS = {
    "destroy": ActionOnShutdown.DESTROY,
    "restart": ActionOnShutdown.RESTART,
    "rename-restart": ActionOnShutdown.RESTART_RENAME,
    "preserve": ActionOnShutdown.PRESERVE,
    "coredump-destroy": ActionOnShutdown.COREDUMP_DESTROY,
    "coredump-restart": ActionOnShutdown.COREDUMP_RESTART,
    "soft-reset": ActionOnShutdown.SOFT_RESET,
}
"""What a key may say, in these letters."""


def with_events(values: Values, config: DomainConfig) -> DomainConfig:
    """Return the configuration with its actions; xl's defaults are not libxl's."""
    return replace(
        config,
        on_poweroff=_action(values, "on_poweroff", ActionOnShutdown.DESTROY),
        on_reboot=_action(values, "on_reboot", ActionOnShutdown.RESTART),
        on_watchdog=_action(values, "on_watchdog", ActionOnShutdown.DESTROY),
        on_crash=_action(values, "on_crash", ActionOnShutdown.DESTROY),
        on_soft_reset=_action(values, "on_soft_reset", ActionOnShutdown.SOFT_RESET),
    )


def _action(values: Values, key: str, otherwise: ActionOnShutdown) -> ActionOnShutdown:
    name = values.string(key)
    if name is None or name in ACTIONS:
        return otherwise if name is None else ACTIONS[name]
    error = ConfigError(
        "config-unknown-action",
        f"{key} has no {name!r}",
        cause=f"xl knows {', '.join(ACTIONS)}",
        hint=did_you_mean(name, ACTIONS, "use one of these, or remove the key"),
        where=values.settings[key].where,
    )
    values.problems.error(error)
    return otherwise
