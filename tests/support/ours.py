"""Runs xlbuild's command line as a user does, but in this process: many builds in little time."""

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import toolstack

from xlbuild.cli import run

LIKE_THE_REFERENCE = ("--xen", "4.17", "--no-hypercall-page", "--firmware-dir", str(toolstack.XEN_ROOT))
"""Options that build what the real toolstack of tests/oracle builds, with the same firmware."""


@dataclass(frozen=True)
class Ended:
    """How a run of xlbuild ended."""

    returncode: int
    stdout: str
    stderr: str


def xlbuild(*arguments: str | Path) -> Ended:
    """Run `xlbuild ARGUMENTS`."""
    with redirect_stdout(io.StringIO()) as stdout, redirect_stderr(io.StringIO()) as stderr:
        returncode = run([str(argument) for argument in arguments])
    return Ended(returncode, stdout.getvalue(), stderr.getvalue())


def create(config: str, directory: Path, *settings: str) -> Ended:
    """Build a guest from a configuration's text as the reference does, into a directory that is not there yet."""
    file = directory.with_suffix(".cfg")
    file.write_bytes(config.encode(errors="surrogateescape"))
    return xlbuild("create", "-q", *LIKE_THE_REFERENCE, "-o", directory, file, *settings)
