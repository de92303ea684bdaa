"""Everything that can go wrong, as one tree: each error carries its cause, the mend and the place.

The class decides the exit status, the code names the kind of failure for scripts, `cause` says what was found and
what was needed, `hint` what to do about it, `where` to look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit statuses of every command (`diff` has its own)."""

    OK = 0
    CONFIG = 1
    USAGE = 2
    REFUSED = 3
    FILES = 4
    INTERNAL = 70
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Where:
    """A place an error speaks of; only the parts that are known are set."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    offset: int | None = None
    """Byte offset into the file (after unpacking, where the file was packed)."""
    note: str | None = None
    """Name of the ELF note or header field."""
    key: str | None = None
    """Name of the configuration key, or of a host file's member."""
    argument: int | None = None
    """Which of the command line's settings it is, counted from 1 (by lines, should one hold newlines)."""

    def __str__(self) -> str:
        """Return `file:line:column`, then whatever else is known."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        extra = [
            f"offset {self.offset:#x}" if self.offset is not None else None,
            self.note and f"{'note' if self.note.isupper() else 'field'} {self.note}",
            self.key and f"key {self.key}",
        ]
        return ", ".join(part for part in [place, *extra] if part)


NOWHERE = Where()


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something to tell the user that does not stop the build."""

    code: str
    message: str
    where: Where
    hint: str | None = None


class XlbuildError(Exception):
    """Base of all errors that a user is to see; never a bug of ours."""

    exit_status: ExitStatus = ExitStatus.REFUSED

    def __init__(
        self,
        code: str,
        message: str,
        *,
        cause: str | None = None,
        hint: str | None = None,
        where: Where = NOWHERE,
    ) -> None:
        """Take a stable kebab-case code, one sentence, and what explains and mends it."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.cause = cause
        self.hint = hint
        self.where = where

    def __reduce__(self) -> tuple[object, ...]:
        """Have an error go from one process to another as it is, whatever its class takes to make one."""
        return _as_it_was, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        """Return the place and the message on one line."""
        place = str(self.where)
        return f"{place}: {self.message}" if place else self.message


def _as_it_was(
    kind: type[XlbuildError], args: tuple[object, ...], members: dict[str, object]
) -> XlbuildError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(members)
    return error


class ConfigError(XlbuildError):
    """The configuration is wrong: syntax, an impossible value, a contradiction."""

    exit_status = ExitStatus.CONFIG


class ConfigSyntaxError(ConfigError):
    """The configuration is not in xl's language; `problems` has every place, at least one."""

    def __init__(self, problems: tuple[Diagnostic, ...], hint: str | None = None) -> None:
        """Show the first problem and name the others; `hint` is for the file as a whole."""
        first, *others = problems
        more = f" (and {len(others)} more problem{'s' if len(others) > 1 else ''})" if others else ""
        places = [f"{problem.where}: {problem.message}" for problem in others[:_PROBLEMS_SHOWN]]
        if len(others) > _PROBLEMS_SHOWN:
            places.append(f"and {len(others) - _PROBLEMS_SHOWN} more")
        super().__init__(
            first.code,
            first.message + more,
            cause="\n".join(places) or None,
            hint="\n".join(text for text in (first.hint, hint) if text) or None,
            where=first.where,
        )
        self.problems = problems
        self.advice = hint


_PROBLEMS_SHOWN = 8


class ConfigProblemsError(ConfigError):
    """Several things are wrong with a configuration; `errors` has them, at least two."""

    def __init__(self, errors: tuple[ConfigError, ...]) -> None:
        """Show the first error and count the others."""
        first, others = errors[0], len(errors) - 1
        more = f" (and {others} more problem{'s' if others > 1 else ''})"
        super().__init__(
            first.code, first.message + more, cause=first.cause, hint=first.hint, where=first.where
        )
        self.errors = errors


def raise_all(errors: Sequence[ConfigError]) -> None:
    """Raise what is wrong with a configuration, if anything is."""
    if len(errors) > 1:
        raise ConfigProblemsError(tuple(errors))
    if errors:
        raise errors[0]


class UsageError(XlbuildError):
    """The command line is wrong."""

    exit_status = ExitStatus.USAGE


class RefusedError(XlbuildError):
    """The guest cannot be built: its kernel, a module or its memory does not allow it."""

    exit_status = ExitStatus.REFUSED


class StrictError(XlbuildError):
    """Warnings that stop a strict build: `errors` has each as an error, then what stops it anyhow."""

    def __init__(self, errors: tuple[XlbuildError, ...], stopped: XlbuildError | None = None) -> None:
        """Show the first error and count the others; the status is that of what stopped it, else the lowest."""
        everything = errors if stopped is None else (*errors, stopped)
        first, others = everything[0], len(everything) - 1
        more = f" (and {others} more problem{'s' if others > 1 else ''})" if others else ""
        super().__init__(
            first.code, first.message + more, cause=first.cause, hint=first.hint, where=first.where
        )
        self.errors = everything
        self.exit_status = stopped.exit_status if stopped else min(error.exit_status for error in errors)


class FilesError(XlbuildError):
    """A file is missing, unreadable or unwritable, or the target exists."""

    exit_status = ExitStatus.FILES


class CrashError(XlbuildError):
    """The process that one of several guests was built in came to no proper end."""

    exit_status = ExitStatus.INTERNAL
