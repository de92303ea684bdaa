"""The Makefile and the ninja rules of scripts/recipes build again what has changed, and nothing else."""

import os
import runpy
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from recipes import RECIPES, Command, xlbuild_command
from toolstack import ROOT

from xlbuild.hello import pvh

WEB = 'name = "web"\ntype = "pvh"\nkernel = "vmlinuz"\nramdisk = "initrd"\nmemory = 16\n'
DB = 'name = "db"\ntype = "pv"\nkernel = "xlbuild:hello-pv"\nmemory = 16\n'
NINJA_LINES: Callable[[list[str], str], list[str]] = runpy.run_path(str(RECIPES / "ninja-guests"))["lines"]

CLOCK_TICK = 0.02
"""File systems count time in steps of up to 10 ms; who changes something by hand is never that fast."""


@dataclass
class Repository:
    """Two guests, and a tool that builds and packs them."""

    directory: Path
    command: tuple[str, ...]
    xlbuild: Command

    def build(self, *options: str) -> tuple[int, set[str], set[str]]:
        """Build and pack; the status, and the guests that were built and that were packed."""
        before = self._archives()
        done = subprocess.run(
            [*self.command, *options, "packed"],
            cwd=self.directory,
            env={**os.environ, "PATH": self.xlbuild.path},
            capture_output=True,
            check=False,
        )
        built = {Path(call[-1]).stem for call in self.xlbuild.calls()}
        packed = {name for name, made in self._archives().items() if before.get(name) != made}
        return done.returncode, built, packed

    def add(self, name: str, text: bytes) -> None:
        """Change a file, at another time than what was built before: add something at its end."""
        time.sleep(CLOCK_TICK)
        with (self.directory / name).open("ab") as file:
            file.write(text)

    def _archives(self) -> dict[str, int]:
        archives = (self.directory / "build").glob("*.tar.zst")
        return {path.name.partition(".")[0]: path.stat().st_mtime_ns for path in archives}


@pytest.fixture(params=["make", "ninja"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repository]:
    directory = tmp_path / "repository"
    (directory / "guests").mkdir(parents=True)
    (directory / "guests" / "web.cfg").write_text(WEB)
    (directory / "guests" / "db.cfg").write_text(DB)
    (directory / "vmlinuz").write_bytes(pvh.kernel())
    (directory / "initrd").write_bytes(b"first")
    for recipe in ("Makefile", "xlbuild.ninja"):
        (directory / recipe).write_text((RECIPES / recipe).read_text())
    lines = NINJA_LINES(["guests/web.cfg", "guests/db.cfg"], "build")
    (directory / "build.ninja").write_text("\n".join(lines) + "\n")
    with xlbuild_command(tmp_path / "bin") as command:
        yield Repository(directory, (request.param, "-j2"), command)


@pytest.mark.engines
@pytest.mark.shipping
def test_only_what_changed_is_built_again(repository: Repository) -> None:
    assert repository.build() == (0, {"web", "db"}, {"web", "db"})
    assert repository.build() == (0, set(), set())
    repository.add("guests/db.cfg", b"# a guest stays the same if only words about it change\n")
    assert repository.build() == (0, {"db"}, set())
    repository.add("initrd", b" and second")
    assert repository.build() == (0, {"web"}, {"web"})
    repository.add("vmlinuz", b"what no loader looks at")
    assert repository.build() == (0, {"web"}, set())
    assert repository.build() == (0, set(), set())
    (repository.directory / "vmlinuz").unlink()
    status, built, packed = repository.build()
    assert (status != 0, built, packed) == (True, {"web"}, set())


@pytest.mark.engines
@pytest.mark.shipping
def test_a_guest_that_fails_stops_no_other_and_keeps_what_there_was(repository: Repository) -> None:
    assert repository.build()[0] == 0
    repository.add("guests/web.cfg", b"memory = = 3\n")
    repository.add("guests/db.cfg", b"memory = 17\n")
    manifest = (repository.directory / "build" / "web" / "domain.json").read_bytes()
    keep_going = {"make": ["-k"], "ninja": ["-k", "0"]}[repository.command[0]]
    status, built, packed = repository.build(*keep_going)
    assert (status != 0, built, packed) == (True, {"web", "db"}, {"db"})
    assert (repository.directory / "build" / "web" / "domain.json").read_bytes() == manifest
    assert repository.build(*keep_going)[1] == {"web"}


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        (["a b.cfg"], "other characters"),
        (["x$y.cfg"], "other characters"),
        (["a/g.cfg", "b/g.cfg"], "both be built"),
    ],
)
def test_names_that_ninja_would_misread_are_refused(configs: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        list(NINJA_LINES(configs, "build"))


def test_the_page_shows_what_the_generator_writes() -> None:
    shown = "\n".join(list(NINJA_LINES(["guests/web.cfg"], "build"))[:3])
    assert f"\n```\n{shown}\n```\n" in (ROOT / "docs" / "ci.md").read_text()
