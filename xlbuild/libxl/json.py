"""The JSON of libxl's types, in libxl's own form (upstream: the generated _gen_json functions, over yajl).

What has its default is left out, structures never are; a defbool is the string "True" or "False"; a union's member
is named by what selects it (`type.pv`).
"""

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any

from xlbuild.libxl.enums import Nameless

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_INDENT = "    "
_ESCAPES = {"\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\"}


def json_text(value: "DataclassInstance") -> str:
    """Return a structure as text, indented as xl prints it; bytes that are no UTF-8 stay as surrogates."""
    return _text(value, "", defbool=False)


def _text(value: object, indent: str, *, defbool: bool) -> str:
    if isinstance(value, bool):
        return f'"{value}"' if defbool else str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Nameless):
        return value.value
    inner = indent + _INDENT
    if isinstance(value, tuple):
        return _block("[]", [inner + _text(element, inner, defbool=False) for element in value], indent)
    return _block("{}", [inner + member for member in _members(value, inner)], indent)


def _members(structure: Any, indent: str) -> Iterator[str]:
    for field in fields(structure):
        value = getattr(structure, field.name)
        if _is_left_out(field, value):
            continue
        name = getattr(value, "JSON_KEY", field.name)
        yield f'"{name}": {_text(value, indent, defbool=field.default is None)}'


def _is_left_out(field: "Field[Any]", value: object) -> bool:
    """Return whether a field has its default, and is none that libxl writes all the same."""
    if value is None:
        return True
    return (
        field.default is not MISSING and not hasattr(value, "__dataclass_fields__") and value == field.default
    )


def _block(brackets: str, members: list[str], indent: str) -> str:
    return f"{brackets[0]}\n" + ",\n".join(members) + f"\n{indent}{brackets[1]}"


def _quoted(text: str) -> str:
    escaped = re.sub(
        r'[\x00-\x1f"\\]', lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}", text
    )
    return f'"{escaped}"'
