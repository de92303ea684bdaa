"""What differs between Xen releases, as data.

A profile says how one release's toolstack builds; nothing else in this program asks for a version. Each field cites
the release that changed it. The values are those of today's stable updates of each release (4.17.7 and so on).
"""

from dataclasses import dataclass, replace

from xlbuild.units import GIB, MIB

MOST_CONFIG = 16 * MIB
"""Bytes of a configuration, or a host file; nobody writes so much, and /dev/zero has more."""

XC_DOM_DECOMPRESS_MAX = GIB
"""Bytes of the largest kernel, module or unpacked payload that any release's toolstack takes (xenguest)."""

FIRMWARE_DIRECTORY = "/usr/lib/xen-{release}/boot"
"""XENFIRMWAREDIR, which is built into xl, as Debian chooses it; other distributions' are in `image.firmware`."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How one Xen release's toolstack builds domains."""

    name: str
    pvh_paddr_offset_needs_virt_base: bool
    """ELF_PADDR_OFFSET without VIRT_BASE is refused for PVH too (until 4.18; always for PV)."""
    lzma_memory_limit: int
    """Decoder memory in bytes for xz and lzma payloads: 128 MiB in first releases up to 4.19, 256 MiB in all of
    today's stable updates."""
    sets_altp2m_param: bool
    """HVM_PARAM_ALTP2M is set for PVH and HVM (until 4.19)."""
    pvh_dsdt_length: int
    """Bytes of Xen's own DSDT for PVH, which place every table behind it (smaller from 4.19)."""
    unzips_ramdisk: bool
    """A gzip'd module is unzipped into guest memory by the toolstack (until 4.20)."""
    initialises_console_page: bool
    """The console page's connection field starts as XENCONSOLE_DISCONNECTED (from 4.21)."""
    acpi_memory_type: int
    """E820 type of PVH's ACPI tables in the memory map: 3, ACPI; from 4.21: 4, NVS."""
    traditional_device_model: bool
    """qemu-xen-traditional and rombios exist (until 4.21)."""
    lz4_fills_up: bool
    """An lz4 payload may unpack to less than its length field says, the rest is zeros (until 4.22, whose builder uses
    the system's liblz4)."""
    kernel_max_size: int = XC_DOM_DECOMPRESS_MAX
    """Bytes of the largest kernel that is taken, packed and unpacked: 1 GiB in every release, less where a user says
    so (upstream: xc_dom_kernel_max_size)."""


_E820_ACPI = 3
_E820_NVS = 4

_XEN_4_17 = Profile(
    name="4.17",
    pvh_paddr_offset_needs_virt_base=True,
    lzma_memory_limit=256 * MIB,
    sets_altp2m_param=True,
    pvh_dsdt_length=27_803,
    unzips_ramdisk=True,
    initialises_console_page=False,
    acpi_memory_type=_E820_ACPI,
    traditional_device_model=True,
    lz4_fills_up=True,
)
_XEN_4_18 = replace(_XEN_4_17, name="4.18", pvh_paddr_offset_needs_virt_base=False)
_XEN_4_19 = replace(_XEN_4_18, name="4.19", sets_altp2m_param=False, pvh_dsdt_length=17_945)
_XEN_4_20 = replace(_XEN_4_19, name="4.20", unzips_ramdisk=False)
_XEN_4_21 = replace(
    _XEN_4_20,
    name="4.21",
    initialises_console_page=True,
    acpi_memory_type=_E820_NVS,
    traditional_device_model=False,
)
_XEN_4_22 = replace(_XEN_4_21, name="4.22", lz4_fills_up=False)

PROFILES: tuple[Profile, ...] = (_XEN_4_17, _XEN_4_18, _XEN_4_19, _XEN_4_20, _XEN_4_21, _XEN_4_22)
"""Every known release, oldest first."""

NEWEST = PROFILES[-1]


def release_order(release: str) -> tuple[int, ...]:
    """Return what orders releases: "4.9" is (4, 9), before "4.17"."""
    return tuple(int(number) for number in release.split("."))


def in_releases(release: str, since: str | None, until: str | None) -> bool:
    """Return whether a release is one from `since` to `until`; None: there is no such end."""
    now = release_order(release)
    return (since is None or release_order(since) <= now) and (until is None or now <= release_order(until))
