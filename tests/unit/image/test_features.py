"""The features that a builder requests for a PV guest, beside those that its kernel requires."""

import json
from pathlib import Path

import pytest
from kernels import LOAD_ADDRESS, Load, Notes, elf_file, pattern
from toolstack import Toolstack

import xlbuild
from xlbuild.errors import RefusedError
from xlbuild.image import KernelImage, load_kernel
from xlbuild.profiles import NEWEST

SUPPORTED = "writable_page_tables|dom0|auto_translated_physmap|!pae_pgdir_above_4gb"
NOTES: Notes = [("XEN_VERSION", "xen-3.0"), ("LOADER", "generic"), ("FEATURES", SUPPORTED)]
KERNEL = elf_file(
    [Load(LOAD_ADDRESS, pattern(0x100))],
    [*NOTES, ("PHYS32_ENTRY", LOAD_ADDRESS)],
    header={"e_entry": LOAD_ADDRESS},
)

# What Xen's library made of that kernel: `xcbuild --type pv --features TEXT` (tests/oracle),
# libxenmisc4.17 4.17.7+13-g2445b30a44-0+deb12u1.
ACTIVE = {
    "": 0x10,
    "writable_page_tables": 0x11,
    "!writable_page_tables": 0x11,
    "!!writable_page_tables": 0x10,
    "writable_page_tables|dom0": 0x811,
    "dom0": 0x810,
    "nonsense|writable_page_tables": 0x11,
    "!nonsense|writable_page_tables": 0x11,
    "!|writable_page_tables": 0x11,
    "|writable_page_tables": 0x11,
    "writable_page_tables,dom0": 0x10,
    " writable_page_tables": 0x10,
    "WRITABLE_PAGE_TABLES": 0x10,
    "hvm_pirqs": 0x10,
    "x" * 63 + "writable_page_tables": 0x11,
    "!" + "x" * 63 + "writable_page_tables": 0x10,
}
REFUSED = (
    "supervisor_mode_kernel",
    "writable_page_tables|supervisor_mode_kernel",
    "auto_translated_physmap",
    "!auto_translated_physmap",
    "hvm_callback_vector",
)


def loaded(features: str | None, *, hvm_container: bool = False) -> KernelImage:
    return load_kernel(KERNEL, name="kernel", hvm_container=hvm_container, profile=NEWEST, features=features)


@pytest.mark.parametrize("features", ACTIVE)
def test_requested_features_are_active(features: str) -> None:
    assert loaded(features).features_active == ACTIVE[features]


@pytest.mark.parametrize("features", REFUSED)
def test_features_that_the_guest_cannot_have_are_refused(features: str) -> None:
    with pytest.raises(RefusedError) as caught:
        loaded(features)
    error = caught.value
    assert (error.code, error.where.note) == ("kernel-features", "FEATURES")
    assert features.split("|")[-1].removeprefix("!") in (error.cause or "")
    assert error.hint


def test_an_hvm_container_has_no_requested_features() -> None:
    assert loaded("supervisor_mode_kernel", hvm_container=True).features_active == 0x10


@pytest.mark.parametrize("features", [*ACTIVE, *REFUSED])
def test_xen_makes_the_same_of_them(features: str, oracle: Toolstack, tmp_path: Path) -> None:
    (tmp_path / "kernel").write_bytes(KERNEL)
    arguments = ("--type", "pv", "--kernel", tmp_path / "kernel", "--memory", "16")
    status, directory = oracle.xcbuild(*arguments, "--features", features)
    assert (status == 0) == (features in ACTIVE)
    if status == 0:
        document = json.loads((directory / "domain.json").read_text())
        assert int(document["f_active"], 16) == ACTIVE[features]
    oracle.discard(directory)


def test_a_whole_build_takes_requested_features() -> None:
    config = b'name="g"\nkernel="xlbuild:hello-pv"\nmemory=16\n'
    with pytest.raises(RefusedError, match="features that its kernel does not support"):
        xlbuild.build(config, features="supervisor_mode_kernel")
