"""The ramdisks of dom0 and of the guests, and dom0's root disk."""

import os
import shutil
from pathlib import Path

from xenlab.commands import output, shell
from xenlab.model import DOM0_FILES, GUEST_INIT, Lab
from xenlab.packages import kernel_version

_BUSYBOX = Path("/bin/busybox")
_STAGE_1_MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")
_DOM0_MODULES = ("xen-evtchn", "xen-gntdev", "xen-gntalloc", "xen-privcmd", "xenfs", "xen-blkback", "loop")
_MODULE_LISTS = ("modules.order", "modules.builtin", "modules.builtin.modinfo")
_ROOT_DISK_SIZE = "4G"
_LONG_AGO = 1_700_000_000
"""The time stamp of all files in a ramdisk: it has the same bytes every time."""

_CPIO = "find . | LC_ALL=C sort | cpio --quiet -R 0:0 -o -H newc --reproducible"


def make_images(lab: Lab) -> None:
    """Make the ramdisks and the root disk from what was fetched."""
    _make_guest_ramdisk(lab)
    _make_dom0_ramdisk(lab)
    _fill_root(lab)
    lab.root_disk.unlink(missing_ok=True)
    ext4 = ["-t", "ext4", "-O", "^has_journal", "-E", "lazy_itable_init=0"]
    output(
        ["mke2fs", "-q", *ext4, "-d", lab.tree, lab.root_disk, _ROOT_DISK_SIZE], purpose="dom0's root disk"
    )


def _make_guest_ramdisk(lab: Lab) -> None:
    tree = lab.directory / "guest-initrd"
    _ramdisk_tree(tree, GUEST_INIT)
    shell(f"cd $1 && {_CPIO} | gzip -9n > $2", tree, lab.guest_ramdisk, purpose="the guests' ramdisk")


def _make_dom0_ramdisk(lab: Lab) -> None:
    tree = lab.directory / "dom0-initrd"
    _ramdisk_tree(tree, DOM0_FILES / "initrd-init")
    modules = _module_files(lab, _STAGE_1_MODULES)
    (tree / "lib/modules").mkdir(parents=True)
    for module in modules:
        shutil.copy(module, tree / "lib/modules")
    (tree / "modules.list").write_text("".join(f"{module.name}\n" for module in modules))
    (tree / "newroot").mkdir()
    shell(f"cd $1 && {_CPIO} > $2", tree, lab.dom0_ramdisk, purpose="dom0's ramdisk")


def _ramdisk_tree(tree: Path, init: Path) -> None:
    """Begin a ramdisk: busybox, the directories it needs, a console, and its first program."""
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "dev", "proc", "sys"):
        (tree / name).mkdir(parents=True)
    shutil.copy(_BUSYBOX, tree / "bin/busybox")
    shutil.copy(init, tree / "init")
    (tree / "init").chmod(0o755)
    output(["mknod", tree / "dev/console", "c", "5", "1"], purpose="a ramdisk's console")
    for path in (tree, *tree.rglob("*")):
        os.utime(path, (_LONG_AGO, _LONG_AGO))


def _module_files(lab: Lab, names: tuple[str, ...]) -> list[Path]:
    """Return the files of kernel modules and of those they need, each after what it needs."""
    found: dict[Path, None] = {}
    for name in names:
        command: list[str | Path] = [
            "modprobe",
            "-d",
            lab.unpacked,
            "-S",
            kernel_version(lab),
            "--show-depends",
            name,
        ]
        for line in output(command).splitlines():
            verb, path = line.split()[:2]
            if verb == "insmod" and "crc32c-intel" not in path:
                found[Path(path)] = None
    return list(found)


def _fill_root(lab: Lab) -> None:
    """Put into dom0's tree what is not Debian's: kernel modules, the lab's programs, the guests' kernel."""
    root, release = lab.tree, kernel_version(lab)
    shutil.rmtree(root / "lib/modules", ignore_errors=True)
    for module in _module_files(lab, _DOM0_MODULES):
        place = root / module.relative_to(lab.unpacked)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(module, place)
    for name in _MODULE_LISTS:
        shutil.copy(lab.unpacked / "lib/modules" / release / name, root / "lib/modules" / release)
    output(["depmod", "-b", root, release])
    for name in ("in", "out", "guest"):
        (root / name).mkdir(exist_ok=True)
    shutil.rmtree(root / "lab", ignore_errors=True)
    shutil.copytree(DOM0_FILES, root / "lab/xenlab/dom0", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "lab/xenlab/__init__.py").touch()
    shutil.copy(lab.kernel, root / "guest/vmlinuz")
    shutil.copy(lab.guest_ramdisk, root / "guest/initrd.gz")
