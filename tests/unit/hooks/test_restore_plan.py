"""What a PV guest that is to be restored is laid out otherwise in, and only that."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from kernels import Load, elf_file, pattern

import xlbuild
from xlbuild.api.options import find_profile
from xlbuild.emit.inputs import HostFiles
from xlbuild.pipeline import BuildOptions, build_domain
from xlbuild.plan.model import PlanFor

BASE = 0xFFFFFFFF80000000
RAMDISK = pattern(9000)


@pytest.fixture
def config(tmp_path: Path) -> bytes:
    """A kernel that finds an unmapped ramdisk, with one."""
    notes: list[tuple[str | int, int | str]] = [
        ("XEN_VERSION", "xen-3.0"),
        ("LOADER", "generic"),
        ("VIRT_BASE", BASE),
        ("ENTRY", BASE + 0x100000),
        ("PADDR_OFFSET", 0),
        ("MOD_START_PFN", 1),
    ]
    (tmp_path / "kernel").write_bytes(elf_file([Load(BASE + 0x100000, pattern(5000), 0x100000)], notes))
    (tmp_path / "ramdisk").write_bytes(RAMDISK)
    return f'name="g"\nmemory=16\nkernel="{tmp_path}/kernel"\nramdisk="{tmp_path}/ramdisk"\n'.encode()


def planned(config: bytes, plan_for: PlanFor) -> xlbuild.Domain:
    options = BuildOptions(find_profile(None), plan_for=plan_for)
    files = HostFiles(options.profile, ())
    return build_domain(config, "guest.cfg", (), options, files, lambda *_: None, lambda _: None)


def registers(domain: xlbuild.Domain) -> Mapping[str, object]:
    found = domain.plan.vcpus[0].registers
    assert found is not None
    return found


def test_a_guest_to_be_restored_has_its_ramdisk_mapped_as_flags_are_lost(config: bytes) -> None:
    domain = planned(config, PlanFor.RESTORE)
    fields, ramdisk, tables = (
        domain.plan.start_info.fields,
        *map(domain.plan.segment, ("module0", "page tables")),
    )
    assert ramdisk is not None
    assert tables is not None
    assert (fields["flags"], fields["mod_start"], fields["mod_len"]) == (0, ramdisk.vstart, len(RAMDISK))
    assert ramdisk.pfn < tables.pfn
    mapped = domain.plan.page_tables[0].frames
    assert mapped.first <= ramdisk.pfn < ramdisk.pfn + ramdisk.pages <= mapped.end


def test_a_guest_to_be_created_has_it_unmapped(config: bytes) -> None:
    fields = planned(config, PlanFor.CREATE).plan.start_info.fields
    assert (fields["flags"], fields["mod_len"]) == (8, 3 * 4096)


def test_a_restore_finds_start_info_by_the_second_argument_register(config: bytes) -> None:
    domain = planned(config, PlanFor.RESTORE)
    assert registers(domain)["rdx"] == domain.plan.special_pages["start_info"]
    assert registers(planned(config, PlanFor.CREATE))["rdx"] == 0


def test_without_a_ramdisk_only_that_register_differs() -> None:
    config = b'name="g"\nkernel="xlbuild:hello-pv"\nmemory=16\n'
    created, restored = (xlbuild.manifest(planned(config, plan_for)) for plan_for in PlanFor)
    vcpus = created["vcpus"]
    assert isinstance(vcpus, list)
    vcpus[0]["registers"]["rdx"] = f"{planned(config, PlanFor.RESTORE).plan.special_pages['start_info']:#x}"
    different = {name for name in created if created[name] != restored[name]}
    assert different == {"plan", "digests"}


def test_an_hvm_container_is_the_same_however_it_is_started() -> None:
    config = b'name="g"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=32\n'
    created, restored = (xlbuild.manifest(planned(config, plan_for)) for plan_for in PlanFor)
    assert created == restored
    assert created["plan"] == "create"
