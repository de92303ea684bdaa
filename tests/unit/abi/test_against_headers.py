"""Every structure and constant of abi/, and other modules' numbers of Xen's headers, are what gcc makes of those."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest
from construct import Array
from headers import HEADERS, values_of
from kernels import NOTE_TYPES

from xlbuild import abi, units
from xlbuild.abi import dump_core
from xlbuild.abi.hvm_save import HVM_SAVE_NAMES
from xlbuild.abi.layout import Layout, array, raw, u8, u16, u32, u64
from xlbuild.abi.params import HVM_PARAMS
from xlbuild.hello import elf as hello_elf
from xlbuild.hello import xen as hello_xen
from xlbuild.image.features import FEATURE_NAMES
from xlbuild.image.notes import UNREAD_NOTES, NoteType
from xlbuild.units import Mfn, extended_cr3

pytestmark = pytest.mark.headers

NOT_IN_THE_HEADERS = {
    "XENCONSOLE_DISCONNECTED": "4.17's io/console.h ends before `connection`; the toolstack sets it all the same",
    "XEN_ELFNOTE_PHYS32_RELOC": "came with 4.19's elfnote.h",
    "E820_MAX": "libxenctrl's own: E820MAX in xenctrl.h",
    "STUB_SIZE": "xen-x86_64.h has the 32 bytes in a comment only",
    "NR_STUBS": "follows from STUB_SIZE",
}
"""What no header of Debian's libxen-dev 4.17 shows, structures or constants, and why."""

FLEXIBLE_RECORDS = ("CPU_XSAVE", "CPU_MSR")
"""HVM context records whose numbers are plain constants, as they have no structure of one size."""

OF_DOCUMENTS = ("xlbuild.abi.save_file", "xlbuild.abi.dump_core")
"""File formats that documents describe, not headers; the dump-core's types of notes are in elfnote.h all the same."""


def _modules() -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(abi.__path__, "xlbuild.abi."):
        if module.name not in OF_DOCUMENTS:
            yield importlib.import_module(module.name)


LAYOUTS = {
    f"{module.__name__.removeprefix('xlbuild.')}.{name}": layout
    for module in _modules()
    for name, layout in vars(module).items()
    if isinstance(layout, Layout) and layout.name not in NOT_IN_THE_HEADERS
}

_INNER = {"console_mfn": "console.domU.mfn", "console_evtchn": "console.domU.evtchn"}
"""Members of members, by the names that a layout has for them."""
_ARCH = ("max_pfn", "pfn_to_mfn_frame_list_list", "nmi_reason", "p2m_cr3", "p2m_vaddr", "p2m_generation")
_INNER |= {name: f"arch.{name}" for name in _ARCH}


def c_name(layout: Layout, field: str) -> str:
    """Return what a field is in C, where members have members."""
    names = layout.field_names
    if "trap_ctxt" in names and names.index("flags") < names.index(field) < names.index("trap_ctxt"):
        return f"user_regs.{field}"
    if field == "wc_sec_hi" and names.index(field) > names.index("max_pfn"):
        return "arch.wc_sec_hi"
    return _INNER.get(field, field)


def in_c(layout: Layout) -> dict[str, str]:
    """Return the C expressions for whatever a layout says: size, and each field's offset, size and element's size."""
    struct = layout.name.partition(" ")[2]
    expressions = {"size": f"sizeof({struct})"}
    for field in layout.field_names:
        member = c_name(layout, field)
        expressions[f"offset of {field}"] = f"offsetof({struct}, {member})"
        expressions[f"size of {field}"] = f"sizeof((({struct} *)0)->{member})"
        if isinstance(_kind(layout, field), Array):
            expressions[f"size of {field}[0]"] = f"sizeof((({struct} *)0)->{member}[0])"
    return expressions


def in_python(layout: Layout) -> dict[str, int]:
    """Return the same, as a layout has it."""
    values = {"size": layout.size}
    for field in layout.field_names:
        values[f"offset of {field}"] = layout.offset_of(field)
        values[f"size of {field}"] = layout.size_of(field)
        kind = _kind(layout, field)
        if isinstance(kind, Array):
            values[f"size of {field}[0]"] = int(kind.subcon.sizeof())
    return values


def _kind(layout: Layout, field: str) -> object:
    return next(c.subcon for c in layout.declaration.subcons if c.name == field)


def differences(layout: Layout) -> dict[str, tuple[int, int]]:
    """Return what a layout says and the header's value, wherever they are not the same."""
    expressions, ours = in_c(layout), in_python(layout)
    theirs = dict(zip(expressions, values_of(list(expressions.values())), strict=True))
    return {what: (ours[what], theirs[what]) for what in ours if ours[what] != theirs[what]}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_structure_is_laid_out_as_in_its_header(layout: Layout) -> None:
    assert differences(layout) == {}


def test_each_structure_names_the_header_that_has_it() -> None:
    for layout in LAYOUTS.values():
        header, _, struct = layout.name.partition(" ")
        assert f"{struct} {{" in (HEADERS / header).read_text(), layout.name


_HEAD = ("paddr", u64), ("size", u64)
_TAIL = ("cmdline_paddr", u64), ("reserved", u64)
_HVM_MTRR_REST = ("msr_mtrr_cap", u64), ("msr_mtrr_def_type", u64)


@pytest.mark.parametrize(
    ("struct", "fields", "expected"),
    [
        ("arch-x86/hvm/start_info.h struct hvm_modlist_entry", (*_HEAD, *_TAIL), {}),
        (
            "arch-x86/hvm/start_info.h struct hvm_modlist_entry",
            (*reversed(_HEAD), *_TAIL),
            {"offset of size": (0, 8), "offset of paddr": (8, 0)},
        ),
        (
            "arch-x86/hvm/start_info.h struct hvm_modlist_entry",
            (*_HEAD, ("cmdline_paddr", u32), ("_pad", raw(4)), ("reserved", u64)),
            {"size of cmdline_paddr": (4, 8)},
        ),
        (
            "hvm/save.h struct hvm_save_descriptor",
            (("typecode", u16), ("instance", u16), ("length", u32), ("_more", u8)),
            {"size": (9, 8)},
        ),
        (
            "arch-x86/hvm/save.h struct hvm_hw_mtrr",
            (
                ("msr_pat_cr", u64),
                ("msr_mtrr_var", array(32, u32)),
                ("msr_mtrr_fixed", array(11, u64)),
                *_HVM_MTRR_REST,
            ),
            {"size of msr_mtrr_var[0]": (4, 8)},
        ),
    ],
    ids=["right", "order", "narrow", "long", "elements"],
)
def test_a_wrong_layout_is_noticed(
    struct: str, fields: tuple[tuple[str, object], ...], expected: dict[str, tuple[int, int]]
) -> None:
    assert differences(Layout.of(struct, *fields)) == expected


def test_a_field_that_the_header_does_not_have_is_noticed() -> None:
    layout = Layout.of(
        "hvm/save.h struct hvm_save_descriptor", ("typecode", u16), ("colour", u16), ("length", u32)
    )
    with pytest.raises(AssertionError, match=r"has no member named .colour."):
        differences(layout)


SPELLED_OTHERWISE: dict[str, tuple[str, ...]] = {
    "XENCONS_CONNECTION_OFFSET": ("sizeof(struct xencons_interface)",),
    "E820_RAM": ("XEN_HVM_MEMMAP_TYPE_RAM",),
    "E820_RESERVED": ("XEN_HVM_MEMMAP_TYPE_RESERVED",),
    "E820_ACPI": ("XEN_HVM_MEMMAP_TYPE_ACPI",),
    "E820_NVS": ("XEN_HVM_MEMMAP_TYPE_NVS",),
    "E820_UNUSABLE": ("XEN_HVM_MEMMAP_TYPE_UNUSABLE",),
    "HVM_SAVE_CODE_END": ("HVM_SAVE_CODE(END)",),
    "HVM_SAVE_CODE_HEADER": ("HVM_SAVE_CODE(HEADER)",),
    "HVM_SAVE_CODE_CPU": ("HVM_SAVE_CODE(CPU)",),
    "HVM_SAVE_CODE_MTRR": ("HVM_SAVE_CODE(MTRR)",),
    "HYPERVISOR_IRET": ("__HYPERVISOR_iret",),
    "XEN_LEGACY_MAX_VCPUS": (
        "XEN_LEGACY_MAX_VCPUS_X86_64",
        "XEN_LEGACY_MAX_VCPUS_X86_32",
        "sizeof(((struct shared_info_x86_64 *)0)->vcpu_info) / sizeof(struct vcpu_info_x86_64)",
        "sizeof(((struct shared_info_x86_32 *)0)->vcpu_info) / sizeof(struct vcpu_info_x86_32)",
    ),
    "VCPU_INFO_SIZE": ("sizeof(struct vcpu_info_x86_64)", "sizeof(struct vcpu_info_x86_32)"),
    "EVTCHN_UPCALL_MASK_OFFSET": (
        "offsetof(struct shared_info_x86_64, vcpu_info[0].evtchn_upcall_mask)",
        "offsetof(struct shared_info_x86_32, vcpu_info[0].evtchn_upcall_mask)",
    ),
    "MAX_GUEST_CMDLINE": ("MAX_GUEST_CMDLINE_X86_64", "MAX_GUEST_CMDLINE_X86_32"),
    "VGCF_IN_KERNEL": ("VGCF_in_kernel_X86_64", "VGCF_in_kernel_X86_32"),
    "VGCF_ONLINE": ("VGCF_online_X86_64", "VGCF_online_X86_32"),
    "VMASST_TYPE_PAE_EXTENDED_CR3": ("VMASST_TYPE_pae_extended_cr3",),
    "MEMORY_OP": ("__HYPERVISOR_memory_op",),
    "XENMEM_SET_MEMORY_MAP": ("XENMEM_set_memory_map",),
    "CONSOLE_IO": ("__HYPERVISOR_console_io",),
    "SCHED_OP": ("__HYPERVISOR_sched_op",),
    "EVENT_CHANNEL_OP": ("__HYPERVISOR_event_channel_op",),
    "HVM_OP": ("__HYPERVISOR_hvm_op",),
    "CONSOLEIO_WRITE": ("CONSOLEIO_write",),
    "SCHEDOP_YIELD": ("SCHEDOP_yield",),
    "SCHEDOP_SHUTDOWN": ("SCHEDOP_shutdown",),
    "EVTCHNOP_SEND": ("EVTCHNOP_send",),
    "HVMOP_GET_PARAM": ("HVMOP_get_param",),
    "SHUTDOWN_POWEROFF": ("SHUTDOWN_poweroff",),
}
"""Where C's name is another than Python's: an expression, or several that must all have the value."""


def _constants() -> Iterator[tuple[str, int]]:
    """Yield every number whose name is public, then the members of tables, by their names in C."""
    for module in (*_modules(), hello_xen):
        for name, value in vars(module).items():
            if (
                name.isupper()
                and not name.startswith("_")
                and isinstance(value, int)
                and not hasattr(units, name)
            ):
                yield name, value
    yield from ((f"HVM_PARAM_{name}", value) for name, value in HVM_PARAMS.items())
    for notes in (NoteType.__members__, hello_elf.NoteType.__members__, NOTE_TYPES):
        yield from ((f"XEN_ELFNOTE_{name}", value) for name, value in notes.items())
    yield from ((f"XEN_ELFNOTE_{name}", value) for value, name in UNREAD_NOTES.items())
    yield from ((name, value) for name, value in vars(dump_core).items() if name.startswith("XEN_ELFNOTE_"))
    yield from ((f"1 << XENFEAT_{name}", value) for name, value in FEATURE_NAMES.items())
    yield from (
        (f"{name}_CODE" if name in FLEXIBLE_RECORDS else f"HVM_SAVE_CODE({name})", value)
        for value, name in HVM_SAVE_NAMES.items()
    )


CONSTANTS = [item for item in _constants() if item[0] not in NOT_IN_THE_HEADERS]


def test_every_constant_is_the_headers() -> None:
    spelled = [
        (name, value, expression)
        for name, value in CONSTANTS
        for expression in SPELLED_OTHERWISE.get(name, (name,))
    ]
    theirs = values_of([expression for _, _, expression in spelled])
    wrong = {
        (name, expression): (value, real)
        for (name, value, expression), real in zip(spelled, theirs, strict=True)
        if value != real
    }
    assert wrong == {}


def test_the_table_of_spellings_names_nothing_that_has_gone() -> None:
    known = {name for name, _ in _constants()} | {layout.name for layout in LAYOUTS.values()}
    assert set(SPELLED_OTHERWISE) | set(NOT_IN_THE_HEADERS) <= known


def test_a_32_bit_guests_cr3_is_packed_as_the_headers_macro_does() -> None:
    frames = [1, 0x12345, 0xFFFFF, 0x100000, 0x123456, 0xFFFFFFFF]
    theirs = values_of([f"(uint32_t)xen_pfn_to_cr3_x86_32({frame}u)" for frame in frames])
    assert [extended_cr3(Mfn(frame)) for frame in frames] == theirs
