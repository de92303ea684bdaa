"""The picture's two columns: where each has its boxes, its strip of the memory map, and its addresses."""

from dataclasses import dataclass

WIDTH = 856
"""Of the picture, in its own units: those of a desktop's pixels."""
HEIGHT_ABOVE = 44
"""Room for the columns' heads."""
_CHARACTER = 7.4
"""Width of a character; those that are wider are cut by the box."""


@dataclass(frozen=True, slots=True)
class Column:
    """One side's part of the picture."""

    letter: str
    left: float
    """Left edge of the boxes."""
    width: float
    strip: float
    """Left edge of the memory map's strip."""
    address: float
    """Where addresses end, on the left, or begin, on the right."""
    address_class: str
    strip_width: float = 14.0

    @property
    def right(self) -> float:
        """Right edge of the boxes."""
        return self.left + self.width

    @property
    def middle(self) -> float:
        """Middle of the boxes."""
        return self.left + self.width / 2

    @property
    def outer(self) -> tuple[float, float]:
        """Edges of boxes and strip together."""
        return min(self.strip, self.left) - 2, max(self.strip + self.strip_width, self.right) + 2

    def characters(self, width: float) -> int:
        """Return how many characters have room in a width."""
        return int(width / _CHARACTER)

    def fitting(self, text: str, less: int) -> str:
        """Return a text cut to the boxes' width, with room for `less` characters more."""
        room = self.characters(self.width) - less
        return text if len(text) <= room else f"{text[: room - 1]}…"


COLUMNS = (
    Column("a", 142, 244, 122, 116, "at-end"),
    Column("b", 470, 244, 720, 740, "at-start"),
)
"""The first side on the left, the second on the right."""
