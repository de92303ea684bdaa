"""The lists that are open at one place of the text: a stack of ours, which ends where that of xl's parser does."""

from xlbuild.config.model import Value

MOST_PARSER_STATES = 9_999
"""What fits on the stack of xl's parser (bison's YYMAXDEPTH): it bounds how deep lists nest."""

# On that stack lie: the start, the settings so far, the key and its operator; for each open list its bracket and
# newlines; once it has a comma also its elements, the comma and newlines.
_STATES_OF_A_SETTING = 4
_STATES_OF_A_LIST = 2
_STATES_OF_A_COMMA = 3
# While it reads on, xl's parser needs a little more for a moment.
_STATES_OF_AN_ELEMENT = 2
_STATES_OF_AN_END = 2
_STATES_OF_A_NEWLINE = 1

_STATES_OF_A_PLAIN_LIST = _STATES_OF_A_LIST + 2 * _STATES_OF_A_COMMA + _STATES_OF_AN_ELEMENT


class TooDeepError(Exception):
    """Lists are nested deeper than xl's parser takes."""


class OpenLists:
    """The open lists, innermost last; raises TooDeepError where xl gives up.

    Measured: xl 4.17 takes 4996 nested lists, and 1999 when each has an element and a comma before the next.
    """

    def __init__(self) -> None:
        """Start with none open."""
        self._lists: list[list[Value]] = []
        self._with_comma: list[bool] = []
        self._states = _STATES_OF_A_SETTING
        self.has_element = False
        """Whether the last thing was an element, so that a comma or the end must follow."""

    @property
    def is_open(self) -> bool:
        """Whether any list is open."""
        return bool(self._lists)

    @property
    def has_room(self) -> bool:
        """Whether a list that holds none can be an element here, whatever it holds."""
        return self._states + _STATES_OF_A_PLAIN_LIST <= MOST_PARSER_STATES

    def open(self) -> None:
        """Open a list within the innermost one."""
        self._lists.append([])
        self._with_comma.append(False)
        self._states += _STATES_OF_A_LIST
        self._check(0)

    def add(self, value: Value) -> None:
        """Add an element to the innermost list."""
        self._lists[-1].append(value)
        self.has_element = True
        self._check(_STATES_OF_AN_ELEMENT)

    def extend(self, values: list[Value]) -> None:
        """Add elements to the innermost list, each followed by a comma."""
        self.add(values[0])
        self.comma()
        if len(values) > 1:
            self._lists[-1] += values[1:-1]
            self.add(values[-1])
            self.comma()

    def comma(self) -> None:
        """Take note of a comma in the innermost list."""
        self._states += 0 if self._with_comma[-1] else _STATES_OF_A_COMMA
        self._with_comma[-1] = True
        self.has_element = False
        self._check(0)

    def newline(self) -> None:
        """Take note of a newline in the innermost list."""
        self._check(_STATES_OF_A_NEWLINE + (_STATES_OF_AN_ELEMENT if self.has_element else 0))

    def close(self) -> tuple[Value, ...] | None:
        """Close the innermost list: return it when it was the last one, else add it to the one around it."""
        closed = self._lists.pop()
        self._check(0 if closed else _STATES_OF_AN_END)
        self._states -= _STATES_OF_A_LIST + (_STATES_OF_A_COMMA if self._with_comma.pop() else 0)
        if not self._lists:
            return tuple(closed)
        self.add(tuple(closed))
        return None

    def _check(self, momentary: int) -> None:
        if self._states + momentary > MOST_PARSER_STATES:
            raise TooDeepError
