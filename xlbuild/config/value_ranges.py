"""Values that xl has not always taken, or takes no more: what the table of keys says of keys, for their values."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from xlbuild.profiles import in_releases


@dataclass(frozen=True, slots=True)
class ValueRange:
    """A value and the releases that take it."""

    key: str
    value: str
    """As it is written; a field of a device's description ends in `=`."""
    since: str | None
    """The first release that takes it; None: the oldest profile's does."""
    until: str | None
    """The last release that took it; None: the newest does."""
    source: str


_P9 = "CHANGELOG 4.19: a 9pfs backend running as a daemon in dom0"
_TRUSTED = "4.17 takes it for a position; its grammar has it by February 2024; not dated more closely"
_TRADITIONAL = "qemu-xen-traditional was removed for 4.21 (19ab8356ab)"

VALUES: tuple[ValueRange, ...] = (
    ValueRange("builder", "linux", None, "4.9", "before c7dfe4ac58, what was not hvm was PV"),
    ValueRange(
        "tsc_mode", "native_paravirt", None, "4.16", "libxl 4.17 says that it has been removed; not dated"
    ),
    ValueRange(
        "bootloader", "/usr/bin/pygrub", None, "4.18", "CHANGELOG 4.19: the symbolic link was removed"
    ),
    ValueRange("device_model_version", "qemu-xen-traditional", None, "4.20", _TRADITIONAL),
    ValueRange("bios", "rombios", None, "4.20", _TRADITIONAL),
    ValueRange("firmware", "rombios", None, "4.20", _TRADITIONAL),
    ValueRange("tee", "ffa", "4.18", None, "CHANGELOG 4.18: the FF-A mediator"),
    ValueRange(
        "disk", "grant_usage=", "4.19", None, "libxl: Add grant_usage for virtio disk devices (February 2024)"
    ),
    ValueRange("disk", "trusted", "4.19", None, _TRUSTED),
    ValueRange("disk", "untrusted", "4.19", None, _TRUSTED),
    ValueRange("p9", "type=", "4.19", None, _P9),
    ValueRange("p9", "max-files=", "4.19", None, _P9),
    ValueRange("p9", "max-open-files=", "4.19", None, _P9),
    ValueRange("p9", "max-space=", "4.19", None, _P9),
    ValueRange("p9", "auto-delete=", "4.19", None, _P9),
    ValueRange(
        "vcpus",
        "0",
        "4.22",
        None,
        "tools/xl: Fix when config cpus is set, but vcpus is missing (December 2025)",
    ),
    ValueRange("nr_spis", "0", "4.21", None, "tools/arm: Fix nr_spis handling v2 (March 2025)"),
    ValueRange(
        "vif", "vlan=", "4.20", None, "docs/man: document VIF vlan keyword (2024, after 4.19 was frozen)"
    ),
)
"""Every such value, those that went first."""


@cache
def unknown_values(release: str) -> Mapping[tuple[str, str], ValueRange]:
    """Return what a release does not take, by key and value."""
    return {(row.key, row.value): row for row in VALUES if not in_releases(release, row.since, row.until)}


def takes(release: str, key: str, value: str) -> bool:
    """Return whether a release takes a value of the table, as one without a row is always taken."""
    return (key, value) not in unknown_values(release)
