"""The start stub, run by unicorn and read by objdump: the hypercall that it makes, and what it leaves behind."""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
import unicorn
from kernels import Load, Notes, elf_file, pattern
from unicorn import UC_ARCH_X86, UC_HOOK_CODE, UC_HOOK_INSN, UC_MODE_32, x86_const

import xlbuild
from xlbuild.abi.e820 import E820_MAX
from xlbuild.built import BuiltDomain
from xlbuild.emit.readback import in_memory
from xlbuild.hooks.start_stub import kernel_entry, start_stub, stub_entry
from xlbuild.plan.model import MemoryMapEntry, PlanFor
from xlbuild.units import PAGE_SIZE, PhysAddr

CONFIG = b'name="g"\ntype="pvh"\nkernel="xlbuild:hello-pvh"\nmemory=32\n'
PAGING = PhysAddr(0xFEFF8000)
ENTRY, START_INFO = 0x1234568, PhysAddr(0x2345000)
HYPERCALL_MSR = 0x4000_0000
TAIL = 11
"""Bytes that stay: the wipe, and the way into the kernel."""
REGISTERS = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp")


def map_of(count: int) -> tuple[MemoryMapEntry, ...]:
    return tuple(MemoryMapEntry(PhysAddr(n << 33), (n + 1) * 0x10_0000_1000, n % 5 + 1) for n in range(count))


def processor() -> Any:
    return unicorn.Uc(UC_ARCH_X86, UC_MODE_32)  # type: ignore # unicorn says it is typed and is not


class Machine:
    """A processor in flat 32-bit mode, a hypervisor behind a hypercall page, and the pages from PAGING on."""

    def __init__(self, page: bytes, start: int, ebx: int, stop: int, answer: int = 0) -> None:
        self.uc = processor()
        self.answer = answer
        self.calls: list[tuple[int, int, int]] = []
        """Each hypercall: its number, its command, and whose memory map it is about."""
        self.map: list[tuple[int, int, int]] = []
        """What the last one had it be."""
        self.uc.mem_map(PAGING, 3 * PAGE_SIZE)
        self.uc.mem_write(PAGING, page)
        self.uc.mem_map(stop & -PAGE_SIZE, PAGE_SIZE)
        self.set("ebx", ebx)
        self.uc.hook_add(UC_HOOK_INSN, self._cpuid, None, 1, 0, x86_const.UC_X86_INS_CPUID)
        self.uc.hook_add(UC_HOOK_INSN, self._out, None, 1, 0, x86_const.UC_X86_INS_OUT)
        wrmsr = PAGING + page.index(b"\x0f\x30")
        self.uc.hook_add(UC_HOOK_CODE, self._wrmsr, None, wrmsr, wrmsr)
        self.uc.emu_start(start, until=stop, timeout=5_000_000)

    def get(self, register: str) -> int:
        return int(self.uc.reg_read(getattr(x86_const, f"UC_X86_REG_{register.upper()}")))

    def set(self, register: str, value: int) -> None:
        self.uc.reg_write(getattr(x86_const, f"UC_X86_REG_{register.upper()}"), value)

    def memory(self, address: int, size: int) -> bytes:
        return bytes(self.uc.mem_read(address, size))

    def _cpuid(self, *_: object) -> int:
        assert self.get("eax") == 0x4000_0002
        for register, value in zip(REGISTERS[:4], (1, HYPERCALL_MSR, 0x77, 0x88), strict=True):
            self.set(register, value)
        return 1

    def _wrmsr(self, *_: object) -> None:
        assert (self.get("ecx"), self.get("edx")) == (HYPERCALL_MSR, 0)
        page = self.get("eax")
        assert page == PAGING + PAGE_SIZE
        for number in range(128):
            stub = b"\xb8" + struct.pack("<I", number) + b"\xe7\x42\xc3"  # mov number, %eax; out; ret
            self.uc.mem_write(page + 32 * number, stub.ljust(32, b"\xcc"))

    def _out(self, _uc: object, _port: int, _size: int, number: int, _data: object) -> None:
        """Take a hypercall as Xen does, its argument registers lost behind it."""
        command, argument = self.get("ebx"), self.get("ecx")
        domid, count, buffer = struct.unpack("<HxxII", self.memory(argument, 12))
        self.calls.append((number, command, domid))
        self.map = list(struct.iter_unpack("<QQI", self.memory(buffer, 20 * count)))
        for register in ("ebx", "ecx"):
            self.set(register, 0xDEADBEEF)
        self.set("eax", self.answer & 0xFFFF_FFFF)


def run(memory_map: tuple[MemoryMapEntry, ...], answer: int = 0) -> Machine:
    page = start_stub(PAGING, ENTRY, START_INFO, memory_map)
    assert len(page) == PAGE_SIZE
    return Machine(page, stub_entry(PAGING), START_INFO, ENTRY, answer)


@pytest.mark.parametrize("count", [1, 5, E820_MAX])
def test_it_sets_the_guests_own_memory_map_once(count: int) -> None:
    machine = run(map_of(count))
    assert machine.calls == [(12, 13, 0x7FF0)]  # memory_op, XENMEM_set_memory_map, DOMID_SELF
    assert machine.map == [(entry.addr, entry.size, entry.type) for entry in map_of(count)]


@pytest.mark.parametrize("answer", [0, -1], ids=["done", "refused"])
def test_the_kernel_finds_the_start_info_and_nothing_of_the_stub_but_its_last_bytes(answer: int) -> None:
    machine = run(map_of(5), answer)
    assert machine.get("eip") == ENTRY
    found = {register: machine.get(register) for register in REGISTERS}
    assert found == {**dict.fromkeys(REGISTERS, 0), "eax": ENTRY, "ebx": START_INFO}
    assert not machine.get("eflags") & (1 << 8 | 1 << 9 | 1 << 10)  # TF, IF, DF
    left = machine.memory(PAGING, 3 * PAGE_SIZE)
    assert left == start_stub(PAGING, ENTRY, START_INFO, map_of(5))[:TAIL].ljust(len(left), b"\0")


@pytest.mark.skipif(shutil.which("objdump") is None, reason="objdump is not installed")
def test_objdump_reads_what_is_left_as_the_wipe_and_the_jump(tmp_path: Path) -> None:
    (tmp_path / "tail").write_bytes(start_stub(PAGING, ENTRY, START_INFO, map_of(5))[:TAIL])
    command = ["objdump", "-D", "-b", "binary", "-m", "i386", "--no-show-raw-insn", str(tmp_path / "tail")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [" ".join(line.split(":", 1)[1].split()) for line in said.splitlines() if ":\t" in line]
    assert lines == ["rep stos %eax,%es:(%edi)", "sub %edi,%edi", "mov $0x1234568,%eax", "jmp *%eax"]


def test_a_longer_map_than_there_can_be_does_not_fit_the_page() -> None:
    start_stub(PAGING, ENTRY, START_INFO, map_of(E820_MAX))
    with pytest.raises(AssertionError, match="200 entries do not fit"):
        start_stub(PAGING, ENTRY, START_INFO, map_of(200))


def test_the_kernels_entry_is_read_back_of_just_this_stub() -> None:
    page = start_stub(PAGING, ENTRY, START_INFO, map_of(5))
    assert kernel_entry(page, PAGING, START_INFO, map_of(5)) == ENTRY
    assert kernel_entry(page, PAGING, START_INFO, map_of(4)) is None
    assert kernel_entry(page, PAGING, PhysAddr(1 << 32), map_of(5)) is None
    for at in (0, 9, 20, 200, PAGE_SIZE - 1):
        changed = page[:at] + bytes([page[at] ^ 1]) + page[at + 1 :]
        assert kernel_entry(changed, PAGING, START_INFO, map_of(5)) is None


def built(set_memory_map: bool, config: bytes = CONFIG) -> BuiltDomain:
    domain = xlbuild.build(config, restorable=True, set_memory_map=set_memory_map)
    return in_memory(domain, "g")


def test_a_guest_built_so_tells_the_map_of_its_start_info_and_starts_its_kernel() -> None:
    guest = built(True)
    registers = guest.vcpus[0].registers
    assert registers is not None
    rip, rbx = (registers[name] for name in ("rip", "rbx"))
    assert isinstance(rip, int)
    assert isinstance(rbx, int)
    page = guest.memory.read(PAGING, PAGE_SIZE)
    machine = Machine(page, rip, rbx, guest.kernel.entry)
    assert machine.map == [(entry.addr, entry.size, entry.type) for entry in guest.memory_map]
    assert (machine.get("eip"), machine.get("ebx")) == (guest.kernel.entry, guest.start_info.address)


@pytest.fixture
def with_ramdisk(tmp_path: Path) -> bytes:
    """A kernel that finds an unmapped ramdisk, which as a PV guest lies elsewhere when it is to be restored."""
    load = Load(0x100000, pattern(5000), 0x100000)
    notes: Notes = [("PHYS32_ENTRY", 0x100000), ("MOD_START_PFN", 1)]
    (tmp_path / "kernel").write_bytes(elf_file([load], notes))
    (tmp_path / "ramdisk").write_bytes(pattern(9000))
    return f'name="g"\ntype="pvh"\nmemory=16\nkernel="{tmp_path}/kernel"\nramdisk="{tmp_path}/ramdisk"\n'.encode()


@pytest.mark.parametrize("which", ["hello", "with a ramdisk"])
def test_nothing_but_that_page_and_where_it_starts_differs(which: str, with_ramdisk: bytes) -> None:
    config = CONFIG if which == "hello" else with_ramdisk
    plain, sets = built(False, config), built(True, config)
    assert (plain.plan_for, sets.plan_for) == (PlanFor.CREATE, PlanFor.RESTORE)
    different = {name for name in plain.document if plain.document[name] != sets.document[name]}
    assert different == {"plan", "vcpus", "digests"}
    pages, more = dict(plain.memory.pages()), dict(sets.memory.pages())
    assert {pfn for pfn in pages.keys() | more.keys() if pages.get(pfn) != more.get(pfn)} == {
        PAGING // PAGE_SIZE
    }
    ones, others = plain.vcpus[0].registers, sets.vcpus[0].registers
    assert ones is not None
    assert others is not None
    assert {name for name in ones if ones[name] != others[name]} == {"rip"}
