"""A machine that runs a hello guest: unicorn for the processor, and as much of Xen as the guests call.

`BuiltGuest` is all it wants to know, so that a guest may come from any builder.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import unicorn
from unicorn import UC_ARCH_X86, UC_HOOK_CODE, UC_HOOK_INSN, UC_MODE_32, UC_MODE_64, x86_const

PAGE_SIZE = 4096
HYPERCALL_PORT = 0xE0
SERIAL_PORT = 0x3F8
DEBUG_PORT = 0xE9
HYPERCALL_MSR = 0x4000_0100
XEN_LEAF = 0x4000_0100
"""Where Xen puts its leaves when Microsoft's stand in the first place: so the guest has to look for them."""
EPERM = -1

OUT_RING, OUT_CONS, OUT_PROD = 1024, 3080, 3084
RING_SIZE = 2048


@dataclass(frozen=True)
class BuiltGuest:
    """A guest as its builder leaves it; addresses are machine addresses, for PVH guest-physical ones."""

    ram: tuple[tuple[int, int], ...]
    """Ranges [first, end) that exist."""
    contents: Mapping[int, bytes]
    """Page-aligned addresses, and what is not zero there."""
    registers: Mapping[str, int]
    page_table: int | None
    """cr3; None without paging, in 32-bit mode."""
    hypercall_page: int | None
    """Where the kernel's note has it; None: the guest sets it up itself."""
    console_ring: int
    console_port: int = 2


@dataclass(frozen=True)
class Host:
    """What surrounds the guest."""

    is_xen: bool = True
    allows_console_io: bool = True
    has_console: bool = True
    yields_before_daemon_reads: int | None = 0
    """None: the console daemon never reads."""


@dataclass
class Outcome:
    """What the guest did."""

    serial: bytearray = field(default_factory=bytearray)
    debug_port: bytearray = field(default_factory=bytearray)
    xen_log: bytearray = field(default_factory=bytearray)
    console: bytearray = field(default_factory=bytearray)
    notified: list[int] = field(default_factory=list)
    yields: int = 0
    shutdown_reason: int | None = None
    """None: it came to a halt."""


def run(guest: BuiltGuest, host: Host) -> Outcome:
    """Run a guest until it powers off or halts; AssertionError where it does what no guest should."""
    machine = _Machine(guest, host)
    machine.run()
    return machine.outcome


def _processor(mode: int) -> Any:
    return unicorn.Uc(UC_ARCH_X86, mode)  # type: ignore # unicorn says it is typed and is not


class _Machine:
    def __init__(self, guest: BuiltGuest, host: Host) -> None:
        self.guest, self.host, self.outcome = guest, host, Outcome()
        self.uc = _processor(UC_MODE_32 if guest.page_table is None else UC_MODE_64)
        for first, end in guest.ram:
            self.uc.mem_map(first, end - first)
        for address, contents in guest.contents.items():
            self.uc.mem_write(address, contents)
        if guest.page_table is not None:
            self._turn_paging_on(guest.page_table)
        for name, value in guest.registers.items():
            self._set(name, value)
        if guest.hypercall_page is not None:
            self._fill_hypercall_page(guest.hypercall_page)
        self.uc.hook_add(UC_HOOK_INSN, self._out, None, 1, 0, x86_const.UC_X86_INS_OUT)
        self.uc.hook_add(UC_HOOK_INSN, self._cpuid, None, 1, 0, x86_const.UC_X86_INS_CPUID)
        self._hook_wrmsr()

    def run(self) -> None:
        program_counter = "eip" if self.guest.page_table is None else "rip"
        self.uc.emu_start(self.guest.registers[program_counter], until=0, timeout=20_000_000)
        if self.outcome.shutdown_reason is None:
            halt = self.uc.mem_read(self._get(program_counter) - 1, 1)
            assert halt == b"\xf4", "it ended neither with a poweroff nor at hlt"

    def _get(self, register: str) -> int:
        return int(self.uc.reg_read(getattr(x86_const, f"UC_X86_REG_{register.upper()}")))

    def _set(self, register: str, value: int) -> None:
        self.uc.reg_write(getattr(x86_const, f"UC_X86_REG_{register.upper()}"), value)

    def _turn_paging_on(self, page_table: int) -> None:
        self._set("cr3", page_table)
        self._set("cr4", 1 << 5)  # PAE
        self._set("cr0", 1 << 31 | 1 << 16 | 1)  # PG, WP, PE

    def _fill_hypercall_page(self, address: int) -> None:
        """Fill the page with stubs `mov eax, n; out HYPERCALL_PORT, eax; ret`."""
        for number in range(128):
            stub = b"\xb8" + struct.pack("<I", number) + b"\xe7" + bytes([HYPERCALL_PORT]) + b"\xc3"
            self.uc.mem_write(address + 32 * number, stub)

    def _hook_wrmsr(self) -> None:
        """Stop at wrmsr, which unicorn itself cannot report: a PVH guest has one, where its bytes stand."""
        if self.guest.page_table is None:
            sites = [
                page + data.index(b"\x0f\x30")
                for page, data in self.guest.contents.items()
                if b"\x0f\x30" in data
            ]
            assert len(sites) == 1
            self.uc.hook_add(UC_HOOK_CODE, self._wrmsr, None, sites[0], sites[0])

    def _wrmsr(self, *_: object) -> None:
        assert self._get("ecx") == HYPERCALL_MSR
        assert self._get("edx") == 0
        assert self._get("eax") % PAGE_SIZE == 0
        self._fill_hypercall_page(self._get("eax"))

    def _cpuid(self, *_: object) -> int:
        leaf = self._get("eax")
        if leaf < 0x4000_0000:
            return 0
        answers = (
            {XEN_LEAF: (XEN_LEAF + 2, *struct.unpack("<III", b"XenVMMXenVMM"))} if self.host.is_xen else {}
        )
        answers[XEN_LEAF + 2] = (1, HYPERCALL_MSR, 0, 0)
        for register, value in zip(
            ("eax", "ebx", "ecx", "edx"), answers.get(leaf, (0, 0, 0, 0)), strict=True
        ):
            self._set(register, value)
        return 1

    def _out(self, _uc: object, port: int, size: int, value: int, _data: object) -> None:
        if port == HYPERCALL_PORT:
            self._set("eax", self._hypercall(value) & 0xFFFF_FFFF)
            return
        assert size == 1
        {SERIAL_PORT: self.outcome.serial, DEBUG_PORT: self.outcome.debug_port}[port].append(value)

    def _hypercall(self, number: int) -> int:
        names = ("ebx", "ecx", "edx") if self.guest.page_table is None else ("rdi", "rsi", "rdx")
        first, second, third = (self._get(name) for name in names)
        match number, first:
            case 18, 0:  # console_io, CONSOLEIO_write
                return self._console_io(self._read(third, second))
            case 34, 1:  # hvm_op, HVMOP_get_param
                return self._get_param(second)
            case 32, 4:  # event_channel_op, EVTCHNOP_send
                self.outcome.notified += struct.unpack("<I", self._read(second, 4))
            case 29, 0:  # sched_op, SCHEDOP_yield
                self.outcome.yields += 1
            case 29, 2:  # sched_op, SCHEDOP_shutdown
                (self.outcome.shutdown_reason,) = struct.unpack("<I", self._read(second, 4))
                self.uc.emu_stop()
            case _:
                raise AssertionError(f"hypercall {number}, command {first}")
        self._let_daemon_read()
        return 0

    def _console_io(self, text: bytes) -> int:
        if not self.host.allows_console_io:
            return EPERM
        self.outcome.xen_log += text
        return 0

    def _get_param(self, address: int) -> int:
        domid, _, index, _ = struct.unpack("<HHIQ", self._read(address, 16))
        assert domid == 0x7FF0
        values = {17: self.guest.console_ring // PAGE_SIZE, 18: self.guest.console_port}
        self._write(address + 8, struct.pack("<Q", values[index] if self.host.has_console else 0))
        return 0

    def _let_daemon_read(self) -> None:
        patience = self.host.yields_before_daemon_reads
        if not self.outcome.notified or patience is None or self.outcome.yields < patience:
            return
        ring = self.guest.console_ring
        consumer, producer = struct.unpack("<II", self.uc.mem_read(ring + OUT_CONS, 8))
        fill = (producer - consumer) % (1 << 32)
        assert fill <= RING_SIZE
        out = self.uc.mem_read(ring + OUT_RING, RING_SIZE)
        self.outcome.console += bytes(out[index % RING_SIZE] for index in range(consumer, consumer + fill))
        self.uc.mem_write(ring + OUT_CONS, struct.pack("<I", producer))

    def _machine_address(self, address: int) -> int:
        """Translate a virtual address through the guest's page tables, 4 KiB pages."""
        if self.guest.page_table is None:
            return address
        table = self.guest.page_table
        for shift in (39, 30, 21, 12):
            (entry,) = struct.unpack("<Q", self.uc.mem_read(table + (address >> shift & 511) * 8, 8))
            assert entry & 1, f"{address:#x} is not mapped"
            table = entry & 0x000F_FFFF_FFFF_F000
        return table + address % PAGE_SIZE

    def _read(self, address: int, size: int) -> bytes:
        return b"".join(
            bytes(self.uc.mem_read(self._machine_address(at), 1)) for at in range(address, address + size)
        )

    def _write(self, address: int, data: bytes) -> None:
        for at, byte in enumerate(data, address):
            self.uc.mem_write(self._machine_address(at), bytes([byte]))
