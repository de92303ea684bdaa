"""What Debian provides: programs of this machine, Xen and a kernel to unpack, and the tree of dom0."""

import gzip
import os
import shutil
import subprocess
from pathlib import Path

from xenlab.commands import logged, output
from xenlab.model import Lab, LabError

_HOST = (
    *("acpica-tools", "busybox-static", "cpio", "debootstrap", "e2fsprogs", "kmod"),
    *("qemu-system-x86", "qemu-utils"),
)
_RELEASE = "bookworm"
_XEN = "xen-hypervisor-4.17-amd64"
_DOM0_BASE = "busybox-static,e2fsprogs,iproute2,kmod,procps,python3-minimal"
_DOM0 = (
    *("xen-utils-4.17", "xen-utils-common", "xenstore-utils"),
    *("qemu-system-xen", "seabios", "grub-xen-host", "grub-xen-bin"),
)
_UNNEEDED = (
    *("var/cache/apt/archives", "var/lib/apt/lists"),
    *("usr/share/doc", "usr/share/man", "usr/share/locale"),
)


def install_host_packages(lab: Lab) -> None:
    """Install what the lab needs of this machine, unless it is there."""
    missing = [name for name in _HOST if not _installed(name)]
    if not missing:
        return
    if os.geteuid() != 0:
        raise LabError(f"not installed, and it needs root to install them: {' '.join(missing)}")
    if not shutil.which("apt-get"):
        raise LabError(f"there is no apt-get to install {' '.join(missing)}; the lab is made on Debian 12")
    output(["apt-get", "update", "-qq"], purpose="the lists of packages cannot be fetched")
    options = ("-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300")
    command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", *options, *missing]
    logged(command, lab.logs / "host-packages.log", purpose=f"{' '.join(missing)} cannot be installed")


def _installed(name: str) -> bool:
    if not shutil.which("dpkg-query"):
        raise LabError("there is no dpkg; the lab is made on Debian 12")
    query = ["dpkg-query", "-W", "-f", "${Status}", name]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout.endswith(" installed")


def fetch_packages(lab: Lab) -> None:
    """Fetch and unpack Xen and Debian's kernel."""
    lab.packages.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        output(["apt-get", "update", "-qq"], purpose="the lists of packages cannot be fetched")
    depends = output(["apt-cache", "depends", "linux-image-amd64"], purpose="Debian's kernel")
    words = [
        word for word in depends.split() if word.startswith("linux-image-") and word != "linux-image-amd64"
    ]
    if not words:
        raise LabError("apt knows no linux-image-amd64; the lab is made on Debian 12")
    for name in (words[0], _XEN):
        if not list(lab.packages.glob(f"{name}_*.deb")):
            command = ["apt-get", "-o", "APT::Sandbox::User=root", "download", name]
            output(command, cwd=lab.packages, purpose=f"{name} cannot be fetched")
    shutil.rmtree(lab.unpacked, ignore_errors=True)
    for package in lab.packages.glob("*.deb"):
        output(["dpkg-deb", "-x", package, lab.unpacked])
    output(["depmod", "-b", lab.unpacked, kernel_version(lab)])
    with gzip.open(lab.unpacked / "boot" / "xen-4.17-amd64.gz") as packed:
        lab.xen.write_bytes(packed.read())
    shutil.copy(lab.unpacked / "boot" / f"vmlinuz-{kernel_version(lab)}", lab.kernel)


def kernel_version(lab: Lab) -> str:
    """Return the release of the kernel that was fetched, as `uname -r` names it."""
    (kernel,) = (lab.unpacked / "boot").glob("vmlinuz-*")
    return kernel.name.removeprefix("vmlinuz-")


def make_dom0_tree(lab: Lab) -> None:
    """Make the root tree of dom0: a small Debian with Xen's tools."""
    if os.geteuid() != 0:
        raise LabError("needs root to make the dom0 tree (debootstrap, chroot, mknod)")
    shutil.rmtree(lab.tree, ignore_errors=True)
    sources = _apt_sources()
    options = ("--variant=minbase", f"--include={_DOM0_BASE}")
    bootstrap = ["debootstrap", *options, _RELEASE, str(lab.tree), sources[0].split()[1]]
    logged(bootstrap, lab.logs / "debootstrap.log", purpose="the dom0 tree")
    (lab.tree / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
    if Path("/etc/resolv.conf").exists():
        shutil.copy("/etc/resolv.conf", lab.tree / "etc/resolv.conf")
    no_services = lab.tree / "usr/sbin/policy-rc.d"
    no_services.write_text("#!/bin/sh\nexit 101\n")
    no_services.chmod(0o755)
    install = f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {' '.join(_DOM0)}"
    chroot = ["chroot", str(lab.tree), "env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", install]
    logged(chroot, lab.logs / "dom0-packages.log", purpose="dom0's packages")
    no_services.unlink()
    for name in _UNNEEDED:
        shutil.rmtree(lab.tree / name, ignore_errors=True)


def _apt_sources() -> list[str]:
    """Return the archives of the release that this machine's apt uses, as lines of sources.list, main one first."""
    layout = "$(RELEASE) $(COMPONENT) $(REPO_URI)"
    targets = output(["apt-get", "indextargets", "--format", layout, "Created-By: Packages"])
    found: dict[str, str] = {}
    for line in targets.splitlines():
        release, component, address = line.split()[:3]
        if release.startswith(_RELEASE) and component == "main":
            found[release] = f"deb {address} {release} main"
    if _RELEASE not in found:
        raise LabError(f"apt has no archive of Debian 12 ({_RELEASE}) among its sources")
    return [found[release] for release in sorted(found)]


def versions(lab: Lab) -> dict[str, str]:
    """Return the versions of the packages that the lab is made of."""
    names = (*_DOM0, "libxenmisc4.17")
    layout = "${Package} ${Version}\n"
    query = ["dpkg-query", f"--admindir={lab.tree}/var/lib/dpkg", "-W", "-f", layout, *names]
    found = dict(line.split() for line in output(query).splitlines())
    for package in sorted(lab.packages.glob("*.deb")):
        name, version = package.name.split("_")[:2]
        found[name] = version.replace("%3a", ":")
    found |= dict(
        line.split() for line in output(["dpkg-query", "-W", "-f", layout, "qemu-system-x86"]).splitlines()
    )
    return dict(sorted(found.items()))
