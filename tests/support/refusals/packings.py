"""bzImages: cut, old, or with payloads that do not unpack."""

import struct

from kernels import bzimage, elf_file, gzip_stored, packed, sized

from refusals.elf import SEGMENT
from refusals.model import BUILDS, PV, PVH, REFUSES, Case, Group

ROOM = len(packed())
EMPTY_FRAME = bytes.fromhex("28b52ffd2000010000")


def damaged(suffix: str, at: int) -> bytes:
    """Return a packed kernel with four bytes of its stream changed, and its length behind it."""
    stream = packed(suffix)
    return sized(stream[:at] + bytes(byte ^ 0x55 for byte in stream[at : at + 4]) + stream[at + 4 :], ROOM)


def with_dictionary(mib: int) -> bytes:
    """Return an lzma payload that asks for a dictionary of some MiB."""
    stream = packed(".lzma")
    return sized(stream[:1] + struct.pack("<I", mib << 20) + stream[5:], ROOM)


PACKINGS = Group(
    "bzImages",
    (
        Case(
            "cut short in its payload",
            PV,
            {"vmlinuz": lambda: bzimage(packed(".gz"))[:0xC00]},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0x248: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its payload (571 bytes at 0xbc0) does not fit into the file's 3072 bytes
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be cut short: compare its size and checksum with the original
""",
        ),
        Case(
            "of a boot protocol before 2.08",
            PV,
            {"vmlinuz": lambda: bzimage(packed(".gz"), version=0x0207)},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0x206: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its boot protocol is 2.07, too old to say where the payload is (2.08)
         ELF with Xen notes: it is not an ELF file
  mend:  give the guest's own kernel: a Linux bzImage, or an ELF file (vmlinux) with Xen notes
""",
        ),
        Case(
            "packed with something unheard of",
            PVH,
            {"vmlinuz": lambda: bzimage(b"\x1f\x9d\x90 compress")},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for an HVM container (PVH or HVM) takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is not an ELF file
         Linux bzImage: its payload starts with 1f 9d 90 20: none of gzip, bzip2, xz, zstd, lzma, lzo, lz4
         ELF with Xen notes: it is not an ELF file
  mend:  build the kernel with CONFIG_KERNEL_GZIP, or give the vmlinux that is in the bzImage; if it was packed in a way that Xen knows, the file is damaged
""",
        ),
        Case(
            "gzip payload, damaged",
            PV,
            {"vmlinuz": lambda: bzimage(damaged(".gz", 100)[:-4])},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its gzip payload cannot be unpacked: the stream is damaged, cut short, or larger than it claims to be
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "bzip2 payload, damaged",
            PV,
            {"vmlinuz": lambda: bzimage(damaged(".bz2", 100))},
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its bzip2 payload cannot be unpacked: the stream is damaged (Invalid data stream)
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "xz payload, damaged",
            PVH,
            {"vmlinuz": lambda: bzimage(damaged(".xz", 100))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for an HVM container (PVH or HVM) takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is not an ELF file
         Linux bzImage: its xz payload cannot be unpacked: the stream is damaged (Corrupt input data)
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "lzma payload, damaged",
            PV,
            {"vmlinuz": lambda: bzimage(damaged(".lzma", 100))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its lzma payload cannot be unpacked: the stream is damaged (Corrupt input data)
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "LZO payload, damaged",
            PV,
            {"vmlinuz": lambda: bzimage(damaged(".lzo", 100))},
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its lzo payload cannot be unpacked: the block at 0x32 is damaged
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "lz4 payload, damaged",
            PV,
            {"vmlinuz": lambda: bzimage(damaged(".lz4", 4))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its lz4 payload cannot be unpacked: the stream is cut short: a block of 1431656252 bytes at 0x8 is not all there
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "zstd payload, damaged",
            PV,
            {"vmlinuz": lambda: bzimage(damaged(".zst", 20))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its zstd payload cannot be unpacked: the stream is damaged (Restored data doesn't match checksum)
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "zstd payload, cut short",
            PVH,
            {"vmlinuz": lambda: bzimage(sized(packed(".zst")[:-40], ROOM))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for an HVM container (PVH or HVM) takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is not an ELF file
         Linux bzImage: its zstd payload cannot be unpacked: the stream is cut short
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "zstd payload, larger than it says",
            PV,
            {"vmlinuz": lambda: bzimage(sized(packed(".zst"), ROOM - 1))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its zstd payload cannot be unpacked: it unpacks to more than the 5183 bytes that its length field says
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "xz payload, smaller than it says",
            PV,
            {"vmlinuz": lambda: bzimage(sized(packed(".xz"), ROOM + 1))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its xz payload cannot be unpacked: it unpacks to 5184 bytes, not to the 5185 that its length field says
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "xz payload that says it has over 1 GiB",
            PV,
            {"vmlinuz": lambda: bzimage(sized(packed(".xz"), 3 << 30))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its xz payload cannot be unpacked: its length field says 3 GiB; the limit is 1 GiB
         ELF with Xen notes: it is not an ELF file
  mend:  the file seems to be damaged: compare its size and checksum with the original
""",
        ),
        Case(
            "lzma payload with too large a dictionary",
            PV,
            {"vmlinuz": lambda: bzimage(with_dictionary(512))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its lzma payload cannot be unpacked: its dictionary needs more memory than the 256 MiB that Xen 4.22 grants
         ELF with Xen notes: it is not an ELF file
  mend:  pack the kernel with a smaller dictionary
""",
        ),
        Case(
            "lz4 payload of `lz4` without `-l`",
            PV,
            {"vmlinuz": lambda: bzimage(sized(b"\x02\x21" + packed(".lz4")[4:], ROOM))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its lz4 payload cannot be unpacked: the lz4 magic is not that of a legacy frame
         ELF with Xen notes: it is not an ELF file
  mend:  pack the kernel with `lz4 -l`
""",
        ),
        Case(
            "zstd payload of more than 65,536 frames",
            PV,
            {"vmlinuz": lambda: bzimage(sized(packed(".zst") + EMPTY_FRAME * 65_536, ROOM))},
            xl=BUILDS,
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its zstd payload cannot be unpacked: it has more than 65,536 frames, and no kernel is packed so
         ELF with Xen notes: it is not an ELF file
  mend:  pack the kernel anew, at one go
""",
        ),
        Case(
            "with a kernel in it that has no Xen notes",
            PV,
            {"vmlinuz": lambda: bzimage(gzip_stored(elf_file([SEGMENT])))},
            xl=REFUSES,
            said="""\
xlbuild: error[XLB321]: vmlinuz: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: what its payload unpacks to is no Xen kernel (the next loader says why)
         ELF with Xen notes: it has no Xen notes, and no section `__xen_guest`
  mend:  a kernel for PV needs the notes XEN_VERSION and LOADER or GUEST_OS (Linux: CONFIG_XEN_PV)
""",
        ),
        Case(
            "over the limit that was asked for",
            PV,
            {"vmlinuz": lambda: bzimage(sized(packed(".xz"), ROOM))},
            arguments="create --max-kernel-size 5K guest.cfg",
            xl=BUILDS,
            mended="create --max-kernel-size 6K guest.cfg",
            said="""\
xlbuild: error[XLB321]: vmlinuz, offset 0xbc0: no loader for PV takes the kernel
  cause: it is a Linux bzImage
         multiboot-style binary: its first 8 KiB hold no table with the magic 0x336ec578
         HVM firmware: it is for HVM containers (PVH and HVM) only
         Linux bzImage: its xz payload cannot be unpacked: its length field says 5.1 KiB; the limit is 5 KiB, as --max-kernel-size says
         ELF with Xen notes: it is not an ELF file
  mend:  allow more with --max-kernel-size; if it is not so large, compare its checksum with the original's
""",
        ),
    ),
)
