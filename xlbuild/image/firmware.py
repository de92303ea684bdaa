"""Firmware images that the distribution chooses: where each is found, and which package has it.

A place is an absolute path in a root tree; `{release}` stands for a Xen release. A search directory may be such a
root tree, or a flat directory that holds the files by their last name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Firmware:
    """One firmware image."""

    title: str
    places: tuple[str, ...]
    """Absolute paths, the most likely first."""
    package: str
    """Where it comes from, for the message that says it is missing."""

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
    "/usr/lib/xen-{release}/boot",
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
        "xen-utils-4.17 (Debian, Ubuntu), xen-runtime (Fedora), xen-tools (SUSE)",
    ),
    "xen-shim": Firmware(
        "the PV shim",
        _in_firmware_directories("xen-shim"),
        "xen-utils-4.17 (Debian, Ubuntu), xen-runtime (Fedora), xen-tools (SUSE)",
    ),
    "seabios": Firmware(
        "SeaBIOS",
        (
            "/usr/share/seabios/bios-256k.bin",
            "/usr/share/qemu/bios-256k.bin",
            *_in_firmware_directories("seabios.bin"),
        ),
        "seabios (Debian, Ubuntu), seabios-bin (Fedora), qemu-seabios (SUSE)",
    ),
    "ovmf": Firmware(
        "OVMF",
        (
            "/usr/share/ovmf/OVMF.fd",
            "/usr/share/edk2/xen/OVMF.fd",
            "/usr/share/qemu/ovmf-x86_64-xen-4m.bin",
            *_in_firmware_directories("ovmf.bin"),
        ),
        "ovmf (Debian, Ubuntu), edk2-ovmf-xen (Fedora), qemu-ovmf-x86_64 (SUSE)",
    ),
    "pvgrub64": Firmware(
        "pvgrub for 64-bit PV guests",
        (*_in_firmware_directories("pvgrub64.bin"), "/usr/lib/grub-xen/grub-x86_64-xen.bin"),
        "grub-xen-host (Debian, Ubuntu)",
    ),
    "pvgrub32": Firmware(
        "pvgrub for 32-bit PV guests",
        (*_in_firmware_directories("pvgrub32.bin"), "/usr/lib/grub-xen/grub-i386-xen.bin"),
        "grub-xen-host (Debian, Ubuntu)",
    ),
}
"""Every image that is looked for, by the name a `FileRequest` uses."""
