"""A depfile: what a build was made from, as make and ninja read it (`gcc -MD -MP` writes such files)."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xlbuild.domain import Input
from xlbuild.emit.inputs import BUILT_IN_SCHEME
from xlbuild.errors import FilesError

_NAME = re.compile(
    rb"(?![~=])(?:[A-Za-z0-9 !\"#$%&'()+,./:=@\[\]_{}~\x80-\xFF-]|\\(?=[A-Za-z0-9]))+(?<![ ):])"
)
"""What both read as a file's name.

make has no way to write `;`, `|` or a blank at the end, and takes `~`, `*`, `lib(member)` for more than a name. ninja
has none for `*`, `<`, `>`, `^`, a backquote, control characters, or a colon at the end. (Before 1.12 it has none for
`"`, `&`, `'` either, and takes such a file for two that are missing: what depends on it is built each time.)
"""

_ESCAPES = ((rb"([ #:])", rb"\\\1"), (rb"\$", rb"$$"))


@dataclass(frozen=True, slots=True)
class Rule:
    """A file that was made, and the files that it was made from."""

    target: str
    files: tuple[str, ...]


def files_read(config: str | None, inputs: Iterable[Input]) -> tuple[str, ...]:
    """Return the files that a build has read, each once; None: the configuration is none.

    What is built into the program is no file, and /dev/null never changes.
    """
    paths = [item.path for item in inputs if not item.path.startswith(BUILT_IN_SCHEME)]
    return tuple(dict.fromkeys(path for path in (config, *paths) if path not in (None, os.devnull)))


def depfile_text(rules: Sequence[Rule]) -> bytes:
    """Return a depfile: a rule a target, then one without a command for each file: one that is gone stops no make.

    Raises FilesError for a name that make or ninja has no way to write.
    """
    files = dict.fromkeys(file for rule in rules for file in rule.files if "=" not in file)
    lines = [b" ".join([_target(rule.target) + b":", *map(_name, _in_order(rule))]) for rule in rules]
    return b"".join(line + b"\n" for line in [*lines, *(_name(file) + b":" for file in files)])


def _in_order(rule: Rule) -> list[str]:
    """Return a rule's files, those with a `=` last: a rule whose first has one is an assignment to make."""
    files = sorted(rule.files, key=lambda file: "=" in file)
    if files and "=" in files[0]:
        raise _unwritable(files[0])
    return files


def _target(path: str) -> bytes:
    if "%" in path or "=" in path:  # a pattern, or an assignment, to make; to ninja a name all the same
        raise _unwritable(path)
    return _name(path)


def _name(path: str) -> bytes:
    name = os.fsencode(path)
    if not _NAME.fullmatch(name):
        raise _unwritable(path)
    for pattern, escaped in _ESCAPES:
        name = re.sub(pattern, escaped, name)
    return name


def _unwritable(path: str) -> FilesError:
    return FilesError(
        "depfile-name",
        f"{path!r} cannot be named in a depfile",
        cause="make or ninja has no way to write a character of it, or takes it for more than a name",
        hint="rename it, or name it through a symbolic link",
    )
