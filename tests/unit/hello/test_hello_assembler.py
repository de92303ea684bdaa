"""The assembler against GNU as: the same instruction, the same bytes."""

import inspect
from collections.abc import Callable

import pytest

from xlbuild.hello import assembler as asm
from xlbuild.hello.assembler import Align, Code, Label, Register, Reserve, assemble

EAX, ECX, EDX, EBX = Register.EAX, Register.ECX, Register.EDX, Register.EBX
ESP, EBP, ESI, EDI = Register.ESP, Register.EBP, Register.ESI, Register.EDI

# Bytes: GNU as 2.40 (`as --64`), read with `objdump -d`; `as --32` gives the same for all but the two marked
# 64-bit, and inc and dec, for which it takes the one-byte forms that 64-bit mode does not have. Memory operands
# were written with {disp32}, immediates as 0x12345678, and the targets of jumps lay more than 127 bytes away:
# that makes it take the long forms.
GNU_AS: dict[str, tuple[Callable[..., Code], tuple[int, ...], str]] = {
    "mov %esi,%ebp": (asm.mov, (EBP, ESI), "89 f5"),
    "mov $0x12345678,%edi": (asm.mov_imm, (EDI, 0x12345678), "bf 78 56 34 12"),
    "mov 0x20(%rbp),%eax": (asm.load, (EAX, EBP, 0x20), "8b 85 20 00 00 00"),
    "mov 0x68(%rbp),%rdi": (asm.load64, (EDI, EBP, 0x68), "48 8b bd 68 00 00 00"),  # 64-bit mode
    "mov %edx,0xc0c(%rbp)": (asm.store, (EBP, 0xC0C, EDX), "89 95 0c 0c 00 00"),
    "mov %al,0x400(%rdi)": (asm.store_al, (EDI, 0x400), "88 87 00 04 00 00"),
    "add %ebp,%edi": (asm.add, (EDI, EBP), "01 ef"),
    "sub %ecx,%eax": (asm.sub, (EAX, ECX), "29 c8"),
    "cmp %edx,%eax": (asm.cmp, (EAX, EDX), "39 d0"),
    "test %esi,%esi": (asm.test, (ESI, ESI), "85 f6"),
    "test %al,%al": (asm.test_al, (), "84 c0"),
    "add $0x12345678,%esi": (asm.add_imm, (ESI, 0x12345678), "81 c6 78 56 34 12"),
    "and $0x12345678,%edi": (asm.and_imm, (EDI, 0x12345678), "81 e7 78 56 34 12"),
    "cmp $0x12345678,%ebx": (asm.cmp_imm, (EBX, 0x12345678), "81 fb 78 56 34 12"),
    "rol $4,%eax": (asm.rol, (EAX, 4), "c1 c0 04"),
    "shl $12,%edi": (asm.shl, (EDI, 12), "c1 e7 0c"),
    "shr $3,%edi": (asm.shr, (EDI, 3), "c1 ef 03"),
    "inc %edx": (asm.inc, (EDX,), "ff c2"),
    "dec %ecx": (asm.dec, (ECX,), "ff c9"),
    "push %rcx": (asm.push, (ECX,), "51"),
    "pop %rcx": (asm.pop, (ECX,), "59"),
    "lodsb": (asm.lodsb, (), "ac"),
    "stosb": (asm.stosb, (), "aa"),
    "rep stos %eax,%es:(%rdi)": (asm.rep_stosd, (), "f3 ab"),
    "jmp *%rax": (asm.jmp_to, (EAX,), "ff e0"),
    "repne scasq": (asm.repne_scasq, (), "f2 48 af"),  # 64-bit mode
    "ret": (asm.ret, (), "c3"),
    "cpuid": (asm.cpuid, (), "0f a2"),
    "wrmsr": (asm.wrmsr, (), "0f 30"),
    "out %al,%dx": (asm.out_dx_al, (), "ee"),
    "cli": (asm.cli, (), "fa"),
    "hlt": (asm.hlt, (), "f4"),
}

# The address of each instruction in the listing, the bytes, and the address of their common target.
GNU_AS_JUMPS: dict[str, tuple[Callable[[str], Code], int, str]] = {
    "call": (asm.call, 0x46, "e8 25 10 00 00"),
    "jmp": (asm.jmp, 0x4C, "e9 1f 10 00 00"),
    "je": (asm.je, 0x51, "0f 84 19 10 00 00"),
    "jne": (asm.jne, 0x57, "0f 85 13 10 00 00"),
    "jb": (asm.jb, 0x5D, "0f 82 0d 10 00 00"),
    "jae": (asm.jae, 0x63, "0f 83 07 10 00 00"),
}
JUMP_TARGET = 0x1070


@pytest.mark.parametrize("text", GNU_AS)
def test_an_instruction_has_the_bytes_that_gnu_as_gives_it(text: str) -> None:
    instruction, operands, expected = GNU_AS[text]
    assert instruction(*operands) == Code(bytes.fromhex(expected))


@pytest.mark.parametrize("name", GNU_AS_JUMPS)
def test_a_jump_has_the_bytes_that_gnu_as_gives_it(name: str) -> None:
    jump, address, text = GNU_AS_JUMPS[name]
    expected = bytes.fromhex(text)
    between = Reserve(JUMP_TARGET - address - len(expected))
    program = assemble([jump("far"), between, Label("far")], origin=address)
    assert program.image[: len(expected)] == expected


def test_every_instruction_is_compared_with_gnu_as() -> None:
    functions = {
        name
        for name, function in inspect.getmembers(asm, inspect.isfunction)
        if function.__module__ == asm.__name__ and not name.startswith("_")
    }
    compared = {row[0].__name__ for row in (*GNU_AS.values(), *GNU_AS_JUMPS.values())}
    assert functions - compared == {"assemble", "data"}


def test_a_jump_back_counts_from_the_end_of_the_jump() -> None:
    assert assemble([Label("here"), asm.jmp("here")], origin=0x1000).image == bytes.fromhex("e9 fb ff ff ff")


def test_a_label_takes_the_origin_and_what_lies_before_it_into_account() -> None:
    program = assemble(
        [asm.mov_imm(EAX, "word"), Align(16), Label("word"), Reserve(4), Label("end")], origin=0x10_0008
    )
    assert program.labels == {"word": 0x10_0010, "end": 0x10_0014}
    assert program.image == bytes.fromhex("b8 10 00 10 00 000000 00000000")


def test_a_call_may_go_to_an_address_behind_its_label() -> None:
    program = assemble([asm.call("page", 0x20), Label("page")], origin=0)
    assert program.image == bytes.fromhex("e8 20 00 00 00")


def test_a_program_that_contradicts_itself_does_not_assemble() -> None:
    with pytest.raises(AssertionError, match="twice"):
        assemble([Label("here"), Label("here")], origin=0)
    with pytest.raises(AssertionError, match="not defined"):
        assemble([asm.jmp("nowhere")], origin=0)
    with pytest.raises(AssertionError, match="32 bits"):
        asm.mov_imm(EAX, 1 << 32)
    with pytest.raises(AssertionError, match="SIB"):
        asm.load(EAX, ESP, 0)
