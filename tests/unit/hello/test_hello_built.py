"""The sample configurations of the hello guests, built for each release and run to their end."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
from hello_machine import PAGE_SIZE, BuiltGuest, Host, run

import xlbuild
from xlbuild.profiles import PROFILES

CONFIGS = Path(__file__).parents[3] / "configs"
POWEROFF = 0

RELEASES = pytest.mark.parametrize("release", [profile.name for profile in PROFILES])


def built(config: Path, release: str, *overrides: str) -> BuiltGuest:
    """Build a configuration and return it as the emulator takes it; machine frames are guest frames."""
    domain = xlbuild.build(config, xen=release, overrides=overrides)
    plan, memory = domain.plan, domain.memory
    registers = plan.vcpus[0].registers
    assert registers is not None
    control = registers.get("ctrlreg")
    names = {"eip": "rip", "ebx": "rbx"} if control is None else {"rip": "rip", "rsi": "rsi", "rsp": "rsp"}
    return BuiltGuest(
        ram=tuple((frames.first * PAGE_SIZE, frames.end * PAGE_SIZE) for frames in memory.populated),
        contents={pfn * PAGE_SIZE: page for pfn, page in memory.pages()},
        registers={name: cast(int, registers[field]) for name, field in names.items()},
        page_table=None if control is None else cast(Sequence[int], control)[3],
        hypercall_page=None if plan.hypercall_page is None else plan.hypercall_page * PAGE_SIZE,
        console_ring=plan.special_pages["console"] * PAGE_SIZE,
    )


@RELEASES
def test_the_pv_sample_says_what_its_start_info_holds_and_powers_off(release: str) -> None:
    outcome = run(built(CONFIGS / "hello-pv.cfg", release), Host())
    assert outcome.console.decode().splitlines() == [
        "Hello from PV.",
        "start info: xen-3.0-x86_64",
        "pages: 0x00001000",
        "command line: greeting=hello",
    ]
    assert outcome.shutdown_reason == POWEROFF


@RELEASES
def test_the_pvh_sample_says_what_its_start_info_holds_and_powers_off(release: str) -> None:
    outcome = run(built(CONFIGS / "hello-pvh.cfg", release), Host())
    assert outcome.console.decode().splitlines() == [
        "Hello from PVH.",
        "start info: magic 0x336ec578",
        "memory map entries: 0x00000005",
        "command line: greeting=hello",
    ]
    assert outcome.shutdown_reason == POWEROFF


def test_the_pvh_sample_runs_without_xen_as_well() -> None:
    outcome = run(built(CONFIGS / "hello-pvh.cfg", PROFILES[-1].name), Host(is_xen=False))
    assert outcome.serial.startswith(b"Hello from PVH.\r\n")
    assert outcome.shutdown_reason is None


@pytest.mark.parametrize("container", ["pv", "pvh"])
def test_a_command_line_given_at_the_call_reaches_the_guest(container: str) -> None:
    guest = built(CONFIGS / f"hello-{container}.cfg", PROFILES[-1].name, 'cmdline="one  two"')
    assert run(guest, Host()).console.endswith(b"\r\ncommand line: one  two\r\n")


@pytest.mark.parametrize("memory", [32, 1024, 5120])
def test_the_pv_sample_finds_its_console_whatever_its_size(memory: int) -> None:
    guest = built(CONFIGS / "hello-pv.cfg", PROFILES[-1].name, f"memory={memory}")
    assert f"\r\npages: {memory << 8:#010x}\r\n".encode() in run(guest, Host()).console
