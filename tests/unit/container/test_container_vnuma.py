import pytest
from decisions import HVM, PV, PVH, decided, refusal

from xlbuild.container import VirtualNuma

TWO = 'vnuma = [ [ "size=160", "vcpus=0-2", "vdistances=10,20" ], [ "pnode=3", "size=96", "vcpus=3" ] ]'


def nodes(*settings: str) -> str:
    """Return an HVM configuration; each node's settings are separated by blanks."""
    lists = (", ".join(f'"{setting}"' for setting in node.split()) for node in settings)
    return f"{HVM}vnuma = [ {', '.join(f'[ {options} ]' for options in lists)} ]\n"


def test_nodes_set_memory_and_vcpus() -> None:
    container = decided(f"{HVM}{TWO}\nvcpus = 2")
    assert (container.memory.max_kib, container.memory.target_kib) == (256 << 10, 256 << 10)
    assert (container.vcpus, container.max_vcpus) == (2, 4)
    assert container.vnuma == VirtualNuma(
        ram_mib=(152, 96), vnode_to_pnode=(0, 3), vcpu_to_vnode=(0, 0, 0, 1), vdistance=((10, 20), (0, 0))
    )


def test_the_host_is_taken_to_have_the_nodes_that_are_named() -> None:
    (warning,) = decided(HVM + TWO).warnings
    assert (warning.code, warning.where.key, warning.where.line) == ("config-vnuma-nodes", "vnuma", 2)
    assert "(3)" in warning.message
    assert decided(nodes("size=64 vcpus=0")).warnings == ()


def test_without_vnuma_there_are_no_nodes() -> None:
    for text in ("", "vnuma = []", 'vnuma = "x"'):
        assert decided(f"{HVM}memory = 64; {text}").vnuma is None


# Xen 4.17 itself, not the harness alone, refuses PV ("PV vNUMA is not yet supported"), PVH ("xc_domain_getvnuma
# failed") and 33 nodes ("xc_domain_setvnuma failed: Invalid argument"); it builds HVM guests of up to 32.
@pytest.mark.parametrize("base", [PV, PVH])
def test_only_hvm_can_have_virtual_nodes(base: str) -> None:
    error = refusal(base + TWO)
    assert (error.code, error.where.key, error.where.line) == ("config-vnuma-kind", "vnuma", 2)


def test_32_nodes_are_the_most() -> None:
    many = ["size=8 vcpus=0", *["size=8"] * 31]
    numa = decided(nodes(*many)).vnuma
    assert numa is not None
    assert len(numa.vdistance) == 32
    assert "33 nodes" in refusal(nodes(*many, "size=8")).message


@pytest.mark.parametrize(
    "text",
    [
        "memory = 256",
        "memory = 257",
        "maxmem = 256",
        "maxvcpus = 4",
        "maxvcpus = 0",
        'maxmem = "x"',
    ],
)
def test_what_agrees_with_the_nodes_changes_nothing(text: str) -> None:
    container = decided(f"{HVM}{TWO}\n{text}")
    assert container.memory.max_kib == 256 << 10
    assert container.max_vcpus == 4


# Verdicts: libxl 4.17, FAKEXEN_NODES=64 `tests/oracle/xlcreate FILE DIR`.
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HVM}{TWO}; maxmem = 255", "maxmem"),
        (f"{HVM}{TWO}; maxmem = 0", "maxmem"),
        (f"{HVM}{TWO}; memory = 255", "memory"),
        (f"{HVM}{TWO}; memory = 0", "memory"),
        (f"{HVM}{TWO}; maxvcpus = 3", "maxvcpus"),
        (f"{HVM}{TWO}; vcpus = 5", "vcpus"),
        (nodes("size=64 vcpus=0-128"), "too many vCPUs"),
        (nodes("size=64 vcpus=0-4294967294"), "too many vCPUs"),
        (nodes("size=64 vcpus=0 pnode=64"), "the host's node 64"),
        (nodes("size=7 vcpus=0", "size=64"), "video memory"),
        (nodes("size=64"), "vCPU 0"),
        (nodes("size=64 vcpus=1"), "vCPU 0"),
        (nodes("size=64 vcpus=0,2"), "vCPU 1"),
        (nodes("size=64 vcpus=0,0"), "vCPU 0"),
        (nodes("size=64 vcpus=0-1", "size=64 vcpus=1-2"), "vCPU 1"),
        (nodes("size=64 vcpus=0", "vcpus=1"), "node 1 has no size"),
        (f"{nodes('vcpus=0')}memory = 64", "node 0 has no size"),
        (nodes("size=64 vcpus=0 vdistances=20,10", "size=64"), "node 0 is nearer"),
        (nodes("size=64 vcpus=0 vdistances=10", "size=64"), "node 0 is nearer"),
        (nodes("size=64 vcpus=0", "size=64 vdistances=5,10"), "node 1 is nearer"),
    ],
)
def test_nodes_that_do_not_fit_are_refused(text: str, message: str) -> None:
    error = refusal(text)
    assert message in error.message
    assert (error.code, error.where.key, error.where.line) == ("config-vnuma", "vnuma", 2)


def test_the_video_memory_is_node_0s() -> None:
    for text, first in (("", 152), ("videoram = 32", 128), ('vga = "none"', 160), ("videoram = 160", 0)):
        numa = decided(f"{HVM}{TWO}; {text}").vnuma
        assert numa is not None
        assert numa.ram_mib == (first, 96)


def test_distances_too_many_are_left_out() -> None:
    numa = decided(nodes("size=64 vcpus=0 vdistances=300,20,30")).vnuma
    assert numa is not None
    assert numa.vdistance == ((300,),)


def test_a_node_of_two_sizes_is_refused() -> None:
    error = refusal(nodes("size=64 size=32 vcpus=0"))
    assert (error.code, "two sizes" in error.message) == ("config-vnuma", True)
