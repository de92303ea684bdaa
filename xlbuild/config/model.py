"""What a configuration says: the values of the keys that reach the builder, each with the place it was read from.

Values are as written, not yet judged: whether a key applies, and what it defaults to, depends on the container and
is decided in `xlbuild.container`. A value that xl drops (a number written wrongly, a list where a string belongs) is
None here and a warning in `warnings`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from xlbuild.errors import Diagnostic, Where
from xlbuild.libxl.devices import DevicePci

Value: TypeAlias = str | tuple["Value", ...]
"""A string (numbers are strings, too), or a list; lists nest."""

# Text is UTF-8 with the surrogateescape error handler, so that any byte of the file survives: encode it the same way.


@dataclass(frozen=True, slots=True)
class VirtualNode:
    """One element of `vnuma`."""

    pnode: int | None = None
    """The host's node; it is 0 where none is named."""
    size_mib: int | None = None
    vcpus: tuple[range, ...] = ()
    """As listed: a vCPU may be named twice, or by no node."""
    vdistances: tuple[int, ...] = ()
    """To the nodes in order; there may be too few or too many."""
    earlier_mib: int = 0
    """Sizes that it had before: xl counts them too, and libxl sees the last alone."""


@dataclass(frozen=True, slots=True)
class GuestConfig:
    """One guest's configuration, read as xl reads it."""

    source: str
    """The file's name as given, for messages."""
    name: str
    uuid: str | None
    """In lower case."""
    type: str | None
    builder: str | None
    kernel: str | None
    ramdisk: str | None
    command_line: str | None
    """`cmdline`, or what `root` and `extra` make of it; None and empty differ."""
    bootloader: str | None
    pvshim: bool | None
    pvshim_path: str | None
    pvshim_cmdline: str | None
    pvshim_extra: str | None
    memory: int | None
    """MiB, any C long."""
    maxmem: int | None
    videoram: int | None
    vga: str | None
    stdvga: bool | None
    vcpus: int | None
    maxvcpus: int | None
    mmio_hole: int | None
    vnuma: tuple[VirtualNode, ...]
    """Virtual NUMA nodes in order; none where `vnuma` is no list, or an empty one."""
    rdm: str | None
    e820_host: bool | None
    rdm_mem_boundary: int | None
    """MiB, any C long."""
    passthrough: str | None
    pci: tuple[DevicePci, ...]
    """Where one says no rdm_policy, it is NAMELESS: what that means depends on the container."""
    firmware: str | None
    firmware_override: str | None
    bios: str | None
    bios_path_override: str | None
    acpi_firmware: str | None
    smbios_firmware: str | None
    device_model_version: str | None
    device_model_stubdomain_override: bool | None
    apic: bool | None
    hpet: bool | None
    vpt_align: bool | None
    timer_mode: int | str | None
    altp2m: int | str | None
    altp2mhvm: bool | None
    viridian: bool | tuple[Value, ...] | None
    mca_caps: Value | None
    """Whatever it is: only HVM makes it an error when that is no list of names."""
    nestedhvm: bool | None
    max_event_channels: int | None
    max_grant_frames: int | None
    max_maptrack_frames: int | None
    max_grant_version: int | None
    trap_unmapped_accesses: bool | None
    arm_keys: tuple[str, ...]
    """Keys set that mean something for Arm guests only, in the order of the table."""
    places: Mapping[str, Where]
    """Where each key that the configuration sets got its value, keys that xl does not know included."""
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def has_pci(self) -> bool:
        """Whether the guest is to have any PCI device of its host."""
        return bool(self.pci)

    def where(self, key: str) -> Where:
        """Return where `key` was set; for a key that was not, just the file."""
        return self.places.get(key, Where(file=self.source, key=key))
