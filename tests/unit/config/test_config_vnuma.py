import pytest

from xlbuild.config import read
from xlbuild.config.model import GuestConfig, VirtualNode
from xlbuild.errors import ConfigError


def config(text: str) -> GuestConfig:
    return read(f'name = "n"\n{text}'.encode(), "guest.cfg")


def vnuma(*options: str) -> GuestConfig:
    """Read a configuration with one node."""
    return config(f"vnuma = [ [ {', '.join(repr(option) for option in options)} ] ]\n")


def test_nodes_are_read_in_order() -> None:
    text = """vnuma = [
        [ "pnode=0", "size=3000", "vcpus=0-1,4", "vdistances=10,20" ],
        [ "vdistances = 21, 11", "vcpus= 2 , 3", " size =2120", "pnode=1" ],
    ]
    """
    parsed = config(text)
    assert parsed.vnuma == (
        VirtualNode(0, 3000, (range(2), range(4, 5)), (10, 20)),
        VirtualNode(1, 2120, (range(2, 3), range(3, 4)), (21, 11)),
    )
    assert not parsed.warnings


@pytest.mark.parametrize(("value", "nodes"), [("[[]]", 1), ("[[], []]", 2), ("[]", 0), ('"x"', 0), ("1", 0)])
def test_vnuma_in_another_form_is_silently_nothing(value: str, nodes: int) -> None:
    parsed = config(f"vnuma = {value}\n")
    assert parsed.vnuma == (VirtualNode(),) * nodes
    assert not parsed.warnings


# Readings: xl 4.17, FAKEXEN_NODES=4 `tests/oracle/xlparse FILE`.
@pytest.mark.parametrize(
    ("option", "node"),
    [
        ("size=64M", VirtualNode(size_mib=64)),
        ("size=0x40", VirtualNode(size_mib=0)),
        ("pnode=1.5", VirtualNode(pnode=1)),
        ("vdistances=10; 20", VirtualNode(vdistances=(10,))),
        ("vcpus=1 - 2", VirtualNode(vcpus=(range(1, 2),))),
        ("vcpus=1x-2y", VirtualNode(vcpus=(range(1, 2),))),
        ("SIZE=64", VirtualNode()),
        (" =64", VirtualNode()),
    ],
)
def test_what_xl_leaves_out_is_told(option: str, node: VirtualNode) -> None:
    parsed = vnuma(option)
    assert parsed.vnuma == (node,)
    (warning,) = parsed.warnings
    assert (warning.code, warning.where.line) == ("config-vnuma-ignored", 2)
    assert "node 0" in warning.message
    assert warning.hint


@pytest.mark.parametrize(
    ("options", "node"),
    [
        (["pnode=1", "pnode=2"], VirtualNode(pnode=2)),
        (["vcpus=0", "vcpus=0-1"], VirtualNode(vcpus=(range(1), range(2)))),
        (["vdistances=10,20", "vdistances=30"], VirtualNode(vdistances=(30, 20))),
        (["size=0", "size=64"], VirtualNode(size_mib=64)),
        (["size=64", "size=32"], VirtualNode(size_mib=32, earlier_mib=64)),
        (["vcpus=3-0"], VirtualNode(vcpus=(range(3, 1),))),
        (["=size==64=x"], VirtualNode(size_mib=64)),
        (["size=+00064"], VirtualNode(size_mib=64)),
        (["vcpus=,0,,1,"], VirtualNode(vcpus=(range(1), range(1, 2)))),
    ],
)
def test_settings_that_come_twice_or_oddly_are_read_as_xl_reads_them(
    options: list[str], node: VirtualNode
) -> None:
    parsed = vnuma(*options)
    assert parsed.vnuma == (node,)
    assert not parsed.warnings


def test_a_list_among_the_settings_is_skipped() -> None:
    parsed = config('vnuma = [ [ [ "pnode=1" ], "size=64" ] ]\n')
    assert parsed.vnuma == (VirtualNode(size_mib=64),)
    assert len(parsed.warnings) == 1


@pytest.mark.parametrize(
    "options",
    [
        ["x"],
        [""],
        ["pnode="],
        ["=1"],
        ["pnode=x"],
        ["pnode= "],
        ["size=-1"],
        ["size=4294967296"],
        ["size=" + "9" * 5000],
        ["vcpus=all"],
        ["vcpus=-1"],
        ["vcpus=1--2"],
        ["vcpus=0-3-5"],
        ["vcpus=0-"],
        ["vcpus=,"],
        ["vcpus=0-18446744073709551615"],
        ["vdistances=10,x"],
        ["vdistances=,"],
        ["vdistances=-1"],
    ],
)
def test_what_is_no_node_is_refused_with_place_cause_and_mend(options: list[str]) -> None:
    with pytest.raises(ConfigError, match="node 0") as refused:
        vnuma(*options)
    assert refused.value.code == "config-vnuma"
    assert refused.value.cause
    assert refused.value.hint
    assert (refused.value.where.key, refused.value.where.line) == ("vnuma", 2)


def test_a_text_among_the_nodes_is_refused() -> None:
    with pytest.raises(ConfigError, match="node 1 is no list"):
        config('vnuma = [ [ "size=64" ], "size=64" ]\n')
