"""Kernels in the wrong container, too little memory, modules and command lines."""

from kernels import LOAD_ADDRESS, Load, Table, binary, elf_file, pattern

from refusals.elf import AT_START, SEGMENT, elf
from refusals.model import BUILDS, CRASHES, HELLO_PV, HELLO_PVH, HVM, PV, PVH, REFUSES, Case, Group

LONG = "console=hvc0 loglevel=7 " * 42
BESIDE = "create --firmware-dir . guest.cfg"
BIOS = {"bios": lambda: bytes(pattern(4096))}

CONTAINERS = Group(
    "Kernels in the wrong container",
    (
        Case(
            "a PV kernel as PVH",
            PVH,
            {"vmlinuz": lambda: elf()},
            xl=REFUSES,
            mended='create guest.cfg type="pv"',
            said="""\
xlbuild: error[XLB320]: vmlinuz, note PHYS32_ENTRY: the kernel cannot be started as PVH or HVM
  cause: it is a PV kernel: it has no note PHYS32_ENTRY
  mend:  set type="pv"
""",
        ),
        Case(
            "a 32-bit PV kernel as PVH",
            PVH,
            {"vmlinuz": lambda: elf(("PAE_MODE", "yes"), bits=32)},
            xl=REFUSES,
            mended='create guest.cfg type="pv"',
            said="""\
xlbuild: error[XLB320]: vmlinuz, note PHYS32_ENTRY: the kernel cannot be started as PVH or HVM
  cause: it is a PV kernel: it has no note PHYS32_ENTRY
  mend:  set type="pv"
""",
        ),
        Case(
            "a kernel for PVH alone as PV",
            PV,
            {"vmlinuz": lambda: elf_file([SEGMENT], [("PHYS32_ENTRY", LOAD_ADDRESS)])},
            xl=REFUSES,
            mended='create guest.cfg type="pvh"',
            said="""\
xlbuild: error[XLB321]: vmlinuz, note XEN_VERSION: no loader for PV takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: its notes do not make it a PV kernel, which has XEN_VERSION `xen-3.0`, and LOADER `generic` or GUEST_OS `linux`: they have none of these
  mend:  it has the note PHYS32_ENTRY: as a PVH kernel, set type="pvh"
""",
        ),
        Case(
            "a multiboot-style kernel as PVH",
            PVH,
            {"vmlinuz": lambda: binary(Table())},
            xl=REFUSES,
            mended='create guest.cfg type="pv"',
            said="""\
xlbuild: error[XLB320]: vmlinuz, offset 0x400, field magic: the kernel cannot be started as PVH or HVM
  cause: it has a multiboot table of Xen's at 0x400, which makes it a PV kernel
  mend:  set type="pv"
""",
        ),
        Case(
            "a 32-bit PV kernel without PAE",
            PV,
            {"vmlinuz": lambda: elf(bits=32)},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB320]: vmlinuz, note PAE_MODE: the kernel is a 32-bit PV kernel without PAE, which no supported Xen can start
  cause: the note PAE_MODE says neither `yes` nor `bimodal`
  mend:  build the kernel with PAE
""",
        ),
        Case(
            "a 32-bit kernel with a wrong note, which Xen starts as firmware",
            PVH,
            {"vmlinuz": lambda: elf_file([SEGMENT], [("PHYS32_ENTRY", 0x1000)], bits=32, header=AT_START)},
            arguments="create --strict guest.cfg",
            xl=BUILDS,
            said="""\
xlbuild: error[XLB326]: vmlinuz, note PHYS32_ENTRY: the kernel is no PVH kernel to Xen: its entry point 0x1000 lies outside of it (0x100000 to 0x100100); it is started as if it were HVM firmware, at its ELF entry point 0x100000
  mend:  give the note PHYS32_ENTRY the physical address of its entry point
""",
        ),
        Case(
            "64-bit firmware",
            HVM,
            {"hvmloader": lambda: elf_file([SEGMENT], header=AT_START), **BIOS},
            arguments=BESIDE,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB320]: ./hvmloader: the firmware cannot be started in an HVM guest
  cause: it would have to be a 32-bit ELF file
  mend:  give hvmloader, or remove firmware_override and firmware: xlbuild then looks for hvmloader
""",
        ),
        Case(
            "firmware that is a text file",
            HVM,
            {"hvmloader": lambda: b"hvmloader\n", **BIOS},
            arguments=BESIDE,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: ./hvmloader: no loader for an HVM container (PVH or HVM) takes the firmware
  cause: it is a text file
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is not an ELF file
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  give hvmloader, or remove firmware_override and firmware: xlbuild then looks for hvmloader
""",
        ),
        Case(
            "system firmware that is empty",
            HVM,
            {"hvmloader": lambda: elf_file([SEGMENT], bits=32, header=AT_START), "bios": lambda: b""},
            arguments=BESIDE,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB503]: bios: the system firmware bios is empty
  cause: hvmloader has nothing to start
  mend:  give another file, or leave the choice to the distribution
""",
        ),
    ),
)

MEMORY = Group(
    "Memory",
    (
        Case(
            "no room for a PV guest's ramdisk",
            HELLO_PV.replace("64", "6") + '; ramdisk = "ramdisk"',
            {"ramdisk": lambda: bytes(pattern(4096)) * 2048},
            xl=REFUSES,
            mended="create guest.cfg memory=12",
            said="""\
xlbuild: error[XLB601]: guest.cfg:1:64, key memory: the guest's memory is too small: no room for the ramdisk
  cause: below the kernel 1 MiB + kernel 12 KiB + ramdisk 8 MiB + p2m list 24 KiB + page tables 36 KiB + stack, special pages and spare room 2.9 MiB = 12 MiB > 6 MiB: needs memory >= 12
         it takes 8 MiB behind the 1 MiB in use, and the guest has 6 MiB
         placed so far:
           kernel       0x100000..0x102804  12 KiB
  mend:  give the guest at least memory = 12
""",
        ),
        Case(
            "no room for what a PV kernel finds mapped",
            PV.replace("64", "3"),
            {"vmlinuz": lambda: elf()},
            xl=REFUSES,
            mended="create guest.cfg memory=4",
            said="""\
xlbuild: error[XLB601]: guest.cfg:1:55, key memory: the guest's memory is too small for its initial mapping
  cause: below the kernel 1 MiB + kernel 4 KiB + p2m list 8 KiB + page tables 20 KiB + stack, special pages and spare room 3 MiB = 4 MiB > 3 MiB: needs memory >= 4
         1024 pages are to be mapped from VIRT_BASE on, and the guest has 768
         placed so far:
           kernel       0x100000..0x100100  4 KiB
           p2m list     0x101000..0x103000  8 KiB
  mend:  give the guest at least memory = 4
""",
        ),
        Case(
            "no room for a PVH kernel",
            PVH.replace("64", "4"),
            {
                "vmlinuz": lambda: elf_file(
                    [Load(LOAD_ADDRESS, bytes(pattern(4096)), memsz=5 << 20)],
                    [("PHYS32_ENTRY", LOAD_ADDRESS)],
                )
            },
            xl=REFUSES,
            mended="create guest.cfg memory=7",
            said="""\
xlbuild: error[XLB601]: guest.cfg:1:56, key memory: the guest's memory is too small: no room for the kernel
  cause: below the kernel 1 MiB + kernel 5 MiB + start info 4 KiB = 6 MiB > 4 MiB: needs memory >= 7
         it takes 5 MiB behind the 1 MiB in use, and the guest has 4 MiB
  mend:  give the guest at least memory = 7
""",
        ),
        Case(
            "no room beside the video memory",
            HVM.replace("64", "9"),
            {
                "hvmloader": lambda: elf_file(
                    [Load(LOAD_ADDRESS, bytes(pattern(4096)), memsz=1 << 20)], bits=32, header=AT_START
                ),
                **BIOS,
            },
            arguments=BESIDE,
            xl=REFUSES,
            mended="create --firmware-dir . guest.cfg memory=11",
            said="""\
xlbuild: error[XLB601]: guest.cfg:1:36, key memory: the guest's memory is too small: no room for the hvmloader
  cause: below the hvmloader 1 MiB + hvmloader 1 MiB + System Firmware module 4 KiB + start info 4 KiB + video memory 8 MiB = 10 MiB > 9 MiB: needs memory >= 11
         it takes 1 MiB behind the 1 MiB in use, and the guest has 1 MiB
  mend:  give the guest at least memory = 11
""",
        ),
        Case(
            "no memory",
            HELLO_PV.replace("64", "0"),
            status=1,
            xl=REFUSES,
            mended="create guest.cfg memory=256",
            said="""\
xlbuild: error[XLB603]: guest.cfg:1:64, key memory: the guest has no memory
  cause: memory is 0
  mend:  set memory in MiB: memory = 256
""",
        ),
        Case(
            "memory with a unit",
            HELLO_PV.replace("64", '"64M"'),
            arguments="create --strict guest.cfg",
            status=1,
            mended="create --strict guest.cfg memory=64",
            said="""\
xlbuild: error[XLB201]: guest.cfg:1:64, key memory: memory is no number: '64M'; xl ignores it
  mend:  sizes have no unit: write the number of MiB
xlbuild: error[XLB602]: guest.cfg:1:64, key memory: memory is not set: the guest gets 32 MiB
  mend:  set memory in MiB: memory = 256
""",
        ),
    ),
)

MODULES = Group(
    "Modules and command lines",
    (
        Case(
            "an empty ramdisk",
            PVH + '; ramdisk = "ramdisk"',
            {
                "vmlinuz": lambda: elf_file([SEGMENT], [("PHYS32_ENTRY", LOAD_ADDRESS)]),
                "ramdisk": lambda: b"",
            },
            xl=REFUSES,
            said="""\
xlbuild: error[XLB503]: ramdisk: the ramdisk ramdisk is empty
  cause: the file has no bytes, and Xen loads no empty module
  mend:  give another file, or remove the ramdisk from the configuration
""",
        ),
        Case(
            "a ramdisk that is not there",
            HELLO_PVH + '; ramdisk = "initrd.img"',
            status=4,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB501]: guest.cfg:1:80, key ramdisk: the ramdisk initrd.img cannot be read
  cause: no such file or directory
  mend:  check the path; relative paths start where the command runs
""",
        ),
        Case(
            "a PV guest's command line of 1,035 bytes",
            f'{HELLO_PV}; cmdline = "{LONG}root=/dev/xvda1 ro rootwait"; disk = [ "/dev/null,raw,xvda,r" ]',
            arguments="create --strict guest.cfg",
            status=1,
            xl=BUILDS,
            mended='create --strict guest.cfg type="pvh" kernel="xlbuild:hello-pvh"',
            said="""\
xlbuild: error[XLB330]: guest.cfg:1:78, key cmdline: the command line has 1,035 bytes, and a PV guest gets 1,023: it sees all up to '…console=hvc0 loglevel=7 root=/dev/xvda1'; cut off: ' ro rootwait'
  mend:  shorten it, or use a PVH guest
""",
        ),
        Case(
            "a command line of 1,035 bytes behind the PV shim",
            f'{PVH}; pvshim = 1; pvshim_path = "shim"; cmdline = "{LONG}root=/dev/xvda1 ro rootwait"',
            {"vmlinuz": lambda: elf(), "shim": lambda: elf_file([SEGMENT], [("PHYS32_ENTRY", LOAD_ADDRESS)])},
            xl=CRASHES,
            said="""\
xlbuild: error[XLB331]: guest.cfg:1:104, key cmdline: the command line of the kernel does not fit
  cause: it has 1,035 bytes, and a module's has room for 1,023
  mend:  shorten cmdline= (root= and extra= count, too)
""",
        ),
    ),
)
