"""Comparisons made by hand: what each way of showing one is shown with."""

from dataclasses import replace

from xlbuild.diff.model import (
    Change,
    Comparison,
    Difference,
    MapRow,
    OwnerPages,
    Piece,
    Run,
    Section,
    Side,
    Span,
)
from xlbuild.units import GIB, KIB, MIB, PAGE_SIZE, PhysAddr

DIGEST = "a73d94ab2b2b112b7d0e5792ca4ed7f3979c80c981ee06cd6969564e1f3e9820"
OTHER_DIGEST = "0f5c1d4e7788aa06f0a1b3ad0a2f7c4ab9e6f0b1d2c3e4f5061728394a5b6c7d"
HOSTILE = "<script>alert(1)</script>\" onload='x' &amp; \x1b[31m\x9b]]> -- {} \udcff"
"""What must reach no page as markup, and no terminal as a command."""


def span(first: int, size: int, virtual: int | None = None) -> Span:
    return Span(PhysAddr(first), PhysAddr(first + size), virtual)


def memory_map(ram: int) -> tuple[MapRow, ...]:
    return (
        MapRow(span(0, ram), "RAM"),
        MapRow(span(0xFEFF8000, 32 * KIB), "reserved"),
        MapRow(span(0xFC000000, PAGE_SIZE), "ACPI NVS"),
        MapRow(span(0xFC001000, 5 * PAGE_SIZE), "ACPI NVS"),
    )


def side(label: str, **changes: object) -> Side:
    return replace(
        Side(label, "configuration", "PVH", "4.17", DIGEST, memory_map(256 * MIB)),
        **changes,  # type: ignore[arg-type] # whichever member a test is about
    )


def same() -> Comparison:
    return Comparison(side("web.cfg (Xen 4.17)"), side("copy/web.cfg (Xen 4.17)"), ())


def same_guest_otherwise_made() -> Comparison:
    path = Difference("inputs[kernel].path", Change.CHANGED, "vmlinuz", "/boot/vmlinuz")
    release = Difference("profile", Change.CHANGED, "4.17", "4.18")
    return replace(
        same(),
        sections=(
            Section("inputs", "files it was made from", (path,), counts=False),
            Section("built_as", "release", (release,), counts=False),
        ),
    )


KERNEL = span(0x1000000, 0x2C05000)
RAMDISK_SIZE = 0x1E4A000


def grown_ramdisk() -> Comparison:
    """A ramdisk that is larger by a page: what lies behind it shifts, and nothing else happens."""
    ramdisk = span(0x3C05000, RAMDISK_SIZE)
    grown = span(0x3C05000, RAMDISK_SIZE + PAGE_SIZE)
    why = "HVM start info moved by 0x1000"
    high = [
        Piece(name, f"{name} page", span(address, PAGE_SIZE), span(address, PAGE_SIZE))
        for name, address in (("xenstore", 0xFEFFC000), ("ident_pt", 0xFEFFE000), ("console", 0xFEFFF000))
    ]
    return Comparison(
        side("web.cfg (Xen 4.17)"),
        side("web.cfg ramdisk='new.img' (Xen 4.17)", digest=OTHER_DIGEST),
        (
            Section(
                "inputs",
                "made from",
                (
                    Difference("inputs[ramdisk].path", Change.CHANGED, "initrd.img", "new.img"),
                    Difference("inputs[ramdisk].size", Change.CHANGED, 31760384, 31764480),
                    Difference("inputs[ramdisk].sha256", Change.CHANGED, DIGEST, OTHER_DIGEST),
                ),
                counts=False,
            ),
            Section(
                "start_info",
                "start info",
                (
                    Difference("start_info.paddr", Change.SHIFTED, "0x5a4f000", "0x5a50000", why=why),
                    Difference("start_info.cmdline_paddr", Change.SHIFTED, "0x5a4f100", "0x5a50100", why=why),
                    Difference("start_info.modlist_paddr", Change.SHIFTED, "0x5a4f040", "0x5a50040", why=why),
                    Difference(
                        "start_info.modlist[0].cmdline_paddr",
                        Change.SHIFTED,
                        "0x5a4f900",
                        "0x5a50900",
                        why=why,
                    ),
                    Difference("start_info.modlist[0].size", Change.CHANGED, 31760384, 31764480),
                ),
            ),
            Section(
                "vcpus",
                "registers",
                (Difference("vcpus[0].registers[rbx]", Change.SHIFTED, "0x5a4f000", "0x5a50000", why=why),),
            ),
        ),
        (
            Piece("kernel", "kernel", KERNEL, KERNEL),
            Piece("module0", "ramdisk", ramdisk, grown),
            Piece("HVM start info", "start info", span(0x5A4F000, 0x920), span(0x5A50000, 0x920)),
            *high,
        ),
        (
            OwnerPages(
                "module0",
                same=7753,
                changed=0,
                shifted=0,
                added=1,
                removed=0,
                runs=(
                    Run(
                        "module0",
                        RAMDISK_SIZE,
                        PAGE_SIZE,
                        Change.ADDED,
                        PAGE_SIZE,
                        b=b"070701 and a page"[:16],
                    ),
                ),
            ),
            OwnerPages(
                "HVM start info",
                same=0,
                changed=1,
                shifted=0,
                added=0,
                removed=0,
                runs=(
                    Run(
                        *("HVM start info", 0x19, 2, Change.SHIFTED, 2, "start_info.modlist_paddr"),
                        a=b"\xf0\xa4",
                        b=b"\x00\xa5",
                        why=why,
                    ),
                    Run(
                        *("HVM start info", 0x49, 1, Change.CHANGED, 1, "start_info.modlist[0].size"),
                        words="start_info.modlist[0].size + 1",
                        a=b"\xa0",
                        b=b"\xb0",
                    ),
                ),
            ),
        ),
    )


def longer_command_line() -> Comparison:
    """One byte more in a command line, in a guest that is the same but for that."""
    a = "console=hvc0 root=/dev/xvda1 ro"
    place = span(0x103000, 0x900)
    return Comparison(
        side("web.cfg (Xen 4.17)"),
        side(f"web.cfg cmdline='{a} ' (Xen 4.17)", digest=OTHER_DIGEST),
        (
            Section("command_line", "decision", (Difference("command_line", Change.CHANGED, a, f"{a} "),)),
            Section(
                "start_info",
                "start info",
                (Difference("start_info.cmdline", Change.CHANGED, a, f"{a} "),),
            ),
        ),
        (
            Piece("kernel", "kernel", span(0x100000, 0x2904), span(0x100000, 0x2904)),
            Piece("HVM start info", "start info", place, place, contents_differ=True),
        ),
        (
            OwnerPages(
                "HVM start info",
                *(0, 1, 0, 0, 0),
                runs=(
                    Run(
                        *("HVM start info", 0x11F, 1, Change.CHANGED, 1, "start_info.cmdline"),
                        words="start_info.cmdline + 31",
                        a=b"\0",
                        b=b" ",
                    ),
                ),
            ),
        ),
    )


def other_container() -> Comparison:
    """A kernel as a PV and as a PVH guest with more memory: hardly anything is where it was."""
    base = 0xFFFFFFFF80000000
    pv = [
        Piece(name, name, span(first, size, base + first), None)
        for name, first, size in (
            ("phys2mach", 0x5A4F000, 0x80000),
            ("page tables", 0x5AD2000, 0x31000),
            ("boot_stack", 0x5B03000, PAGE_SIZE),
        )
    ]
    pvh = [
        Piece(name, name, None, span(first, size))
        for name, first, size in (
            ("HVM start info", 0x5A4F000, 0x920),
            ("ACPI info", 0xFC000000, PAGE_SIZE),
            ("ACPI tables", 0xFC001000, 5 * PAGE_SIZE),
            ("RSDP", 0xFC006000, 64),
            ("ioreq", 0xFEFFD000, PAGE_SIZE),
        )
    ]
    moved = [
        Piece(name, name, span(first, PAGE_SIZE, base + first), span(to, PAGE_SIZE), contents_differ=differ)
        for name, first, to, differ in (
            ("start_info", 0x5ACF000, 0x5A50000, True),
            ("xenstore", 0x5ACF000 + PAGE_SIZE, 0xFEFFC000, False),
            ("console", 0x5ACF000 + 2 * PAGE_SIZE, 0xFEFFF000, False),
        )
    ]
    kernel = Piece("kernel", "kernel", replace(KERNEL, virtual=base + KERNEL.first), KERNEL)
    pieces = [
        kernel,
        Piece(
            "module0",
            "ramdisk",
            span(0x3C05000, RAMDISK_SIZE, base + 0x3C05000),
            span(0x3C05000, RAMDISK_SIZE),
        ),
        *(pv + pvh + moved),
    ]
    registers = [
        Difference(f"vcpus[0].registers[{name}]", Change.REMOVED, f"{number:#x}", None)
        for number, name in enumerate(("rip", "rsp", "rsi", "rflags", "cs", "ss", "kernel_ss", "kernel_sp"))
    ]
    return Comparison(
        side(
            "web.cfg type='pv' (Xen 4.22)",
            container="PV",
            profile="4.22",
            memory_map=(MapRow(span(0, 257 * MIB), "RAM"),),
        ),
        side(
            "web.cfg type='pvh' memory=5120 (Xen 4.22)",
            profile="4.22",
            digest=OTHER_DIGEST,
            memory_map=(*memory_map(3968 * MIB), MapRow(span(4 * GIB, GIB), "RAM")),
        ),
        (
            Section(
                "container",
                "decision",
                (
                    Difference("container", Change.CHANGED, "pv", "pvh"),
                    Difference("guest_type", Change.CHANGED, "xen-3.0-x86_64", "hvm-3.0-x86_32"),
                    Difference("total_pages", Change.CHANGED, 65536, 1310720, "256 MiB", "5 GiB"),
                    Difference("target_pages", Change.ADDED, None, 1310720, None, "5 GiB"),
                ),
            ),
            Section(
                "vcpus",
                "registers",
                (
                    *registers,
                    Difference("vcpus[0].registers[cr0]", Change.ADDED, None, "0x11", None, "PE, ET"),
                    Difference("vcpus[0].is_online", Change.CHANGED, False, True),
                ),
            ),
        ),
        tuple(sorted(pieces, key=lambda piece: (piece.a or piece.b or KERNEL).first)),
        (
            OwnerPages("kernel", 11200, 3, 0, 0, 0, runs=kernel_runs(12), runs_left_out=7),
            OwnerPages("page tables", 0, 0, 0, 0, 50, runs=()),
            OwnerPages("ACPI tables", 0, 0, 0, 5, 0, runs=()),
            OwnerPages("phys2mach", 0, 0, 0, 0, 128, runs=()),
        ),
        remarks=(
            "memory.img is not what domain.json's digest says it is: the guest was changed after it was built",
        ),
    )


def kernel_runs(count: int) -> tuple[Run, ...]:
    return tuple(
        Run(
            "kernel",
            0x1200 + 0x340 * n,
            40,
            Change.CHANGED,
            9,
            words=f".text + {0x200 + 0x340 * n:#x}",
            a=bytes(range(n, n + 16)),
            b=bytes(range(n, n + 15)) + b"!",
        )
        for n in range(count)
    )


def kernels() -> Comparison:
    """Two kernel files: no guests, so no memory."""
    return Comparison(
        Side("vmlinuz-6.1.0-50-amd64", "kernel"),
        Side("vmlinuz-6.1.0-50-cloud-amd64", "kernel"),
        (
            Section(
                "kernel",
                "kernel",
                (
                    Difference("release", Change.CHANGED, "6.1.0-50-amd64", "6.1.0-50-cloud-amd64"),
                    Difference(
                        "notes[XEN_ELFNOTE_ENTRY]", Change.CHANGED, "0xffffffff8358e160", "0xffffffff82f8e160"
                    ),
                ),
            ),
            Section(
                "sections",
                "sections",
                tuple(
                    Difference(f"sections[.text{n}].size", Change.CHANGED, 0x1000 * n, 0x1010 * n)
                    for n in range(1, 60)
                ),
            ),
        ),
    )


def hostile() -> Comparison:
    """Whatever comes from files says something that it should not."""
    return Comparison(
        side(HOSTILE, what=HOSTILE, container=HOSTILE, profile=HOSTILE, digest=HOSTILE),
        side(HOSTILE * 40, memory_map=(MapRow(span(0, 1), HOSTILE),)),
        (
            Section(
                HOSTILE,
                HOSTILE,
                (
                    Difference(HOSTILE, Change.CHANGED, HOSTILE, HOSTILE * 9, HOSTILE, None, HOSTILE),
                    Difference(HOSTILE, Change.SHIFTED, "0x" + "f" * 16, "0xnonsense", why=HOSTILE),
                    Difference(f"{HOSTILE}.size", Change.REMOVED, 1 << 80, None),
                    Difference("", Change.CHANGED, "", " "),
                ),
            ),
        ),
        (
            Piece(HOSTILE, HOSTILE, span(0, 0), span((1 << 64) - PAGE_SIZE, PAGE_SIZE, 1 << 63)),
            Piece(HOSTILE, HOSTILE, span(0, PAGE_SIZE), span(0, 2 * PAGE_SIZE), contents_differ=True),
            Piece(HOSTILE * 9, HOSTILE, None, span(1, 1)),
            Piece("inside", "inside of others", span(16, 16), span(0, PAGE_SIZE)),
        ),
        (
            OwnerPages(
                HOSTILE,
                *(1, 1, 1, 1, 1),
                runs=(
                    Run(HOSTILE, 3, 5, Change.CHANGED, 2, HOSTILE, HOSTILE, b"<b>&", b"</b>", HOSTILE),
                    Run(HOSTILE, 3, 5, Change.SHIFTED, 2, why=HOSTILE),
                ),
                runs_left_out=3,
            ),
        ),
        (HOSTILE,),
    )


EVERY = {
    make.__name__: make
    for make in (
        *(same, same_guest_otherwise_made, grown_ramdisk, longer_command_line),
        *(other_container, kernels, hostile),
    )
}
"""All of them, by what they show."""
