"""Small dump-cores, put together by hand from the public document: what readers are tried with.

The PV guest has ten frames, whose machine frames go down as the guest's go up:

    0 kernel   1 p2m list   2 start_info   3 xenstore   4 console   5 L4   6 L3   7 L2   8 L1   9 boot stack
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

PAGE = 4096
BASE = 0xFFFF_FFFF_8000_0000
PV_FRAMES = 10
KERNEL, P2M, START_INFO, XENSTORE, CONSOLE, L4, L3, L2, L1, STACK = range(PV_FRAMES)
ENTRY = BASE + 0x10

NOTES, PRSTATUS, SHARED_INFO, PAGES = ".note.Xen", ".xen_prstatus", ".xen_shared_info", ".xen_pages"
TABLES = {True: ".xen_p2m", False: ".xen_pfn"}
MAGICS = {True: 0xF00FEBED, False: 0xF00FEBEE}


@dataclass(frozen=True)
class Core:
    """What a dump-core is made of."""

    is_pv: bool
    contexts: Sequence[bytes]
    frames: Sequence[tuple[int, int]]
    """A guest's and a machine's, the same in an HVM container."""
    pages: Sequence[bytes]
    shared_info: bytes | None = None
    notes: bytes | None = None
    """None: those of the rest."""
    more: dict[str, bytes] = field(default_factory=dict)
    """Further sections, and others' contents in place of what they would have."""
    order: Sequence[str] = (NOTES, PRSTATUS, SHARED_INFO, PAGES, ".xen_p2m", ".xen_pfn", ".shstrtab")

    def sections(self) -> dict[str, bytes]:
        """Return all sections' contents in the order of the file."""
        table = [number for pair in self.frames for number in (pair if self.is_pv else pair[:1])]
        sections = {
            NOTES: notes(self) if self.notes is None else self.notes,
            PRSTATUS: b"".join(self.contexts),
            TABLES[self.is_pv]: struct.pack(f"<{len(table)}Q", *table),
            PAGES: b"".join(self.pages),
        }
        if self.shared_info is not None:
            sections[SHARED_INFO] = self.shared_info
        sections |= self.more
        sections[".shstrtab"] = b"\0" + b"".join(name.encode() + b"\0" for name in (*sections, ".shstrtab"))
        return {name: sections[name] for name in sorted(sections, key=self._rank)}

    def _rank(self, name: str) -> int:
        return self.order.index(name) if name in self.order else len(self.order)

    def changed(self, **members: object) -> "Core":
        """Return another one."""
        return replace(self, **members)  # type: ignore[arg-type]


def core_file(core: Core) -> bytes:
    """Return the file."""
    sections = core.sections()
    strings = sections[".shstrtab"]
    at = 64 + 64 * (len(sections) + 1)
    headers, body = [bytes(64)], b""
    for name, content in sections.items():
        kind = {NOTES: 7, ".shstrtab": 3}.get(name, 1)
        place = strings.index(b"\0" + name.encode() + b"\0") + 1
        headers.append(
            struct.pack("<IIQQQQIIQQ", place, kind, 0, 0, at + len(body), len(content), 0, 0, 0, 0)
        )
        body += content
    names = 1 + list(sections).index(".shstrtab")
    ident = b"\x7fELF\2\1\1\0\1".ljust(16, b"\0")
    head = struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 0, 64, 0, 64, 56, 0, 64, len(headers), names)
    return ident + head + b"".join(headers) + body


def note(kind: int, body: bytes, name: bytes = b"Xen\0") -> bytes:
    """Return a note."""
    return struct.pack("<III", len(name), len(body), kind) + name + body


def notes(core: Core, magic: int | None = None, page_size: int = PAGE, version: int = 1) -> bytes:
    """Return the notes of a dump, of Xen 4.17.7."""
    header = struct.pack(
        "<4Q",
        MAGICS[core.is_pv] if magic is None else magic,
        len(core.contexts),
        len(core.frames),
        page_size,
    )
    xen = struct.pack("<QQ16s", 4, 17, b".7").ljust(1280, b"\0")
    kinds = ((0, b""), (1, header), (2, xen), (3, struct.pack("<Q", version)))
    return b"".join(note(0x2000000 + kind, body) for kind, body in kinds)


def page(content: bytes = b"") -> bytes:
    """Return a page that begins with something."""
    return content.ljust(PAGE, b"\0")


def words(entries: dict[int, int]) -> bytes:
    """Return a page of 512 words."""
    return struct.pack("<512Q", *(entries.get(index, 0) for index in range(512)))


def mfn(pfn: int) -> int:
    """Return the machine frame behind a frame of the PV guest."""
    return 0x1234 + PV_FRAMES - pfn


def start_info(store: int, console: int, **other: int) -> bytes:
    """Return struct start_info of a 64-bit guest."""
    values = {"nr_pages": PV_FRAMES, "flags": 0, "mod_start": 0, "mod_len": 0} | other
    head = struct.pack(
        "<32sQQIxxxxQIxxxxQIxxxxQQQQQ",
        b"xen-3.0-x86_64",
        values["nr_pages"],
        0xABCDE000,
        values["flags"],
        store,
        1,
        console,
        2,
        BASE + L4 * PAGE,
        4,
        BASE + P2M * PAGE,
        values["mod_start"],
        values["mod_len"],
    )
    return page(head + b"quiet one")


def context(**registers: int) -> bytes:
    """Return vCPU 0's struct vcpu_guest_context of the PV guest, as the hypervisor gives it."""
    values = {
        "rip": ENTRY,
        "rsp": BASE + PV_FRAMES * PAGE,
        "rsi": BASE + START_INFO * PAGE,
        "rdx": 0,
        "cr3": mfn(L4) * PAGE,
    } | registers
    data = bytearray(5168)
    for name, offset in (("rdx", 616), ("rsi", 624), ("rip", 648), ("rsp", 672), ("cr3", 4984 + 24)):
        struct.pack_into("<Q", data, offset, values[name])
    return bytes(data)


def pv_pages(frame: object = mfn, marks: int = 0, xens: int = 0) -> list[bytes]:
    """Return the PV guest's pages.

    frame  what page tables, the p2m list and start_info have for a frame of the guest's
    marks  bits that are set in all leaves
    xens   what stands in the top table's entries that are Xen's own
    """
    assert callable(frame)
    table, leaf = 0x67, 0x23 | marks
    read_only = {L4, L3, L2, L1}
    top = {511: frame(L3) * PAGE | table} | ({256: xens, 271: xens} if xens else {})
    leaves = {pfn: frame(pfn) * PAGE | (leaf & ~2 if pfn in read_only else leaf) for pfn in range(PV_FRAMES)}
    return [
        page(b"\x90kernel"),
        page(struct.pack(f"<{PV_FRAMES}Q", *(frame(pfn) for pfn in range(PV_FRAMES)))),
        start_info(frame(XENSTORE), frame(CONSOLE)),
        page(),
        page(),
        words(top),
        words({510: frame(L2) * PAGE | table}),
        words({0: frame(L1) * PAGE | table}),
        words(leaves),
        page(),
    ]


def pv_core(**members: object) -> Core:
    """Return the PV guest's dump."""
    frames = [(pfn, mfn(pfn)) for pfn in range(PV_FRAMES)]
    whole = Core(is_pv=True, contexts=[context()], frames=frames, pages=pv_pages(), shared_info=page())
    return whole.changed(**members)


def hvm_start_info(**fields: int) -> bytes:
    """Return the page of a PVH guest's start info, with a command line and a memory map of one entry."""
    values = {
        "magic": 0x336EC578,
        "cmdline": 0x101038,
        "memmap": 0x101080,
        "entries": 1,
        "modules": 0,
    } | fields
    info = struct.pack(
        "<IIIIQQQQII",
        values["magic"],
        1,
        0,
        values["modules"],
        0x101048 if values["modules"] else 0,
        values["cmdline"],
        0,
        values["memmap"],
        values["entries"],
        0,
    )
    return page(
        info.ljust(0x38, b"\0") + b"quiet one".ljust(0x48, b"\0") + struct.pack("<QQII", 0, 16 << 20, 1, 0)
    )


def hvm_context(**registers: int) -> bytes:
    """Return what the hypervisor says of a PVH guest's vCPU 0."""
    values = {"rip": 0x100000, "rbx": 0x101000, "cr0": 0x11} | registers
    data = bytearray(5168)
    for name, offset in (("rbx", 560), ("rip", 648), ("cr0", 4984)):
        struct.pack_into("<Q", data, offset, values[name])
    struct.pack_into("<Q", data, 664, 2)
    return bytes(data)


def pvh_core(**members: object) -> Core:
    """Return a PVH guest's dump: a kernel at 1 MiB, its start info behind, and two frames of zeros."""
    frames = [(pfn, pfn) for pfn in (0, 0x100, 0x101, 0x102)]
    pages = [page(), page(b"\x90kernel"), hvm_start_info(), page()]
    return Core(is_pv=False, contexts=[hvm_context()], frames=frames, pages=pages).changed(**members)
