"""A key's list of devices: each element by the key's grammar, and no more of them than anybody writes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from xlbuild.config.settings import Element
from xlbuild.config.values import Values
from xlbuild.errors import NOWHERE, ConfigError, Where

S = TypeVar("S")
T = TypeVar("T")

MOST_DEVICES = 1024
"""In one list."""

MOST_CHARACTERS = 8192
"""In one device: grammars look ahead from every part of it."""


def read_devices(values: Values, key: str, read: Callable[[Element], T]) -> tuple[T, ...]:
    """Return a key's devices, up to an element that is a list; after a wrong one the others are read still."""
    if not _is_countable(values, key, len(values.strings(key))):  # before the place of each is looked for
        return ()

    def device(element: Element) -> T:
        check_length(key, element)
        return read(element)

    return read_each(values, key, values.devices(key), device)


def read_each(values: Values, key: str, elements: Sequence[S], read: Callable[[S], T]) -> tuple[T, ...]:
    """Return what `read` makes of each element of a key's list; what is wrong is in `values.problems`."""
    return values.problems.attempt_each(elements, read) if _is_countable(values, key, len(elements)) else ()


def _is_countable(values: Values, key: str, count: int) -> bool:
    """Return whether a list is not too long; that it is, is in `values.problems`."""
    try:
        check_count(key, count, values.settings.places.get(key))
    except ConfigError as error:
        values.problems.error(error)
        return False
    return True


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
