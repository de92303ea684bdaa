"""States in which no vCPU starts: what Xen refuses the context of a further vCPU for, by kind of context.

Each check takes all the registers of a structure and yields what is wrong with them, and the rule.
"""

from collections.abc import Iterator, Sequence

from xlbuild.abi.layout import Fields
from xlbuild.abi.vcpu_guest_context import FIRST_RESERVED_GDT_ENTRY
from xlbuild.x86 import CR0_PE, CR0_PG, CR4_PAE, EFER_LMA, EFER_LME, EFER_NXE

Problems = Iterator[tuple[str, str]]
"""What is wrong, and the rule."""

_AR_TYPE, _AR_S, _AR_PRESENT, _AR_LONG, _AR_GRANULARITY, _AR_UNUSED = 0x1F, 0x10, 0x80, 0x200, 0x800, 0xF000
_AR_ACCESSED, _AR_BUSY = 0x01, 0x02
"""Not looked at, in code and data segments and in tr: nothing that Xen 4.17 refuses a context for is about them."""
_READABLE = frozenset({0x11, 0x13, 0x15, 0x17, 0x1B, 0x1F})
_AR_TYPES = {
    "cs": ("a code segment", frozenset({0x19, 0x1B, 0x1D, 0x1F})),
    "ds": ("a readable segment", _READABLE),
    "es": ("a readable segment", _READABLE),
    "ss": ("a writable data segment", frozenset({0x13, 0x17})),
    "tr": ("a 32-bit TSS", frozenset({0x0B})),
}
"""What each segment must be, and its s bit and type then, accessed or busy (Intel SDM volume 3, 3.4.5 and 3.5)."""
_MAY_BE_NULL = {"ds", "es"}

_LDT_ENTRIES = 8192
_CANONICAL_BITS = 47
_PV_ADDRESSES = (
    "rip",
    "ldt_base",
    "event_callback_eip",
    "failsafe_callback_eip",
    "syscall_callback_eip",
    "fs_base",
    "gs_base_kernel",
    "gs_base_user",
)


def hvm_32_problems(fields: Fields) -> Problems:
    """Check a vcpu_hvm_x86_32."""
    regs = _numbers(fields)
    for name in _AR_TYPES:
        yield from _segment_problems(name, regs[f"{name}_ar"], regs[f"{name}_limit"])
    if regs["cs_ar"] & _AR_LONG:
        yield "cs is a 64-bit segment", "64-bit mode has a structure of its own, vcpu_hvm_x86_64"
    yield from _privilege_problems(regs)
    if regs["eip"] > regs["cs_limit"]:
        yield f"eip is {regs['eip']:#x}", f"cs ends at {regs['cs_limit']:#x}"
    if regs["efer"] & ~(EFER_NXE | EFER_LME | EFER_LMA):
        yield f"efer is {regs['efer']:#x}", "in 32-bit mode it may only have NXE, LME and LMA (hvm_vcpu.h)"
    yield from _paging_problems(regs)


def hvm_64_problems(fields: Fields) -> Problems:
    """Check a vcpu_hvm_x86_64."""
    regs = _numbers(fields)
    for name, bit, needed in (("cr0", "PG", CR0_PG), ("cr4", "PAE", CR4_PAE), ("efer", "LME", EFER_LME)):
        if not regs[name] & needed:
            yield f"{name} is {regs[name]:#x}", f"a start in long mode needs {bit}"
    yield from _paging_problems(regs)
    yield from _address_problems(regs, ("rip",))


def pv_32_problems(fields: Fields) -> Problems:
    """Check a vcpu_guest_context_x86_32."""
    regs = _numbers(fields)
    for name in ("cs", "ss"):
        if not regs[name] & ~3:
            yield f"{name} is null", "a PV kernel starts with segments from the GDT; Xen's flat ones will do"
    if regs["gdt_ents"] > FIRST_RESERVED_GDT_ENTRY:
        yield f"gdt_ents is {regs['gdt_ents']}", f"Xen has the GDT from entry {FIRST_RESERVED_GDT_ENTRY} on"
    if regs["ldt_ents"] > _LDT_ENTRIES:
        yield f"ldt_ents is {regs['ldt_ents']}", f"an LDT has {_LDT_ENTRIES} entries at most"
    ctrlreg = fields["ctrlreg"]
    assert isinstance(ctrlreg, Sequence)
    if not ctrlreg[3]:
        yield "ctrlreg[3] is 0", "it is cr3, and a PV guest has page tables from its first instruction on"


def pv_64_problems(fields: Fields) -> Problems:
    """Check a vcpu_guest_context_x86_64: as the 32-bit one, and its addresses."""
    yield from pv_32_problems(fields)
    yield from _address_problems(_numbers(fields), _PV_ADDRESSES)


def _numbers(fields: Fields) -> dict[str, int]:
    return {name: value for name, value in fields.items() if isinstance(value, int)}


def _segment_problems(name: str, ar: int, limit: int) -> Problems:
    needed, types = _AR_TYPES[name]
    if ar & _AR_UNUSED:
        yield f"{name}_ar is {ar:#x}", "bits 12 to 15 of segment attributes must be zero"
    elif ar == 0 and name in _MAY_BE_NULL:
        return
    elif not ar & _AR_PRESENT:
        yield f"{name} is not present", "only ds and es may be null, with attributes 0"
    elif ar & _AR_TYPE | (_AR_ACCESSED if ar & _AR_S else _AR_BUSY) not in types:
        yield f"{name}_ar is {ar:#x}", f"{name} must be {needed}"
    elif (limit & 0xFFF != 0xFFF) if ar & _AR_GRANULARITY else limit > 0xFFFFF:
        rule = "in bytes, it ends in 0xfff if the segment's granularity is 4 KiB, else it is 0xfffff at most"
        yield f"{name}_limit is {limit:#x}", rule


def _privilege_problems(regs: dict[str, int]) -> Problems:
    dpl = {name: regs[f"{name}_ar"] >> 5 & 3 for name in ("cs", "ss", "ds", "es")}
    if dpl["ss"] != dpl["cs"] or max(dpl["ds"], dpl["es"]) > dpl["cs"]:
        yield (
            "privilege levels are {cs} (cs), {ss} (ss), {ds} (ds) and {es} (es)".format(**dpl),
            "ss's must equal cs's, and neither ds's nor es's may be greater",
        )


def _paging_problems(regs: dict[str, int]) -> Problems:
    paging, long = regs["cr0"] & CR0_PG, regs["efer"] & EFER_LME
    if paging and not regs["cr0"] & CR0_PE:
        yield f"cr0 is {regs['cr0']:#x}", "paging (PG) needs protected mode (PE)"
    if regs["efer"] & EFER_LMA and not (paging and long):
        yield f"efer is {regs['efer']:#x}", "LMA needs LME, and PG in cr0"
    if paging and long and not regs["cr4"] & CR4_PAE:
        yield f"cr4 is {regs['cr4']:#x}", "long mode needs PAE"


def _address_problems(regs: dict[str, int], names: Sequence[str]) -> Problems:
    for name in names:
        if regs[name] >> _CANONICAL_BITS not in (0, (1 << 64 - _CANONICAL_BITS) - 1):
            yield f"{name} is {regs[name]:#x}", "an address's upper bits must equal its bit 47"
