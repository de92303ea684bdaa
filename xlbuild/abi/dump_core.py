"""A dump-core: an ELF core file of Xen's own kind (public docs/misc/dump-core-format; notes: elfnote.h)."""

from xlbuild.abi.layout import Layout, raw, u16, u32, u64

XEN_ELFNOTE_DUMPCORE_NONE = 0x2000000
"""Marks the file as Xen's."""
XEN_ELFNOTE_DUMPCORE_HEADER = 0x2000001
XEN_ELFNOTE_DUMPCORE_XEN_VERSION = 0x2000002
XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION = 0x2000003

NOTE_NAME = "Xen"
MAGIC_PV = 0xF00FEBED
MAGIC_HVM = 0xF00FEBEE
FORMAT_VERSION = 1

NOTE_SECTION = ".note.Xen"
PRSTATUS_SECTION = ".xen_prstatus"
"""struct vcpu_guest_context of each vCPU that has one."""
SHARED_INFO_SECTION = ".xen_shared_info"
P2M_SECTION = ".xen_p2m"
"""A PV guest's: pairs of u64, the guest frame and the machine frame of each page."""
PFN_SECTION = ".xen_pfn"
"""An HVM container's: u64, the frame of each page."""
PAGES_SECTION = ".xen_pages"
"""The pages in that order."""
INVALID_PFN = (1 << 64) - 1
"""A page that could not be read: the file has one, of zeros."""

HEADER_NOTE = Layout.of(
    "XEN_ELFNOTE_DUMPCORE_HEADER",
    ("xch_magic", u64),
    ("xch_nr_vcpus", u64),
    ("xch_nr_pages", u64),
    ("xch_page_size", u64),
)
XEN_VERSION_NOTE = Layout.of(
    "XEN_ELFNOTE_DUMPCORE_XEN_VERSION",
    ("major_version", u64),
    ("minor_version", u64),
    ("extra_version", raw(16)),
    ("compile_info", raw(64 + 16 + 32 + 32)),
    ("capabilities", raw(1024)),
    ("changeset", raw(64)),
    ("platform_params", u64),
    ("pagesize", u64),
)
FORMAT_VERSION_NOTE = Layout.of("XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION", ("version", u64))

# The file's frame (System V ABI, ELF-64; /usr/include/elf.h): no program headers, all is in sections.
ELF_MAGIC = b"\x7fELF"
ELF_IDENT = ELF_MAGIC + bytes([2, 1, 1, 0, 1])
"""ELFCLASS64, ELFDATA2LSB, EV_CURRENT, System V, and 1 for the ABI's version, as `xl dump-core` has it."""
ET_CORE = 4
EM_X86_64 = 62
EV_CURRENT = 1
SHT_NULL = 0
SHT_PROGBITS = 1
SHT_STRTAB = 3
SHT_NOTE = 7
SHT_NOBITS = 8
PT_NOTE = 4

ELF64_HEADER = Layout.of(
    "elf.h Elf64_Ehdr",
    ("e_ident", raw(16)),
    ("e_type", u16),
    ("e_machine", u16),
    ("e_version", u32),
    ("e_entry", u64),
    ("e_phoff", u64),
    ("e_shoff", u64),
    ("e_flags", u32),
    ("e_ehsize", u16),
    ("e_phentsize", u16),
    ("e_phnum", u16),
    ("e_shentsize", u16),
    ("e_shnum", u16),
    ("e_shstrndx", u16),
)
ELF64_SECTION = Layout.of(
    "elf.h Elf64_Shdr",
    ("sh_name", u32),
    ("sh_type", u32),
    ("sh_flags", u64),
    ("sh_addr", u64),
    ("sh_offset", u64),
    ("sh_size", u64),
    ("sh_link", u32),
    ("sh_info", u32),
    ("sh_addralign", u64),
    ("sh_entsize", u64),
)
ELF64_SEGMENT = Layout.of(
    "elf.h Elf64_Phdr",
    ("p_type", u32),
    ("p_flags", u32),
    ("p_offset", u64),
    ("p_vaddr", u64),
    ("p_paddr", u64),
    ("p_filesz", u64),
    ("p_memsz", u64),
    ("p_align", u64),
)
ELF_NOTE = Layout.of("elf.h Elf64_Nhdr", ("n_namesz", u32), ("n_descsz", u32), ("n_type", u32))
"""The name and the descriptor follow, each padded to a multiple of 4."""

P2M_ENTRY_SIZE = 16
PFN_ENTRY_SIZE = 8
