"""Reading JSON documents that others wrote: each value knows where it stands, so that an error can say so."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from xlbuild.errors import Where, XlbuildError

_MOST_DIGITS = 1000
_MOST_VALUES = 1_000_000
"""Values that a document has at most: each costs far more memory than its text."""
_HEX = re.compile("0[xX][0-9a-fA-F]+")

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A kind of document, and how errors in one are told."""

    what: str
    """What messages call it: `host file`."""
    error: type[XlbuildError]
    no_json: str
    """Code of the error for what is no JSON."""
    invalid: str
    """Code of the error for a value that is wrong."""
    hint: str


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a document, and where it stands."""

    value: object
    kind: DocumentKind
    file: str
    path: str = ""

    def member(self, name: str) -> "Place | None":
        """Return an object's member; None: there is none."""
        assert isinstance(self.value, dict)
        if name not in self.value:
            return None
        return self._inside(self.value[name], f"{self.path}.{name}".lstrip("."))

    def required(self, name: str) -> "Place":
        """Return an object's member that has to be there."""
        member = self.member(name)
        if member is None:
            self.wrong(f"it has no member {name!r}")
        return member

    def check_object(self, *members: str) -> None:
        """Refuse what is no object, or has other members."""
        for name in self._object():
            if name not in members:
                self.wrong(f"{shown(name)} is none of its members, which are {', '.join(members)}")

    def members(self, most: int) -> "dict[str, Place]":
        """Return all members of an object whose names are not known beforehand."""
        value = self._object()
        if len(value) > most:
            self.wrong(f"it has {len(value)} members, and can have {most} at most")
        return {name: self._inside(value[name], f"{self.path}.{name}".lstrip(".")) for name in value}

    def each(self, read: "Callable[[Place], _Value]", least: int, most: int) -> tuple[_Value, ...]:
        """Return an array's elements, each read by `read`."""
        if not isinstance(self.value, list):
            self.wrong(f"{shown(self.value)} is no array")
        if not least <= len(self.value) <= most:
            allowed = f"{least} to {most}" if least < most else str(most)
            self.wrong(f"it has {len(self.value)} elements, and can have {allowed}")
        return tuple(read(place) for place in self._elements(self.value))

    def number(self, least: int, most: int) -> int:
        """Return an integer, given as one or as "0x…"."""
        value = self.value
        if isinstance(value, str) and _HEX.fullmatch(value):
            value = int(value, 16)
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(f'{shown(self.value)} is neither an integer nor a string like "0x1000"')
        if not least <= value <= most:
            self.wrong(f"{shown(self.value)} is not within {least:#x} to {most:#x}")
        return value

    def text(self) -> str:
        """Return a string; bytes that were no characters are surrogates, as in all texts here."""
        if not isinstance(self.value, str):
            self.wrong(f"{shown(self.value)} is no string")
        try:
            self.value.encode(errors="surrogateescape")
        except UnicodeEncodeError:
            self.wrong(f"{shown(self.value)} has half of a character in it")
        return self.value

    def flag(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            self.wrong(f"{shown(self.value)} is neither true nor false")
        return self.value

    def optional(self, read: "Callable[[Place], _Value]") -> _Value | None:
        """Return what `read` makes of a value, None of null."""
        return None if self.value is None else read(self)

    def wrong(self, cause: str) -> NoReturn:
        """Raise the error for this value."""
        raise self.kind.error(
            self.kind.invalid,
            f"the {self.kind.what} is wrong",
            cause=cause,
            hint=self.kind.hint,
            where=Where(self.file, key=self.path or None),
        )

    def _object(self) -> dict[str, object]:
        if not isinstance(self.value, dict):
            self.wrong(f"{shown(self.value)} is no object")
        return self.value

    def _elements(self, values: list[object]) -> "Iterator[Place]":
        return (self._inside(value, f"{self.path}[{n}]") for n, value in enumerate(values))

    def _inside(self, value: object, path: str) -> "Place":
        return Place(value, self.kind, self.file, path)


def parse_document(data: bytes, kind: DocumentKind, file: str) -> Place:
    """Return a document's top value; the kind's error where it is no JSON, or has the same member twice."""
    try:
        if sum(map(data.count, (b",", b"[", b"{"))) > _MOST_VALUES:
            raise ValueError(f"it has more than {_MOST_VALUES} values")
        return Place(json.loads(data, object_pairs_hook=_members, parse_int=_integer), kind, file)
    except json.JSONDecodeError as error:
        where, cause = Where(file, error.lineno, error.colno), error.msg.lower()
    except RecursionError:
        where, cause = Where(file), "its arrays and objects are nested too deeply"
    except ValueError as error:  # bytes that are no text, and what the functions below refuse
        where, cause = Where(file), str(error)
    raise kind.error(kind.no_json, f"the {kind.what} is no JSON", cause=cause, hint=kind.hint, where=where)


def shown(value: object) -> str:
    """Return a value of a document for people, cut where it is long."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number in it has {len(digits)} digits")
    return int(digits)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object's members; ValueError where one stands twice, of which json would take the last."""
    members = dict(pairs)
    if len(members) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"an object has the member {shown(twice)} twice")
    return members
