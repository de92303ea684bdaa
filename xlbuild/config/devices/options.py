"""Devices that are written as KEY=VALUE fields: what is known, what is wrong, and where."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from xlbuild.cnumbers import SPACE, leading_number
from xlbuild.config.devices.fields import Field, fields
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.suggest import did_you_mean
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.libxl.enums import member_of

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Option:
    """A field that has a key and a value, each with the place in the element at which it starts."""

    key: str
    value: str
    index: int
    value_index: int


def options(element: Element, known: Collection[str], skip: int = 0) -> Iterator[Option]:
    """Yield each field behind the first `skip`; ConfigError for one that is not KEY=VALUE, or has another key."""
    for field in islice(fields(element.text), skip, None):
        yield option_of(element, field, known)


def options_to_a_word(element: Element, known: Collection[str], problems: Problems) -> Iterator[Option]:
    """Yield as `options` does, but up to a field without `=`: xl takes no notice of it and what follows."""
    for field in fields(element.text):
        if field.value is None:
            if field.text:
                message = f"{field.text!r} is not KEY=VALUE: xl ignores it and all behind it"
                hint = _mend(field.text, known)
                problems.warn(Diagnostic("config-device-cut", message, element.at(field.index), hint))
            return
        yield option_of(element, field, known)


def trimmed_options(element: Element) -> Iterator[Option]:
    """Yield each field, white space around key and value removed; ConfigError for one that has not both.

    Any key is yielded. A second `=` and what follows it count for nothing (upstream: split_string_into_pair).
    """
    for match in re.finditer("[^,]+", element.text):
        parts = list(re.finditer("[^=]+", match[0]))[:2]
        if len(parts) < len(("key", "value")):
            text = match[0].strip(SPACE)
            cause = f"a field of {element.where.key} has the form KEY=VALUE, neither of them empty"
            index = match.start() + len(match[0]) - len(match[0].lstrip(SPACE))
            message = f"{element.where.key} cannot have {text!r}"
            raise bad_device(element, index, message, cause, "write KEY=VALUE, or remove it")
        key, value = (part[0].strip(SPACE) for part in parts)
        index, value_index = (match.start() + part.end() - len(part[0].lstrip(SPACE)) for part in parts)
        yield Option(key, value, index, value_index)


def option_of(element: Element, field: Field, known: Collection[str]) -> Option:
    """Return what a field sets; ConfigError as for `options`."""
    if field.value is None or field.key not in known:
        raise _unknown(element, field, known)
    return Option(field.key, field.value, field.index, field.value_index)


def _unknown(element: Element, field: Field, known: Collection[str]) -> ConfigError:
    key = element.where.key
    if field.value is not None:
        cause = f"{key} has no key {field.key!r} (blanks count, and so does the case of letters)"
    elif field.key in known:
        cause = f"{field.key} needs a value"
    else:
        cause = "it has not the form KEY=VALUE"
    return bad_device(
        element, field.index, f"{key} cannot have {field.text!r}", cause, _mend(field.key, known)
    )


def unknown_key(element: Element, option: Option, known: Collection[str]) -> ConfigError:
    """Return the error for a key that a device does not have."""
    return _unknown(element, Field(f"{option.key}={option.value}", option.index), known)


def _mend(key: str, known: Collection[str]) -> str:
    return (
        f"write {key}=VALUE"
        if key in known
        else did_you_mean(key.strip(SPACE), known, f"it can have {', '.join(known)}, each with =VALUE")
    )


def name_in(kind: type[E], element: Element, option: Option) -> E:
    """Return the member of an enumeration that a value names, in any case of letters (libxl_enum_from_string)."""
    member = member_of(kind, option.value)
    if member is not None:
        return member
    names = [member.value for member in kind]
    known = ", ".join(names)
    message = f"{option.value!r} is no {option.key} of {element.where.key}"
    hint = did_you_mean(option.value, names, f"use one of {known}")
    raise bad_device(element, option.value_index, message, f"xl knows {known}", hint)


def told(element: Element, option: Option, value: int, base: int, problems: Problems) -> int:
    """Return the number that xl takes a value for, with a warning where that is not what it says."""
    number, end = leading_number(option.value, base)
    if number != value or option.value[end:].strip(SPACE) or not option.value:
        message = f"{option.key}={option.value!r} is no number that fits: xl takes it for {value}"
        where = element.at(option.value_index)
        problems.warn(Diagnostic("config-device-number", message, where, "write a plain number"))
    return value


def bad_device(element: Element, index: int, message: str, cause: str, hint: str) -> ConfigError:
    """Return an error about what starts at `index` of an element."""
    return ConfigError(
        f"config-bad-{element.where.key}", message, cause=cause, hint=hint, where=element.at(index)
    )
