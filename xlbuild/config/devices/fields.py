"""What the grammars of devices share: fields between commas."""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a device: `key=value`, or a word."""

    text: str
    index: int
    """Where it starts in the element."""

    @property
    def key(self) -> str:
        """What stands before the first `=`."""
        return self.text.partition("=")[0]

    @property
    def value(self) -> str | None:
        """What follows the first `=`; None without one."""
        _, equals, value = self.text.partition("=")
        return value if equals else None

    @property
    def value_index(self) -> int:
        """Where the value starts in the element; the field, where it has none."""
        return self.index if self.value is None else self.index + len(self.key) + 1


def fields(text: str) -> Iterator[Field]:
    """Yield what stands between commas, without blanks before it; between two commas may be no field (strtok)."""
    for match in re.finditer("[^,]+", text):
        field = match[0].lstrip(" ")
        yield Field(field, match.end() - len(field))
