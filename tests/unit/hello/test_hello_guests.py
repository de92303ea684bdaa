"""The hello guests, run from start-of-day states made by hand: what they say, where they say it, how they end."""

import pytest
from hello_guests import pv_guest, pvh_guest
from hello_machine import BuiltGuest, Host, run

PV_TEXT = b"""\
Hello from PV.\r
start info: xen-3.0-x86_64\r
pages: 0x00000400\r
command line: greeting=hello\r
"""
PVH_TEXT = b"""\
Hello from PVH.\r
start info: magic 0x336ec578\r
memory map entries: 0x00000005\r
command line: greeting=hello\r
"""
POWEROFF = 0
EMPTY_RING_TAKES = 2048

BOTH = pytest.mark.parametrize(
    ("guest", "text"),
    [pytest.param(pv_guest(), PV_TEXT, id="pv"), pytest.param(pvh_guest(), PVH_TEXT, id="pvh")],
)


@BOTH
def test_a_guest_says_hello_on_its_console_and_powers_off(guest: BuiltGuest, text: bytes) -> None:
    outcome = run(guest, Host())
    assert outcome.console == text
    assert outcome.notified == [guest.console_port]
    assert outcome.shutdown_reason == POWEROFF


@BOTH
def test_a_guest_says_hello_in_xens_log_where_xen_lets_it(guest: BuiltGuest, text: bytes) -> None:
    outcome = run(guest, Host())
    assert outcome.xen_log == text
    assert outcome.debug_port == b""


@BOTH
def test_a_guest_waits_for_the_console_daemon(guest: BuiltGuest, text: bytes) -> None:
    outcome = run(guest, Host(yields_before_daemon_reads=100))
    assert outcome.console == text
    assert outcome.yields == 100
    assert outcome.shutdown_reason == POWEROFF


def test_a_guest_does_not_wait_for_ever() -> None:
    outcome = run(pvh_guest(), Host(yields_before_daemon_reads=None))
    assert outcome.yields == 1 << 14
    assert outcome.shutdown_reason == POWEROFF


@pytest.mark.parametrize("ring_index", [2040, (1 << 32) - 8])
def test_the_text_wraps_around_in_the_console_ring(ring_index: int) -> None:
    assert run(pv_guest(ring_index=ring_index), Host()).console == PV_TEXT
    assert run(pvh_guest(ring_index=ring_index), Host()).console == PVH_TEXT


def test_a_pv_guest_whose_p2m_lacks_the_console_page_powers_off() -> None:
    outcome = run(pv_guest(console_mfn=0), Host())
    assert outcome.console == b""
    assert outcome.xen_log == PV_TEXT
    assert outcome.shutdown_reason == POWEROFF


def test_a_pvh_guest_without_a_console_powers_off() -> None:
    outcome = run(pvh_guest(), Host(has_console=False))
    assert outcome.console == b""
    assert outcome.xen_log == PVH_TEXT
    assert outcome.shutdown_reason == POWEROFF


def test_a_pvh_guest_takes_the_debug_port_when_xen_refuses_console_io() -> None:
    outcome = run(pvh_guest(), Host(allows_console_io=False))
    assert outcome.debug_port == PVH_TEXT
    assert outcome.console == PVH_TEXT


def test_a_pvh_guest_without_xen_says_hello_on_the_serial_port_and_halts() -> None:
    outcome = run(pvh_guest(), Host(is_xen=False))
    assert outcome.serial == PVH_TEXT
    assert outcome.debug_port == b""
    assert outcome.shutdown_reason is None


def test_a_pvh_guest_on_xen_writes_to_the_serial_port_too() -> None:
    assert run(pvh_guest(), Host()).serial == PVH_TEXT


@pytest.mark.parametrize(
    "guest", [pv_guest(command_line=b""), pvh_guest(command_line=None)], ids=["pv", "pvh"]
)
def test_a_guest_without_a_command_line_shows_none(guest: BuiltGuest) -> None:
    assert run(guest, Host()).console.endswith(b"command line: \r\n")


def test_the_longest_pv_command_line_is_shown_whole() -> None:
    outcome = run(pv_guest(command_line=b"x" * 1023), Host())
    assert outcome.console.endswith(b": " + b"x" * 1023 + b"\r\n")


def test_a_pvh_command_line_is_cut_where_the_ring_would_overflow() -> None:
    outcome = run(pvh_guest(command_line=b"x" * 4000), Host())
    assert len(outcome.console) == EMPTY_RING_TAKES - 1
    assert outcome.console.endswith(b"xx\r\n")
    assert outcome.serial == outcome.console
    assert outcome.shutdown_reason == POWEROFF
