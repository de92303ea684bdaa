from dataclasses import replace

import pytest
from decisions import HVM, PV, PVH, decided, refusal

from xlbuild.container import ToolstackParameters

NONE = ToolstackParameters(None, None, None, None, None, None)
PVH_DEFAULT = replace(NONE, timer_mode=1, altp2m=0)
HVM_DEFAULT = replace(PVH_DEFAULT, hpet=True, vpt_align=True)


def parameters(base: str, text: str = "", xen: str = "4.17") -> ToolstackParameters:
    return decided(f"{base}memory = 64\n{text}", xen).parameters


# Parameters: libxl 4.17, `tests/oracle/xlcreate FILE DIR`: hvm_params in domain.json.
def test_each_kind_has_its_defaults() -> None:
    assert parameters(PV) == NONE
    assert parameters(PVH) == PVH_DEFAULT
    assert parameters(HVM) == HVM_DEFAULT


def test_keys_of_another_kind_are_not_looked_at() -> None:
    text = (
        'hpet = 0; viridian = ["x", []]; mca_caps = "x"; bios = "x"; mmio_hole = 1; altp2mhvm = 1; apic = 0'
    )
    assert parameters(PV, text) == NONE
    assert parameters(PVH, text) == PVH_DEFAULT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hpet = 0", replace(HVM_DEFAULT, hpet=False)),
        ("vpt_align = 0", replace(HVM_DEFAULT, vpt_align=False)),
        ('mca_caps = ["lmce"]', replace(HVM_DEFAULT, mca_caps=1)),
        ('mca_caps = ["lmce", "lmce"]', replace(HVM_DEFAULT, mca_caps=1)),
        ("mca_caps = []", HVM_DEFAULT),
        ("viridian = 1", replace(HVM_DEFAULT, viridian=0x1865)),
        ("viridian = 2", replace(HVM_DEFAULT, viridian=0x1865)),
        ("viridian = 0", HVM_DEFAULT),
        ('viridian = "base"', HVM_DEFAULT),
        ("altp2mhvm = 1", replace(HVM_DEFAULT, altp2m=1)),
        ("altp2mhvm = 1; altp2m = 0", replace(HVM_DEFAULT, altp2m=1)),
        ('altp2mhvm = 1; altp2m = "external"', replace(HVM_DEFAULT, altp2m=2)),
        ("altp2mhvm = 0; altp2m = 2", replace(HVM_DEFAULT, altp2m=2)),
    ],
)
def test_hvm_takes_its_parameters(text: str, expected: ToolstackParameters) -> None:
    assert parameters(HVM, text) == expected


@pytest.mark.parametrize("base", [PVH, HVM])
@pytest.mark.parametrize(
    ("value", "mode"),
    [
        ("0", 0),
        ("3", 3),
        ('"2"', 2),
        ('"delay_for_missed_ticks"', 0),
        ('"ONE_missed_tick_pending"', 3),
        ('"unknown"', 1),
        ("[1]", 1),
    ],
)
def test_timer_mode_is_a_number_or_a_name(base: str, value: str, mode: int) -> None:
    assert parameters(base, f"timer_mode = {value}").timer_mode == mode


@pytest.mark.parametrize("base", [PVH, HVM])
@pytest.mark.parametrize(
    ("value", "mode"), [("0", 0), ("3", 3), ('"mixed"', 1), ('"LIMITED"', 3), ('["1"]', 0)]
)
def test_altp2m_is_a_number_or_a_name(base: str, value: str, mode: int) -> None:
    assert parameters(base, f"altp2m = {value}").altp2m == mode


def test_from_4_19_on_altp2m_is_no_parameter() -> None:
    assert parameters(HVM, "altp2m = 1", "4.18").altp2m == 1
    assert parameters(HVM, "altp2m = 1", "4.19").altp2m is None
    assert refusal(HVM + "memory = 64; altp2m = 9", "4.19").code == "config-unknown-altp2m"


@pytest.mark.parametrize(
    ("names", "mask"),
    [
        (["base"], 0x3),
        (["BASE"], 0x3),
        (["base", "freq"], 0x1),
        (["base", "time_ref_count"], 0x7),
        (["base", "reference_tsc"], 0xB),
        (["base", "hcall_remote_tlb_flush"], 0x13),
        (["base", "apic_assist"], 0x23),
        (["base", "crash_ctl"], 0x43),
        (["base", "synic"], 0x83),
        (["base", "stimer"], 0x187),
        (["base", "hcall_ipi"], 0x203),
        (["base", "ex_processor_masks"], 0x403),
        (["base", "no_vp_limit"], 0x803),
        (["base", "cpu_hotplug"], 0x1003),
        (["all"], 0x1FFD),
        (["defaults"], 0x1865),
        (["all", "!synic"], 0x1FFD),
        (["all", "!stimer", "!synic"], 0x1E7D),
        (["all", "!freq"], 0x1FFF),
        (["defaults", "!freq"], 0x1867),
        (["!freq", "defaults"], 0x1867),
        (["!freq", "defaults", "freq"], 0x1865),
        (["!synic", "defaults"], 0x1865),
        (["synic", "!synic", "synic", "base"], 0x83),
        (["base", "!base"], None),
        (["!base"], None),
        ([], None),
    ],
)
def test_viridian_groups_make_a_mask(names: list[str], mask: int | None) -> None:
    assert parameters(HVM, f"viridian = {names}").viridian == mask


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ('["x"]', "config-unknown-viridian"),
        ('["All"]', "config-unknown-viridian"),
        ('["!all"]', "config-unknown-viridian"),
        ('["!defaults"]', "config-unknown-viridian"),
        ('["base", ""]', "config-unknown-viridian"),
        ('["!"]', "config-unknown-viridian"),
        ('["freq"]', "config-viridian-base"),
        ('["defaults", "!base"]', "config-viridian-base"),
        ('["!synic", "all"]', "config-viridian-both"),
        ('[["base"]]', "config-no-names"),
    ],
)
def test_viridian_groups_that_make_none_are_refused(names: str, code: str) -> None:
    assert refusal(f"{HVM}memory = 64; viridian = {names}").code == code


@pytest.mark.parametrize(
    ("base", "text", "code"),
    [
        (PV, "timer_mode = 1", "config-timer-mode-pv"),
        (PV, 'timer_mode = "unknown"', "config-timer-mode-pv"),
        (PVH, "timer_mode = 4", "config-unknown-timer-mode"),
        (PVH, 'timer_mode = "-1"', "config-unknown-timer-mode"),
        (HVM, 'timer_mode = "x"', "config-unknown-timer-mode"),
        (HVM, 'timer_mode = ""', "config-unknown-timer-mode"),
        (PV, 'altp2m = "x"', "config-unknown-altp2m"),
        (PVH, "altp2m = 4", "config-unknown-altp2m"),
        (PVH, "altp2m = 1; nestedhvm = 1", "config-altp2m-excluded"),
        (HVM, "altp2mhvm = 1; nestedhvm = 1", "config-altp2m-excluded"),
        (PVH, "altp2m = 1; maxmem = 128", "config-altp2m-excluded"),
        (HVM, "altp2mhvm = 1; maxmem = 128", "config-altp2m-excluded"),
        (HVM, 'mca_caps = "lmce"', "config-no-names"),
        (HVM, 'mca_caps = [["lmce"]]', "config-no-names"),
        (HVM, 'mca_caps = ["LMCE"]', "config-unknown-mca-caps"),
        (HVM, "mmio_hole = 255", "config-mmio-hole"),
        (HVM, "mmio_hole = 3841", "config-mmio-hole"),
        (HVM, 'mmio_hole = "-1"', "config-mmio-hole"),
    ],
)
def test_what_no_parameter_can_be_is_refused(base: str, text: str, code: str) -> None:
    assert refusal(f"{base}memory = 64; {text}").code == code


def test_a_pv_guest_may_have_modes_that_mean_nothing_for_it() -> None:
    assert parameters(PV, "altp2m = 1; nestedhvm = 1; maxmem = 128") == NONE


def test_the_hole_below_4_gib_is_hvms_alone() -> None:
    assert decided(HVM + "memory = 64; mmio_hole = 1024").mmio_hole_mib == 1024
    assert decided(HVM + "memory = 64").mmio_hole_mib is None
    assert decided(PVH + "memory = 64; mmio_hole = 1024").mmio_hole_mib is None


@pytest.mark.parametrize(("base", "apic"), [(PV, True), (PVH, True), (HVM, False)])
def test_only_hvm_can_be_without_an_apic(base: str, apic: bool) -> None:
    assert decided(base + "memory = 64; apic = 0").apic is apic
    assert decided(base + "memory = 64").apic


@pytest.mark.parametrize(("value", "hint"), [("mixde", "did you mean 'mixed'?"), ("7", "use one of these")])
def test_a_name_that_is_nearly_right_is_corrected(value: str, hint: str) -> None:
    error = refusal(f'{HVM}memory = 64\naltp2m = "{value}"')
    assert (error.hint or "").startswith(hint)
