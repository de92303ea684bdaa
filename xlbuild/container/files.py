"""Which files the build needs: kernel, shim or hvmloader, modules, firmware, and the command line.

Upstream: xl's parse_config_data and libxl__domain_firmware.
"""

from dataclasses import dataclass

from xlbuild.config.model import GuestConfig
from xlbuild.container.device_model import hvmloader_and_key, system_firmware
from xlbuild.container.model import FileRequest, Kind, ModuleRequest, Role
from xlbuild.errors import ConfigError

SHIM_COMMAND_LINE = "pv-shim console=xen,pv"
"""libxl's default, used only where `pvshim` is true."""

PVGRUBS = ("pvgrub32", "pvgrub64")
"""What `firmware` may name for PV and PVH guests."""

_HVMLOADER = "hvmloader"


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a build, and the guest's command line."""

    kernel: FileRequest
    modules: tuple[ModuleRequest, ...] = ()
    command_line: str | None = None
    system_firmware: FileRequest | None = None
    acpi_firmware: FileRequest | None = None
    smbios_firmware: FileRequest | None = None


def files_of(config: GuestConfig, kind: Kind, traditional: bool) -> Files:
    """Return what to load; ConfigError where that is nothing, or cannot be known without the guest's disk."""
    if kind is Kind.HVM:
        return _firmware_files(config, traditional)
    _refuse_bootloader(config)
    kernel, ramdisk = _kernel(config), _ramdisk(config)
    if kind is Kind.PVH and (config.pvshim or config.pvshim_path is not None):
        modules = (ModuleRequest(kernel, config.command_line), *ramdisk)
        return Files(_shim(config), modules, shim_command_line(config))
    return Files(kernel, ramdisk, config.command_line)


def is_hvmloader(config: GuestConfig) -> bool:
    """Return whether `kernel` names hvmloader, as HVM files of xm's time do: xl then drops it."""
    return config.kernel is not None and config.kernel.rpartition("/")[2] == _HVMLOADER


def shim_command_line(config: GuestConfig) -> str:
    """Return the shim's command line.

    With `pvshim_path` alone, libxl has no default and prints a null pointer: "(null)".
    """
    base = config.pvshim_cmdline
    if base is None:
        base = SHIM_COMMAND_LINE if config.pvshim else "(null)"
    return base if config.pvshim_extra is None else f"{base} {config.pvshim_extra}"


def _firmware_files(config: GuestConfig, traditional: bool) -> Files:
    """Return hvmloader and what lies behind it; a kernel is the device model's business."""
    direct_boot = config.ramdisk is not None or config.command_line is not None
    if direct_boot and (config.kernel is None or is_hvmloader(config)):
        set_keys = [key for key in ("ramdisk", "cmdline", "root", "extra") if key in config.places]
        raise ConfigError(
            "config-no-direct-kernel",
            f"an HVM guest with {', '.join(set_keys)} needs a kernel",
            cause="these are for a kernel that the device model boots directly, and none is given",
            hint=f"remove {', '.join(set_keys)}, or give the guest's own kernel with kernel",
            where=config.where(set_keys[0]),
        )
    return Files(
        kernel=_hvmloader(config),
        command_line=config.command_line,
        system_firmware=_system_firmware(config, traditional),
        acpi_firmware=_file(config, "acpi_firmware", config.acpi_firmware, Role.ACPI_FIRMWARE),
        smbios_firmware=_file(config, "smbios_firmware", config.smbios_firmware, Role.SMBIOS_FIRMWARE),
    )


def _hvmloader(config: GuestConfig) -> FileRequest:
    path, key = hvmloader_and_key(config)
    given = _file(config, key, path, Role.HVMLOADER, _HVMLOADER)
    return given or FileRequest(Role.HVMLOADER, None, _HVMLOADER, config.where("type"))


def _system_firmware(config: GuestConfig, traditional: bool) -> FileRequest | None:
    bios = system_firmware(config, traditional)
    if bios is None:
        return None
    given = _file(config, "bios_path_override", config.bios_path_override, Role.SYSTEM_FIRMWARE)
    return given or FileRequest(Role.SYSTEM_FIRMWARE, None, bios, config.where("bios"))


def _refuse_bootloader(config: GuestConfig) -> None:
    if config.bootloader is not None:
        raise ConfigError(
            "config-bootloader",
            f"bootloader={config.bootloader!r} would look for the kernel on the guest's disk",
            cause="xl runs this program on a host, and builds what it finds; here are neither disk nor host",
            hint="copy the kernel and its initial ramdisk from the disk, give them with kernel= and ramdisk=, "
            "and remove bootloader",
            where=config.where("bootloader"),
        )


def _kernel(config: GuestConfig) -> FileRequest:
    """Return the guest's kernel for PV and PVH: `kernel`, or the pvgrub that `firmware` names."""
    if (pvgrub := named_pvgrub(config)) is not None:
        # xl takes any beginning of a name, and then looks for a file of just that name.
        complete = pvgrub in PVGRUBS
        path = None if complete else f"{pvgrub}.bin"
        return FileRequest(Role.PVGRUB, path, pvgrub if complete else PVGRUBS[-1], config.where("firmware"))
    check_start(config)
    kernel = _file(config, "kernel", config.kernel, Role.KERNEL)
    assert kernel is not None
    return kernel


def named_pvgrub(config: GuestConfig) -> str | None:
    """Return what `firmware` names for PV and PVH: a pvgrub, or any beginning of one; ConfigError for others."""
    firmware = config.firmware
    if firmware is not None and config.kernel is not None:
        raise ConfigError(
            "config-kernel-and-firmware",
            "both kernel and firmware are set",
            cause="each of them names what the guest starts",
            hint="remove one of them",
            where=config.where("firmware"),
        )
    if firmware is not None and not any(name.startswith(firmware) for name in PVGRUBS):
        raise ConfigError(
            "config-unknown-firmware",
            f"firmware={firmware!r} is none for PV and PVH guests",
            cause="xl knows pvgrub32 and pvgrub64",
            hint='use one of these, or type = "hvm"',
            where=config.where("firmware"),
        )
    return firmware


def check_start(config: GuestConfig) -> None:
    """Refuse a PV or PVH guest that has nothing to start with: neither kernel nor firmware nor bootloader."""
    if not all(start is None for start in (config.kernel, config.firmware, config.bootloader)):
        return
    raise ConfigError(
        "config-no-kernel",
        "the guest has no kernel",
        cause=next((warning.message for warning in config.warnings if warning.where.key == "kernel"), None)
        or "the configuration sets neither kernel nor firmware",
        hint='add kernel = "...", or type = "hvm" for a guest that boots from its disk',
        where=config.where("kernel"),
    )


def _ramdisk(config: GuestConfig) -> tuple[ModuleRequest, ...]:
    """Return the ramdisk as a module; an empty path is none."""
    if not config.ramdisk:
        return ()
    return (ModuleRequest(FileRequest(Role.RAMDISK, config.ramdisk, None, config.where("ramdisk")), None),)


def _shim(config: GuestConfig) -> FileRequest:
    given = _file(config, "pvshim_path", config.pvshim_path, Role.SHIM)
    return given or FileRequest(Role.SHIM, None, "xen-shim", config.where("pvshim"))


def _file(
    config: GuestConfig, key: str, path: str | None, role: Role, firmware: str | None = None
) -> FileRequest | None:
    """Return a file that a key gives the path of; None when it does not, ConfigError when the path is empty."""
    if path is None:
        return None
    if not path:
        raise ConfigError(
            "config-empty-path",
            f"{key} is empty",
            cause="it has to be the path of a file",
            hint=f"give a path, or remove {key}",
            where=config.where(key),
        )
    return FileRequest(role, path, firmware, config.where(key))
