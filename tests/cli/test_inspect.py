"""`xlbuild inspect` and `xlbuild extract` as a user meets them: what they print where, and their exit statuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import forked
import pytest
from kernel_cases import PV, PVH, pv, pvh
from kernels import bzimage, packed, pattern, sized
from started import OnTerminal
from toolstack import Material

import xlbuild
from xlbuild.cli.inspect import command as inspect
from xlbuild.hello import HELLO_KERNELS
from xlbuild.inspect.releases import CONTAINER_NAMES
from xlbuild.inspect.subject import KINDS

CONFIG = 'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 32\ncmdline = "greeting=hi"\n'
ZSTD = bzimage(sized(packed(".zst"), len(packed())))


def run(cwd: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    return forked.run(cwd, *arguments, stdin=stdin, env={"XLBUILD_XEN": ""})


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("looked-at")
    files = {
        "pv": pv(),
        "pvh": pvh(),
        "both": pv([*PV, *PVH]),
        "zstd": ZSTD,
        "noise": pattern(5000),
        "empty": b"",
    }
    for name, data in files.items():
        (directory / name).write_bytes(data)
    (directory / "guest.cfg").write_text(CONFIG)
    (directory / "pv.cfg").write_text(CONFIG.replace("pvh", "pv").replace("32", "16"))
    xlbuild.write(xlbuild.build(directory / "guest.cfg"), directory / "built")
    xlbuild.write(xlbuild.build(directory / "pv.cfg"), directory / "built-pv")
    return directory


@pytest.mark.parametrize(
    ("file", "kind", "lines"),
    [
        ("both", "kernel", ["packing: ELF", "  pv64       yes", "  pvh        yes"]),
        ("zstd", "kernel", ["packing: bzImage, zstd, ELF", "  4.2   4.14"]),
        ("noise", "unknown", ["  pv64       no"]),
        ("empty", "empty file", ["  pvh        no"]),
        ("guest.cfg", "configuration", ["  type: pvh", "  command line: greeting=hi"]),
        ("built", "built domain", ["start info:", "  cmdline: greeting=hi", "problems: none"]),
        ("built-pv", "built domain", ["page tables:", "  cmd line: greeting=hi"]),
        ("xlbuild:hello-pv", "kernel", ["  pv64       yes"]),
    ],
)
def test_a_file_of_each_kind_is_described(cwd: Path, file: str, kind: str, lines: list[str]) -> None:
    done = run(cwd, "inspect", file)
    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout.splitlines()
    assert f"kind: {kind}" in shown
    for line in lines:
        assert any(each.startswith(line) for each in shown), line


@pytest.mark.parametrize("file", ["both", "zstd", "noise", "guest.cfg", "built", "built-pv"])
def test_json_is_the_tree_that_the_text_shows(cwd: Path, file: str) -> None:
    tree = json.loads(run(cwd, "inspect", "--json", file).stdout)
    text = run(cwd, "inspect", file).stdout
    assert tree["schema"] == "xlbuild.inspect/1"
    for name, value in tree.items():
        if value is not None and not name.endswith("_means"):
            assert re.search(f"^{re.escape(name.replace('_', ' '))}:", text, re.MULTILINE), name
    for leaf in leaves(tree):
        assert str(leaf) in text


def leaves(tree: Any) -> list[object]:
    """The texts and numbers of a tree."""
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    if isinstance(tree, list):
        return [leaf for value in tree for leaf in leaves(value)]
    return [] if tree is None or isinstance(tree, bool) else [tree]


def test_standard_input_is_a_file_too(cwd: Path) -> None:
    done = run(cwd, "inspect", "-", stdin=pvh())
    assert done.returncode == 0
    assert "file: <stdin>" in done.stdout
    assert "payload" in run(cwd, "extract", "-", stdin=ZSTD).stdout


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("--require", "pvh", "pvh"), 0),
        (("--require", "pv", "pv"), 0),
        (("--require", "pv64", "--require", "pvh", "both"), 0),
        (("--require", "pvh", "pv"), 3),
        (("--require", "pv32", "pv"), 3),
        (("--require", "pv64", "--require", "pvh", "pv"), 3),
        (("--require", "pv", "--xen", "4.15", "zstd"), 0),
        (("--require", "pv", "--xen", "4.14", "zstd"), 3),
        (("--require", "pvh", "--xen", "4.6", "pvh"), 3),
        (("--require", "pvh", "noise"), 3),
        (("--require", "hvm", "empty"), 3),
        (("--require", "pvh", "missing"), 4),
        (("--require", "pvh", "guest.cfg"), 2),
        (("--require", "pvh", "built"), 2),
        (("--require", "pvh", "--xen", "3.4", "pvh"), 2),
    ],
)
def test_require_is_a_gate(cwd: Path, arguments: tuple[str, ...], status: int) -> None:
    done = run(cwd, "inspect", *arguments)
    assert done.returncode == status
    assert bool(done.stderr) == bool(status)
    assert status == 0 or "mend:" in done.stderr


def test_an_unmet_requirement_says_what_decides_and_the_mend(cwd: Path) -> None:
    done = run(cwd, "inspect", "--require", "pv", "--xen", "4.14", "zstd")
    assert "zstd: it does not boot as pv on Xen 4.14" in done.stderr
    assert "The builder unpacks zstd payloads from Xen 4.15 on" in done.stderr
    assert "CONFIG_KERNEL_GZIP" in done.stderr


def test_a_32_bit_kernel_that_is_no_pv_kernel_is_judged_as_one_of_its_width(cwd: Path) -> None:
    done = run(cwd, "inspect", "--require", "pv", "pvh")
    assert "cause: pv: loader ELF with Xen notes: " in done.stderr
    assert "64-bit" not in done.stderr


def test_what_it_depends_on_is_told_with_the_verdict(cwd: Path) -> None:
    done = run(cwd, "inspect", "--require", "pvh", "--xen", "4.9", "both")
    assert done.returncode == 0
    first, *others = done.stdout.splitlines()
    assert first.startswith("both: boots as pvh on Xen 4.9: ")
    as_json = json.loads(run(cwd, "inspect", "--json", "--require", "pvh", "--xen", "4.9", "both").stdout)
    conditions = as_json["required"][0]["depends_on"]
    assert 'There is no type="pvh"' in conditions[0]
    assert others == [f"  depends: {condition}" for condition in conditions]


def test_require_with_json_prints_the_verdicts_and_fails_all_the_same(cwd: Path) -> None:
    done = run(cwd, "inspect", "--require", "pvh", "--require", "pv", "--json", "pv")
    verdicts = {row["container"]: row["boots"] for row in json.loads(done.stdout)["required"]}
    assert (done.returncode, verdicts) == (3, {"pvh": False, "pv": True})


@pytest.mark.parametrize(
    ("file", "address", "words"),
    [
        ("built-pv", "virt:0x10e000", "page tables: L4 of 0x0, read-only because it is a table"),
        ("built-pv", "frame:0x10b", "start_info.magic"),
        ("built-pv", "phys:0x103010", "phys2mach[2].mfn"),
        ("built", "0xfc001040", "dsdt.signature"),
        ("built", "0x5000000", "no memory"),
        ("pv", "0xffffffff80100000", "segment 0"),
    ],
)
def test_an_address_is_told_in_words_with_the_bytes_there(
    cwd: Path, file: str, address: str, words: str
) -> None:
    done = run(cwd, "inspect", "--at", address, "--length", "32", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout


def test_several_addresses_make_one_document(cwd: Path) -> None:
    done = run(cwd, "inspect", "--at", "0x100000", "--at", "0x103000", "--json", "built")
    assert [each["asked"] for each in json.loads(done.stdout)["addresses"]] == ["0x100000", "0x103000"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("inspect", "missing"), 4, "no such file"),
        (("inspect", "/dev/zero"), 4, "it is a device"),
        (("inspect", "."), 4, "domain.json"),
        (("inspect", "memory=3", "guest.cfg"), 2, "memory=3 is a setting"),
        (("inspect", "pv", "memory=3"), 2, "settings are for configurations"),
        (("inspect", "built", "memory=3"), 2, "settings"),
        (("inspect", "--xen", "4.2", "guest.cfg"), 2, "configurations of Xen 4.2"),
        (("inspect", "--at", "nowhere", "built"), 2, "address"),
        (("inspect", "--at", "0x1", "guest.cfg"), 2, "has no addresses"),
        (("inspect", "--at", "0x1", "--require", "pv", "pv"), 2, "ask twice"),
        (("extract", "pv", "soul"), 3, "there is no part 'soul'"),
        (("extract", "built", "dsdt"), 3, "did you mean acpi:DSDT?"),
        (("extract", "guest.cfg", "kernel"), 3, "it has no parts"),
        (("extract", "pv", "-o", "x"), 2, "name the part"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_mend(
    cwd: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = run(cwd, *arguments)
    assert done.returncode == status
    assert words in done.stderr
    assert "mend:" in done.stderr
    assert done.stdout == ""


def test_a_pipe_is_refused_at_once(cwd: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = run(cwd, "inspect", str(tmp_path / "pipe"))
    assert (done.returncode, "it is a pipe" in done.stderr) == (4, True)


def test_a_file_is_taken_for_what_the_user_says(cwd: Path) -> None:
    done = run(cwd, "inspect", "--as", "kernel", "guest.cfg")
    assert "kind: kernel" in done.stdout
    assert "why: you say so; it looks like a configuration of xl" in done.stdout


@pytest.mark.parametrize(("kind", "words"), [("ramdisk", "a ramdisk"), ("firmware", "firmware")])
def test_a_file_that_is_nothing_of_what_the_user_says_is_told_so(cwd: Path, kind: str, words: str) -> None:
    done = run(cwd, "inspect", "--json", "--as", kind, "guest.cfg")
    assert json.loads(done.stdout)["problems"] == [
        {"offset": None, "problem": f"nothing in it is known of {words}", "mend": "leave out --as"}
    ]


def test_settings_follow_a_configuration(cwd: Path) -> None:
    done = run(cwd, "inspect", "guest.cfg", "memory=48")
    assert "memory size: 50331648 (48 MiB)" in done.stdout


def test_the_limit_on_kernels_holds_for_what_is_looked_at(cwd: Path) -> None:
    done = run(cwd, "inspect", "--max-kernel-size", "1K", "zstd")
    assert done.returncode == 0
    assert "1 KiB" in done.stdout
    assert "  pv64       no" in done.stdout


def test_the_parts_are_listed(cwd: Path) -> None:
    done = run(cwd, "extract", "zstd")
    names = [line.split()[0] for line in done.stdout.splitlines()[2:]]
    assert names[:3] == ["setup", "packed-payload", "payload"]


def test_a_part_is_written_to_a_file_which_is_not_overwritten(cwd: Path, tmp_path: Path) -> None:
    target = tmp_path / "vmlinux"
    assert run(cwd, "extract", "zstd", "payload", "-o", str(target)).returncode == 0
    assert target.read_bytes() == packed()
    again = run(cwd, "extract", "zstd", "setup", "-o", str(target))
    assert (again.returncode, "exists already" in again.stderr) == (4, True)
    assert target.read_bytes() == packed()
    assert run(cwd, "extract", "zstd", "setup", "-o", str(target), "--force").returncode == 0
    assert target.read_bytes() == ZSTD[: len(target.read_bytes())]


def test_a_part_goes_to_standard_output_byte_for_byte(cwd: Path) -> None:
    command = [sys.executable, "-m", "xlbuild", "extract", "built", "start_info"]
    done = subprocess.run(command, cwd=cwd, capture_output=True, check=True)
    assert done.stdout == (cwd / "built" / "start_info.bin").read_bytes()[: len(done.stdout)]
    assert len(done.stdout) == 56


def test_every_part_of_a_domain_has_its_size(cwd: Path, tmp_path: Path) -> None:
    for number, part in enumerate(xlbuild.examine(cwd / "built").parts()):
        target = tmp_path / str(number)
        xlbuild.write_part(part, target)
        assert target.stat().st_size == part.size


def test_bytes_are_not_written_to_a_terminal(cwd: Path) -> None:
    status, shown = OnTerminal(cwd, ["extract", "built", "kernel"], 80, 24).end()
    assert status == 2
    assert "redirect it" in shown


def test_a_terminal_gets_the_description_in_its_width(cwd: Path) -> None:
    status, shown = OnTerminal(cwd, ["inspect", "both"], 100, 40, {"NO_COLOR": "1"}).end()
    assert status == 0
    assert "pv64" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert "\x1b[3" not in shown


def test_what_can_be_chosen_is_what_there_is() -> None:
    choices = {
        option.name: tuple(option.type.choices)
        for option in inspect.params
        if isinstance(option.type, click.Choice)
    }
    assert choices["kind"] == KINDS
    assert set(choices["required"]) - {"pv"} == set(CONTAINER_NAMES.values())


def test_help_loads_neither_construct_nor_elftools_nor_rich() -> None:
    for command in ("inspect", "extract"):
        code = (
            "import sys; from xlbuild.cli import run; "
            f"run(['{command}', '--help']); "
            "bad = {'construct', 'elftools', 'rich', 'xlbuild.pipeline', 'xlbuild.image'} & set(sys.modules); "
            "sys.exit(str(bad) if bad else 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_a_real_kernels_payload_is_what_linuxs_own_script_finds(material: Material, tmp_path: Path) -> None:
    target = tmp_path / "vmlinux"
    xlbuild.write_part(
        next(part for part in xlbuild.examine(material.pae).parts() if part.name == "payload"), target
    )
    image = material.pae.read_bytes()
    packed_at = image.index(b"\xfd7zXZ\0")
    (tmp_path / "payload.xz").write_bytes(image[packed_at:])
    done = subprocess.run(
        ["xz", "-dc", "--single-stream"], input=image[packed_at:], capture_output=True, check=False
    )
    assert done.stdout == target.read_bytes()


def test_hello_kernels_can_be_looked_at_by_name(cwd: Path) -> None:
    for name in HELLO_KERNELS:
        tree = json.loads(run(cwd, "inspect", "--json", f"xlbuild:{name}").stdout)
        assert any(row["boots"] for row in tree["containers"])
