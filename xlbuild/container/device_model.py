"""HVM's device model, of which the builder needs to know the version, the system firmware and the video memory."""

from dataclasses import dataclass

from xlbuild.config.model import GuestConfig
from xlbuild.container.sizes import check_video_mib
from xlbuild.errors import ConfigError
from xlbuild.profiles import Profile

UPSTREAM = "qemu-xen"
TRADITIONAL = "qemu-xen-traditional"

BIOSES = ("unknown", "rombios", "seabios", "ovmf")
"""What `bios` may say, in any case of letters; unknown is the same as nothing."""


@dataclass(frozen=True, slots=True)
class _Vga:
    default_mib: int
    least_mib: int


_UPSTREAM_VGA = {"cirrus": _Vga(8, 8), "stdvga": _Vga(16, 16), "qxl": _Vga(128, 128), "none": _Vga(0, 0)}
_TRADITIONAL_VGA = {"cirrus": _Vga(4, 0), "stdvga": _Vga(8, 8), "none": _Vga(0, 0)}


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


def system_firmware(config: GuestConfig, traditional: bool) -> str | None:
    """Return which system firmware is loaded behind hvmloader: seabios, ovmf, or None for rombios.

    `firmware` is looked at after `bios` and wins where it names one.
    """
    key, bios = "bios", _bios(config)
    if config.firmware is not None:
        named = firmware_names_bios(config.firmware)
        key, bios = ("firmware", named) if named is not None else (key, bios)
    if bios in (None, "unknown"):
        return None if traditional else "seabios"
    if traditional is not (bios == "rombios"):
        model = TRADITIONAL if traditional else UPSTREAM
        raise ConfigError(
            "config-bios-device-model",
            f"the device model {model} does not go with {bios}",
            cause=f"{TRADITIONAL} needs rombios, and only it has that",
            hint=f"remove {key}" + (", or device_model_version" if traditional else ""),
            where=config.where(key),
        )
    return None if traditional else bios


def firmware_names_bios(firmware: str) -> str | None:
    """Return the bios that HVM's `firmware` names; None where it names none, or leaves the choice to `bios`.

    Any beginning of `uefi` means ovmf, the empty text too.
    """
    if firmware.lower() in BIOSES:
        return firmware.lower()
    return "ovmf" if "uefi".startswith(firmware) else None


def firmware_is_path(firmware: str) -> bool:
    """Return whether HVM's `firmware` is the path of hvmloader."""
    return firmware_names_bios(firmware) is None and not "bios".startswith(firmware)


def video_mib(config: GuestConfig, traditional: bool) -> int:
    """Return HVM's video memory; ConfigError for an unknown card or too little."""
    cards = _TRADITIONAL_VGA if traditional else _UPSTREAM_VGA
    name = config.vga if config.vga is not None else "stdvga" if config.stdvga else "cirrus"
    if name not in cards:
        raise ConfigError(
            "config-unknown-vga",
            f"vga={name!r} is no graphics card" + (f" of {TRADITIONAL}" if name in _UPSTREAM_VGA else ""),
            cause="xl knows " + ", ".join(cards),
            hint="use one of these, in lower case",
            where=config.where("vga"),
        )
    card = cards[name]
    if config.videoram is None:
        return card.default_mib
    check_video_mib(config)
    if config.videoram < card.least_mib:
        raise ConfigError(
            "config-videoram-too-small",
            f"videoram = {config.videoram} is too small",
            cause=f"{name} needs {card.least_mib} MiB at least",
            hint="remove videoram",
            where=config.where("videoram"),
        )
    return config.videoram


def _bios(config: GuestConfig) -> str | None:
    if config.bios is None or config.bios.lower() in BIOSES:
        return config.bios and config.bios.lower()
    raise ConfigError(
        "config-unknown-bios",
        f"bios={config.bios!r} is no system firmware",
        cause="xl knows " + ", ".join(BIOSES[1:]),
        hint='use bios = "seabios" or "ovmf"; for a file, bios_path_override',
        where=config.where("bios"),
    )
