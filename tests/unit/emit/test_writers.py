"""Several formats come into place one behind the other, each whole, whatever interrupts that."""

from collections.abc import Callable
from pathlib import Path

import pytest

import xlbuild
from xlbuild import api
from xlbuild.emit import atomic
from xlbuild.emit.formats import FORMATS, Target

CONFIG = b'name="g"\nkernel="xlbuild:hello-pv"\nmemory=16\n'
OLD, NEW = (
    xlbuild.build(CONFIG, overrides=[f'cmdline="{age}"'], restorable=True) for age in ("older", "newer")
)


def targets_in(directory: Path) -> list[Target]:
    return [Target(each, directory / f"g{each.suffix}") for each in FORMATS]


def contents(target: Target) -> bytes | None:
    """Return what is at a target, None where nothing is."""
    path = target.path / "memory.img" if target.path.is_dir() else target.path
    return path.read_bytes() if path.exists() else None


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes | None]]:
    """What each format of the old and of the new domain is."""
    found: dict[str, list[bytes | None]] = {}
    for age, domain in (("old", OLD), ("new", NEW)):
        targets = targets_in(tmp_path_factory.mktemp(age))
        api.write_as(domain, targets)
        found[age] = [contents(target) for target in targets]
    assert not any(old == new for old, new in zip(found["old"], found["new"], strict=True))
    return found


def interrupted_before(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], int]:
    """Have an interrupt come in the place of a rename; return how many there have been."""
    rename, seen = atomic._renameat2, [0]

    def renames(source: Path, target: Path, flags: int) -> None:
        seen[0] += 1
        if seen[0] == number:
            raise KeyboardInterrupt
        rename(source, target, flags)

    monkeypatch.setattr(atomic, "_renameat2", renames)
    return lambda: seen[0]


@pytest.mark.parametrize("replaces", [False, True], ids=["", "force"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_interrupt_between_two_names_leaves_whole_files_the_directory_being_the_last(
    tmp_path: Path,
    known: dict[str, list[bytes | None]],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    replaces: bool,
) -> None:
    targets = targets_in(tmp_path)
    if replaces:
        api.write_as(OLD, targets)
    before = known["old"] if replaces else [None, None, None]
    renames = interrupted_before(monkeypatch, number)
    with pytest.raises(KeyboardInterrupt):
        api.write_as(NEW, targets, force=True)
    assert renames() == number
    unchanged = len(FORMATS) - (number - 1)
    assert [contents(target) for target in targets] == [*before[:unchanged], *known["new"][unchanged:]]
    assert {path.name for path in tmp_path.iterdir()} <= {"g", "g.save", "g.core"}


def test_a_domain_that_is_not_for_one_of_the_formats_is_written_in_none(tmp_path: Path) -> None:
    domain = xlbuild.build(CONFIG, hypercall_page=False)
    with pytest.raises(xlbuild.RefusedError) as caught:
        api.write_as(domain, targets_in(tmp_path / "new"), parents=True)
    assert caught.value.code == "save-hypercall-page-empty"
    assert list(tmp_path.iterdir()) == []
    api.write_as(domain, [target for target in targets_in(tmp_path) if not target.format.is_restored])
    assert {path.name for path in tmp_path.iterdir()} == {"g", "g.core"}


def test_nothing_has_its_name_before_all_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xlbuild.emit.core.write._write", fail)
    with pytest.raises(xlbuild.FilesError, match=r"g\.core cannot be written") as caught:
        api.write_as(NEW, targets_in(tmp_path))
    assert caught.value.code == "target-no-space"
    assert list(tmp_path.iterdir()) == []
