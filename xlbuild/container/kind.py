"""Which container: the keys `type` and `builder`, and nothing else (upstream: xl's parse_config_data)."""

from xlbuild.config.model import GuestConfig
from xlbuild.container.model import Kind
from xlbuild.errors import ConfigError

# xl takes any beginning of a name for it, the empty text too; the first name that fits counts.
_TYPES: tuple[tuple[str, Kind], ...] = (("hvm", Kind.HVM), ("pv", Kind.PV), ("pvh", Kind.PVH))
_BUILDERS: tuple[tuple[str, Kind], ...] = (("hvm", Kind.HVM), ("generic", Kind.PV))


def choose_kind(config: GuestConfig) -> tuple[Kind, str]:
    """Return the container's kind and the reason for it; ConfigError for an unknown or contradictory one."""
    by_type = _match(config, "type", config.type, _TYPES)
    by_builder = _match(config, "builder", config.builder, _BUILDERS)
    if by_type is not None and by_builder is not None and by_type is not by_builder:
        raise ConfigError(
            "config-contradicting-type",
            f"type={_quoted(config.type)} contradicts builder={_quoted(config.builder)}",
            cause=f"the one is {by_type.value}, the other {by_builder.value}",
            hint="remove builder, which is the older of the two",
            where=config.where("builder"),
        )
    if by_type is not None:
        return by_type, f"type={_quoted(config.type)} {_at(config, 'type')}"
    if by_builder is not None:
        return by_builder, f"builder={_quoted(config.builder)} {_at(config, 'builder')}"
    return Kind.PV, "no type: PV"


def _match(
    config: GuestConfig, key: str, text: str | None, names: tuple[tuple[str, Kind], ...]
) -> Kind | None:
    if text is None:
        return None
    for name, kind in names:
        if name.startswith(text):
            return kind
    known = ", ".join(f'"{name}"' for name, _ in names)
    hint = {"builder": 'use type = "pv", "pvh" or "hvm" instead'}.get(key) or f"use one of {known}"
    if text.lower() != text and text.lower() in dict(names):
        hint = f'write it in lower case: {key} = "{text.lower()}"'
    raise ConfigError(
        f"config-unknown-{key}",
        f"{key}={_quoted(text)} is no kind of guest",
        cause=f"xl knows {known}",
        hint=hint,
        where=config.where(key),
    )


def _quoted(text: str | None) -> str:
    return '"' + repr(text)[1:-1] + '"'


def _at(config: GuestConfig, key: str) -> str:
    place = config.where(key)
    return f"on the {place.file}" if place.line is None else f"at {place.file}:{place.line}"
