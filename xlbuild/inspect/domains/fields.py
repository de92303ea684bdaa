"""The fields of a structure as members of a tree: each by its name and, where there is more to say, `…_means`."""

from collections.abc import Callable, Iterator, Mapping

from xlbuild.abi.layout import Fields, FieldValue
from xlbuild.inspect.tree import Tree, hexadecimal

Meaning = Callable[[int, Fields], str | None]
"""Says in words what a number means, among the structure's other fields; None where there is nothing to say."""


def said(text: str) -> Meaning:
    """Return a meaning that is the same for each value."""
    return lambda value, fields: text


def said_unless_zero(text: str, otherwise: str | None = None) -> Meaning:
    """Return a meaning that is another one for zero."""
    return lambda value, fields: text if value else otherwise


def describe_fields(
    fields: Fields, meanings: Mapping[str, Meaning], counts: frozenset[str] = frozenset()
) -> dict[str, Tree]:
    """Return fields with their meanings; numbers are hexadecimal but for `counts`."""
    described: dict[str, Tree] = {}
    for name, value in fields.items():
        described[name] = field_value(value, is_count=name in counts)
        meaning = meanings[name](value, fields) if name in meanings and isinstance(value, int) else None
        if meaning is not None:
            described[f"{name}_means"] = meaning
    return described


def field_value(value: FieldValue, *, is_count: bool = False) -> Tree:
    """Return a field's value as a tree has it: bytes as hex digits."""
    if isinstance(value, int):
        return value if is_count else hexadecimal(value)
    return value.hex() if isinstance(value, bytes) else [hexadecimal(element) for element in value]


def differences(found: Fields, told: Fields, what: str, where: str) -> Iterator[str]:
    """Yield a sentence for each field that is another in `where` than in the manifest."""
    for name, value in told.items():
        if name in found and field_value(found[name]) != field_value(value):
            yield f"{what}.{name} is {_shown(found[name])} in {where}, {_shown(value)} in domain.json"


def text_of(data: bytes) -> str:
    """Return a C string's text: up to its NUL, bytes that are no characters as surrogates."""
    return data.split(b"\0", 1)[0].decode(errors="surrogateescape")


def _shown(value: FieldValue) -> str:
    if isinstance(value, bytes):
        return repr(text_of(value))
    return hexadecimal(value) if isinstance(value, int) else str([hexadecimal(element) for element in value])
