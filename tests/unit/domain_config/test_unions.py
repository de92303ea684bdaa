"""What is wrong with the keys of one kind of container, and what newer releases read; the rest is compared live."""

import json
from typing import Any

import pytest

from xlbuild.api import xl_json
from xlbuild.errors import ConfigError, ConfigProblemsError

_HVM = 'name = "n"; type = "hvm"\n'
_PV = 'name = "n"; type = "pv"\n'


def hvm_part(text: str, xen: str) -> Any:
    return json.loads(xl_json((_HVM + text).encode(), xen=xen))["b_info"]["type.hvm"]


def refusal(text: str, xen: str = "4.17") -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        xl_json(text.encode(), xen=xen, source="guest.cfg")
    assert caught.value.cause
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ('bios = "x"', "config-unknown-bios", 8),
        ('vga = "std"', "config-unknown-vga", 7),
        ('hdtype = "x"', "config-unknown-hdtype", 10),
        ('vendor_device = "x"', "config-unknown-vendor-device", 17),
        ('gfx_passthru = "x"', "config-unknown-gfx-passthru", 16),
        ('viridian = ["x"]', "config-unknown-viridian", 12),
        ('viridian = [["base"]]', "config-no-names", 12),
        ('mca_caps = "lmce"', "config-no-names", 12),
        ('mca_caps = ["x"]', "config-unknown-mca-caps", 12),
        ('ms_vm_genid = "x"', "config-unknown-ms-vm-genid", 15),
        ("mmio_hole = 1", "config-mmio-hole", 13),
        ("timer_mode = 4", "config-unknown-timer-mode", 14),
        ('vncdisplay = 1; vnclisten = "a:2"', "config-vnc-display-twice", 29),
    ],
)
def test_xls_own_refusals_for_hvm_tell_what_and_where(text: str, code: str, column: int) -> None:
    error = refusal(_HVM + text)
    assert (error.code, error.where.line, error.where.column) == (code, 2, column)


@pytest.mark.parametrize("kind", ["pv", "pvh"])
@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ('firmware = "x"', "config-unknown-firmware", 12),
        ('kernel = "/k"; firmware = "pvgrub64"', "config-kernel-and-firmware", 27),
        ("memory = 64", "config-no-kernel", None),
        ("kernel = []", "config-no-kernel", 10),
    ],
)
def test_xls_own_refusals_for_the_others_tell_what_and_where(
    kind: str, text: str, code: str, column: int | None
) -> None:
    error = refusal(f'name = "n"; type = "{kind}"\n{text}')
    assert (error.code, error.where.column) == (code, column)


def test_a_pv_guest_has_no_timer_mode() -> None:
    error = refusal(_PV + 'kernel = "/k"; timer_mode = 1')
    assert (error.code, error.where.column) == ("config-timer-mode-pv", 29)


def test_one_run_tells_of_all_that_is_wrong() -> None:
    error = refusal(_HVM + 'bios = "x"; vga = "x"; hdtype = "x"; vendor_device = "x"; mmio_hole = 1')
    assert isinstance(error, ConfigProblemsError)
    assert len(error.errors) == 5


@pytest.mark.parametrize("release", ["4.17", "4.22"])
def test_a_pvgrub_is_where_debian_puts_it(release: str) -> None:
    document = json.loads(xl_json((_PV + 'firmware = "pvgrub64"').encode(), xen=release))
    assert document["b_info"]["kernel"] == f"/usr/lib/xen-{release}/boot/pvgrub64.bin"


# Keys after 4.17: their place in libxl_domain_build_info is in the libxl_types.idl of these releases.
def test_later_keys_are_in_later_documents_only() -> None:
    text = 'hvm_pirq = 1; xen_platform_pci_bar_uc = 0; smbios = ["bios_vendor=a=b", "OEM= c"]'
    assert hvm_part(text, "4.17") == hvm_part("", "4.17")
    assert hvm_part(text, "4.18")["smbios"] == [
        {"key": "bios_vendor", "value": "a=b"},
        {"key": "oem", "value": " c"},
    ]
    assert "pirq" not in hvm_part(text, "4.18")
    assert hvm_part(text, "4.19")["pirq"] == "True"
    assert "xen_platform_pci_bar_uc" not in hvm_part(text, "4.20")
    assert hvm_part(text, "4.21")["xen_platform_pci_bar_uc"] == "False"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ('["bios_vendor"]', "config-bad-smbios"),
        ('["bios_vendor="]', "config-bad-smbios"),
        ('["x=y"]', "config-unknown-smbios"),
        ('["oem=a", ["oem=b"]]', "config-no-names"),
        ('"oem=a"', "config-no-names"),
        ("[" + '"oem=a",' * 100 + "]", "config-bad-smbios"),
    ],
)
def test_from_4_18_on_xl_stops_at_bad_smbios_strings(value: str, code: str) -> None:
    assert refusal(f"{_HVM}smbios = {value}", "4.18").code == code
    assert "smbios" not in hvm_part(f"smbios = {value}", "4.17")


def test_xl_takes_99_oem_strings() -> None:
    strings = ", ".join(['"oem=a"'] * 99)
    assert len(hvm_part(f"smbios = [{strings}]", "4.18")["smbios"]) == 99
