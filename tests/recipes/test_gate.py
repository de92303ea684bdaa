"""The gate of scripts/recipes: the image did not change, or it did, and how."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from recipes import RECIPES, Command, xlbuild_command

CONFIG = 'name = "web"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 16\n'


@dataclass(frozen=True)
class Ended:
    """How the gate ended."""

    status: int
    said: str
    complained: str


@dataclass(frozen=True)
class Gate:
    """The gate in a directory with a configuration, its pin and its manifest."""

    directory: Path
    command: Command

    def __call__(self, *arguments: str) -> Ended:
        done = subprocess.run(
            [RECIPES / "gate", *arguments],
            cwd=self.directory,
            env={**os.environ, "PATH": self.command.path},
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def files(self) -> list[str]:
        """Return what is there."""
        return sorted(path.name for path in self.directory.iterdir())


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    directory = tmp_path / "guests"
    directory.mkdir()
    (directory / "web.cfg").write_text(CONFIG)
    with xlbuild_command(tmp_path / "bin") as command:
        made = Gate(directory, command)
        assert made("--update", "web.cfg", "web.digest", "web.json").status == 0
        assert made.files() == ["web.cfg", "web.digest", "web.json"]
        yield made


def test_a_guest_that_stays_the_same_passes_however_its_configuration_is_worded(gate: Gate) -> None:
    digest = (gate.directory / "web.digest").read_text()
    (gate.directory / "web.cfg").write_text(f"# The web server.\n{CONFIG}\nvif = ['bridge=xenbr0']\n")
    for pins in (["web.digest"], ["web.digest", "web.json"]):
        assert gate("web.cfg", *pins) == Ended(0, f"web.cfg: unchanged, {digest}", "")
    assert gate.files() == ["web.cfg", "web.digest", "web.json"]


def test_a_guest_that_changed_is_status_3_with_both_digests(gate: Gate) -> None:
    digest = (gate.directory / "web.digest").read_text().strip()
    ended = gate("web.cfg", "web.digest", "memory=32")
    assert (ended.status, ended.said) == (3, "")
    assert digest in ended.complained


def test_with_the_manifest_each_difference_is_told(gate: Gate) -> None:
    ended = gate("web.cfg", "web.digest", "web.json", "memory=32")
    assert (ended.status, ended.said) == (3, "")
    assert "16 MiB → 32 MiB" in ended.complained


def test_a_change_that_is_meant_is_pinned(gate: Gate) -> None:
    assert gate("--update", "web.cfg", "web.digest", "web.json", "memory=32").status == 0
    assert gate("web.cfg", "web.digest", "web.json", "memory=32").status == 0
    assert gate("web.cfg", "web.digest", "web.json").status == 3


def test_a_manifest_of_another_guest_than_the_pinned_one_lets_none_pass(gate: Gate) -> None:
    assert gate("--update", "web.cfg", "web.digest", "memory=32").status == 0
    for memory in (16, 32):
        ended = gate("web.cfg", "web.digest", "web.json", f"memory={memory}")
        assert ended.status == 3
        assert "--update" in ended.complained


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["web.cfg"], 2),
        (["web.cfg", "memory=3"], 2),
        (["web.cfg", "nowhere.digest"], 4),
        (["nowhere.cfg", "web.digest"], 4),
        (["web.cfg", "web.digest", "nowhere.json"], 4),
        (["web.cfg", "nowhere.digest", "web.json"], 4),
        (["web.cfg", "web.digest", "memory=many"], 1),
        (["web.cfg", "web.digest", 'kernel="web.cfg"'], 3),
        (["--update", "web.cfg", "web.digest", "web.json", "memory=many"], 1),
    ],
)
def test_what_is_wrong_has_creates_status_and_leaves_the_pins(
    gate: Gate, arguments: list[str], status: int
) -> None:
    before = {name: (gate.directory / name).read_text() for name in gate.files()}
    ended = gate(*arguments)
    assert (ended.status, ended.said) == (status, "")
    assert ended.complained != ""
    assert {name: (gate.directory / name).read_text() for name in gate.files()} == before
