"""Guests that are fine, but cannot travel as a save file, or not as they are to be built."""

from pathlib import Path

from mksynth import pv64_kernels, ramdisks

import xlbuild
from refusals.model import HELLO_PV, HELLO_PVH, PV, Case, Group

_FILES = {"vmlinuz": lambda: pv64_kernels()["pv64-modpfn"], "initrd.img": lambda: ramdisks()["rd.gz"]}


def a_guest_for_a_creation(directory: Path) -> None:
    _build(directory, f'kernel="{directory / "vmlinuz"}"', f'ramdisk="{directory / "initrd.img"}"')


def a_guest_with_an_empty_hypercall_page(directory: Path) -> None:
    _build(directory, hypercall_page=False)


def a_guest_that_was_changed_since(directory: Path) -> None:
    _build(directory)
    with (directory / "g" / "memory.img").open("r+b") as image:
        image.seek(0x10_0000)
        image.write(b"changed")


def _build(directory: Path, *settings: str, hypercall_page: bool = True) -> None:
    domain = xlbuild.build(
        directory / "guest.cfg", xen="4.17", overrides=settings, hypercall_page=hypercall_page
    )
    xlbuild.write(domain, directory / "g")


SAVES = Group(
    "Save files",
    (
        Case(
            "an HVM guest as a save file",
            HELLO_PVH.replace('"pvh"', '"hvm"'),
            arguments="create --format save guest.cfg",
            mended='create --format save guest.cfg type="pvh"',
            said="""\
xlbuild: error[XLB360]: guest.cfg:1:20, key type: an HVM guest cannot travel as a save file
  cause: it is one by type="hvm" at guest.cfg:1; its save file would need the state of its device model, a program that runs on the host only
  mend:  use type = "pvh" if its kernel can, or have the host create it; a directory or a dump-core can be had of it
""",
        ),
        Case(
            "memory that comes when it is touched, as a save file",
            HELLO_PVH + "; maxmem = 128",
            arguments="create --format save guest.cfg",
            mended="create --format save guest.cfg maxmem=64",
            said="""\
xlbuild: error[XLB361]: guest.cfg:1:79, key maxmem: a guest whose memory is populated on demand cannot travel as a save file
  cause: memory is less than maxmem, and a save file cannot say of a page that it comes when it is touched
  mend:  set maxmem to memory, or memory to maxmem
""",
        ),
        Case(
            "an empty hypercall page in a save file",
            HELLO_PV,
            arguments="create --format save --no-hypercall-page guest.cfg",
            status=2,
            mended="create --format save guest.cfg",
            said="""\
xlbuild: error: --no-hypercall-page is not for save files
  cause: no restore fills a PV kernel's hypercall page, and the guest would jump into an empty one
  mend:  leave it out; a directory or a dump-core, built without `save`, may have the page empty
""",
        ),
        Case(
            "a memory map to set without a save file",
            HELLO_PVH,
            arguments="create --set-memory-map guest.cfg",
            status=2,
            mended="create --set-memory-map --format save guest.cfg",
            said="""\
xlbuild: error: --set-memory-map is for save files
  cause: `xl create` sets the memory map itself; it is `xl restore` that does not
  mend:  leave it out, or build a save file, too: --format save
""",
        ),
        Case(
            "a memory map to set of a PV guest",
            HELLO_PV,
            arguments="create --format save --set-memory-map guest.cfg",
            status=2,
            mended="create --format save guest.cfg",
            said="""\
xlbuild: error: guest.cfg is no PVH guest, and only such a guest can be made to set its memory map
  cause: it is a PV guest, whose map the configuration decides (e820_host): `xl restore` sets that one
  mend:  leave --set-memory-map out
""",
        ),
        Case(
            "a format that there is not",
            HELLO_PV,
            arguments="create --format safe guest.cfg",
            status=2,
            mended="create --format save guest.cfg",
            said="""\
xlbuild: error: --format 'safe' is no format
  cause: the formats are directory, save, core
  mend:  did you mean save?
""",
        ),
        Case(
            "a directory whose ramdisk only a flag tells of",
            PV + '; ramdisk = "initrd.img"',
            _FILES,
            prepare=a_guest_for_a_creation,
            arguments="export g",
            mended="create --format save --xen 4.17 guest.cfg",
            said="""\
xlbuild: error: g: the guest is laid out for `xl create`, and cannot travel as a save file
  cause: its ramdisk is not mapped, as start_info.flags says (SIF_MOD_START_PFN), and `xl restore` clears the flags: the kernel would not find it
  mend:  build it from its configuration: xlbuild create --format save --xen 4.17 CONFIG, which maps the ramdisk
""",
        ),
        Case(
            "a directory whose hypercall page nobody will fill",
            HELLO_PV,
            prepare=a_guest_with_an_empty_hypercall_page,
            arguments="export g",
            mended="create --format save guest.cfg",
            said="""\
xlbuild: error: g: the kernel's hypercall page is empty, and the guest cannot travel as a save file
  cause: it is in frame 0x101; `xl create` has the hypervisor fill it, and `xl restore` does not
  mend:  build the guest without --no-hypercall-page
""",
        ),
        Case(
            "a directory that is not what was built",
            HELLO_PV,
            prepare=a_guest_that_was_changed_since,
            arguments="export g",
            status=4,
            mended="export --as-is g",
            said="""\
xlbuild: error: g: it is not the domain as it was built
  cause: domain.json records other digests: domain, memory, segment:kernel
  mend:  build it again, or copy all of its files from where it is whole; --as-is takes it as it is
""",
        ),
    ),
)
"""What `xl restore` does not do, or a save file cannot hold."""
