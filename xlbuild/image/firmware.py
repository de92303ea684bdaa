"""Firmware images that the distribution chooses: where each is found, and which package has it.

A place is an absolute path in a root tree; `{release}` stands for a Xen release. A search directory may be such a
root tree, or a flat directory that holds the files by their last name.
"""

from dataclasses import dataclass

from xlbuild.profiles import FIRMWARE_DIRECTORY


@dataclass(frozen=True, slots=True)
class Firmware:
    """One firmware image."""

    title: str
    places: tuple[str, ...]
    """Absolute paths, the most likely first."""
    package: str
    """Where it comes from, for the message that says it is missing."""

    def may_be(self, path: str | None) -> bool:
        """Return whether a configuration that gives `path` means this image: it gives none, or one of its names."""
        names = {place.rpartition("/")[2] for place in self.places}
        return path is None or path.rpartition("/")[2] in names

    def paths(self, release: str, other_releases: tuple[str, ...]) -> tuple[str, ...]:
        """Return all places for a release: its own directories first, then those of other releases."""
        paths = [place.format(release=release) for place in self.places]
        paths += [
            place.format(release=other)
            for place in self.places
            if "{release}" in place
            for other in other_releases
        ]
        return tuple(dict.fromkeys(paths))


FIRMWARE_DIRECTORIES: tuple[str, ...] = (
    FIRMWARE_DIRECTORY,
    "/usr/lib/xen/boot",
    "/usr/libexec/xen/boot",
    "/usr/lib64/xen/boot",
    "/usr/local/lib/xen/boot",
    "/usr/local/libexec/xen/boot",
)
"""XENFIRMWAREDIR as distributions and Xen's own build set it; relative paths in a configuration start here."""


def _in_firmware_directories(name: str) -> tuple[str, ...]:
    return tuple(f"{directory}/{name}" for directory in FIRMWARE_DIRECTORIES)


FIRMWARE: dict[str, Firmware] = {
    "hvmloader": Firmware(
        "hvmloader",
        _in_firmware_directories("hvmloader"),
        "Xen (Debian, Ubuntu: xen-utils-VERSION; Fedora: xen-runtime; SUSE: xen-tools)",
    ),
    "xen-shim": Firmware(
        "the PV shim",
        _in_firmware_directories("xen-shim"),
        "Xen (Debian, Ubuntu: xen-utils-VERSION; Fedora: xen-runtime; SUSE: xen-tools)",
    ),
    "seabios": Firmware(
        "SeaBIOS",
        (
            "/usr/share/seabios/bios-256k.bin",
            "/usr/share/qemu/bios-256k.bin",
            *_in_firmware_directories("seabios.bin"),
        ),
        "SeaBIOS (Debian, Ubuntu: seabios; Fedora: seabios-bin; SUSE: qemu-seabios)",
    ),
    "ovmf": Firmware(
        "OVMF",
        (
            "/usr/share/ovmf/OVMF.fd",
            "/usr/share/edk2/xen/OVMF.fd",
            "/usr/share/qemu/ovmf-x86_64-xen-4m.bin",
            *_in_firmware_directories("ovmf.bin"),
        ),
        "OVMF (Debian, Ubuntu: ovmf; Fedora: edk2-ovmf-xen; SUSE: qemu-ovmf-x86_64)",
    ),
    "pvgrub64": Firmware(
        "pvgrub for 64-bit PV guests",
        (*_in_firmware_directories("pvgrub64.bin"), "/usr/lib/grub-xen/grub-x86_64-xen.bin"),
        "GRUB for Xen (Debian, Ubuntu: grub-xen-host)",
    ),
    "pvgrub32": Firmware(
        "pvgrub for 32-bit PV guests",
        (*_in_firmware_directories("pvgrub32.bin"), "/usr/lib/grub-xen/grub-i386-xen.bin"),
        "GRUB for Xen (Debian, Ubuntu: grub-xen-host)",
    ),
}
"""Every image that is looked for, by the name a `FileRequest` uses."""
