"""Every command of docs/shipping.md brings a guest to where it is to be, and does with its holes what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from shipping import Way, ship, ways
from toolstack import ROOT

from xlbuild import Domain, build, digests, write

CONFIG = b'name = "web"\nkernel = "xlbuild:hello-pv"\nmemory = 16\n'
WAYS = ways()

pytestmark = pytest.mark.shipping


@pytest.fixture(scope="module")
def web() -> Domain:
    return build(CONFIG)


@pytest.fixture(scope="module")
def yesterday() -> Domain:
    return build(CONFIG, overrides=["memory=20"])


def fill_a_hole(image: Path) -> None:
    """Have zeros where there was nothing, as on a file system that counts in larger blocks."""
    with image.open("r+b", buffering=0) as file:
        before = image.stat().st_blocks
        file.seek(file.seek(0, os.SEEK_HOLE))
        file.write(bytes(0x10000))
        assert image.stat().st_blocks > before


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_guest_is_the_same_where_it_was_shipped_to(
    way: Way, web: Domain, yesterday: Domain, tmp_path: Path
) -> None:
    write(web, tmp_path / "web")
    write(yesterday, tmp_path / "yesterday")
    shipped = ship(way, tmp_path)
    there = tmp_path / "there" / "web"
    script: list[str | Path] = [sys.executable, ROOT / "scripts" / "domain-digest", there]
    assert (
        subprocess.run(script, capture_output=True, text=True, check=True).stdout
        == f"{digests(web).domain}\n"
    )
    length = (there / "memory.img").stat().st_size
    assert (shipped.on_disk < length / 2) == way.keeps_holes


def test_the_archive_for_caches_has_the_same_bytes_wherever_it_is_made(web: Domain, tmp_path: Path) -> None:
    (way,) = (way for way in WAYS if "--mtime=" in way.commands)
    archives: list[bytes] = []
    for place, umask in ((tmp_path / "one", 0o022), (tmp_path / "other", 0o077)):
        place.mkdir()
        before = os.umask(umask)
        write(web, place / "web")
        os.umask(before)
        if archives:
            fill_a_hole(place / "web" / "memory.img")
        ship(way, place)
        archives.append((place / "web.tar").read_bytes())
    assert archives[0] == archives[1]


def test_the_page_has_commands_that_keep_holes_and_such_as_do_not() -> None:
    assert {way.keeps_holes for way in WAYS} == {True, False}
    assert len({way.commands for way in WAYS}) == len(WAYS)
