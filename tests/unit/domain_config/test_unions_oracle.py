"""What is read for one kind of container, against the real xl 4.17, live: its verdict, and its part of the JSON."""

import json
from pathlib import Path

import pytest
from toolstack import Toolstack
from union_texts import EMULATED, KERNEL, PLATFORM

from xlbuild.api import xl_json
from xlbuild.errors import ConfigError

pytestmark = pytest.mark.oracle

_BASES = {
    "pv": 'name = "n"; type = "pv"; kernel = "/k"\n',
    "pvh": 'name = "n"; type = "pvh"; kernel = "/k"\n',
    "hvm": 'name = "n"; type = "hvm"\n',
}
_MEMBERS = ("kernel", "timer_mode", "nested_hvm", "apic", "type.pv", "type.pvh", "type.hvm", "altp2m")


_GROUPS = {"platform": PLATFORM, "kernel": KERNEL, "emulated": EMULATED}


@pytest.mark.parametrize("group", _GROUPS)
@pytest.mark.parametrize("kind", _BASES)
def test_xl_reads_a_containers_own_keys_just_so(
    oracle: Toolstack, tmp_path: Path, kind: str, group: str
) -> None:
    file = tmp_path / "guest.cfg"
    for text in _GROUPS[group]:
        file.write_text(f"{_BASES[kind]}{text}\n")
        done = oracle.xlparse(file)
        try:
            ours = xl_json(file, xen="4.17")
        except ConfigError:
            assert done.returncode != 0, text
        else:
            assert done.returncode == 0, (text, done.stderr)
            assert own_part(ours) == own_part(done.stdout), text


def test_an_id_that_xl_makes_up_is_left_out(oracle: Toolstack, tmp_path: Path) -> None:
    file = tmp_path / "guest.cfg"
    file.write_text(_BASES["hvm"] + 'ms_vm_genid = "generate"\n')
    theirs = json.loads(oracle.xlparse(file).stdout)["b_info"]["type.hvm"]
    ours = json.loads(xl_json(file, xen="4.17"))["b_info"]["type.hvm"]
    assert len(theirs.pop("ms_vm_genid")) == 16
    assert ours == theirs


def own_part(document: str) -> str:
    """Return what the keys make, with its members in their order."""
    build_info = json.loads(document)["b_info"]
    return json.dumps({member: value for member, value in build_info.items() if member in _MEMBERS})
