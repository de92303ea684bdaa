"""ELF files, and multiboot-style binaries: their headers, notes and segments."""

from kernels import LOAD_ADDRESS, Load, Notes, Table, binary, elf_file, pattern

from refusals.model import BUILDS, PV, PVH, REFUSES, Case, Group

SEGMENT = Load(LOAD_ADDRESS, pattern(0x100))
SAYS_XEN: Notes = (("XEN_VERSION", "xen-3.0"), ("LOADER", "generic"))
AT_START = {"e_entry": LOAD_ADDRESS}


def elf(*notes: tuple[str, str | int], loads: tuple[Load, ...] = (SEGMENT,), bits: int = 64) -> bytes:
    """Return an ELF file that says that it is for Xen, with further notes."""
    return elf_file(loads, (*SAYS_XEN, *notes), bits=bits, header=AT_START)


ELF = Group(
    "ELF files and their notes",
    (
        Case(
            "four bytes of an ELF file",
            PV,
            {"vmlinuz": lambda: b"\x7fELF"},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it ends inside its ELF header
  mend:  the file seems to be cut short or damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "cut short behind its header",
            PVH,
            {"vmlinuz": lambda: elf()[:70]},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0x20, field e_phoff: no loader for an HVM container (PVH or HVM) takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: its program header table (2 of 56 bytes at 0x40) does not fit into the file's 70 bytes
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: its program header table (2 of 56 bytes at 0x40) does not fit into the file's 70 bytes
  mend:  the file seems to be cut short or damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "without Xen notes",
            PV,
            {"vmlinuz": lambda: elf_file([SEGMENT], header=AT_START)},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it has no Xen notes, and no section `__xen_guest`
  mend:  a kernel for PV needs the notes XEN_VERSION and LOADER or GUEST_OS (Linux: CONFIG_XEN_PV)
""",
        ),
        Case(
            "without Xen notes, 64 bits, as PVH",
            PVH,
            {"vmlinuz": lambda: elf_file([SEGMENT], header=AT_START)},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB320]: vmlinuz: the kernel cannot be started as PVH or HVM
  cause: as a Xen kernel: it has no Xen notes; as HVM firmware: it would have to be a 32-bit ELF file
  mend:  a kernel for PVH needs the note PHYS32_ENTRY (Linux: CONFIG_PVH)
""",
        ),
        Case(
            "for another version of Xen",
            PV,
            {
                "vmlinuz": lambda: elf_file(
                    [SEGMENT], [("XEN_VERSION", "xen-2.0"), ("LOADER", "generic")], header=AT_START
                )
            },
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, note XEN_VERSION: no loader for PV takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: its notes do not make it a PV kernel, which has XEN_VERSION `xen-3.0`, and LOADER `generic` or GUEST_OS `linux`: they have LOADER `generic`, XEN_VERSION `xen-2.0`
  mend:  a kernel for PV needs the notes XEN_VERSION and LOADER or GUEST_OS (Linux: CONFIG_XEN_PV)
""",
        ),
        Case(
            "that requires a feature which Xen does not know",
            PV,
            {"vmlinuz": lambda: elf(("FEATURES", "!writable_page_tabels"))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0x1f0, note FEATURES: no loader for PV takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it requires the feature `writable_page_tabels`, which Xen does not know
  mend:  require no features but these: writable_page_tables, writable_descriptor_tables, auto_translated_physmap, supervisor_mode_kernel, pae_pgdir_above_4gb, hvm_callback_vector, dom0
""",
        ),
        Case(
            "that requires to be dom0",
            PV,
            {"vmlinuz": lambda: elf(("FEATURES", "!dom0"))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB320]: vmlinuz, note FEATURES: the kernel requires features that the guest would not have
  cause: it requires the feature `dom0`: it can only be the host's own kernel
  mend:  give a kernel that is built to run as a guest
""",
        ),
        Case(
            "that requires what no PV guest has",
            PV,
            {"vmlinuz": lambda: elf(("FEATURES", "!auto_translated_physmap"))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB320]: vmlinuz, note FEATURES: the kernel requires features that the guest would not have
  cause: it requires the feature `auto_translated_physmap`, which no PV guest gets
  mend:  give a kernel that can be a PV guest's
""",
        ),
        Case(
            "entered outside of itself, PV",
            PV,
            {"vmlinuz": lambda: elf(("ENTRY", 0x1000))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, note ENTRY: no loader for PV takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: its entry point 0x1000 lies outside of it (0x100000 to 0x100100)
  mend:  correct the notes: a virtual address is p_paddr + VIRT_BASE - PADDR_OFFSET
""",
        ),
        Case(
            "entered outside of itself, PVH",
            PVH,
            {"vmlinuz": lambda: elf(("PHYS32_ENTRY", 0x1000))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB320]: vmlinuz, note PHYS32_ENTRY: the kernel cannot be started as PVH or HVM
  cause: as a Xen kernel: its entry point 0x1000 lies outside of it (0x100000 to 0x100100); as HVM firmware: it would have to be a 32-bit ELF file
  mend:  give the note PHYS32_ENTRY the physical address of its entry point
""",
        ),
        Case(
            "with a VIRT_BASE behind its start",
            PV,
            {"vmlinuz": lambda: elf(("VIRT_BASE", 1 << 40), ("PADDR_OFFSET", 1 << 40))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, note VIRT_BASE: no loader for PV takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: its VIRT_BASE 0x10000000000 lies behind its start 0x100000
  mend:  correct the notes: a virtual address is p_paddr + VIRT_BASE - PADDR_OFFSET
""",
        ),
        Case(
            "with PADDR_OFFSET but no VIRT_BASE",
            PV,
            {"vmlinuz": lambda: elf(("PADDR_OFFSET", 0))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, note PADDR_OFFSET: no loader for PV takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it has the note PADDR_OFFSET but no VIRT_BASE
  mend:  give the note VIRT_BASE, too
""",
        ),
        Case(
            "with its p2m list inside of itself",
            PV,
            {"vmlinuz": lambda: elf(("INIT_P2M", LOAD_ADDRESS))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, note INIT_P2M: no loader for PV takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: its INIT_P2M 0x100000 lies inside of it (0x100000 to 0x100100)
  mend:  set INIT_P2M to a virtual address of its own, outside of the kernel
""",
        ),
        Case(
            "with nothing to load",
            PV,
            {"vmlinuz": lambda: elf(loads=())},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it has no loadable segment (PT_LOAD)
  mend:  give a kernel that has been linked
""",
        ),
        Case(
            "that is not linked at a page",
            PVH,
            {
                "vmlinuz": lambda: elf_file(
                    [Load(LOAD_ADDRESS + 64, pattern(0x100))], [("PHYS32_ENTRY", LOAD_ADDRESS + 64)]
                )
            },
            xl=REFUSES,
            said="""\
xlbuild: error[XLB325]: vmlinuz: the kernel starts at 0x100040, which is not a page boundary
  cause: segments are whole pages of 4096 bytes
  mend:  link it at a page-aligned address
""",
        ),
        Case(
            "linked where a guest has no memory",
            PVH,
            {
                "vmlinuz": lambda: elf_file(
                    [Load(0xFE00_0000, pattern(0x100))], [("PHYS32_ENTRY", 0xFE00_0000)]
                )
            },
            xl=REFUSES,
            said="""\
xlbuild: error[XLB325]: vmlinuz: the kernel would lie where the guest has no memory
  cause: with 4 TiB, more than any guest has: it takes 0xfe000000..0xfe000100, and memory is 0x0..0xfc000000, 0x100000000..0x40004000000
  mend:  link the kernel where the guest has memory
""",
        ),
        Case(
            "with a segment that the file does not hold",
            PVH,
            {
                "vmlinuz": lambda: elf_file(
                    [SEGMENT, Load(LOAD_ADDRESS + 0x1000, b"x", header={"p_offset": 1 << 20})],
                    [("PHYS32_ENTRY", LOAD_ADDRESS)],
                )
            },
            arguments="create --strict guest.cfg",
            xl=BUILDS,
            said="""\
xlbuild: error[XLB323]: vmlinuz: the segment at 0x101000 (1 byte at file offset 0x100000) is left out, as Xen leaves it out: the file ends before it does
  mend:  the file seems to be cut short or damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "a multiboot table whose checksum is wrong",
            PV,
            {"vmlinuz": lambda: binary(Table(sum=1))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0x400: no loader for PV takes the kernel
  cause: multiboot-style binary: it has the magic 0x336ec578 at 0x400, but no table: magic, flags and checksum have to make 0, the offset has to be a multiple of 4, and the file to go on behind the table
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  if it is to have a multiboot table of Xen's, correct that
""",
        ),
        Case(
            "a multiboot table with unknown flags",
            PV,
            {"vmlinuz": lambda: binary(Table(flags=0x18002))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB320]: vmlinuz, offset 0x404, field flags: the kernel's multiboot table is one that Xen refuses
  cause: its flags are 0x18002: bit 16 (addresses are valid) must be set, and only bits 0, 14 and 15 may be
  mend:  correct the table in the kernel's sources, or give the kernel as an ELF file with Xen notes
""",
        ),
        Case(
            "a multiboot table that loads from before the file",
            PV,
            {"vmlinuz": lambda: binary(Table(load=LOAD_ADDRESS - 0x1000))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB320]: vmlinuz, offset 0x410, field load_addr: the kernel's multiboot table is one that Xen refuses
  cause: load_addr is 0xff000, not from header_addr 0x100400 less 0x400, the table's offset, to header_addr
  mend:  correct the table in the kernel's sources, or give the kernel as an ELF file with Xen notes
""",
        ),
    ),
)
