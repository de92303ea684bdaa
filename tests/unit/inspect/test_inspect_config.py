"""Configurations, resolved: what people wrote, and what is told of those that are wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toolstack import ROOT, Toolstack

from xlbuild.checking import check_config
from xlbuild.container import decide
from xlbuild.errors import UsageError
from xlbuild.inspect.config import describe_config
from xlbuild.profiles import NEWEST, PROFILES
from xlbuild.reading import read_config
from xlbuild.rules import Severity

CORPUS = sorted((ROOT / "tests" / "corpus").glob("*.cfg"))

WEB = b"""\
name = "web"
type = "pvh"
kernel = "/boot/vmlinuz"
ramdsik = "/boot/initrd"
ramdisk = "/boot/initrd.img"
memory = 256
memory = 512
vcpus = 2
usb = 1
disk = [ "/dev/vg/web,raw,xvda,rw", 'format=qcow2,vdev=xvdb,access=ro,target=/srv/b.qcow2' ]
vif = [ "mac=00:16:3e:00:00:01,bridge=xenbr1" ]
"""


def described(text: bytes, *overrides: str) -> Any:
    return describe_config(text, "web.cfg", overrides, NEWEST)


def setting(told: Any, key: str) -> Any:
    return next(row for row in told["settings"] if row["key"] == key)


def test_what_a_configuration_resolves_to_is_told() -> None:
    told = described(WEB)
    assert told["container"] == {"type": "pvh", "reason": 'type="pvh" at web.cfg:2'}
    assert told["guest"]["memory_size"] == 512 << 20
    assert told["guest"]["vcpus"] == 2
    assert [(row["role"], row["path"], row["asked_for_at"]) for row in told["files"]] == [
        ("kernel", "/boot/vmlinuz", "line 3"),
        ("ramdisk", "/boot/initrd.img", "line 5"),
    ]
    assert [(row["vdev"], row["target"], row["format"], row["access"]) for row in told["disks"]] == [
        ("xvda", "/dev/vg/web", "raw", "read and write"),
        ("xvdb", "/srv/b.qcow2", "qcow2", "read only"),
    ]
    assert (told["network"][0]["mac"], told["network"][0]["bridge"]) == ("00:16:3e:00:00:01", "xenbr1")


def test_what_becomes_of_each_setting_is_told() -> None:
    told = described(WEB)
    assert setting(told, "ramdsik")["state"] == "unknown to xl"
    assert setting(told, "usb")["state"] == "does nothing here"
    assert setting(told, "memory") == {
        "key": "memory",
        "value": "512",
        "at": "line 7",
        "does": "memory at start in MiB",
        "state": "used",
    }
    assert told["replaced"] == [{"key": "memory", "at": "line 6", "replaced_at": "line 7"}]
    assert setting(described(WEB + b"maxmem = 1\n"), "maxmem")["state"] == "used, with a warning"
    assert setting(described(b"name='x'\nkernel='k'\ntype='hvn'\n"), "type")["state"] == "wrong"


def test_settings_of_the_command_line_have_their_places() -> None:
    told = described(WEB, "memory=64", 'extra="quiet"')
    assert told["guest"]["memory_size"] == 64 << 20
    assert setting(told, "memory")["at"] == "command line, setting 1"
    assert told["guest"]["command_line"] == "quiet"
    with pytest.raises(UsageError):
        described(WEB, "memory")


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_every_configuration_that_somebody_wrote_is_described(path: Path, profile: Any) -> None:
    data = path.read_bytes()
    told: Any = describe_config(data, path.name, (), profile)
    report = check_config(data, path.name, (), profile)
    assert told["errors"] == report.count(Severity.ERROR)
    assert len(told["findings"]) == len(report.findings)
    assert told["settings"] or told["errors"]
    json.dumps(told)


def test_a_guest_is_told_as_it_would_be_built() -> None:
    reading = read_config(WEB, "web.cfg", (), NEWEST)
    container = decide(reading.guest, NEWEST)
    guest = described(WEB)["guest"]
    assert guest["memory_size"] == container.memory.max_kib * 1024
    assert guest["max_vcpus"] == container.max_vcpus


@pytest.mark.oracle
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_the_document_for_libxl_is_that_of_xl(path: Path, oracle: Toolstack) -> None:
    told: Any = describe_config(path.read_bytes(), str(path), (), PROFILES[0])
    xl = oracle.xlparse(path)
    assert told["libxl_domain_config_is_whole"] == (xl.returncode == 0)
    if xl.returncode == 0:
        document = json.loads(xl.stdout)
        if not told["guest"] or told["guest"]["uuid"] is None:
            document["c_info"].pop("uuid")  # made up by xl, anew each time
            told["libxl_domain_config"]["c_info"].pop("uuid", None)
        assert told["libxl_domain_config"] == document


def test_a_guest_whose_kernel_a_bootloader_finds_is_told_all_the_same() -> None:
    told = described(b'name = "g"\nbootloader = "pygrub"\nmemory = 128\nvcpus = 3\n')
    assert told["bootloader"] == "pygrub"
    assert told["files"] == []
    assert (told["guest"]["memory_size"], told["guest"]["vcpus"]) == (128 << 20, 3)


def test_firmware_of_hvm_guests_is_among_the_files() -> None:
    told = described(b'name = "g"\ntype = "hvm"\nmemory = 64\nbios = "ovmf"\nacpi_firmware = "/x.aml"\n')
    rows = [(row["role"], row["path"], row["looked_for"]) for row in told["files"]]
    assert rows == [
        ("hvmloader", None, "hvmloader, as the system has it"),
        ("system firmware", None, "OVMF, as the system has it"),
        ("acpi firmware", "/x.aml", None),
    ]


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        (b"memory = = 3\n", [2]),
        (b'memory = "512\nvcpus = 1\n', [2]),
        (b"disk = [ 'a',\n  'b'\n", [2, 3, 4]),
        (b"import os\nif x:\n  vcpus = 3\n", [2, 3]),
    ],
)
def test_lines_that_are_wrong_do_not_keep_the_others_from_being_told(
    text: bytes, left_out: list[int]
) -> None:
    behind = b'type = "pvh"\nkernel = "k"\nmemory = 9\n'
    told = described(b'name = "g"\n' + text + behind * (b"[" not in text))
    assert told["errors"]
    assert told["lines_left_out"] == left_out
    assert setting(told, "name")["value"] == "g"
    assert not told["libxl_domain_config_is_whole"]
    if b"[" not in text:
        assert told["files"][0]["path"] == "k"


def test_values_that_are_long_or_deep_are_cut() -> None:
    told = described(b"x = [[[[[1]]]]]\ny = '" + b"a" * 10_000 + b"'\nz = [" + b"1," * 1000 + b"]\n")
    assert setting(told, "x")["value"] == "[[[[…]]]]"
    assert len(setting(told, "y")["value"]) < 1100
    assert setting(told, "z")["value"].endswith(", …]")


def test_very_many_settings_are_told_up_to_a_number() -> None:
    told = described(b"".join(b"a%d = 1\n" % number for number in range(1500)))
    assert (len(told["settings"]), told["settings_left_out"]) == (1000, 500)


def test_text_that_drives_a_terminal_is_shown_as_escapes() -> None:
    told = described(b"name = '\x1b[2J\xff'\n")
    assert setting(told, "name")["value"] == r"\x1b[2J\xff"


@settings(max_examples=200)
@given(st.integers(0, len(WEB)), st.binary(max_size=6), st.integers(0, 40))
def test_any_change_of_a_configuration_is_described(at: int, change: bytes, cut: int) -> None:
    told = described(WEB[:at] + change + WEB[at + cut :])
    assert told["kind"] == "configuration"
