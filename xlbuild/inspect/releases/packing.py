"""Facts: how an image is packed, and how large it may be."""

from xlbuild.inspect.releases.model import (
    ALL,
    KERNELS,
    DecoderLimit,
    Effect,
    Fact,
    Subject,
    Trait,
)
from xlbuild.units import MIB

_TAKEN, _DEPENDS, _REFUSED = Effect

_REPACK = "build the kernel with CONFIG_KERNEL_GZIP, or give the vmlinux that is in the bzImage"
_SMALLER_DICTIONARY = "pack the kernel with a smaller dictionary, or with gzip"
_OLD_LOADER = "xc_dom_bzimageloader.c as of 0416d74e9e31, older than its xz support"

_LZMA_SOURCE = (
    "tools/xg: increase LZMA_BLOCK_SIZE for uncompressing the kernel (xen-devel, October 2024); the constant was "
    "128 MiB before, in xc_dom_bzimageloader.c as of 0416d74e9e31 and of 84f04d8f0dbf"
)

DECODER_LIMITS: tuple[DecoderLimit, ...] = (
    DecoderLimit(None, "4.16", 128 * MIB, 128 * MIB),
    DecoderLimit("4.17", "4.19", 128 * MIB, 256 * MIB),
    DecoderLimit("4.20", None, 256 * MIB, 256 * MIB),
)
"""Oldest first, without gaps."""

PACKING = Subject(
    "How the image is packed",
    (
        Fact(
            "gzip-file",
            Trait.GZIP_FILE,
            KERNELS,
            _TAKEN,
            None,
            None,
            "The builder unpacks a whole file that is gzip, whatever is in it; nothing else on a whole file.",
            "",
            "xc_dom_kernel_file upstream; observed with 4.17.7",
        ),
        Fact(
            "other-packed-file",
            Trait.OTHER_PACKED_FILE,
            KERNELS,
            _REFUSED,
            None,
            None,
            "The builder unpacks whole files that are gzip, and no others.",
            "unpack the file, and give the result",
            "xc_dom_kernel_file upstream; observed with 4.17.7",
        ),
        Fact(
            "bzimage-2.08",
            Trait.OLD_BZIMAGE,
            KERNELS,
            _REFUSED,
            None,
            None,
            "A bzImage has an ELF file as its payload from boot protocol 2.08 (Linux 2.6.26) on.",
            "give the vmlinux of the kernel, or a newer kernel",
            "xc_dom_bzimageloader.c as of 0416d74e9e31 and later",
        ),
        Fact(
            "payload-elf",
            Trait.PAYLOAD_ELF,
            KERNELS,
            _TAKEN,
            None,
            None,
            "The bzImage loader knows no such packing, but leaves the payload to the ELF loader behind it.",
            "",
            "xc_dom_probe_bzimage_kernel as of 84f04d8f0dbf; observed with 4.17.7",
        ),
        Fact(
            "payload-gzip",
            Trait.PAYLOAD_GZIP,
            KERNELS,
            _TAKEN,
            None,
            None,
            "The builder unpacks gzip payloads; no build of it does without zlib.",
            "",
            _OLD_LOADER,
        ),
        Fact(
            "payload-bzip2",
            Trait.PAYLOAD_BZIP2,
            KERNELS,
            _DEPENDS,
            None,
            None,
            "The builder unpacks bzip2 payloads if it was built with libbz2; Debian's library (4.17) is not.",
            _REPACK,
            f"{_OLD_LOADER}; Debian's libxenguest 4.17.7",
        ),
        Fact(
            "payload-lzma",
            Trait.PAYLOAD_LZMA,
            KERNELS,
            _TAKEN,
            None,
            None,
            "The builder unpacks lzma payloads, with liblzma.",
            "",
            _OLD_LOADER,
        ),
        Fact(
            "payload-xz",
            Trait.PAYLOAD_XZ,
            KERNELS,
            _TAKEN,
            None,
            None,
            "The builder unpacks xz payloads, x86 filter included, with liblzma; Debian gave it to 4.1, too.",
            "",
            "changesets 23001 and 23002 of xen-unstable (2011), as Debian's changelog of xen 4.1.3-7 and "
            "4.1.6.1-1+deb7u1 names them",
        ),
        Fact(
            "payload-lzo",
            Trait.PAYLOAD_LZO,
            KERNELS,
            _DEPENDS,
            None,
            None,
            "The builder unpacks lzo payloads if it was built with liblzo2; Debian's library (4.17) is not.",
            _REPACK,
            f"{_OLD_LOADER}; Debian's libxenguest 4.17.7",
        ),
        Fact(
            "payload-lz4",
            Trait.PAYLOAD_LZ4,
            KERNELS,
            _REFUSED,
            None,
            "4.3",
            "The builder unpacks lz4 payloads from Xen 4.4 on.",
            _REPACK,
            "libxc: add LZ4 decompression support, 84f04d8f0dbf; it uses the hypervisor's decompressor of October "
            "2013 (e850049bbc83), and 4.3.0 is of July 2013",
        ),
        Fact(
            "payload-lz4-linux-5.3",
            Trait.PAYLOAD_LZ4,
            KERNELS,
            _DEPENDS,
            "4.4",
            "4.13",
            "The lz4 payloads of Linux 5.3 and later need two fixes of December 2019 to Xen's decompressor, which "
            "stable updates and distributions' packages have.",
            "update Xen, or build the kernel with CONFIG_KERNEL_GZIP",
            "lz4: refine commit 9143a6c55ef7 for the 64-bit case, 2d7572cdfa4d, and lz4: fix system halt at boot "
            "kernel on x86_64, 5d90ff79542a; Launchpad bug 1851091 (the hypervisor's decompressor, which the builder "
            "shares); whether 4.13.0, of the same month, has them was not found",
            verified=False,
        ),
        Fact(
            "payload-lz4-library",
            Trait.PAYLOAD_LZ4,
            KERNELS,
            _DEPENDS,
            "4.22",
            None,
            "The builder unpacks lz4 payloads if it was built with liblz4.",
            _REPACK,
            "tools/libs/guest: Use the system liblz4 in the bzimage loader (xen-devel, June 2026); CHANGELOG.md of "
            "4.22",
        ),
        Fact(
            "lz4-exact-length",
            Trait.LZ4_SHORT,
            KERNELS,
            _REFUSED,
            "4.22",
            None,
            "An lz4 payload must unpack to exactly the size that its length field gives.",
            "build the bzImage anew: its length field is wrong, or it is cut short",
            "tools/libs/guest: Use the system liblz4 in the bzimage loader (xen-devel, June 2026)",
        ),
        Fact(
            "payload-zstd",
            Trait.PAYLOAD_ZSTD,
            KERNELS,
            _REFUSED,
            None,
            "4.14",
            "The builder unpacks zstd payloads from Xen 4.15 on.",
            _REPACK,
            "libxenguest: support zstd compressed kernels, 8169f82049ef (January 2021); CHANGELOG.md of 4.15.0",
        ),
        Fact(
            "decoder-128",
            Trait.DECODER_OVER_128_MIB,
            KERNELS,
            _REFUSED,
            None,
            "4.16",
            "The decoder of an xz or lzma payload gets 128 MiB of memory: too little for the 128 MiB dictionary "
            "of Linux 6.12 and later.",
            _SMALLER_DICTIONARY,
            _LZMA_SOURCE,
        ),
        Fact(
            "decoder-128-updated",
            Trait.DECODER_OVER_128_MIB,
            KERNELS,
            _DEPENDS,
            "4.17",
            "4.19",
            "The decoder of an xz or lzma payload got 128 MiB of memory in the first releases, and gets 256 MiB in "
            "the last stable updates.",
            f"update Xen, or {_SMALLER_DICTIONARY}",
            f"{_LZMA_SOURCE}; 256 MiB observed with 4.17.7",
        ),
        Fact(
            "decoder-256",
            Trait.DECODER_OVER_256_MIB,
            KERNELS,
            _REFUSED,
            None,
            None,
            "The decoder of an xz or lzma payload gets 256 MiB of memory at most.",
            _SMALLER_DICTIONARY,
            _LZMA_SOURCE,
        ),
        Fact(
            "size-1-gib",
            Trait.OVER_1_GIB,
            ALL,
            _REFUSED,
            None,
            None,
            "A kernel or ramdisk of more than 1 GiB, packed or unpacked, is refused (XC_DOM_DECOMPRESS_MAX; 4.2.0 "
            "itself had no limit).",
            "give a smaller file: strip debug symbols, leave out what is not needed",
            "XSA-25 (CVE-2012-4544); xc_dom_core.c of 4.2.2 has the limit",
        ),
        Fact(
            "zboot",
            Trait.ZBOOT,
            ALL,
            _REFUSED,
            None,
            None,
            "No loader of the builder reads EFI zboot images; Linux makes none for x86.",
            "give the bzImage or the vmlinux",
            "the builder's four loaders; observed with 4.17.7",
        ),
    ),
)
