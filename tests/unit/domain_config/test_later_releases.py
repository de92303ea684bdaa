"""What came after 4.17: where libxl has it, from which release on, and what is wrong with it.

Sources of these facts: the rows of the tables of keys and values. No xl of these releases is here to compare with.
"""

import json
from typing import Any

import pytest

from xlbuild import check
from xlbuild.api import xl_json
from xlbuild.config.keys import BY_NAME
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.profiles import NEWEST, PROFILES

_START = 'name = "g"; type = "pv"; kernel = "/k"\n'

READ: tuple[tuple[str, tuple[str, ...], object], ...] = (
    ("bootloader_restrict = 1", ("bootloader_restrict",), "True"),
    ('bootloader_user = "u"', ("bootloader_user",), "u"),
    ('sve = "HW"', ("arch_arm", "sve_vl"), "hw"),
    ("sve = 256", ("arch_arm", "sve_vl"), "256"),
    ("nr_spis = 40", ("arch_arm", "nr_spis"), 40),
    ('llc_colors = ["0-2", 7, "9-"]', ("llc_colors",), [0, 1, 2, 7, 9]),
    ("altp2m_count = 65535", ("altp2m_count",), 65535),
    ("trap_unmapped_accesses = 0", ("trap_unmapped_accesses",), "False"),
    ("xenstore_feature_mask = 3", ("xenstore_feature_mask",), 3),
    ('arm_sci = "type=scmi_smc"', ("arch_arm", "arm_sci", "type"), "scmi_smc"),
    ('arm_sci = "type=scmi_smc,type=NONE,x"', ("arch_arm", "arm_sci"), {}),
    (
        'xenstore_quota = ["nodes=1000", "=0x10", "watches=0"]',
        ("xenstore_quota", "quota"),
        [{"name": "nodes", "val": 1000}, {"name": "", "val": 16}, {"name": "watches"}],
    ),
)
"""A setting, its place in the build info, and what is there."""


def build_info(text: str, xen: str) -> dict[str, Any]:
    info: dict[str, Any] = json.loads(xl_json((_START + text).encode(), xen=xen))["b_info"]
    return info


@pytest.mark.parametrize(("text", "path", "value"), READ, ids=[row[0] for row in READ])
def test_a_key_is_read_from_its_release_on(text: str, path: tuple[str, ...], value: object) -> None:
    key = BY_NAME[text.split()[0]]
    for profile in PROFILES:
        found: Any = build_info(text, profile.name)
        if profile.name < (key.since or ""):
            assert found == build_info("", profile.name)
            continue
        for member in path:
            found = found[member]
        assert found == value


def test_each_release_writes_the_structures_that_it_has() -> None:
    written = {profile.name: build_info("", profile.name) for profile in PROFILES}
    assert [name for name, info in written.items() if "arm_sci" in info["arch_arm"]] == ["4.21", "4.22"]
    assert [name for name, info in written.items() if "xenstore_quota" in info] == ["4.22"]


def test_fields_are_in_libxls_order() -> None:
    text = (
        "vpmu = 1; trap_unmapped_accesses = 0; altp2m = 1; altp2m_count = 2; vmtrace_buf_kb = 4\n"
        'xenstore_feature_mask = 1; llc_colors = ["1"]; iomem = ["1,1"]; bootloader_user = "u"'
    )
    wanted = (
        *(
            "iomem",
            "llc_colors",
            "claim_mode",
            "kernel",
            "bootloader_user",
            "type.pv",
            "arch_arm",
            "arch_x86",
        ),
        *("altp2m", "altp2m_count", "vmtrace_buf_kb", "vpmu", "trap_unmapped_accesses"),
        *("xenstore_feature_mask", "xenstore_quota"),
    )
    assert tuple(member for member in build_info(text, "4.22") if member in wanted) == wanted


def test_no_shared_interrupts_are_a_number_from_4_21_on() -> None:
    assert "nr_spis" not in build_info("nr_spis = 0", "4.20")["arch_arm"]
    assert build_info("nr_spis = 0", "4.21")["arch_arm"]["nr_spis"] == 0


def test_ffa_is_a_tee_from_4_18_on() -> None:
    assert build_info('tee = "FFA"', "4.18")["tee"] == "ffa"
    with pytest.raises(ConfigError) as caught:
        build_info('tee = "ffa"', "4.17")
    assert (caught.value.code, caught.value.cause) == ("config-unknown-tee", "xl knows none, optee")


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("altp2m_count = 65536", "config-bad-altp2m-count", "65536"),
        ('altp2m_count = "-1"', "config-bad-altp2m-count", '"-1"'),
        ('llc_colors = ["x"]', "config-bad-llc-colors", "x"),
        ('llc_colors = ["3-1"]', "config-bad-llc-colors", "3-1"),
        ('llc_colors = ["5--1"]', "config-bad-llc-colors", "5--1"),
        ('llc_colors = ["1", ["2"]]', "config-bad-llc-colors", "["),
        ('xenstore_quota = ["nodes"]', "config-bad-xenstore-quota", "nodes"),
        ('xenstore_quota = ["nodes="]', "config-bad-xenstore-quota", '"]'),
        ('xenstore_quota = ["nodes=1k"]', "config-bad-xenstore-quota", "1k"),
        ('xenstore_quota = ["nodes=-1"]', "config-bad-xenstore-quota", "-1"),
        ('sve = "100"', "config-unknown-sve", '"100"'),
        ('arm_sci = "type=x"', "config-unknown-arm-sci", '"type'),
    ],
)
def test_a_value_on_which_xl_stops_is_an_error_with_its_place_and_mend(
    text: str, code: str, place: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        build_info(text, NEWEST.name)
    error = caught.value
    assert (error.code, error.where.line, error.where.column) == (code, 2, text.index(place) + 1)
    assert error.cause
    assert error.hint
    assert build_info(text, "4.17") == build_info("", "4.17")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('llc_colors = ["1,2"]', "config-llc-colors"),
        ('llc_colors = ["0-3x"]', "config-llc-colors"),
        ('arm_sci = " type=scmi_smc"', "config-arm-sci"),
    ],
)
def test_what_xl_passes_over_is_a_warning_with_a_mend(text: str, code: str) -> None:
    found: list[Diagnostic] = []
    xl_json((_START + text).encode(), xen=NEWEST.name, on_warning=found.append)
    (warning,) = (one for one in found if one.code == code)
    assert warning.hint


def test_traps_of_unmapped_accesses_are_refused_by_libxl_alone() -> None:
    text = _START + "memory = 64; trap_unmapped_accesses = 1"
    assert build_info("trap_unmapped_accesses = 1", "4.21")["trap_unmapped_accesses"] == "True"
    assert "XLB222" in {finding.rule.id for finding in check(text.encode(), xen="4.21").findings}
    assert "XLB222" not in {finding.rule.id for finding in check(text.encode(), xen="4.20").findings}
