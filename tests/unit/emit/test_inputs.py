"""Finding and reading the files a build is made from."""

from pathlib import Path

import pytest

from xlbuild.container import FileRequest, Role
from xlbuild.emit.inputs import HostFiles
from xlbuild.errors import NOWHERE, FilesError
from xlbuild.image.firmware import FIRMWARE
from xlbuild.profiles import NEWEST, PROFILES

SEABIOS = FileRequest(Role.SYSTEM_FIRMWARE, None, "seabios", NOWHERE)


def put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_firmware_is_found_in_a_flat_directory(tmp_path: Path) -> None:
    put(tmp_path / "bios-256k.bin", "flat")
    found = HostFiles(NEWEST, [str(tmp_path)]).read(SEABIOS)
    assert (found.data, found.path) == (b"flat", f"{tmp_path}/bios-256k.bin")


def test_firmware_is_found_in_a_root_tree(tmp_path: Path) -> None:
    put(tmp_path / "usr/share/seabios/bios-256k.bin", "tree")
    assert HostFiles(NEWEST, [str(tmp_path)]).read(SEABIOS).data == b"tree"


def test_an_earlier_directory_wins(tmp_path: Path) -> None:
    put(tmp_path / "a/bios-256k.bin", "first")
    put(tmp_path / "b/bios-256k.bin", "second")
    assert HostFiles(NEWEST, [f"{tmp_path}/a", f"{tmp_path}/b"]).read(SEABIOS).data == b"first"


def test_a_releases_own_firmware_is_preferred_to_another_releases(tmp_path: Path) -> None:
    hvmloader = FileRequest(Role.HVMLOADER, None, "hvmloader", NOWHERE)
    put(tmp_path / "usr/lib/xen-4.17/boot/hvmloader", "4.17")
    put(tmp_path / "usr/lib/xen-4.20/boot/hvmloader", "4.20")
    for profile, found in (("4.17", b"4.17"), ("4.20", b"4.20"), ("4.19", b"4.20")):
        chosen = next(p for p in PROFILES if p.name == profile)
        assert HostFiles(chosen, [str(tmp_path)]).read(hvmloader).data == found


def test_a_path_relative_to_the_firmware_directory_is_looked_for(tmp_path: Path) -> None:
    wanted = FileRequest(Role.HVMLOADER, "special", "hvmloader", NOWHERE)
    put(tmp_path / "usr/lib/xen/boot/special", "special")
    assert HostFiles(NEWEST, [str(tmp_path)]).read(wanted).data == b"special"


def test_an_absolute_path_is_not_looked_for_elsewhere(tmp_path: Path) -> None:
    wanted = FileRequest(Role.HVMLOADER, f"{tmp_path}/there", "hvmloader", NOWHERE)
    put(tmp_path / "there", "there")
    assert HostFiles(NEWEST, ["/nowhere"]).read(wanted).data == b"there"


@pytest.mark.parametrize("name", FIRMWARE)
def test_missing_firmware_names_every_place_and_the_package(name: str, tmp_path: Path) -> None:
    own = FIRMWARE[name].places[-1].rpartition("/")[2]
    for path, packaged in ((f"no/such/{own}", True), ("no/such/file", False)):
        with pytest.raises(FilesError) as refused:
            HostFiles(NEWEST, [str(tmp_path)]).read(FileRequest(Role.HVMLOADER, path, name, NOWHERE))
        assert refused.value.code == "firmware-path-missing"
        assert f"{tmp_path}/{path}" in (refused.value.cause or "")
        assert (FIRMWARE[name].package in (refused.value.hint or "")) == packaged
        assert "--firmware-dir" in (refused.value.hint or "")


def test_the_built_in_kernels_are_named_by_their_scheme() -> None:
    found = HostFiles(NEWEST).read(FileRequest(Role.KERNEL, "xlbuild:hello-pv", None, NOWHERE))
    assert found.data.startswith(b"\x7fELF")
    with pytest.raises(FilesError, match="not an image that this program has built in"):
        HostFiles(NEWEST).read(FileRequest(Role.KERNEL, "xlbuild:goodbye", None, NOWHERE))
