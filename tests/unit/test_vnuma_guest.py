"""An HVM guest with virtual NUMA nodes from end to end: manifest, digest, report, refusal."""

from typing import Any

import pytest

import xlbuild
from xlbuild.cli.report import report_of

NODES = (
    'vnuma = [ [ "size=40", "vcpus=1", "vdistances=10,20" ], [ "size=24", "vcpus=0", "vdistances=21,11" ] ]'
)


@pytest.fixture
def hvm(small_hvm: str) -> str:
    return small_hvm + "maxvcpus=2\n"


def manifest(config: str) -> dict[str, Any]:
    return xlbuild.manifest(xlbuild.build(config.encode()))


def test_the_manifest_tells_a_hypervisor_what_it_must_know(hvm: str) -> None:
    assert manifest(hvm + NODES)["vnuma"] == {
        "vnode_to_pnode": [0, 0],
        "vcpu_to_vnode": [1, 0],
        "vdistance": [[10, 20], [21, 11]],
        "vmemranges": [
            {"start": "0x0", "end": "0x2000000", "vnode": 0},
            {"start": "0x2000000", "end": "0x3800000", "vnode": 1},
        ],
    }
    assert manifest(hvm)["vnuma"] is None


def test_the_domain_digest_covers_what_the_guest_sees_of_its_nodes(hvm: str) -> None:
    texts = {
        "none": hvm,
        "two": hvm + NODES,
        "elsewhere": hvm + NODES.replace('"size=40"', '"pnode=1", "size=40"'),
        "farther": hvm + NODES.replace("10,20", "10,30"),
    }
    digests = {name: manifest(text)["digests"] for name, text in texts.items()}
    assert len({digest["memory"] for digest in digests.values()}) == 1
    assert digests["two"] == digests["elsewhere"]
    assert len({digests[name]["domain"] for name in ("none", "two", "farther")}) == 3


def test_the_report_names_each_nodes_memory(hvm: str) -> None:
    domain = xlbuild.build((hvm + NODES).encode())
    facts = dict(report_of(domain, xlbuild.manifest(domain)).facts)
    assert facts["virtual NUMA"] == "32 MiB on host node 0, 24 MiB on host node 0"


def test_nodes_with_too_little_memory_are_told_how_much_they_need(hvm: str) -> None:
    small = hvm.replace("memory=64", 'memory=9\nvga="cirrus"').replace("maxvcpus=2", "")
    with pytest.raises(xlbuild.RefusedError) as refused:
        xlbuild.build(f'{small}vnuma = [ [ "size=9", "vcpus=0" ] ]\n'.encode())
    assert refused.value.hint == "give vnuma's nodes at least 10 MiB together"
