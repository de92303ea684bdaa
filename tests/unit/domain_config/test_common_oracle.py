"""What every container has, against the real xl 4.17, live: its verdict, and the document."""

import re
from itertools import cycle
from pathlib import Path

import pytest
from common_texts import NAMES, NUMBERS, RANGES
from cpu_texts import CPUID, CPUS, VNUMA
from toolstack import Toolstack

from xlbuild.api import xl_json
from xlbuild.config.cpuid_features import FEATURES, FIELDS
from xlbuild.errors import ConfigError
from xlbuild.host import HostTopology

pytestmark = pytest.mark.oracle

_TYPES = (
    'name = "n"; type = "pv"; kernel = "/k"\n',
    'name = "n"; type = "pvh"; kernel = "/k"\n',
    'name = "n"; type = "hvm"\n',
)
_TOPOLOGY = HostTopology(128, (range(128),))
"""The harness's host."""


_GROUPS = {"cpus": CPUS, "vnuma": VNUMA, "cpuid": CPUID, "ranges": RANGES, "numbers": NUMBERS, "names": NAMES}


@pytest.mark.parametrize("group", _GROUPS)
def test_xl_reads_configurations_just_so(oracle: Toolstack, tmp_path: Path, group: str) -> None:
    texts = [start + text for start, text in zip(cycle(_TYPES), _GROUPS[group], strict=False)]
    assert {text: ours(text) for text in texts} == {text: theirs(oracle, tmp_path, text) for text in texts}


def test_xl_has_the_same_features_in_the_same_bits(oracle: Toolstack, tmp_path: Path) -> None:
    numbered = list(enumerate(FEATURES))
    for digit in range(len(FEATURES).bit_length()):  # in all texts together, no two have the same values
        values = ",".join(f"{name}={number >> digit & 1}" for number, name in numbered)
        text = f'{_TYPES[0]}cpuid = "host,{values}"'
        assert ours(text) == theirs(oracle, tmp_path, text)


def test_xl_has_the_same_fields_in_the_same_bits(oracle: Toolstack, tmp_path: Path) -> None:
    texts = [f'{_TYPES[0]}cpuid = "host,{name}=k"' for name in FIELDS]
    assert {text: ours(text) for text in texts} == {text: theirs(oracle, tmp_path, text) for text in texts}


@pytest.mark.parametrize("group", ["cpus", "vnuma"])
@pytest.mark.parametrize(("cpus", "nodes"), [(2, 1), (20, 10)])
def test_xl_reads_cpus_of_another_host_just_so(tmp_path: Path, group: str, cpus: int, nodes: int) -> None:
    oracle = Toolstack(tmp_path, {"FAKEXEN_CPUS": str(cpus), "FAKEXEN_NODES": str(nodes)})
    of_node = [[cpu for cpu in range(cpus) if cpu * nodes // cpus == node] for node in range(nodes)]
    topology = HostTopology(cpus, tuple(range(on[0], on[-1] + 1) for on in of_node))
    texts = [_TYPES[2] + text for text in _GROUPS[group]]
    read = {text: ours(text, topology) for text in texts}
    assert read == {text: theirs(oracle, tmp_path, text) for text in texts}


def ours(text: str, topology: HostTopology = _TOPOLOGY) -> str | None:
    """Return the document; None where the configuration is refused."""
    try:
        return without_uuid(xl_json(text.encode(), xen="4.17", topology=topology))
    except ConfigError:
        return None


def theirs(oracle: Toolstack, tmp_path: Path, text: str) -> str | None:
    file = tmp_path / "guest.cfg"
    file.write_text(text + "\n")
    done = oracle.xlparse(file)
    return None if done.returncode else without_uuid(done.stdout)


def without_uuid(document: str) -> str:
    """Return a document without the id that xl makes up."""
    return re.sub(r'\s*"uuid": "[^"]*",', "", document).strip()
