"""`pci`, as xl reads it. Verdicts: xl 4.17, `tests/oracle/xlparse FILE`, live in the last test."""

from dataclasses import replace
from pathlib import Path

import pytest
from toolstack import Toolstack

from xlbuild.config import read
from xlbuild.errors import ConfigError
from xlbuild.libxl.devices import DevicePci
from xlbuild.libxl.enums import Nameless, RdmReservePolicy

ALL_FUNCTIONS = 0xFFFFFFFF
NAMED = DevicePci(rdm_policy=Nameless.NAMELESS)
USB = replace(NAMED, dev=0x1A, vfunc_mask=1)

TAKEN = {
    "00:1a.0": USB,
    "0:1a.0": USB,
    "00000:000:001A.00": USB,
    "ffff:FF:1f.7@1f": replace(USB, domain=0xFFFF, bus=0xFF, dev=0x1F, func=7, vdevfn=0xF8),
    "00:1a.*": replace(USB, vfunc_mask=ALL_FUNCTIONS),
    "00:1a.*@3": replace(USB, vfunc_mask=ALL_FUNCTIONS, vdevfn=0x18),
    "bdf=00:1a.0@3": USB,
    "00:1a.1,bdf=00:1a.0": USB,
    "1:02:1b.*@3,bdf=00:1a.0,vslot=4": replace(USB, vdevfn=0x20),
    "00:1a.0,": USB,
    "00:1a.0,vslot=3,permissive=,seize=x=y,power_mgmt=0,msitranslate=2": replace(
        USB, vdevfn=0x18, msitranslate=True
    ),
    "00:1a.0,permissive=4294967296,seize=-1": replace(USB, seize=True),
    "00:1a.0,rdm_policy=Strict": replace(USB, rdm_policy=RdmReservePolicy.STRICT),
    "rdm_policy=relaxed,bdf=00:1a.0": replace(USB, rdm_policy=RdmReservePolicy.RELAXED),
    "00:1a.0,rdm_policy=relaxed,rdm_policy=invalid": replace(USB, rdm_policy=RdmReservePolicy.INVALID),
    "00: +0x1a.-fffffff9@ 3": replace(USB, func=7, vdevfn=0x18),
    "100000000:00:1a.0,vslot=03x": replace(USB, vdevfn=0x18),
    "bdf=00:1a.0 and more": USB,
    "name=": replace(NAMED, name=""),
    "name=usb,rdm_policy=strict": replace(NAMED, name="usb", rdm_policy=RdmReservePolicy.STRICT),
}

REFUSED = (
    "",
    "1a.0",
    "10000:00:1a.0",
    "100:1a.0",
    "00:20.0",
    "00:1a.8",
    "00:1a.*1",
    "00:1a.0@",
    "00:1a.0@20",
    "00:1a.0=3",
    "0x0:0x1a.0",
    " 00:1a.0",
    "00:1a.0 ",
    "00:1a.0, permissive=1",
    "00:1a.0,permissive",
    "00:1a.0,,permissive=1",
    "00:1a.0,made_up=1",
    "00:1a.0,RDM_POLICY=strict",
    "00:1a.0,rdm_policy=",
    "00:1a.0,vslot=zz",
    "00:1a.0,name=x",
    "bdf=",
    "vslot=3",
)


def devices(value: str) -> tuple[DevicePci, ...]:
    return read(f'name = "g"; kernel = "/k"; pci = {value}'.encode(), "guest.cfg").pci


@pytest.mark.parametrize("text", TAKEN)
def test_a_device_is_read_as_xl_reads_it(text: str) -> None:
    assert devices(f'["{text}"]') == (TAKEN[text],)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_device_is_refused_where_it_stands(text: str) -> None:
    with pytest.raises(ConfigError, match="is no") as caught:
        devices(f'["00:1b.0", "{text}"]')
    assert caught.value.code == "config-bad-pci"
    assert caught.value.where.key == "pci"
    assert caught.value.hint


def test_devices_keep_their_order() -> None:
    found = devices('["00:02.0", "00:01.0", ["00:03.0"], "bad"]')
    assert [device.dev for device in found] == [2, 1]


def test_a_list_among_the_devices_is_told() -> None:
    config = read(b'name = "g"; kernel = "/k"; pci = ["00:02.0", ["00:03.0"]]', "guest.cfg")
    (warning,) = config.warnings
    assert (warning.code, warning.where.key) == ("value-ignored", "pci")
    assert "element 2" in warning.message


@pytest.mark.parametrize("text", [*TAKEN, *REFUSED])
def test_xl_has_the_same_verdict(text: str, oracle: Toolstack, tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text(f'name = "g"\nkernel = "/k"\npci = ["{text}"]\n')
    assert (oracle.xlparse(tmp_path / "guest.cfg").returncode == 0) is (text in TAKEN)
