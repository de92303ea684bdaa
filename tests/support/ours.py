"""Runs xlbuild's command line as a user does, but in this process: many builds in little time."""

import io
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import toolstack

from xlbuild.api import find_profile
from xlbuild.cli import run
from xlbuild.domain import Domain
from xlbuild.emit.inputs import HostFiles
from xlbuild.pipeline import BuildOptions, build_domain

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


def build_from(
    mfn_base: int, config: bytes, settings: Sequence[str] = (), *, release: str = "4.17"
) -> Domain:
    """Build a PV guest as the reference does, in memory, from another machine frame than 0."""
    options = BuildOptions(find_profile(release), fill_hypercall_page=False, mfn_base=mfn_base)
    files = HostFiles(options.profile, [str(toolstack.XEN_ROOT)])
    return build_domain(config, "guest.cfg", settings, options, files, lambda *_: None, lambda _: None)
