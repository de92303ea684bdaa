"""What the real `xl -N create` reads out of a text, for tests that ask it thousands of times."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolstack import XL_DRY_RUN, xl_environment

SECONDS = 10
"""After so long a run is stopped; the longest that ends takes a tenth of a second."""


@dataclass(frozen=True)
class Parsed:
    """How xl ended."""

    status: int
    """xl's own; negative when a signal ended it."""
    text: str
    """What it printed, with any byte that is no UTF-8 as a surrogate escape."""
    messages: tuple[str, ...]
    """Its complaints, line by line."""

    @property
    def accepted(self) -> bool:
        """Whether it took the configuration."""
        return self.status == 0

    @property
    def died(self) -> bool:
        """Whether it crashed, aborted, or had to be stopped."""
        return self.status < 0

    @property
    def document(self) -> Any:
        """The libxl_domain_config that it printed; None when it refused."""
        return json.loads(self.text, strict=False) if self.accepted else None


class XlParse:
    """Runs the real xl on texts; a dry run leaves nothing behind, so all share one directory."""

    def __init__(self, directory: Path) -> None:
        """Keep the text and xl's empty state in `directory`."""
        self._environment = {**os.environ, **xl_environment(directory)}
        self._directory = directory

    def __call__(self, data: bytes, overrides: Sequence[str] = ()) -> Parsed:
        """Give xl a text as the file guest.cfg, with `key=value` arguments behind it."""
        (self._directory / "guest.cfg").write_bytes(data)
        output = self._directory / "output"
        with output.open("wb") as stdout:
            status, errors = self._run(overrides, stdout.fileno())
        text = output.read_bytes().decode(errors="surrogateescape")
        lines = errors.decode(errors="surrogateescape").splitlines()
        return Parsed(status, text, tuple(line for line in lines if line != "Parsing config from guest.cfg"))

    def _run(self, overrides: Sequence[str], stdout: int) -> tuple[int, bytes]:
        try:
            done = subprocess.run(
                [*XL_DRY_RUN, "guest.cfg", *overrides],
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as stopped:
            return -9, stopped.stderr or b""
        return done.returncode, done.stderr
