"""What settings say together: a file of xm's time, a command line that is cut, a type that nobody chose."""

import re
from collections.abc import Iterator

from xlbuild.abi.limits import MAX_GUEST_CMDLINE
from xlbuild.config.model import GuestConfig
from xlbuild.config.settings import Settings
from xlbuild.container.model import Kind
from xlbuild.errors import Diagnostic

_XM_KEYS = (
    *("arch_libdir", "on_xend_start", "on_xend_stop", "restart", "uid", "vhpt", "blkif", "netif", "tpmif"),
    *("nfs_root", "nfs_server", "machine_address_size", "access_control", "pci_bus", "vscsi", "vif2"),
)
"""Keys that were xm's, and never xl's, and that people do not copy from one file to the next."""

_XM_VALUES = (
    ("builder", re.compile(r"linux|vmx")),
    ("kernel", re.compile(r"(.*/)?(hvmloader|vmxloader|ioemu-stubdom.*)")),
    ("device_model", re.compile(r".*qemu-dm.*")),
)
"""Values that were usual with xm, and do nothing now."""

_ROOT_DISK = re.compile(r"(?:^|\s)root=(/dev/(?:xvd|hd|sd)[a-z]+[0-9]*)(?=\s|$)")
_SHOWN = 40


def whole_lints(settings: Settings, guest: GuestConfig, kind: Kind | None) -> Iterator[Diagnostic]:
    """Yield what only several settings, or their absence, tell."""
    if guest.type is None and guest.builder is None and kind is not None and not guest.arm_keys:
        message = "no type is set: this is a PV guest"
        yield Diagnostic("type-default", message, guest.where("type"), 'add type = "pv", "pvh" or "hvm"')
    if "/" in guest.name:
        message = f"the name {guest.name!r} has a slash in it, and names of domains are used in paths"
        yield Diagnostic("name-path", message, guest.where("name"), "use letters, digits, -, _ and .")
    yield from _xm_file(settings)
    yield from _command_line(settings, guest, kind)


def _xm_file(settings: Settings) -> Iterator[Diagnostic]:
    found = [key for key in _XM_KEYS if key in settings]
    for key, pattern in _XM_VALUES:
        value = settings[key].value if key in settings else None
        if isinstance(value, str) and pattern.fullmatch(value):
            found.append(key)
    if found:
        first = min(found, key=list(settings).index)
        verb = "tells" if len(found) == 1 else "tell"
        message = f"this file is for xm, Xen's tool before xl: {', '.join(found)} {verb} so"
        hint = "write it anew for xl: docs/xl-cfg.md has every key"
        yield Diagnostic("xm-file", message, settings[first].key_where, hint)


def _command_line(settings: Settings, guest: GuestConfig, kind: Kind | None) -> Iterator[Diagnostic]:
    text = guest.command_line or ""
    key = next((key for key in ("cmdline", "extra", "root") if key in settings), "cmdline")
    data = text.encode(errors="surrogateescape")
    most = MAX_GUEST_CMDLINE - 1
    if kind is Kind.PV and len(data) > most:
        kept, lost = _end_of(data[:most]), _start_of(data[most:])
        message = (
            f"the command line has {len(data):,} bytes, and a PV guest gets {most:,}: "
            f"it sees all up to {kept!r}; cut off: {lost!r}"
        )
        yield Diagnostic("command-line-cut", message, guest.where(key), "shorten it, or use a PVH guest")
    match = _ROOT_DISK.search(text)
    if match and kind in (Kind.PV, Kind.PVH) and not _has_disks(settings):
        message = f"the kernel's root is {match[1]}, and the guest has no disk"
        yield Diagnostic("root-without-disk", message, guest.where(key), "add the disk, or correct root=")


def _end_of(data: bytes) -> str:
    text = data.decode(errors="surrogateescape")
    return f"…{text[1 - _SHOWN :]}"


def _start_of(data: bytes) -> str:
    text = data.decode(errors="surrogateescape")
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _has_disks(settings: Settings) -> bool:
    return "disk" in settings and bool(settings["disk"].value)
