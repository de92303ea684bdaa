"""HVM's device model, of which the builder needs to know the version, the system firmware and the video memory."""

from collections.abc import Iterable
from dataclasses import dataclass

from xlbuild.config.model import GuestConfig
from xlbuild.container.sizes import check_video_mib
from xlbuild.errors import ConfigError
from xlbuild.libxl.enums import BiosType, VgaInterfaceType, member_of
from xlbuild.profiles import Profile

UPSTREAM = "qemu-xen"
TRADITIONAL = "qemu-xen-traditional"

_VGA_NAMES = {
    "cirrus": VgaInterfaceType.CIRRUS,
    "stdvga": VgaInterfaceType.STD,
    "qxl": VgaInterfaceType.QXL,
    "none": VgaInterfaceType.NONE,
}
"""What `vga` may say, in these letters."""

_NAMES_OF_VGA = {kind: name for name, kind in _VGA_NAMES.items()}


@dataclass(frozen=True, slots=True)
class _Vga:
    default_mib: int
    least_mib: int


_UPSTREAM_VGA = {
    VgaInterfaceType.CIRRUS: _Vga(8, 8),
    VgaInterfaceType.STD: _Vga(16, 16),
    VgaInterfaceType.QXL: _Vga(128, 128),
    VgaInterfaceType.NONE: _Vga(0, 0),
}
_TRADITIONAL_VGA = {
    VgaInterfaceType.CIRRUS: _Vga(4, 0),
    VgaInterfaceType.STD: _Vga(8, 8),
    VgaInterfaceType.NONE: _Vga(0, 0),
}


def check_version(config: GuestConfig, profile: Profile) -> None:
    """Refuse a device model that this Xen does not have; xl looks at the key for every container."""
    version = config.device_model_version
    if version in (None, UPSTREAM) or (version == TRADITIONAL and profile.traditional_device_model):
        return
    gone = version == TRADITIONAL
    raise ConfigError(
        "config-unknown-device-model",
        f"Xen {profile.name} has no device model {version!r}",
        cause=f"{TRADITIONAL} is gone since Xen 4.21" if gone else f"it knows {UPSTREAM}",
        hint="remove the key, or build as an older Xen: --xen 4.20" if gone else "remove the key",
        where=config.where("device_model_version"),
    )


def is_traditional(config: GuestConfig, profile: Profile) -> bool:
    """Return whether an HVM guest's device model is qemu-xen-traditional: stub domains had it by default."""
    if config.device_model_version is not None or not config.device_model_stubdomain_override:
        return config.device_model_version == TRADITIONAL
    if profile.traditional_device_model:
        return True
    raise ConfigError(
        "config-stubdomain-version",
        "a device model in a stub domain needs device_model_version",
        cause=f"Xen {profile.name} has no default for it",
        hint=f'add device_model_version = "{UPSTREAM}"',
        where=config.where("device_model_stubdomain_override"),
    )


def bios_and_key(config: GuestConfig) -> tuple[BiosType, str]:
    """Return the system firmware that HVM is to have, UNKNOWN where nothing names one, and the key that says so.

    `firmware` is looked at after `bios` and wins where it names one: any beginning of `uefi` means ovmf, the empty
    text too, and any beginning of `bios` leaves the choice to `bios`.
    """
    bios = _bios(config)
    if config.firmware is not None and (named := _bios_of_firmware(config.firmware)):
        return named, "firmware"
    return bios, "bios"


def hvmloader_and_key(config: GuestConfig) -> tuple[str | None, str]:
    """Return the path of hvmloader if one is given, and the key that gives it: `firmware` wins where it is a path."""
    firmware = config.firmware
    if firmware is None or _bios_of_firmware(firmware) or "bios".startswith(firmware):
        return config.firmware_override, "firmware_override"
    return firmware, "firmware"


def vga_kind(config: GuestConfig) -> VgaInterfaceType:
    """Return HVM's graphics card, UNKNOWN where nothing names one; ConfigError for one that xl does not know."""
    if config.vga is not None:
        if config.vga not in _VGA_NAMES:
            raise _unknown_vga(config, f"vga={config.vga!r} is no graphics card", _VGA_NAMES)
        return _VGA_NAMES[config.vga]
    if config.stdvga is None:
        return VgaInterfaceType.UNKNOWN
    return VgaInterfaceType.STD if config.stdvga else VgaInterfaceType.CIRRUS


def is_cirrus(config: GuestConfig) -> bool:
    """Return whether HVM's graphics card is libxl's default, named or not."""
    return vga_kind(config) in (VgaInterfaceType.UNKNOWN, VgaInterfaceType.CIRRUS)


def system_firmware(config: GuestConfig, traditional: bool) -> BiosType | None:
    """Return which system firmware is loaded behind hvmloader: SEABIOS, OVMF, or None for ROMBIOS."""
    bios, key = bios_and_key(config)
    if bios is BiosType.UNKNOWN:
        return None if traditional else BiosType.SEABIOS
    if traditional is not (bios is BiosType.ROMBIOS):
        model = TRADITIONAL if traditional else UPSTREAM
        raise ConfigError(
            "config-bios-device-model",
            f"the device model {model} does not go with {bios}",
            cause=f"{TRADITIONAL} needs rombios, and only it has that",
            hint=f"remove {key}" + (", or device_model_version" if traditional else ""),
            where=config.where(key),
        )
    return None if traditional else bios


def video_mib(config: GuestConfig, traditional: bool) -> int:
    """Return HVM's video memory; ConfigError for an unknown card or too little."""
    cards = _TRADITIONAL_VGA if traditional else _UPSTREAM_VGA
    kind = VgaInterfaceType.CIRRUS if is_cirrus(config) else vga_kind(config)
    if kind not in cards:
        known = (_NAMES_OF_VGA[card] for card in cards)
        raise _unknown_vga(config, f"vga={config.vga!r} is no graphics card of {TRADITIONAL}", known)
    card = cards[kind]
    if config.videoram is None:
        return card.default_mib
    check_video_mib(config)
    if config.videoram < card.least_mib:
        raise ConfigError(
            "config-videoram-too-small",
            f"videoram = {config.videoram} is too small",
            cause=f"{_NAMES_OF_VGA[kind]} needs {card.least_mib} MiB at least",
            hint="remove videoram",
            where=config.where("videoram"),
        )
    return config.videoram


def _bios_of_firmware(firmware: str) -> BiosType | None:
    return member_of(BiosType, firmware) or (BiosType.OVMF if "uefi".startswith(firmware) else None)


def _bios(config: GuestConfig) -> BiosType:
    if config.bios is None:
        return BiosType.UNKNOWN
    bios = member_of(BiosType, config.bios)
    if bios is not None:
        return bios
    raise ConfigError(
        "config-unknown-bios",
        f"bios={config.bios!r} is no system firmware",
        cause=f"xl knows {', '.join(known for known in BiosType if known is not BiosType.UNKNOWN)}",
        hint='use bios = "seabios" or "ovmf"; for a file, bios_path_override',
        where=config.where("bios"),
    )


def _unknown_vga(config: GuestConfig, message: str, known: Iterable[str]) -> ConfigError:
    return ConfigError(
        "config-unknown-vga",
        message,
        cause=f"xl knows {', '.join(known)}",
        hint="use one of these, in lower case",
        where=config.where("vga"),
    )
