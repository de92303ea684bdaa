"""Directories appear whole or not at all."""

import json
import os
from pathlib import Path

import pytest

import xlbuild
from xlbuild.emit import atomic, directory
from xlbuild.profiles import PROFILES

PVH = b'name="g"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=32\n'


@pytest.fixture(scope="module")
def domain() -> xlbuild.Domain:
    return xlbuild.build(PVH)


def test_the_image_is_sparse_and_ends_with_the_last_frame(domain: xlbuild.Domain, tmp_path: Path) -> None:
    xlbuild.write(domain, tmp_path / "g")
    image = tmp_path / "g" / "memory.img"
    assert image.stat().st_size == 0xFF000 * 4096
    assert image.stat().st_blocks * 512 < 1 << 20


def test_every_written_page_is_in_its_place(domain: xlbuild.Domain, tmp_path: Path) -> None:
    xlbuild.write(domain, tmp_path / "g")
    with (tmp_path / "g" / "memory.img").open("rb") as image:
        for pfn, page in domain.memory.pages():
            image.seek(pfn * 4096)
            assert image.read(4096) == page


def test_permissions_follow_the_umask(domain: xlbuild.Domain, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        xlbuild.write(domain, tmp_path / "g")
    finally:
        os.umask(before)
    assert (tmp_path / "g").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "g" / "domain.json").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("release", [profile.name for profile in PROFILES])
def test_the_configuration_is_the_one_that_the_releases_xl_has(tmp_path: Path, release: str) -> None:
    config = PVH + b'disk=["/dev/vg/d,raw,xvda,w"]\nvif=["mac=00:16:3e:00:00:01"]\ntsc_mode="native"\n'
    for name in ("g", "again"):
        xlbuild.write(xlbuild.build(config, xen=release), tmp_path / name)
    text = (tmp_path / "g" / "config.json").read_text()
    assert text == xlbuild.xl_json(config, xen=release) + "\n"
    assert text == (tmp_path / "again" / "config.json").read_text()


def test_a_uuid_is_in_the_configuration_only_if_it_is_given(tmp_path: Path) -> None:
    uuid = "c0ffee00-1234-5678-9abc-def012345678"
    for name, setting in (("without", b""), ("with", f'uuid="{uuid}"\n'.encode())):
        xlbuild.write(xlbuild.build(PVH + setting), tmp_path / name)
    found = [
        json.loads((tmp_path / name / "config.json").read_text())["c_info"].get("uuid")
        for name in ("without", "with")
    ]
    assert found == [None, uuid]


@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()]
)
def test_a_failure_while_writing_leaves_nothing(
    domain: xlbuild.Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(directory, "write_memory_image", fail)
    with pytest.raises((xlbuild.FilesError, KeyboardInterrupt, MemoryError)):
        xlbuild.write(domain, tmp_path / "g")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_replacing_keeps_what_was_there(
    domain: xlbuild.Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    xlbuild.write(domain, tmp_path / "g")
    (tmp_path / "g" / "mark").write_text("old")

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(atomic, "_renameat2", fail)
    with pytest.raises(xlbuild.FilesError, match="cannot be written"):
        xlbuild.write(domain, tmp_path / "g", force=True)
    monkeypatch.undo()
    assert [entry.name for entry in tmp_path.iterdir()] == ["g"]
    assert (tmp_path / "g" / "mark").read_text() == "old"


def test_a_link_is_never_replaced(domain: xlbuild.Domain, tmp_path: Path) -> None:
    xlbuild.write(domain, tmp_path / "real")
    (tmp_path / "g").symlink_to(tmp_path / "real")
    with pytest.raises(xlbuild.FilesError, match="not replaced"):
        xlbuild.write(domain, tmp_path / "g", force=True)


def test_a_domain_that_another_build_replaces_while_it_is_looked_at_is_one(
    domain: xlbuild.Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    xlbuild.write(domain, tmp_path / "g")
    really_look, looks = directory._is_built_domain, []

    def look(place: Path) -> bool:
        looks.append(place)
        if len(looks) == 1:  # the old manifest has just been removed
            (tmp_path / "g").rename(tmp_path / "old")
            xlbuild.write(domain, tmp_path / "g")
            return False
        return really_look(place)

    monkeypatch.setattr(directory, "_is_built_domain", look)
    directory.check_target(tmp_path / "g", tmp_path / "g", force=True)
    assert len(looks) == 2


def test_an_empty_directory_is_in_nobodys_way_with_force(domain: xlbuild.Domain, tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    with pytest.raises(xlbuild.FilesError, match="exists already"):
        xlbuild.write(domain, tmp_path / "g")
    xlbuild.write(domain, tmp_path / "g", force=True)
    assert (tmp_path / "g" / "domain.json").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["g"]


@pytest.mark.parametrize(
    "manifest", ["pipe", "directory", "nothing", "[]", '{"schema": "other/1"}', "[" * 10**5]
)
def test_a_directory_with_another_manifest_is_no_domain(
    domain: xlbuild.Domain, tmp_path: Path, manifest: str
) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "mine").touch()
    path = tmp_path / "g" / "domain.json"
    if manifest == "pipe":
        os.mkfifo(path)
    elif manifest == "directory":
        path.mkdir()
    elif manifest != "nothing":
        path.write_text(manifest)
    with pytest.raises(xlbuild.FilesError, match="not replaced, even with --force"):
        xlbuild.write(domain, tmp_path / "g", force=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["g"]
