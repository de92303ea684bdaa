"""starts FILE OUT: start guests one after the other with stock `xl`, and wait for their own words on their consoles.

FILE is a JSON list of guests: name; arguments of xl (["restore", "x.save"]); words, regular expressions that its
console must say all of; seconds to wait; tries. OUT gets the same list with what came of each.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_CONSOLES = Path("/var/log/xen/console")
_VERIFIER = ("/usr/bin/python3", "/usr/lib/xen-4.17/bin/verify-stream-v2", "-f", "xl", "-i")
_VERIFIER_MODULES = "/usr/lib/xen-4.17/lib/python"
_XL_SECONDS = 120
_PAUSE = 0.5


def main(file: str, out: str) -> None:
    """Start them."""
    guests = json.loads(Path(file).read_text())
    for guest in guests:
        if guest["arguments"][0] == "restore":
            guest["verified"] = _verify(guest["arguments"][1])
        for number in range(1, guest["tries"] + 1):
            guest |= {"tries_taken": number, **_try(guest)}
            print(
                f"{guest['name']}: try {number}: {'came up' if guest['came_up'] else 'did not come up'}",
                flush=True,
            )
            if guest["came_up"]:
                break
    Path(out).write_text(json.dumps(guests))


def _verify(save: str) -> dict[str, Any]:
    """Let libxc's own verifier read a save file."""
    environment = {**os.environ, "PYTHONPATH": _VERIFIER_MODULES}
    done = subprocess.run([*_VERIFIER, save], capture_output=True, text=True, env=environment, check=False)
    return {"status": done.returncode, "said": (done.stdout + done.stderr).strip()}


def _try(guest: dict[str, Any]) -> dict[str, Any]:
    """Start a guest once, wait, and end it."""
    name = guest["name"]
    console = _CONSOLES / f"guest-{name}.log"
    for said_before in (console, _xl_log(name)):
        said_before.unlink(missing_ok=True)
    began = time.monotonic()
    status, said = _xl(*guest["arguments"])
    there = status == 0
    while there and time.monotonic() - began < guest["seconds"] and not _said_all(console, guest["words"]):
        there = _xl("domid", name)[0] == 0  # one that ended has said all it will say
        time.sleep(_PAUSE)
    found = _said_all(console, guest["words"])
    seconds = round(time.monotonic() - began, 1)
    if _xl("domid", name)[0] == 0:
        _xl("destroy", name)
    came = {"status": status, "xl": said, "came_up": found, "seconds": seconds}
    return {**came, "console": _text(console), "end": _end(name)}


def _xl_log(name: str) -> Path:
    return Path(f"/var/log/xen/xl-{name}.log")


def _end(name: str) -> str:
    """Return how xl saw the domain end by itself, if it did."""
    log = _xl_log(name)
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return next((line for line in lines if "has shut down" in line), "").partition("has ")[2]


def _xl(*arguments: str) -> tuple[int, str]:
    command = ["timeout", str(_XL_SECONDS), "xl", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def _text(console: Path) -> str:
    return console.read_bytes().decode(errors="replace").replace("\r", "") if console.exists() else ""


def _said_all(console: Path, words: list[str]) -> bool:
    text = _text(console)
    return all(re.search(word, text) for word in words)


if __name__ == "__main__":
    main(*sys.argv[1:])
