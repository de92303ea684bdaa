"""Files that are no kernels at all, by what they are instead."""

import gzip
import struct

from kernels import EM_AARCH64, LOAD_ADDRESS, Load, elf_file, pattern, sized

from refusals.model import BUILDS, PV, PVH, REFUSES, Case, Group

NOISE = bytes(pattern(4096))


def at(offset: int, data: bytes) -> bytes:
    """Return a file with some bytes at an offset, and noise around them."""
    return NOISE[:offset] + data + NOISE[offset + len(data) :]


FILES = Group(
    "Files that are no kernels",
    (
        Case(
            "an empty file",
            PV,
            {"vmlinuz": lambda: b""},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: the kernel file is empty
  cause: it has no bytes that could be loaded
  mend:  give the guest's own kernel: a Linux bzImage, or an ELF file (vmlinux) with Xen notes
""",
        ),
        Case(
            "nothing but zeros",
            PV,
            {"vmlinuz": lambda: bytes(100_000)},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: it starts with nothing but zeros: it was never written, or is damaged
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  compare its size and checksum with the original
""",
        ),
        Case(
            "bytes without a meaning",
            PVH,
            {"vmlinuz": lambda: NOISE},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for an HVM container (PVH or HVM) takes the kernel
  cause: multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is not an ELF file
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  give the guest's own kernel: a Linux bzImage, or an ELF file (vmlinux) with Xen notes
""",
        ),
        Case(
            "a text file",
            PV,
            {"vmlinuz": lambda: b"kernel = vmlinuz\n"},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: it is a text file
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  give the kernel itself
""",
        ),
        Case(
            "a script",
            PV,
            {"vmlinuz": lambda: b"#!/bin/sh\nexec kexec\n"},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: it is a script
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  give the kernel itself
""",
        ),
        Case(
            "an initrd",
            PV,
            {"vmlinuz": lambda: at(0, b"070701")},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: it is a cpio archive, an initrd
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  set it as `ramdisk`, and a kernel as `kernel`
""",
        ),
        Case(
            "a disk image",
            PVH,
            {"vmlinuz": lambda: at(0, b"QFI\xfb\0\0\0\3")},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for an HVM container (PVH or HVM) takes the kernel
  cause: it is a qcow2 disk image
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is not an ELF file
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  set it in `disk`, and a kernel as `kernel`
""",
        ),
        Case(
            "a kernel in an xz file",
            PV,
            {"vmlinuz": lambda: at(0, b"\xfd7zXZ\0")},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: it is an xz file
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  Xen undoes only gzip on whole files: unpack it with `xz -d`
""",
        ),
        Case(
            "a kernel in a zstd file",
            PVH,
            {"vmlinuz": lambda: at(0, b"\x28\xb5\x2f\xfd")},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for an HVM container (PVH or HVM) takes the kernel
  cause: it is a zstd file
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is not an ELF file
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  Xen undoes only gzip on whole files: unpack it with `zstd -d`
""",
        ),
        Case(
            "an EFI zboot image",
            PVH,
            {"vmlinuz": lambda: at(0, b"MZ\0\0zimg")},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for an HVM container (PVH or HVM) takes the kernel
  cause: it is a Linux EFI zboot image
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is not an ELF file
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  give the vmlinux or the bzImage it was made from
""",
        ),
        Case(
            "an EFI program",
            PV,
            {"vmlinuz": lambda: at(0, b"MZ\x90\0")},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: it is an EFI program (PE)
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  give a kernel that is an ELF file or a bzImage
""",
        ),
        Case(
            "a kernel for GRUB",
            PV,
            {"vmlinuz": lambda: at(64, struct.pack("<III", 0x1BADB002, 3, (-0x1BADB002 - 3) % (1 << 32)))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: it has a Multiboot header, which is for GRUB: Xen does not read it
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  give the guest's own kernel: a Linux bzImage, or an ELF file (vmlinux) with Xen notes
""",
        ),
        Case(
            "an arm64 Image",
            PV,
            {"vmlinuz": lambda: at(0x38, b"ARM\x64")},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB322]: vmlinuz: the kernel is for Arm, and xlbuild builds x86 guests
  cause: it is an arm64 Image
  mend:  give an x86 kernel
""",
        ),
        Case(
            "an ELF file for AArch64",
            PVH,
            {
                "vmlinuz": lambda: elf_file(
                    [Load(LOAD_ADDRESS, NOISE)],
                    [("PHYS32_ENTRY", LOAD_ADDRESS)],
                    header={"e_machine": EM_AARCH64},
                )
            },
            xl=BUILDS,
            said="""\
xlbuild: error[XLB322]: vmlinuz: the kernel is for Arm, and xlbuild builds x86 guests
  cause: it is an ELF file for AArch64
  mend:  give an x86 kernel
""",
        ),
        Case(
            "an ELF file for MIPS",
            PV,
            {
                "vmlinuz": lambda: elf_file(
                    [Load(LOAD_ADDRESS, NOISE)],
                    header={"e_machine": 8, "e_shnum": 0, "e_entry": LOAD_ADDRESS},
                )
            },
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: the kernel is not for x86
  cause: e_machine is 8; PV takes 3 (386) and 62 (x86-64)
  mend:  give an x86 kernel
""",
        ),
        Case(
            "a gzip file in a gzip file",
            PV,
            {"vmlinuz": lambda: gzip.compress(gzip.compress(NOISE, mtime=0), mtime=0)},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: it is a gzip file; of what is in it:
         it is a gzip file within a gzip file, and Xen undoes one
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  unpack it with gunzip
""",
        ),
        Case(
            "a gzip file that is cut short",
            PVH,
            {"vmlinuz": lambda: gzip.compress(NOISE, mtime=0)[:200] + b"\xff\xff\xff\xff"},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for an HVM container (PVH or HVM) takes the kernel
  cause: it is a gzip file, probably cut short: its last four bytes give no size that Xen unpacks to (1 GiB at most)
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is not an ELF file
         Linux bzImage: it has no `HdrS` at 0x202
         ELF with Xen notes: it is not an ELF file
  mend:  compare its size and checksum with the original, or unpack it with gunzip and give the result
""",
        ),
        Case(
            "a gzip file that is damaged",
            PV,
            {"vmlinuz": lambda: sized(gzip.compress(NOISE, mtime=0)[:60], len(NOISE))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: the kernel file is a gzip file that cannot be unpacked
  cause: the stream is damaged, cut short, or unpacks to more than its last four bytes say
  mend:  unpack it with gunzip to see what is wrong, or give the unpacked file
""",
        ),
        Case(
            "a gzip file that claims 1 GiB",
            PV,
            {"vmlinuz": lambda: sized(gzip.compress(NOISE, mtime=0)[:-4], 1 << 30)},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB505]: vmlinuz: the kernel is too large
  cause: it needs room for 1,073,741,840 bytes, 16 more than the gzip stream claims to unpack to; the limit is 1 GiB
  mend:  its last four bytes say so: if that is wrong, unpack the file with gunzip and give the result
""",
        ),
    ),
)
