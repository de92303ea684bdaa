"""What is found while a configuration is read: errors on which xl stops, and warnings."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from xlbuild.errors import ConfigError, Diagnostic

S = TypeVar("S")
T = TypeVar("T")

MOST_PROBLEMS = 1000
"""Of either kind that are kept: a file with more of them is not one that anybody mends by hand."""


class Problems:
    """Collects what is wrong, so that one run tells of all of it."""

    def __init__(self) -> None:
        """Start with nothing wrong."""
        self._errors: list[ConfigError] = []
        self._warnings: dict[Diagnostic, None] = {}

    @property
    def errors(self) -> tuple[ConfigError, ...]:
        """Everything on which xl stops, in the order in which it was found."""
        return tuple(self._errors)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """Everything else, each once."""
        return tuple(self._warnings)

    def error(self, error: ConfigError) -> None:
        """Take note of an error."""
        if len(self._errors) < MOST_PROBLEMS:
            self._errors.append(error)

    def warn(self, warning: Diagnostic) -> None:
        """Take note of a warning; a second one of the same kind in the same place is the same."""
        if len(self._warnings) < MOST_PROBLEMS:
            self._warnings[warning] = None

    def attempt(self, read: Callable[[], T], otherwise: T) -> T:
        """Return what `read` does; after a ConfigError, which is taken note of, `otherwise`."""
        try:
            return read()
        except ConfigError as error:
            self.error(error)
            return otherwise

    def attempt_each(self, sources: Iterable[S], read: Callable[[S], T]) -> tuple[T, ...]:
        """Return what `read` makes of each source but those with a ConfigError, which are taken note of."""
        found = []
        for source in sources:
            try:
                found.append(read(source))
            except ConfigError as error:
                self.error(error)
        return tuple(found)
