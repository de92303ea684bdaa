"""Values that are one of libxl's names, or lists of names: what is none of them stops xl."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from xlbuild.config.model import GuestConfig, Value
from xlbuild.config.suggest import did_you_mean
from xlbuild.errors import ConfigError
from xlbuild.libxl.enums import member_of

E = TypeVar("E", bound=StrEnum)


def by_name(config: GuestConfig, key: str, text: str | None, enumeration: type[E]) -> E | None:
    """Return the member that a text names, in any case of letters; None for none."""
    if text is None:
        return None
    member = member_of(enumeration, text)
    if member is None:
        raise unknown(config, key, text, enumeration)
    return member


def by_number_or_name(config: GuestConfig, key: str, value: int | str, enumeration: type[E]) -> E:
    """Return the member of a number or a name; what is called unknown has no number that xl takes."""
    numbered = [member for member in enumeration if member != "unknown"]
    if isinstance(value, str):
        member = member_of(enumeration, value)
    else:
        member = numbered[value] if value in range(len(numbered)) else None
    if member is None:
        raise unknown(config, key, value, (*enumeration, f"0 to {len(numbered) - 1}"))
    return member


def list_of_names(config: GuestConfig, key: str, value: Value) -> tuple[str, ...]:
    """Return a list of names; ConfigError for anything else (on a list in the list, xl itself may crash)."""
    if isinstance(value, str) or not all(isinstance(name, str) for name in value):
        raise ConfigError(
            "config-no-names",
            f"{key} is no list of names",
            cause="it is a single value" if isinstance(value, str) else "there is a list within the list",
            hint=f'write {key} = [ "...", "..." ]',
            where=config.where(key),
        )
    return tuple(name for name in value if isinstance(name, str))


def unknown(config: GuestConfig, key: str, value: int | str, known: Iterable[str]) -> ConfigError:
    """Return the error for a value that is none of those known."""
    names = tuple(known)
    hint = "use one of these, or remove the key"
    return ConfigError(
        f"config-unknown-{key.replace('_', '-')}",
        f"{key} has no {value!r}",
        cause=f"xl knows {', '.join(names)}",
        hint=did_you_mean(value, names, hint) if isinstance(value, str) else hint,
        where=config.where(key),
    )
