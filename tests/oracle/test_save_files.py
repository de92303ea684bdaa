"""Save files are what Xen's own reader accepts and its restore makes the guest of, to the byte; and a PV guest in one
is what Xen's builder makes of a kernel that wants its ramdisk mapped.

Xen builds for a creation only. A kernel without the note MOD_START_PFN has its ramdisk mapped there, too: what Xen
makes of it is what xlbuild has to make, for a save file, of the same kernel with the note; but for rdx (edx), where
a restore looks for start_info.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from compare import compare_directories, compare_values, nonzero_pages, read_document
from guests import STANDARD_GUESTS, Guest
from toolstack import XEN_ROOT, Material, Toolstack, verify_stream

import xlbuild
from xlbuild.api import find_profile
from xlbuild.built import HVM_CONTEXT_FILE
from xlbuild.emit.inputs import HostFiles
from xlbuild.emit.readback import in_memory
from xlbuild.pipeline import BuildOptions, build_domain
from xlbuild.plan.model import PlanFor

PIN_L3_TABLE, PIN_L4_TABLE = 2, 3
"""MMUEXT_PIN_* of xen.h."""
SET_BY_LIBXL = {"TIMER_MODE", "ALTP2M"}
"""HVM parameters that libxl sets from the configuration, before it restores as before it builds."""

GUESTS: dict[str, Guest] = {
    **{name: STANDARD_GUESTS[name] for name in ("pv-grub64", "pv-grub32", "pv-gnumach")},
    "pv-cloud-balloon": STANDARD_GUESTS["pv-cloud-balloon"],
    "pv64-without-init-p2m": Guest("pv", "pv64-modpfn", 600, ramdisk="rd.gz"),
    "pv64-p2m-in-the-same-tables": Guest("pv", "pv64-p2m-samel3", 64, ramdisk="rd.gz"),
    "pv32-ramdisk": Guest("pv", "pv32-modpfn", 96, ramdisk="rd.raw", vcpus=4),
    "pv32-low": Guest("pv", "pv32-low", 300),
    "pvh-cloud-5g": STANDARD_GUESTS["pvh-cloud-5g"],
    "pvh-grub": STANDARD_GUESTS["pvh-grub"],
    "pvh-rsdp-in-low-memory": STANDARD_GUESTS["pvh-linuxos-rsdp"],
    "pvh-shim": Guest("pvh", "cloud", 512, cmdline="console=hvc0", more="pvshim=1"),
}
MFN_BASE = 0x123400
"""Machine frame of frame 0 where a PV guest is restored: above 4 GiB, and no number that a guest frame has."""


@dataclass(frozen=True)
class Travelled:
    """A guest in a save file."""

    guest: Guest
    config: bytes
    file: Path


@pytest.fixture(scope="module", params=GUESTS)
def travelled(
    request: pytest.FixtureRequest, material: Material, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Travelled]:
    guest = GUESTS[request.param]
    config = guest.config(material).encode()
    file = tmp_path_factory.mktemp("travelled") / "g.save"
    xlbuild.write_save(built_at(0, config), file)
    yield Travelled(guest, config, file)
    file.unlink()


def built_at(mfn_base: int, config: bytes) -> xlbuild.Domain:
    """Return a guest that is built for a save file, with another machine frame behind its frame 0."""
    options = BuildOptions(find_profile("4.17"), mfn_base=mfn_base, plan_for=PlanFor.RESTORE)
    files = HostFiles(options.profile, [str(XEN_ROOT)])
    return build_domain(config, "guest.cfg", (), options, files, lambda *_: None, lambda _: None)


def test_xens_own_reader_accepts_a_save_file(travelled: Travelled) -> None:
    done = verify_stream(travelled.file)
    assert (done.returncode, done.stderr) == (0, "")
    kind = "PV" if travelled.guest.type == "pv" else "HVM"
    assert f"Domain Header: x86 {kind} from Xen 4.17" in done.stdout
    assert done.stdout.endswith("Libxc Record: End, length 0\nLibxl Record: End, length 0\n")


def test_what_xen_restores_is_the_guest_that_was_built_to_the_byte(
    travelled: Travelled, oracle: Toolstack
) -> None:
    guest = travelled.guest
    mfn_base = MFN_BASE if guest.type == "pv" else 0
    done, restored = oracle.xcrestore(travelled.file, *xcrestore_arguments(guest, mfn_base))
    assert done.returncode == 0, (restored / "log.txt").read_text()
    assert done.stdout.endswith(f"stream ends at {travelled.file.stat().st_size - 8}\n")
    ours = built_at(mfn_base, travelled.config)
    pages = dict(nonzero_pages(restored / "memory.img"))
    assert pages == {int(pfn): page for pfn, page in ours.memory.pages()}
    document, theirs = xlbuild.manifest(ours), read_document(restored)
    assert list(compare_values("populated", document["populated"], theirs["populated"])) == []
    assert list(compare_values("grants", document["grants"], theirs["grant_table"])) == []
    if guest.type == "pv":
        vcpu = ours.plan.vcpus[0]
        assert vcpu.registers is not None
        assert (restored / "vcpu_contexts.bin").read_bytes() == vcpu.layout.encode(vcpu.registers)
        top = ours.plan.page_tables[0].tables.first + mfn_base
        pin = PIN_L4_TABLE if theirs["address_size"] == 64 else PIN_L3_TABLE
        assert theirs["mmuext_ops"] == [{"cmd": pin, "mfn": f"{top:#x}"}]
    else:
        context = in_memory(ours, "g").structures[HVM_CONTEXT_FILE]
        assert (restored / "hvm_contexts.bin").read_bytes() == context
        found = {param["name"]: int(param["value"], 16) for param in theirs["hvm_params"]}
        assert found == {p.name: p.value for p in ours.plan.hvm_params if p.name not in SET_BY_LIBXL}
    oracle.discard(restored)


DEVICES = """
vif = ["bridge=br0,mac=00:16:3e:00:00:01", "type=vif"]
disk = ["/dev/zero,raw,xvda,w"]
cpuid = "host,htt=0"
channel = ["name=one,connection=socket,path=/x"]
cpus = ["0-3"]
device_model_args = ["-x", "y\\"z"]
"""


@pytest.mark.parametrize("more", ["", DEVICES, 'uuid = "11111111-2222-3333-4444-000000000001"'])
@pytest.mark.parametrize("kind", ["pv", "pvh"])
def test_the_real_xl_takes_the_configuration_and_hands_on_the_stream(
    kind: str, more: str, oracle: Toolstack, tmp_path: Path
) -> None:
    config = f'name="web"\ntype="{kind}"\nkernel="xlbuild:hello-{kind}"\nmemory=32\nvcpus=2\n{more}\n'
    xlbuild.write_save(xlbuild.build(config.encode(), xen="4.17", restorable=True), tmp_path / "g.save")
    said = oracle.xl_restore(tmp_path / "g.save")
    uuid = (
        "11111111-2222-3333-4444-000000000001" if "uuid" in more else "00000000-0000-0000-0000-000000000000"
    )
    told = (
        "(new xl fmt info 0x3/0x0/",
        "Savefile contains xl domain config in JSON format",
        "restoring, not running bootloader",
        "Stream v2",
        "process_record: Record: 1, length 0",
        "domain 1 save/restore helper",
        f"userdata-?.1.{uuid}.*",
    )
    assert [line for line in told if line not in said] == []


def xcrestore_arguments(guest: Guest, mfn_base: int) -> list[str]:
    numbers = {"--memory": guest.memory, "--vcpus": guest.maxvcpus or guest.vcpus, "--mfn-base": mfn_base}
    return ["--type", guest.type, *(text for pair in numbers.items() for text in map(str, pair))]


def test_xen_restores_a_guest_that_sets_its_memory_map_with_the_code_that_does_so(
    oracle: Toolstack, tmp_path: Path
) -> None:
    config = b'name="g"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=32\n'
    domain = xlbuild.build(config, xen="4.17", restorable=True, set_memory_map=True)
    file = tmp_path / "g.save"
    xlbuild.write_save(domain, file)
    verified = verify_stream(file)
    assert (verified.returncode, verified.stderr) == (0, "")
    done, restored = oracle.xcrestore(file, *xcrestore_arguments(Guest("pvh", "hello-pvh", 32), 0))
    assert done.returncode == 0, (restored / "log.txt").read_text()
    pages = dict(nonzero_pages(restored / "memory.img"))
    assert domain.plan.special_pages["paging"] in pages
    assert pages == {int(pfn): page for pfn, page in domain.memory.pages()}
    context = in_memory(domain, "g").structures[HVM_CONTEXT_FILE]
    assert (restored / "hvm_contexts.bin").read_bytes() == context
    oracle.discard(restored)


def test_a_guest_whose_start_info_is_not_named_is_not_restored(
    oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    guest = Guest("pv", "pv64-min", 16)
    file = tmp_path / "g.save"
    xlbuild.write_save(built_at(0, guest.config(material).encode()), file)
    data = bytearray(file.read_bytes())
    rdx = len(data) - 16 - 5168 + 616  # of the context in the last record before the ENDs
    data[rdx : rdx + 8] = bytes(8)
    file.write_bytes(data)
    done, output = oracle.xcrestore(file, *xcrestore_arguments(guest, 0))
    assert done.returncode == 1
    assert "Start Info pfn 0 has bad type 14" in (output / "log.txt").read_text()


@pytest.mark.usefixtures("material")
def test_xens_own_reader_would_say_so_if_it_did_not(tmp_path: Path) -> None:
    config = b'name="g"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=32\n'
    xlbuild.write_save(xlbuild.build(config), tmp_path / "g.save")
    data = bytearray((tmp_path / "g.save").read_bytes())
    data[-16] = 0x55  # the type of libxc's END
    (tmp_path / "g.save").write_bytes(data)
    done = verify_stream(tmp_path / "g.save")
    assert done.returncode == 1
    assert "Unrecognised record type 0x55" in done.stderr


LIKE_XEN: dict[str, Any] = {"xen": "4.17", "hypercall_page": False}
NOTE = struct.pack("<III4sI", 4, 4, 16, b"Xen", 1)
"""MOD_START_PFN (elfnote.h) as Linux has it."""
UNKNOWN_NOTE = struct.pack("<III4sI", 4, 4, 1016, b"Xen", 1)

PAIRS = {
    "pv64": ("pv64-modpfn", "pv64-min"),
    "pv64-init-p2m": ("pv64-p2m-modpfn", "pv64-p2m"),
    "pv32": ("pv32-modpfn", "pv32-extcr3"),
}
"""Synthetic kernels with the note, and without."""


@pytest.mark.parametrize("ramdisk", ["rd.raw", "rd.gz", None])
@pytest.mark.parametrize("pair", PAIRS)
def test_a_pv_guest_for_a_save_file_is_what_xen_builds_of_the_kernel_without_the_note(
    pair: str, ramdisk: str | None, oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    with_note, without = (
        Guest("pv", kernel, 96, ramdisk=ramdisk, cmdline="a b", vcpus=2) for kernel in PAIRS[pair]
    )
    reference = oracle.xlcreate(without.config(material))
    domain = xlbuild.build(with_note.config(material).encode(), **LIKE_XEN, restorable=True)
    xlbuild.write(domain, tmp_path / "ours")
    differences = compare_directories(tmp_path / "ours", reference).differences
    oracle.discard(reference)
    assert_differs_in_rdx_alone(differences)


def test_debians_kernel_for_a_save_file_is_what_xen_builds_of_it_without_the_note(
    oracle: Toolstack, material: Material, tmp_path: Path
) -> None:
    guest = replace(STANDARD_GUESTS["pv-cloud"], ramdisk="rd.gz", memory=256)
    domain = xlbuild.build(guest.config(material).encode(), **LIKE_XEN, restorable=True)
    kernel = bytes(domain.plan.request.image.core.data)
    assert kernel.count(NOTE) == 1
    (tmp_path / "vmlinux").write_bytes(kernel.replace(NOTE, UNKNOWN_NOTE))
    reference = oracle.xlcreate(replace(guest, kernel=str(tmp_path / "vmlinux")).config(material))
    xlbuild.write(domain, tmp_path / "ours")
    differences = compare_directories(tmp_path / "ours", reference).differences
    pages, theirs = (dict(nonzero_pages(place / "memory.img")) for place in (tmp_path / "ours", reference))
    oracle.discard(reference)
    (changed,) = (pfn for pfn in pages.keys() | theirs.keys() if pages.get(pfn) != theirs.get(pfn))
    assert pages[changed].replace(NOTE, UNKNOWN_NOTE) == theirs[changed]
    of_the_note = [line for line in differences if line.startswith(("memory.img:", "digests/memory:"))]
    assert len(of_the_note) == 2
    assert_differs_in_rdx_alone([line for line in differences if line not in of_the_note])


def assert_differs_in_rdx_alone(differences: list[str]) -> None:
    """Check what a comparison found: the register where a restore looks for start_info, and the file that has it."""
    file, register = sorted(differences, key=lambda line: line.startswith("vcpus/"))
    assert re.fullmatch(
        'vcpus/0/registers/(rdx|edx): "0x[1-9a-f][0-9a-f]*", the reference has "?0(x0")?', register
    )
    assert file == "vcpu_context.bin: differs from the reference's"
