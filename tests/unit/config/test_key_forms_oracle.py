"""The table of keys against the real xl 4.17, live: which keys it reads, for which containers, and in which form."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from toolstack import Toolstack

from xlbuild.config.keys import KEYS, Form, Key, known_in

pytestmark = pytest.mark.oracle

_CONTAINERS = ("pv", "pvh", "hvm")
_WRONG = {Form.STRING: "[]", Form.NUMBER: '"x"', Form.BOOLEAN: '"x"', Form.LIST: '"x"'}
_ALONE = {"name", "type", "kernel"}
"""Without these there is no configuration that the others could be read in."""

_STOPS = (
    'cpus = "x"',
    'cpus_soft = "x"',
    'max_grant_frames = "x"',
    'max_maptrack_frames = "x"',
    'max_grant_version = "x"',
    'mca_caps = "lmce"',
    'mca_caps = ["x"]',
    'device_model_args = "x"',
    'device_model_args_pv = "x"',
    'device_model_args_hvm = "x"',
    'vsnd = ["x"]',
    'vnuma = ["x"]',
    'viridian = ["x"]',
    'tsc_mode = "x"',
    'timer_mode = "x"',
    'altp2m = "x"',
    'gfx_passthru = "x"',
)
_SILENT = ("vnuma", "viridian", "vmtrace_buf_kb", "gic_version", "tee")
_RIGHT = (
    ('tsc_mode = "native"', "tsc_mode = 2", "tsc_mode"),
    ('timer_mode = "no_missed_ticks_pending"', "timer_mode = 2", "timer_mode"),
    ('altp2m = "mixed"', "altp2m = 1", "altp2m"),
    ('gfx_passthru = "igd"', "gfx_passthru = 1", "gfx_passthru"),
    ("viridian = 1", 'viridian = ["base"]', "viridian"),
    ('cpuid = "host,htt=0"', f'cpuid = ["0x1:eax={"x" * 32}"]', "cpuid"),
    ('serial = "pty"', 'serial = ["pty"]', "serial"),
    ('usbdevice = "tablet"', 'usbdevice = ["tablet"]', "usbdevice"),
    ('bootloader_args = "a"', 'bootloader_args = ["a"]', "bootloader_args"),
    ('mca_caps = ["lmce"]', 'mca_caps = ["lmce"]', "mca_caps"),
    ("vmtrace_buf_kb = 64", 'vmtrace_buf_kb = "64"', "vmtrace_buf_kb"),
    ('gic_version = "v3"', 'gic_version = "V3"', "gic_version"),
    ('tee = "optee"', 'tee = "OPTEE"', "tee"),
    ("max_grant_frames = 7", 'max_grant_frames = "7"', "max_grant_frames"),
    ("max_maptrack_frames = 7", 'max_maptrack_frames = "7"', "max_maptrack_frames"),
    ("max_grant_version = 1", 'max_grant_version = "1"', "max_grant_version"),
    ('device_model_args = ["a"]', 'device_model_args = ["b"]', "extra"),
    ('device_model_args_pv = ["a"]', 'device_model_args_pv = ["b"]', "extra_pv"),
    ('device_model_args_hvm = ["a"]', 'device_model_args_hvm = ["b"]', "extra_hvm"),
)
"""Two ways to write a key, and a word of the JSON that both bring in."""

_LATER_VALUES = ("0", "1", '"x"', '"none"', "[]", '["x"]', '[["x"]]')


class _Answer(NamedTuple):
    status: int
    messages: str
    json: dict[str, Any] | None


@pytest.fixture
def xl(oracle: Toolstack, tmp_path: Path) -> "_Xl":
    return _Xl(oracle, tmp_path / "f")


class _Xl:
    def __init__(self, oracle: Toolstack, file: Path) -> None:
        self._oracle, self._file = oracle, file

    def reads(self, container: str, settings: str) -> _Answer:
        self._file.write_text(f'type = "{container}"\nname = "n"\nkernel = "/k"\n{settings}\n')
        done = self._oracle.xlparse(self._file)
        domain = json.loads(done.stdout) if done.stdout.strip() else None
        if domain is not None:
            del domain["c_info"]["uuid"]
        return _Answer(done.returncode, "\n".join(done.stderr.splitlines()[1:]), domain)


def of_form(form: Form) -> list[Key]:
    return [key for key in known_in("4.17").values() if key.form is form and not key.silent]


def mentioned(key: Key, messages: str) -> bool:
    return f"parameter `{key.name}' is" in messages


@pytest.mark.parametrize("form", _WRONG)
def test_xl_warns_of_every_key_in_another_form_where_it_means_something(xl: _Xl, form: Form) -> None:
    keys = [key for key in of_form(form) if key.name not in _ALONE]
    for container in _CONTAINERS:
        messages = ""
        for first, left_out in (
            ("", None),
            ("vnc = 1\n", "vnc"),
        ):  # a PV guest's display is read with vnc only
            wrong = (f"{key.name} = {_WRONG[form]}" for key in keys if key.name != left_out)
            answer = xl.reads(container, first + "\n".join(wrong))
            assert answer.status == 0, answer.messages
            messages += answer.messages
        for key in keys:
            if container.upper() in key.kinds.split():
                assert mentioned(key, messages), (container, key.name)


@pytest.mark.parametrize("name", sorted(_ALONE))
def test_xl_warns_of_a_list_for_what_every_guest_has(xl: _Xl, name: str) -> None:
    assert f"parameter `{name}' is a list" in xl.reads("pv", f"{name} = []").messages


@pytest.mark.parametrize("name", ["tsc_mode", "timer_mode", "altp2m", "gfx_passthru"])
def test_xl_warns_of_a_list_for_a_name(xl: _Xl, name: str) -> None:
    answer = xl.reads("hvm", f"{name} = []")
    assert (answer.status, answer.json) == (0, xl.reads("hvm", "").json)
    assert f"parameter `{name}' is a list" in answer.messages


@pytest.mark.parametrize("name", ["vsnd", *(key.name for key in of_form(Form.LIST_OR_STOP))])
def test_xl_warns_of_a_single_value_for_a_list(xl: _Xl, name: str) -> None:
    assert f"parameter `{name}' is a single value" in xl.reads("hvm", f'{name} = "x"').messages


@pytest.mark.parametrize("setting", _STOPS)
def test_xl_stops_at_what_is_no_value_of_such_a_key(xl: _Xl, setting: str) -> None:
    answer = xl.reads("hvm", setting)
    assert answer.status != 0
    assert answer.json is None


@pytest.mark.parametrize("name", _SILENT)
def test_xl_says_nothing_of_some_keys_in_another_form(xl: _Xl, name: str) -> None:
    wrong = "[]" if name in ("gic_version", "tee") else '"x"'
    assert xl.reads("hvm", f"{name} = {wrong}") == xl.reads("hvm", "")


@pytest.mark.parametrize(("one", "other", "word"), _RIGHT)
def test_xl_takes_both_ways_to_write_a_value(xl: _Xl, one: str, other: str, word: str) -> None:
    assert f'"{word}' not in json.dumps(xl.reads("hvm", "").json)
    for setting in (one, other):
        answer = xl.reads("hvm", setting)
        assert answer.status == 0, answer.messages
        assert f'"{word}' in json.dumps(answer.json)
        assert "is a list" not in answer.messages
        assert "is a single value" not in answer.messages


@pytest.mark.parametrize("name", ["cpus", "cpus_soft"])
def test_xl_takes_a_list_of_cpus_but_does_not_look_into_it_yet(xl: _Xl, name: str) -> None:
    answer = xl.reads("pv", f'{name} = ["x"]')
    assert answer.status == 0
    assert answer.json
    assert answer.json["b_info"]["numa_placement"] == "False"


@pytest.mark.parametrize("container", _CONTAINERS)
@pytest.mark.parametrize("value", _LATER_VALUES)
def test_xl_4_17_does_not_look_at_keys_of_other_releases(xl: _Xl, container: str, value: str) -> None:
    others = [key.name for key in KEYS if key.name not in known_in("4.17")]
    settings = "\n".join(f"{name} = {value}" for name in others)
    assert xl.reads(container, settings) == xl.reads(container, "")


def test_every_key_of_4_17_is_tried() -> None:
    tried = {key.name for form in _WRONG for key in of_form(form)}
    tried |= {setting.split()[0] for setting in (*_STOPS, *(one for one, _, _ in _RIGHT))}
    assert tried == known_in("4.17").keys()
    assert {key.name for key in known_in("4.17").values() if key.silent} == set(_SILENT)


@pytest.mark.parametrize(
    ("settings", "status", "message"),
    [
        ('builder = "linux"', 1, ""),
        ('tsc_mode = "native_paravirt"', 0, ""),
        ('bootloader = "/usr/bin/pygrub"', 0, ""),
        ('device_model_version = "qemu-xen-traditional"', 0, ""),
        ('type = "hvm"; bios = "rombios"', 0, ""),
        ('type = "hvm"; firmware = "rombios"', 0, ""),
        ('tee = "ffa"', 3, "tee"),
        ('disk = ["vdev=xvda,grant_usage=1,target=/x"]', 1, "disk"),
        ('disk = ["/x,raw,xvda,w,trusted"]', 1, "too many positional parameters"),
        ('disk = ["/x,raw,xvda,w,untrusted"]', 1, "too many positional parameters"),
        ('p9 = ["tag=a,path=/x,security_model=none,type=qemu"]', 1, "`type'"),
        ('p9 = ["tag=a,path=/x,security_model=none,max-files=1"]', 1, "`max-files'"),
        ('p9 = ["tag=a,path=/x,security_model=none,max-open-files=1"]', 1, "`max-open-files'"),
        ('p9 = ["tag=a,path=/x,security_model=none,max-space=1"]', 1, "`max-space'"),
        ('p9 = ["tag=a,path=/x,security_model=none,auto-delete=1"]', 1, "`auto-delete'"),
        ('vif = ["vlan=1"]', 0, "vlan=1"),
    ],
)
def test_xl_4_17_and_values_that_came_and_went(xl: _Xl, settings: str, status: int, message: str) -> None:
    answer = xl.reads("pv", settings)
    assert answer.status == status
    assert message in answer.messages
