"""The formats in which a domain is written: what each is called, and what it is for. `emit.writers` writes them."""

from dataclasses import dataclass
from pathlib import Path

from xlbuild.errors import UsageError


@dataclass(frozen=True, slots=True)
class Format:
    """A format."""

    name: str
    """As `--format` has it."""
    suffix: str
    """What a file of it is called behind the domain's name, if nobody says otherwise."""
    what: str
    """What it is, in words."""
    done: str
    """What has been done when it is there, in words."""
    is_restored: bool = False
    """Whether a host starts it by a restore: a PV guest is laid out for that."""


MANIFEST = "domain.json"
"""The file of a directory that says what is in it."""

DIRECTORY = Format("directory", "", "built domain", "written")
SAVE = Format("save", ".save", "save file", "saved as", is_restored=True)
CORE = Format("core", ".core", "dump-core", "dumped as")

FORMATS = (DIRECTORY, SAVE, CORE)
"""In the order in which they are told. What is written comes into place the other way round, the directory last."""


EXPORTED = (SAVE, CORE)
"""Those that a built domain's directory is made into."""


def format_named(name: str) -> Format | None:
    """Return the format of a name, or none."""
    return next((each for each in FORMATS if each.name == name), None)


def exported(name: str) -> Format:
    """Return the format of a name that a directory is made into; UsageError for another."""
    for each in EXPORTED:
        if each.name == name:
            return each
    is_directory = name == DIRECTORY.name
    raise UsageError(
        "format-not-exported",
        f"nothing is exported as {name!r}",
        cause="it is a directory already" if is_directory else "there is no such format",
        hint=f"export it as {' or '.join(each.name for each in EXPORTED)}",
    )


@dataclass(frozen=True, slots=True)
class Target:
    """A format that is wanted, and where it is to be."""

    format: Format
    path: Path

    @property
    def witness(self) -> Path:
        """The file by whose time a build system knows when it was made."""
        return self.path / MANIFEST if self.format is DIRECTORY else self.path
