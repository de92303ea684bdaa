"""Building guests with xlbuild and starting them on the lab's Xen: one run of the lab for all of them."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xenlab.guests import Guest
from xenlab.model import Lab, LabError
from xenlab.run import TIMED_OUT, run

_SCRIPT = """\
xl info >/out/xl-info.txt
xl list -l >/out/xl-list.json
python3 -m xenlab.dom0.starts /in/starts.json /out/starts.json
"""
_STARTING = 120
"""Seconds that a guest may take besides its own."""
_RUNS = 2
"""The emulated machine is tried so often: now and then it stands still."""


@dataclass(frozen=True)
class Started:
    """What came of one guest on the real Xen."""

    name: str
    command: str
    """xl's subcommand: restore or create."""
    came_up: bool
    """Whether its console said all its words."""
    status: int
    """The exit status of xl."""
    xl: str
    """What xl printed."""
    console: str
    """What the guest printed."""
    end: str
    """How xl saw the domain end by itself: "shut down, reason code …"; nothing when it did not."""
    seconds: float
    tries: int
    verified: str
    """What verify-stream-v2 had against the save file; nothing when it accepts it."""

    def went_as(self, other: "Started") -> bool:
        """Return whether both said the same and ended alike."""
        return (self.console, self.end) == (other.console, other.end)

    def lines(self, pattern: str) -> list[str]:
        """Return the lines of its console in which a pattern is found."""
        return [line for line in self.console.splitlines() if re.search(pattern, line)]


def write_save(config: str, directory: Path, name: str, options: Sequence[str] = ()) -> Path:
    """Build a guest as a save file, as a user does, with more options; return the file."""
    (directory / f"{name}.cfg").write_text(config)
    file = directory / f"{name}.save"
    command = [sys.executable, "-m", "xlbuild", "create", "-q", "--format", "save", *options]
    done = subprocess.run(
        [*command, "-o", file, directory / f"{name}.cfg"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"xlbuild create --format save, {name}: {done.stderr}")
    return file


def start(
    lab: Lab, saves: dict[Guest, Path], directory: Path, *, created: Sequence[Guest] = ()
) -> list[Started]:
    """Start guests from save files, and others by the real `xl create`. Raises LabError when the machine fails."""
    inward = directory / "in"
    (inward / "saves").mkdir(parents=True, exist_ok=True)
    tasks = [_task(guest, ["restore", f"/in/saves/{guest.name}.save"]) for guest in saves]
    for guest, save in saves.items():
        (inward / "saves" / f"{guest.name}.save").symlink_to(save.resolve())
    for guest in created:
        (inward / f"{guest.name}.kernel").symlink_to(Path(guest.kernel(lab)).resolve())
        (inward / f"{guest.name}.cfg").write_text(guest.dom0_config(f"/in/{guest.name}.kernel"))
        tasks.append(_task(guest, ["create", f"/in/{guest.name}.cfg"]))
    (inward / "starts.json").write_text(json.dumps(tasks))
    return [_started(answer) for answer in _run(lab, tasks, inward, directory)]


def fell_short(answers: Sequence[Started]) -> list[Started]:
    """Return the restored guests that did not come up, and got not even as far as the same one by `xl create`."""
    by_xl = {answer.name: answer for answer in answers if answer.command == "create"}
    restored = [answer for answer in answers if answer.command == "restore"]
    return [
        answer
        for answer in restored
        if not answer.came_up and not (answer.name in by_xl and answer.went_as(by_xl[answer.name]))
    ]


def _task(guest: Guest, arguments: list[str]) -> dict[str, Any]:
    own = {"words": guest.words, "seconds": guest.seconds, "tries": guest.tries}
    return {"name": guest.name, "arguments": arguments, **own}


def _run(lab: Lab, tasks: list[dict[str, Any]], inward: Path, directory: Path) -> list[dict[str, Any]]:
    """Run the tasks in the lab; where the machine stands still, once more."""
    script = directory / "script.sh"
    script.write_text(_SCRIPT)
    seconds = sum(task["tries"] * (task["seconds"] + _STARTING) for task in tasks)
    for number in range(1, _RUNS + 1):
        outward = directory / f"out{number}"
        try:
            outcome = run(lab, [inward], script, outward, seconds=seconds)
        except LabError:
            if number == _RUNS:
                raise
            continue
        if outcome.status == 0:
            answers: list[dict[str, Any]] = json.loads((outward / "starts.json").read_text())
            return answers
        if outcome.status != TIMED_OUT:
            break
    raise LabError(f"the script in dom0 failed (status {outcome.status}): {outcome.log[-400:]}")


def _started(answer: dict[str, Any]) -> Started:
    verified = answer.get("verified", {"status": 0, "said": ""})
    return Started(
        name=answer["name"],
        command=answer["arguments"][0],
        came_up=answer["came_up"],
        status=answer["status"],
        xl=answer["xl"],
        console=answer["console"],
        end=answer["end"],
        seconds=answer["seconds"],
        tries=answer["tries_taken"],
        verified=verified["said"] or f"status {verified['status']}" if verified["status"] else "",
    )
