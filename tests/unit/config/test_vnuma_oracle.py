"""Virtual NUMA nodes against the real xl, live: what it reads, or that it stops."""

import json
from itertools import chain
from pathlib import Path

import pytest
from toolstack import Toolstack

from xlbuild.config import read
from xlbuild.errors import ConfigError

pytestmark = pytest.mark.oracle

_BASE = 'name = "n"; type = "hvm"\n'
_HOST = {"FAKEXEN_NODES": "64"}

_OPTIONS = (
    *("x", "", "=", "=1", "pnode", "pnode=", "pnode= ", " =1", "foo=1", "PNODE=1", "pnode=1=2", "pnode==1"),
    *("pnode=63", "pnode=01", "pnode=0x1", "pnode=-1", "pnode=+1", "pnode=x", "pnode=1x", "\\tpnode\\t=\\t1"),
    *(
        "size=64",
        "size=0",
        "size=-1",
        "size=0x40",
        "size=64M",
        "size=64 ",
        " size=64",
        "size=1.5",
        "size= =2",
    ),
    *("size=18446744073709551616", "vcpus=0", "vcpus=0-3", "vcpus=3-0", "vcpus=0,2", "vcpus=0,,2,"),
    *("vcpus= 0 , 1", "vcpus=1 - 2", "vcpus=0-3,2", "vcpus=1x-2y", "vcpus=0-3x", "vcpus=+1-+2", "vcpus=1- 2"),
    *("vdistances=10", "vdistances=10,20", "vdistances=10,20,30", "vdistances= 10, 20 ", "vdistances=,10"),
    *("vdistances=x,10", "vdistances=10,x", "vdistances=10;20", "vdistances=010", "vdistances=300"),
    *('size=64", "vcpus=0", "vcpus=1-2', 'pnode=1", "pnode=2', 'vdistances=10,20", "vdistances=30'),
    *(
        'size=0", "size=64',
        '"], ["size=1',
        'size=1"], ["size=2',
        'size=1", ["x"], "pnode=1',
        'size=1"], "x", ["',
    ),
)


@pytest.fixture
def large_host(tmp_path: Path) -> Toolstack:
    return Toolstack(tmp_path, _HOST)


@pytest.mark.parametrize("options", _OPTIONS)
def test_xl_reads_nodes_just_so(large_host: Toolstack, tmp_path: Path, options: str) -> None:
    text = f'{_BASE}vnuma = [ [ "{options}" ] ]\n'
    file = tmp_path / "guest.cfg"
    file.write_text(text)
    done = large_host.xlparse(file)
    if done.returncode:
        with pytest.raises(ConfigError):
            read(text.encode(), "guest.cfg")
        return
    build = json.loads(done.stdout)["b_info"]
    nodes = read(text.encode(), "guest.cfg").vnuma
    assert sum(node.size_mib or 0 for node in nodes) * 1024 == build["max_memkb"]
    assert sum(len(listed) for node in nodes for listed in node.vcpus) == build.get("max_vcpus", 0)
    ours = [
        {
            "pnode": node.pnode or 0,
            "memkb": (node.size_mib or 0) * 1024,
            "vcpus": sorted(set(chain(*node.vcpus))),
            "distances": list((node.vdistances + (0,) * len(nodes))[: len(nodes)]),
        }
        for node in nodes
    ]
    assert ours == [{"pnode": 0, "memkb": 0, "vcpus": []} | node for node in build["vnuma_nodes"]]
