"""What a guest takes from its host's memory, and what the user hears when that is not known.

Policies: libxl 4.17, `tests/oracle/xlcreate FILE DIR` with FAKEXEN_HOST; live in tests/oracle/test_host_maps.py.
"""

from dataclasses import replace

import pytest
from decisions import HVM, PV, PVH, decided

from xlbuild.container import Container
from xlbuild.container.model import ReservedMemory
from xlbuild.host import Host, HostRegion, PciAddress, ReservedRegion
from xlbuild.units import MIB

_USB, _DISK = PciAddress(0, 0, 0x1A, 0), PciAddress(0, 3, 0, 0)
_MAP = (HostRegion(0, 1 << 30, 1),)
_FIRST = ReservedRegion(0xAD000000, 0xAD010000, (_USB, _DISK))
_SECOND = ReservedRegion(0xE0000000, 0xE0001000, (_DISK,))
_HOST = Host(_MAP, (_FIRST, _SECOND))


def on_host(text: str, host: Host | None = _HOST) -> Container:
    return decided(text + "\nmemory = 64", host=host)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (PV, False),
        (PV + "e820_host = 1", True),
        (PV + "e820_host = 0", False),
        (PV + 'e820_host = 0; pci = ["00:1a.0"]', True),
        (PVH + "e820_host = 1", False),
        (HVM + "e820_host = 1", False),
    ],
)
def test_pv_guests_with_e820_host_or_pci_get_the_hosts_map(text: str, wanted: bool) -> None:
    container = on_host(text)
    assert container.host_memory_map == (_MAP if wanted else None)
    assert container.warnings == ()


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("", None, None),
        ('rdm = "strategy=host"', False, False),
        ('rdm = "strategy=host,policy=lenient"', False, False),
        ('rdm = "policy=lenient"', None, None),
        ('pci = ["00:1a.0"]', True, None),
        ('pci = ["00:1a.1"]', None, None),
        ('pci = ["00:1a.*"]', True, None),
        ('pci = ["00:1a.0,rdm_policy=relaxed"]', False, None),
        ('pci = ["00:1a.0,rdm_policy=relaxed", "03:00.0,rdm_policy=strict"]', True, True),
        ('pci = ["00:1a.0,rdm_policy=strict", "03:00.0,rdm_policy=relaxed"]', False, False),
        ('rdm = "strategy=host"; pci = ["00:1a.0"]', False, False),
        ('rdm = "strategy=host"; pci = ["00:1a.0,rdm_policy=strict"]', True, False),
        ('rdm = "strategy=host"; pci = ["00:1a.0,rdm_policy=invalid"]', True, False),
        ('rdm = "policy=lenient"; pci = ["00:1a.0"]', False, None),
    ],
)
def test_reserved_memory_and_whether_it_is_strict(text: str, first: bool | None, second: bool | None) -> None:
    expected = [(_FIRST, first), (_SECOND, second)]
    reserved = [ReservedMemory(r.start, r.end, strict) for r, strict in expected if strict is not None]
    assert on_host(HVM + text).reserved_memory == tuple(reserved)
    assert on_host(HVM + text, replace(_HOST, reserved_device_memory=())).reserved_memory == ()


@pytest.mark.parametrize("rdm", ["", "x", "strategy=host,policy=strict", "strategy=ignore", "strategy=host,"])
def test_an_rdm_that_xl_drops_is_told_and_changes_nothing(rdm: str) -> None:
    container = on_host(f'{HVM}rdm = "{rdm}"; pci = ["00:1a.0"]')
    assert container.reserved_memory == (ReservedMemory(_FIRST.start, _FIRST.end, strict=True),)
    (warning,) = container.warnings
    assert (warning.code, warning.where.key) == ("config-rdm", "rdm")


def test_a_policy_that_xl_takes_for_want_of_knowing_better_is_told() -> None:
    container = on_host(HVM + 'rdm = "strategy=host,policy=stict"')
    assert [region.strict for region in container.reserved_memory] == [False, False]
    (warning,) = container.warnings
    assert (warning.code, warning.where.key) == ("config-rdm", "rdm")
    assert "'stict'" in warning.message


@pytest.mark.parametrize(
    ("text", "boundary"),
    [("", 2048 * MIB), ("rdm_mem_boundary = 0", 0), ('rdm_mem_boundary = "-1"', (1 << 64) - MIB)],
)
def test_the_boundary_counts_mib_and_wraps_as_libxls_does(text: str, boundary: int) -> None:
    assert on_host(HVM + text).reserved_memory_boundary == boundary


@pytest.mark.parametrize(
    ("text", "code", "key", "member"),
    [
        (PV + "e820_host = 1", "config-host-memory-map", "e820_host", "memory_map"),
        (PV + 'pci = ["00:1a.0"]; e820_host = 1', "config-host-memory-map", "pci", "memory_map"),
        (
            HVM + 'pci = ["00:1a.0"]; rdm = "strategy=host"',
            "config-reserved-memory",
            "pci",
            "reserved_device_memory",
        ),
        (HVM + 'rdm = "strategy=host"', "config-reserved-memory", "rdm", "reserved_device_memory"),
        (PVH + 'rdm = "strategy=host"', "config-reserved-memory", "rdm", "reserved_device_memory"),
    ],
)
@pytest.mark.parametrize("host", [None, Host(None, None)])
def test_what_is_assumed_of_an_unknown_host_is_told(
    text: str, code: str, key: str, member: str, host: Host | None
) -> None:
    container = on_host(text, host)
    assert (container.host_memory_map, container.reserved_memory) == (None, ())
    (warning,) = container.warnings
    assert (warning.code, warning.where.key) == (code, key)
    assert ("plain" if member == "memory_map" else "none") in warning.message
    assert ("--host" if host is None else f"add {member}") in (warning.hint or "")
