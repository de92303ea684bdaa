"""Running the programs of other people, whose failure is the lab's."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from xenlab.model import LabError

_TAIL = 400
"""Characters of a failed program's last words."""


def output(command: Sequence[str | Path], *, cwd: Path | None = None, purpose: str = "") -> str:
    """Run a program; return what it printed. Raises LabError with its last words when it fails or is not there."""
    try:
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise LabError(f"{purpose or 'the lab'}: {command[0]} is not installed") from None
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip())[-_TAIL:]
        raise LabError(f"{purpose or command[0]}: status {done.returncode}: {words}")
    return done.stdout


def shell(script: str, *arguments: str | Path, cwd: Path | None = None, purpose: str = "") -> str:
    """Run a line of shell, whose $1, $2, … are the arguments; as `output`."""
    return output(["bash", "-o", "pipefail", "-ec", script, "bash", *arguments], cwd=cwd, purpose=purpose)


def logged(command: Sequence[str | Path], log: Path, *, purpose: str) -> None:
    """Run a program that says much, into a log. Raises LabError with the log's last words and its name."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as words:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=words, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        last = log.read_text(errors="replace").strip()[-_TAIL:]
        raise LabError(f"{purpose}: status {done.returncode} ({log}): {last}")
