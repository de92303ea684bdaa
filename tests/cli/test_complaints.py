"""What `create` says of errors and warnings: the rule, the place, the cause and the mend."""

from pathlib import Path

import pytest
from forked import run
from kernels import LOAD_ADDRESS, Load, elf_file, pattern

PV = 'name = "g"\ntype = "pv"\nkernel = "xlbuild:hello-pv"\nmemory = 16\n'
PVH = 'name = "g"\ntype = "pvh"\nkernel = "kernel"\nmemory = 16\n'
SEGMENT = Load(LOAD_ADDRESS, pattern(0x100))
ENTRY = {"e_entry": LOAD_ADDRESS + 0x10}


def said(tmp_path: Path, config: str, *arguments: str, kernel: bytes = b"") -> str:
    (tmp_path / "guest.cfg").write_text(config)
    (tmp_path / "kernel").write_bytes(kernel)
    return run(tmp_path, "create", "-n", *arguments, "guest.cfg").stderr


@pytest.mark.parametrize(
    ("config", "kind", "rule"),
    [
        (PV + "ramdsik = 1\n", "warning", "XLB101"),
        (PV + "memory = = 1\n", "error", "XLB001"),
        (PV.replace("16", "1"), "error", "XLB601"),
        (PV.replace("pv", "pvh", 1), "error", "XLB320"),
        (PVH.replace("pvh", "pv"), "error", "XLB321"),
        (PV + "max_event_channels = 1\nvcpus = 9000\n", "error", "XLB350"),
    ],
)
def test_the_rule_is_named_and_can_be_explained(tmp_path: Path, config: str, kind: str, rule: str) -> None:
    assert f"xlbuild: {kind}[{rule}]: " in said(tmp_path, config)
    explained = run(tmp_path, "check", "--explain", rule)
    assert explained.stdout.startswith(f"{rule}: ")


def test_what_has_no_rule_is_an_error_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text(PV)
    (tmp_path / "g").mkdir()
    assert run(tmp_path, "create", "guest.cfg").stderr.startswith("xlbuild: error: g exists already")


def test_too_little_memory_points_at_the_setting(tmp_path: Path) -> None:
    assert "error[XLB601]: guest.cfg:4:10, key memory: the guest's memory" in said(
        tmp_path, PV.replace("16", "1")
    )


def test_a_layout_that_cannot_be_names_the_kernel(tmp_path: Path) -> None:
    kernel = elf_file([Load(LOAD_ADDRESS + 64, pattern(0x100))], [("PHYS32_ENTRY", LOAD_ADDRESS + 64)])
    text = said(tmp_path, PVH, kernel=kernel)
    assert text.startswith(
        "xlbuild: error[XLB325]: kernel: the kernel starts at 0x100040, which is not a page"
    )


@pytest.mark.parametrize(
    ("notes", "reason", "place", "mend"),
    [
        ((), "it has no Xen notes", "kernel:", "a kernel for PVH needs the note PHYS32_ENTRY"),
        (
            (("PHYS32_ENTRY", 0x10),),
            "its entry point 0x10 lies outside of it (0x100000 to 0x100100)",
            "kernel, note PHYS32_ENTRY:",
            "give the note PHYS32_ENTRY the physical address of its entry point",
        ),
        (
            (("PHYS32_ENTRY", LOAD_ADDRESS), ("FEATURES", "!flux")),
            "it requires the feature `flux`, which Xen does not know",
            "kernel, offset 0x",
            "require no features but these: writable",
        ),
    ],
)
def test_a_32_bit_kernel_with_faulty_notes_is_told_to_be_started_as_firmware(
    tmp_path: Path, notes: tuple[tuple[str, str | int], ...], reason: str, place: str, mend: str
) -> None:
    text = said(tmp_path, PVH, kernel=elf_file([SEGMENT], notes, bits=32, header=ENTRY))
    assert text.startswith(f"xlbuild: warning[XLB326]: {place}")
    assert f"no PVH kernel to Xen: {reason}; it is started as if it were HVM firmware" in text
    assert "at its ELF entry point 0x100010\n" in text
    assert f"  mend:  {mend}" in text


def test_a_32_bit_pv_kernel_is_refused_as_pvh(tmp_path: Path) -> None:
    notes = (("XEN_VERSION", "xen-3.0"), ("LOADER", "generic"), ("ENTRY", LOAD_ADDRESS), ("PAE_MODE", "yes"))
    text = said(tmp_path, PVH, kernel=elf_file([SEGMENT], notes, bits=32, header=ENTRY))
    assert text.startswith("xlbuild: error[XLB320]: kernel, note PHYS32_ENTRY: ")
    assert 'mend:  set type="pv"' in text


def test_hvmloader_of_an_hvm_guest_is_firmware_and_nothing_is_said_of_it(
    tmp_path: Path, small_hvm: str
) -> None:
    assert said(tmp_path, small_hvm + 'bios="seabios"\n') == ""
