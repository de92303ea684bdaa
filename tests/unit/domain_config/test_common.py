"""What is said of mistakes in what every container has: code, place and mend; what is read is compared live."""

import json

import pytest

from xlbuild.api import xl_json
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.host import HostTopology

_TWO_CPUS = HostTopology(2, (range(2),))
_START = 'name = "n"; type = "pv"; kernel = "/k"\n'


def refusal(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        xl_json((_START + text).encode(), xen="4.17", topology=_TWO_CPUS)
    return caught.value


def warning(text: str) -> Diagnostic:
    found: list[Diagnostic] = []
    xl_json((_START + text).encode(), xen="4.17", on_warning=found.append)
    (one,) = found
    return one


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ('on_crash = "destory"', "config-unknown-action", 12),
        ('passthrough = "x"', "config-passthrough", 15),
        ("tsc_mode = 4", "config-unknown-tsc-mode", 12),
        ('vuart = "x"', "config-unknown-vuart", 9),
        ('gic_version = "v4"', "config-unknown-gic-version", 15),
        ('tee = "x"', "config-unknown-tee", 7),
        ("max_grant_frames = 2147483648", "config-number-bounds", 20),
        ("vcpus = 2; maxvcpus = 1", "config-bad-vcpus", 23),
        ("vcpus = 20000", "config-bad-vcpus", 9),
        ('maxvcpus = 2000000000; vnuma = [["vcpus=0-1999999999"]]', "config-bad-vcpus", 32),
        ('cpus = "0-1,x"', "config-bad-cpus", 13),
        ('cpus = "1-0"', "config-bad-cpus", 9),
        ('cpus = "^all"', "config-bad-cpus", 9),
        ('vcpus = 2; cpus = ["0", "9"]', "config-no-cpus", 25),
        ('vcpus = 2; cpus = "^0"', "config-no-cpus", 19),
        ("vcpus = 2; cpus = [0, [1]]", "config-bad-cpus", 19),
        ('vnuma = [["pnode=1"]]', "config-vnuma", 9),
        ('vnuma = [["vcpus=0-2"]]', "config-vnuma", 9),
        ('ioports = ["2f8-"]', "config-bad-ioports", 17),
        ('ioports = ["ffffffff"]', "config-bad-ioports", 13),
        ('ioports = ["1", ["2"]]', "config-bad-ioports", 11),
        ("irqs = [0x5]", "config-bad-irqs", 9),
        ('iomem = ["a0"]', "config-bad-iomem", 11),
        ('device_model_version = "x"', "config-unknown-device-model", 24),
        ('device_model_args = "-x"', "config-no-list", 21),
        ('bootloader_args = " "', "config-bad-bootloader-args", 19),
    ],
)
def test_a_value_on_which_xl_stops_is_an_error_with_its_place_and_mend(
    text: str, code: str, column: int
) -> None:
    error = refusal(text)
    assert (error.code, error.where.line, error.where.column) == (code, 2, column)
    assert error.cause
    assert error.hint


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("tsc_mode = 2", "value-mode-number", 'tsc_mode = "native"'),
        ('bootloader = "b"; bootloader_args = "a b"', "config-bootloader-args", "['a', 'b']"),
        ('device_model_override = "/q"', "config-device-model-override", "device_model_version"),
        ('ioports = ["2ff-2f8"]', "config-ioports", "2f8-2ff"),
        ('ioports = ["2f8x"]', "config-ioports", "2f8-2ff"),
        ('cpuid = "host,sse33=0"', "config-cpuid", "'sse3'"),
        ('cpuid = "host,sse3"', "config-cpuid", "FEATURE=0"),
        ('cpuid = "sse3=0"', "config-cpuid", "host"),
        ('cpuid = ["host,sse3=0"]', "config-cpuid", "LEAF"),
        ('cpuid = ["1:ecx=x"]', "config-cpuid", "32 BITS"),
    ],
)
def test_what_xl_reads_otherwise_than_written_is_a_warning_with_a_mend(
    text: str, code: str, hint: str
) -> None:
    found = warning(text)
    assert found.code == code
    assert hint in (found.hint or "")


@pytest.mark.parametrize("cpus", ["200", "node:1", "130,^130,131"])
def test_cpus_of_a_larger_host_are_no_error_where_the_host_is_not_known(cpus: str) -> None:
    assert warning(f'vcpus = 1; cpus = "{cpus}"').code == "config-unknown-host-cpus"


@pytest.mark.parametrize("cpus", ["^0", "", "5000", "200,^200"])
def test_cpus_of_no_host_are_an_error_even_then(cpus: str) -> None:
    with pytest.raises(ConfigError) as caught:
        xl_json(f'{_START}vcpus = 1; cpus = "{cpus}"'.encode(), xen="4.17")
    assert caught.value.code == "config-no-cpus"


def test_a_value_after_a_mistake_is_looked_at_too() -> None:
    found: list[Diagnostic] = []
    with pytest.raises(ConfigError) as caught:
        xl_json(
            (_START + 'on_crash = "x"; irqs = ["y"]; tsc_mode = 2').encode(),
            xen="4.17",
            on_warning=found.append,
        )
    assert "more problem" in caught.value.message
    assert [one.code for one in found] == ["value-mode-number"]


def test_a_feature_is_known_by_its_name_from_its_release_on() -> None:
    text = _START + 'cpuid = "host,pks=0"'
    assert "cpuid" not in xl_json(text.encode(), xen="4.17")
    leaf = '"leaf": 7,\n                    "subleaf": 0,\n                    "ecx": "0xxxxxxx'
    assert leaf in xl_json(text.encode(), xen="4.18")


@pytest.mark.parametrize("text", ["", "vcpus = 0", 'vcpus = "-3"'])
def test_there_is_one_vcpu_at_least_from_4_22_on(text: str) -> None:
    """Source: the row of vcpus in `config.value_ranges`; no xl of that release is here to compare with."""
    document = xl_json((_START + f'{text}; cpus = "0"').encode(), xen="4.22", topology=_TWO_CPUS)
    info = json.loads(document)["b_info"]
    assert (info["max_vcpus"], info["avail_vcpus"], info["vcpu_hard_affinity"]) == (1, [0], [[0]])


def test_a_guest_may_have_no_vcpu_online_up_to_4_21() -> None:
    found: list[Diagnostic] = []
    document = xl_json((_START + "vcpus = 0").encode(), xen="4.21", on_warning=found.append)
    assert "vcpus" not in document
    assert [one.code for one in found] == ["value-release"]
