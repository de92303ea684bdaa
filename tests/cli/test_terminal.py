"""What a terminal gets to see, and what it must never get: escape sequences nobody asked for."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from ours import xlbuild as xlbuild_here
from started import Lease, OnTerminal, start

import xlbuild
from xlbuild.units import paddr_of

CONFIGS = Path(__file__).parents[2] / "configs"
SIZES = pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40)])
PLAIN = pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])

PV = b'name = "g"\nkernel = "xlbuild:hello-pv"\n'
PVH = b'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 16\n'
SPINNER = re.compile("xlbuild: .*…")
LONG_ENOUGH = 0.9
"""Seconds of waiting after which there would be a spinner."""

SGR = re.compile(r"\x1b\[[0-9;]*m")
"""Colours and bold: the one kind of escape sequence in reports and errors."""
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
"""Every control character but the newline; those above 0x7f are escape sequences to some terminals."""


@pytest.fixture
def pvh(tmp_path: Path) -> Path:
    (tmp_path / "guest.cfg").write_bytes(PVH)
    return tmp_path


def on_terminal(
    cwd: Path,
    *arguments: str,
    columns: int = 120,
    lines: int = 40,
    env: Mapping[str, str] = MappingProxyType({}),
    real: bool = False,
) -> tuple[int, str]:
    """Run xlbuild on a terminal to its end; return its exit status and what was shown."""
    return OnTerminal(cwd, arguments, columns, lines, env, real=real).end()


@SIZES
def test_the_report_shows_decision_map_entry_and_digest(tmp_path: Path, columns: int, lines: int) -> None:
    config = CONFIGS / "hello-pvh.cfg"
    domain = xlbuild.build(config)
    status, shown = on_terminal(tmp_path, "create", "-n", str(config), columns=columns, lines=lines)
    text = SGR.sub("", shown)
    assert status == 0
    assert f"container PVH ({domain.container.reason})".replace(" ", "") in "".join(text.split())
    for segment in domain.plan.segments:
        place = rf"{segment.vstart:#x}\.\.{segment.vend:#x} +{segment.pfn:#x}\+{segment.pages}"
        assert re.search(rf"^ *{segment.name} +{place} +[0-9.]+ (bytes|KiB) *$", text, re.MULTILINE)
    for name, pfn in domain.plan.special_pages.items():
        assert re.search(rf"^ *{name} +{paddr_of(pfn):#x}\.\.", text, re.MULTILINE)
    assert f"rip={domain.plan.entry:#x}" in text
    assert xlbuild.digests(domain).domain in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= columns


def test_the_report_of_a_32_bit_guest_names_its_registers(synthetic_kernels: Path, tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text(f'name="g"\nkernel="{synthetic_kernels}/pv32-low"\nmemory=32\n')
    status, shown = on_terminal(tmp_path, "create", "-n", "guest.cfg")
    assert status == 0
    entry = next(line for line in SGR.sub("", shown).splitlines() if "eip=" in line)
    assert [word.partition("=")[0] for word in entry.split() if "=" in word] == [
        *("eip", "esp", "esi", "eflags", "vm_assist", "cr3")
    ]


def test_a_terminal_gets_colours_unless_told_otherwise(pvh: Path) -> None:
    assert "\x1b[" in on_terminal(pvh, "create", "-n", "guest.cfg", real=True)[1]
    assert "\x1b[" in on_terminal(pvh, "create", "-n", "nowhere.cfg")[1]


@PLAIN
def test_a_plain_terminal_gets_the_report_without_escape_sequences(pvh: Path, env: dict[str, str]) -> None:
    status, shown = on_terminal(pvh, "create", "-n", "guest.cfg", env=env)
    assert status == 0
    assert "container" in shown
    assert CONTROL.findall(shown) == []


@PLAIN
@pytest.mark.parametrize(
    ("setting", "status", "said"),
    [
        ("memory = = 3", 1, "guest.cfg"),
        ('kernel="/no/kernel"', 4, "/no/kernel"),
        ("memory=1", 3, "memory = "),
    ],
)
def test_a_plain_terminal_gets_errors_without_escape_sequences(
    tmp_path: Path, env: dict[str, str], setting: str, status: int, said: str
) -> None:
    (tmp_path / "guest.cfg").write_bytes(PV + setting.encode() + b"\n")
    ended, shown = on_terminal(tmp_path, "create", "guest.cfg", env=env)
    assert ended == status
    assert said in shown
    assert CONTROL.findall(shown) == []


@PLAIN
def test_a_plain_terminal_gets_warnings_without_escape_sequences(pvh: Path, env: dict[str, str]) -> None:
    status, shown = on_terminal(pvh, "create", "-n", "guest.cfg", 'cmdline="a"', 'root="b"', env=env)
    assert status == 0
    assert "xlbuild: warning[XLB110]: " in shown
    assert CONTROL.findall(shown) == []


@pytest.fixture
def ramdisk(tmp_path: Path) -> Lease:
    """A ramdisk that a build has to wait for."""
    (tmp_path / "ramdisk").write_bytes(b"ramdisk")
    (tmp_path / "guest.cfg").write_bytes(PVH + b'ramdisk = "ramdisk"\n')
    return Lease(tmp_path / "ramdisk")


def test_who_waits_on_a_terminal_sees_a_spinner_that_goes_away(tmp_path: Path, ramdisk: Lease) -> None:
    run = OnTerminal(tmp_path, ["create", "-n", "guest.cfg"], 80, 24)
    ramdisk.wait_for_reader(run.runs)
    run.wait_for(SPINNER)
    ramdisk.give_back()
    status, shown = run.end()
    assert status == 0
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1  # the cursor, hidden and back
    assert "xlbuild: image …" in shown
    assert not SPINNER.search(shown.rpartition("\x1b[2K")[2])


def test_who_waits_on_a_dumb_terminal_gets_no_escape_sequences(tmp_path: Path, ramdisk: Lease) -> None:
    run = OnTerminal(tmp_path, ["create", "-n", "guest.cfg"], 80, 24, {"TERM": "dumb"})
    ramdisk.wait_for_reader(run.runs)
    time.sleep(LONG_ENOUGH)
    ramdisk.give_back()
    status, shown = run.end()
    assert status == 0
    assert CONTROL.findall(shown) == []


def test_quiet_shows_no_spinner(tmp_path: Path, ramdisk: Lease) -> None:
    run = OnTerminal(tmp_path, ["create", "-n", "-q", "guest.cfg"], 80, 24)
    ramdisk.wait_for_reader(run.runs)
    time.sleep(LONG_ENOUGH)
    ramdisk.give_back()
    assert run.end() == (0, "")


def test_a_pipe_gets_no_spinner(tmp_path: Path, ramdisk: Lease) -> None:
    run = start(tmp_path, "create", "-n", "guest.cfg", env={"TERM": "xterm-256color"})
    ramdisk.wait_for_reader(run.runs)
    time.sleep(LONG_ENOUGH)
    ramdisk.give_back()
    status, output, errors = run.end()
    assert (status, errors) == (0, "")
    assert CONTROL.findall(output) == []


HOSTILE = {
    "command line": b'cmdline="%s"',
    "name": b'name="%s"',
    "missing kernel": b'kernel="/no/%s"',
    "unknown type": b'type="%s"',
    "unknown key": b"%s=1",
    "unpaired quote": b'cmdline="%s',
}
SEQUENCES = {
    "colour": b"\x1b[31mred",
    "title": b"\x1b]0;red\x07",
    "carriage return": b"\rred",
    "backspace": b"\b\bred",
    "one-byte CSI": "\x9b31mred".encode(),
    "delete": b"red\x7f",
}


@pytest.mark.parametrize("place", HOSTILE)
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_control_characters_of_a_configuration_reach_no_pipe(
    tmp_path: Path, place: str, sequence: str
) -> None:
    (tmp_path / "guest.cfg").write_bytes(PVH + HOSTILE[place] % SEQUENCES[sequence] + b"\n")
    ended = xlbuild_here("create", "-n", tmp_path / "guest.cfg")
    assert ended.returncode in (0, 1, 4)
    assert CONTROL.findall(ended.stdout + ended.stderr) == []


@pytest.mark.parametrize("place", ["command line", "name", "missing kernel"])
def test_control_characters_of_a_configuration_reach_no_terminal(tmp_path: Path, place: str) -> None:
    sequence = b"\x1b]0;red\x07\r" + "\x9b5m".encode()
    (tmp_path / "guest.cfg").write_bytes(PVH + HOSTILE[place] % sequence + b"\n")
    _, shown = on_terminal(tmp_path, "create", "-n", "guest.cfg")
    assert "red" in shown
    assert CONTROL.findall(SGR.sub("", shown)) == []


def test_control_characters_stay_in_what_the_guest_gets(tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_bytes(PVH + b'cmdline="\x1b[31mred"\n')
    assert xlbuild.build(tmp_path / "guest.cfg").plan.start_info.command_line == "\x1b[31mred"
