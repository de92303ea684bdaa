"""A two-pass assembler for the few x86 instructions that the hello guests and the start stub are made of.

A program is a sequence of items: `Label`, `Code` (one instruction, or data), `Reserve` and `Align`. Each
instruction is a function that spells out its bytes after the Intel manual's opcode table (volume 2), so that
they can be checked one by one. Two rules keep it that small:

* Operands have 32 bits unless the name says 64. In 64-bit mode a 32-bit result is extended with zeros, and a
  base register is used with all its 64 bits: as long as every address lies below 4 GiB, the same bytes do the
  same in 32-bit protected mode and in 64-bit mode.
* The value of a label always stands in the last four bytes of an instruction.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from xlbuild.units import align_up


class Register(IntEnum):
    """The general registers under their 32-bit names, numbered as instructions encode them."""

    EAX = 0
    ECX = 1
    EDX = 2
    EBX = 3
    ESP = 4
    EBP = 5
    ESI = 6
    EDI = 7


@dataclass(frozen=True, slots=True)
class Label:
    """A name for the address of what follows."""

    name: str


@dataclass(frozen=True, slots=True)
class Code:
    """Bytes as they go into the image; with a target, its address or distance replaces the last four."""

    data: bytes
    target: str | None = None
    addend: int = 0
    """Added to the target's address."""
    relative: bool = False
    """The distance from the end of this instruction counts, not the address."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """Room of `size` bytes, zero at the start."""

    size: int


@dataclass(frozen=True, slots=True)
class Align:
    """Zeros up to the next multiple of `boundary` bytes."""

    boundary: int


Item: TypeAlias = Label | Code | Reserve | Align
Program: TypeAlias = Sequence[Item]


@dataclass(frozen=True, slots=True)
class Assembled:
    """An assembled program: its bytes, and where each label came to lie."""

    origin: int
    image: bytes
    labels: Mapping[str, int]


def assemble(program: Program, origin: int) -> Assembled:
    """Assemble `program` to run at address `origin`; first the labels are placed, then the bytes are made."""
    labels: dict[str, int] = {}
    address = origin
    for item in program:
        if isinstance(item, Label):
            assert item.name not in labels, f"label {item.name} is defined twice"
            labels[item.name] = address
        address += _size(item, address)
    image = bytearray()
    for item in program:
        image += _encode(item, origin + len(image), labels)
    return Assembled(origin, bytes(image), labels)


def _size(item: Item, address: int) -> int:
    match item:
        case Label():
            return 0
        case Code():
            return len(item.data)
        case Reserve():
            return item.size
        case Align():
            return align_up(address, item.boundary) - address


def _encode(item: Item, address: int, labels: Mapping[str, int]) -> bytes:
    if not isinstance(item, Code):
        return bytes(_size(item, address))
    if item.target is None:
        return item.data
    assert item.target in labels, f"label {item.target} is not defined"
    value = labels[item.target] + item.addend
    if item.relative:
        value -= address + len(item.data)
    return item.data[:-4] + _imm32(value)


def _imm32(value: int) -> bytes:
    """Return a 32-bit immediate or displacement, little-endian, of either sign."""
    assert -(1 << 31) <= value < 1 << 32, f"{value:#x} does not fit into 32 bits"
    return struct.pack("<I", value & 0xFFFF_FFFF)


def _modrm(mod: int, reg: int, rm: int) -> bytes:
    """Return the byte behind an opcode that names its operands: 2, 3 and 3 bits."""
    return bytes([mod << 6 | reg << 3 | rm])


def _two_registers(opcode: int, dst: Register, src: Register) -> Code:
    """Return `opcode dst, src` for the opcodes whose ModRM holds the source in its middle field."""
    return Code(bytes([opcode]) + _modrm(0b11, src, dst))


def _immediate(start: bytes, value: int | str) -> Code:
    """Return `start` with a number, or the address of a label, behind it."""
    if isinstance(value, str):
        return Code(start + bytes(4), target=value)
    return Code(start + _imm32(value))


def _memory(opcode: bytes, reg: Register, base: Register, offset: int) -> Code:
    """Return `opcode` with a register and memory at `[base + offset]`; the offset takes 32 bits always."""
    assert base is not Register.ESP, "this base needs a SIB byte"
    return Code(opcode + _modrm(0b10, reg, base) + _imm32(offset))


def _jump(opcode: bytes, target: str, addend: int = 0) -> Code:
    return Code(opcode + bytes(4), target=target, addend=addend, relative=True)


def data(contents: bytes) -> Code:
    """Bytes as they are."""
    return Code(contents)


def mov(dst: Register, src: Register) -> Code:
    """`mov dst, src`: 89 /r."""
    return _two_registers(0x89, dst, src)


def mov_imm(dst: Register, value: int | str) -> Code:
    """`mov dst, imm32`: B8+register. A string is a label: its address."""
    return _immediate(bytes([0xB8 + dst]), value)


def load(dst: Register, base: Register, offset: int) -> Code:
    """`mov dst, [base + offset]`: 8B /r."""
    return _memory(b"\x8b", dst, base, offset)


def load64(dst: Register, base: Register, offset: int) -> Code:
    """`mov dst, [base + offset]` with 64 bits, 64-bit mode only: REX.W 8B /r."""
    return _memory(b"\x48\x8b", dst, base, offset)


def store(base: Register, offset: int, src: Register) -> Code:
    """`mov [base + offset], src`: 89 /r."""
    return _memory(b"\x89", src, base, offset)


def store_al(base: Register, offset: int) -> Code:
    """`mov [base + offset], al`: 88 /r."""
    return _memory(b"\x88", Register.EAX, base, offset)


def add(dst: Register, src: Register) -> Code:
    """`add dst, src`: 01 /r."""
    return _two_registers(0x01, dst, src)


def sub(dst: Register, src: Register) -> Code:
    """`sub dst, src`: 29 /r."""
    return _two_registers(0x29, dst, src)


def cmp(left: Register, right: Register) -> Code:
    """`cmp left, right`: 39 /r."""
    return _two_registers(0x39, left, right)


def test(left: Register, right: Register) -> Code:
    """`test left, right`: 85 /r. A register with itself: is it zero?"""
    return _two_registers(0x85, left, right)


def test_al() -> Code:
    """`test al, al`: 84 /r."""
    return Code(b"\x84\xc0")


def add_imm(dst: Register, value: int | str) -> Code:
    """`add dst, imm32`: 81 /0."""
    return _immediate(b"\x81" + _modrm(0b11, 0, dst), value)


def and_imm(dst: Register, value: int | str) -> Code:
    """`and dst, imm32`: 81 /4."""
    return _immediate(b"\x81" + _modrm(0b11, 4, dst), value)


def cmp_imm(left: Register, value: int | str) -> Code:
    """`cmp left, imm32`: 81 /7."""
    return _immediate(b"\x81" + _modrm(0b11, 7, left), value)


def rol(dst: Register, bits: int) -> Code:
    """`rol dst, imm8`: C1 /0."""
    return Code(b"\xc1" + _modrm(0b11, 0, dst) + bytes([bits]))


def shl(dst: Register, bits: int) -> Code:
    """`shl dst, imm8`: C1 /4."""
    return Code(b"\xc1" + _modrm(0b11, 4, dst) + bytes([bits]))


def shr(dst: Register, bits: int) -> Code:
    """`shr dst, imm8`: C1 /5."""
    return Code(b"\xc1" + _modrm(0b11, 5, dst) + bytes([bits]))


def inc(dst: Register) -> Code:
    """`inc dst`: FF /0 (the one-byte form is a REX prefix in 64-bit mode)."""
    return Code(b"\xff" + _modrm(0b11, 0, dst))


def dec(dst: Register) -> Code:
    """`dec dst`: FF /1."""
    return Code(b"\xff" + _modrm(0b11, 1, dst))


def push(src: Register) -> Code:
    """`push src`: 50+register; the whole register, 64 bits in 64-bit mode."""
    return Code(bytes([0x50 + src]))


def pop(dst: Register) -> Code:
    """`pop dst`: 58+register; the whole register, 64 bits in 64-bit mode."""
    return Code(bytes([0x58 + dst]))


def lodsb() -> Code:
    """`lodsb`: AC. al = the byte at esi (rsi); one step forward."""
    return Code(b"\xac")


def stosb() -> Code:
    """`stosb`: AA. The byte at edi (rdi) = al; one step forward."""
    return Code(b"\xaa")


def rep_stosd() -> Code:
    """`rep stosd`: F3 AB. The ecx (rcx) words of 32 bits from edi (rdi) on = eax; then ecx is 0, edi behind them."""
    return Code(b"\xf3\xab")


def repne_scasq() -> Code:
    """`repne scasq`, 64-bit mode only: F2 REX.W AF.

    Look for rax from rdi on, through rcx words of 64 bits. Found: equal is set and rdi is one word behind.
    """
    return Code(b"\xf2\x48\xaf")


def call(target: str, addend: int = 0) -> Code:
    """`call rel32`: E8."""
    return _jump(b"\xe8", target, addend)


def ret() -> Code:
    """`ret`: C3."""
    return Code(b"\xc3")


def jmp(target: str) -> Code:
    """`jmp rel32`: E9."""
    return _jump(b"\xe9", target)


def jmp_to(target: Register) -> Code:
    """`jmp target`, to the address in a register: FF /4; the whole register, 64 bits in 64-bit mode."""
    return Code(b"\xff" + _modrm(0b11, 4, target))


def je(target: str) -> Code:
    """`je rel32`: 0F 84. After a comparison: equal; after `test`, `dec` and their like: zero."""
    return _jump(b"\x0f\x84", target)


def jne(target: str) -> Code:
    """`jne rel32`: 0F 85."""
    return _jump(b"\x0f\x85", target)


def jb(target: str) -> Code:
    """`jb rel32`: 0F 82, unsigned."""
    return _jump(b"\x0f\x82", target)


def jae(target: str) -> Code:
    """`jae rel32`: 0F 83, unsigned."""
    return _jump(b"\x0f\x83", target)


def cpuid() -> Code:
    """`cpuid`: 0F A2. eax ebx ecx edx = what leaf eax holds."""
    return Code(b"\x0f\xa2")


def wrmsr() -> Code:
    """`wrmsr`: 0F 30. Model-specific register ecx = edx:eax."""
    return Code(b"\x0f\x30")


def out_dx_al() -> Code:
    """`out dx, al`: EE."""
    return Code(b"\xee")


def cli() -> Code:
    """`cli`: FA."""
    return Code(b"\xfa")


def hlt() -> Code:
    """`hlt`: F4."""
    return Code(b"\xf4")
