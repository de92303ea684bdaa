"""A key's list of devices: each element by the key's grammar, and no more of them than anybody writes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from xlbuild.config.settings import Element
from xlbuild.config.values import Values
from xlbuild.errors import NOWHERE, ConfigError, Where

T = TypeVar("T")

MOST_DEVICES = 1024
"""In one list."""

MOST_CHARACTERS = 8192
"""In one device: grammars look ahead from every part of it."""


def read_devices(values: Values, key: str, read: Callable[[Element], T]) -> tuple[T, ...]:
    """Return a key's devices, up to an element that is a list; after a wrong one the others are read still."""

    def elements() -> Sequence[Element]:
        check_count(key, len(values.strings(key)), values.settings.places.get(key))
        return values.devices(key)  # not before they are counted: the place of each is looked for

    def device(element: Element) -> T:
        check_length(key, element)
        return read(element)

    return values.problems.attempt_each(values.problems.attempt(elements, ()), device)


def check_count(key: str, count: int, where: Where | None) -> None:
    """Refuse a list that is too long to be one that anybody wrote (ConfigError)."""
    if count > MOST_DEVICES:
        raise _too_much(f"{key} has {count} elements", f"at most {MOST_DEVICES} are read", where)


def check_length(key: str, element: Element) -> None:
    """Refuse a device that is too long (ConfigError)."""
    if len(element.text) > MOST_CHARACTERS:
        what = f"an element of {key} has {len(element.text)} characters"
        cause = f"at most {MOST_CHARACTERS} are read, more than paths can have"
        raise _too_much(what, cause, element.where)


def _too_much(what: str, cause: str, where: Where | None) -> ConfigError:
    hint = "see whether a quote or a bracket is missing"
    return ConfigError("config-device-too-long", what, cause=cause, hint=hint, where=where or NOWHERE)
