"""`create --map` and `--depfile`: what is written beside a domain, for people and for build systems."""

import json
from pathlib import Path

import pytest
from ours import xlbuild

PV = 'name = "g"\nkernel = "xlbuild:hello-pv"\nmemory = 16\n'


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "guest.cfg").write_text(PV)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir() if entry.name != "guest.cfg")


def test_the_map_is_what_is_reported_but_for_the_place(cwd: Path) -> None:
    ended = xlbuild("create", "--map", "g.map", "guest.cfg")
    assert (ended.returncode, ended.stderr) == (0, "")
    *reported, written = ended.stdout.splitlines(keepends=True)
    assert written.startswith("written: g/")
    assert (cwd / "g.map").read_text() == "".join(reported)
    assert names(cwd) == ["g", "g.map"]


def test_a_dry_run_writes_the_same_map_and_no_domain(cwd: Path) -> None:
    for options in (["-n", "-q", "--map", "dry"], ["-q", "--map", "wet"]):
        assert xlbuild("create", *options, "guest.cfg").returncode == 0
        assert (cwd / "g").exists() == ("wet" in options)
    assert (cwd / "dry").read_text() == (cwd / "wet").read_text()


def test_a_guest_that_gets_no_plan_has_a_map_as_far_as_it_got(cwd: Path) -> None:
    (cwd / "ramdisk").write_bytes(b"x" * (5 << 20))
    (cwd / "guest.map").write_text("an older one")
    arguments = ("--map", "guest.map", "--depfile", "d", "guest.cfg", 'ramdisk="ramdisk"', "memory=7")
    refused = xlbuild("create", *arguments)
    assert refused.returncode == 3
    text = (cwd / "guest.map").read_text()
    assert text.startswith("domain: g\ncontainer: PV (")
    assert "\nmemory: 7 MiB\n" in text
    lines = text.splitlines()
    start = lines.index("map so far:") + 1
    assert [line.split()[:3] for line in lines[start : start + 3]] == [
        ["kernel", "0x100000..0x102804", "0x100+3"],
        ["module0", "0x103000..0x603000", "0x103+1280"],
        ["phys2mach", "0x603000..0x607000", "0x603+4"],
    ]
    told = dict(line.split(": ", 1) for line in lines[start + 3 :])
    assert "the guest's memory is too small for its initial mapping" in told["refused"]
    assert told["refused"] in refused.stderr
    assert told["mend"] in refused.stderr
    assert "placed so far" not in text
    assert names(cwd) == ["guest.map", "ramdisk"]


def test_a_refusal_that_has_no_map_says_what_is_known(cwd: Path, small_hvm: str) -> None:
    (cwd / "guest.cfg").write_text(small_hvm + 'rdm = "strategy=host"\n')
    reserved = [{"addr": hex(0x2000_0000 + (n << 20)), "size": "0x1000", "devices": []} for n in range(128)]
    (cwd / "host").write_text(json.dumps({"schema": "xlbuild.host/1", "reserved_device_memory": reserved}))
    refused = xlbuild("create", "--map", "m", "--host", "host", "guest.cfg")
    assert (refused.returncode, "memory map is too long" in refused.stderr) == (3, True)
    told = [line.split(":")[0] for line in (cwd / "m").read_text().splitlines()]
    assert told[:3] == ["domain", "container", "built as"]
    assert told[-4:] == ["vcpus", "refused", "cause", "mend"]


def test_a_configuration_that_is_wrong_leaves_an_older_map_alone(cwd: Path) -> None:
    (cwd / "m").write_text("an older one")
    assert xlbuild("create", "--map", "m", "guest.cfg", "memory=x").returncode == 1
    assert (cwd / "m").read_text() == "an older one"


def test_the_depfile_lists_every_file_that_was_read(cwd: Path) -> None:
    (cwd / "my ramdisk").write_bytes(b"x")
    (cwd / "host.json").write_text('{"schema": "xlbuild.host/1"}')
    options = ("-q", "-o", "out", "--depfile", "out.d", "--host", "host.json")
    assert xlbuild("create", *options, "guest.cfg", 'ramdisk="my ramdisk"').returncode == 0
    rule = (cwd / "out.d").read_text().splitlines()[0]
    assert rule == "out/domain.json: guest.cfg my\\ ramdisk host.json"
    inputs = json.loads((cwd / "out" / "domain.json").read_text())["inputs"]
    assert [item["path"] for item in inputs] == ["xlbuild:hello-pv", "my ramdisk", "host.json"]


def test_firmware_is_listed_where_it_was_found(cwd: Path, small_hvm: str) -> None:
    (cwd / "guest.cfg").write_text(small_hvm)
    assert xlbuild("create", "-n", "-q", "--depfile", "d", "guest.cfg").returncode == 0
    assert (cwd / "d").read_text().splitlines()[0] == f"g/domain.json: guest.cfg {cwd}/hvmloader {cwd}/bios"


def test_the_depfile_of_a_dry_run_is_about_the_map(cwd: Path) -> None:
    assert xlbuild("create", "-n", "-q", "--map", "m", "--depfile", "d", "guest.cfg").returncode == 0
    assert (cwd / "d").read_text() == "m: guest.cfg\nguest.cfg:\n"


def test_a_build_that_fails_leaves_an_older_depfile_alone(cwd: Path) -> None:
    (cwd / "d").write_text("an older one")
    assert xlbuild("create", "--depfile", "d", "guest.cfg", 'kernel="/no/kernel"').returncode == 4
    assert (cwd / "d").read_text() == "an older one"


@pytest.mark.parametrize("option", ["--map", "--depfile"])
def test_a_file_that_cannot_be_written_is_told_and_no_domain_is_left(cwd: Path, option: str) -> None:
    (cwd / "directory").mkdir()
    (cwd / "link").symlink_to("file")
    for place, cause in (
        ("directory", "no regular file"),
        ("link", "no regular file"),
        ("no/file", "does not exist"),
    ):
        ended = xlbuild("create", option, place, "guest.cfg")
        assert ended.returncode == 4
        assert place in ended.stderr
        assert cause in ended.stderr
        assert f"give another place with {option}" in ended.stderr
        assert names(cwd) == ["directory", "link"]


def test_a_name_that_no_depfile_can_have_is_told_before_anything_is_written(cwd: Path) -> None:
    ended = xlbuild("create", "-o", "a;b", "--depfile", "d", "guest.cfg")
    assert ended.returncode == 4
    assert "'a;b/domain.json' cannot be named in a depfile" in ended.stderr
    assert names(cwd) == []


@pytest.mark.parametrize("option", ["--map", "--depfile"])
def test_an_option_with_nothing_behind_it_is_a_usage_error(cwd: Path, option: str) -> None:
    ended = xlbuild("create", option, "", "guest.cfg")
    assert ended.returncode == 2
    assert f"{option} needs a file" in ended.stderr
