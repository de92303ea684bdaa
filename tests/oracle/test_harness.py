"""The harness itself: xcbuild does what the real xl does, and runs do not get into each other's way."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mksynth
import pytest
from cmpdom import compare
from compare import read_document
from golden import DIRECTORY, GUESTS
from guests import Guest
from mkgolden import build
from toolstack import Built, Material, RefusedByXenError, Toolstack

QUICK = {
    "pv": Guest("pv", "pv64-p2m-modpfn", 64, ramdisk="rd.gz", cmdline="x"),
    "pv-of-4-gib": Guest("pv", "pv64-p2m", 4096),
    "pv32": Guest("pv", "pv32-low", 64),
    "pvh": Guest("pvh", "pvh-linuxos", 64, ramdisk="rd.raw", cmdline="x", vcpus=3),
    "hvm": Guest("hvm", memory=64, vcpus=2),
}


@pytest.mark.parametrize("guest", [pytest.param(guest, id=name) for name, guest in QUICK.items()])
def test_xcbuild_builds_what_xl_builds(guest: Guest, oracle: Toolstack, material: Material) -> None:
    by_xl = oracle.xlcreate(guest.config(material))
    status, by_xcbuild = oracle.xcbuild(*guest.xcbuild_arguments(material, by_xl))
    assert status == 0
    assert compare(by_xl, by_xcbuild) == []


def test_runs_at_the_same_time_do_not_clash(oracle: Toolstack, material: Material, tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text(QUICK["pvh"].config(material))

    def run(number: int) -> Built:
        return oracle.xlcreate_to_its_end(tmp_path / "guest.cfg", tmp_path / str(number), seconds=60)

    with ThreadPoolExecutor(6) as pool:
        built = list(pool.map(run, range(6)))
    assert [one.returncode for one in built] == [0] * 6
    assert all(compare(built[0].directory, one.directory) == [] for one in built[1:])


def test_a_run_leaves_nothing_behind(oracle: Toolstack, material: Material, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "guest.cfg").write_text(QUICK["pv"].config(material))
    toolstack = Toolstack(tmp_path, {"TMPDIR": str(temporary)})
    built = toolstack.xlcreate_to_its_end(tmp_path / "guest.cfg", tmp_path / "built", seconds=60)
    assert (built.directory / "memory.img").exists()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("memory", [1 << 20, 2 << 20], ids=["1-tib", "2-tib"])
def test_large_guests_stay_sparse(memory: int, oracle: Toolstack, material: Material) -> None:
    built = oracle.xlcreate(Guest("pvh", "pvh32", memory).config(material))
    image = (built / "memory.img").stat()
    assert image.st_size > memory << 20
    assert image.st_blocks * 512 < 4 << 20


def test_the_shared_info_frame_lies_outside_the_guest(oracle: Toolstack, material: Material) -> None:
    frames = {}
    for memory in (4095, 4096, 5120):
        start_info = read_document(oracle.xlcreate(Guest("pv", "pv64-p2m", memory).config(material)))[
            "start_info"
        ]
        frames[memory] = int(start_info["shared_info"], 16) >> 12
    assert frames == {4095: 0xFFFFE, 4096: 0x100100, 5120: 0x140100}


def test_a_refusal_says_what_xl_said(oracle: Toolstack, tmp_path: Path) -> None:
    with pytest.raises(RefusedByXenError, match="nowhere"):
        oracle.xlcreate(f'name="x"\ntype="pv"\nkernel="{tmp_path}/nowhere"\nmemory=32\n')


def test_xlparse_gives_the_parsed_configuration(oracle: Toolstack, tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text('name="x"\ntype="pvh"\nkernel="/k"\nmemory=32\n')
    done = oracle.xlparse(tmp_path / "guest.cfg", "vcpus=3")
    assert done.returncode == 0
    parsed = json.loads(done.stdout)
    assert parsed["c_info"]["name"] == "x"
    assert parsed["b_info"]["max_vcpus"] == 3


@pytest.mark.parametrize("name", GUESTS)
def test_golden_values_are_what_the_toolstack_builds(
    name: str, oracle: Toolstack, synthetic_kernels: Path
) -> None:
    recorded = json.loads((DIRECTORY / f"{name}.json").read_text())
    built = build(GUESTS[name].config(synthetic_kernels), oracle)
    assert built == {"expected": recorded["expected"], "image": recorded["image"]}


def test_the_synthetic_files_are_the_ones_in_use(material: Material) -> None:
    for name, content in mksynth.pv64_kernels().items():
        assert (material.synth / name).read_bytes() == content
