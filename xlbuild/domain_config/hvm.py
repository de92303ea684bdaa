"""What a configuration says of an HVM guest alone, first its platform and firmware.

Upstream: xl's parse_config_data. Each function sets some fields of libxl_domain_build_info's `u.hvm`.
"""

from dataclasses import replace

from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.device_model import bios_and_key, hvmloader_and_key
from xlbuild.container.host_memory import rdm_settings
from xlbuild.container.parameters import mca_caps
from xlbuild.container.sizes import mmio_hole_mib
from xlbuild.container.viridian import Viridian, viridian
from xlbuild.domain_config.emulated import with_devices, with_graphics
from xlbuild.domain_config.numbers import kib
from xlbuild.domain_config.smbios import smbios_strings
from xlbuild.errors import ConfigError
from xlbuild.libxl.domain import Hvm, RdmReserve
from xlbuild.libxl.enums import BiosType, Nameless, RdmReserveStrategy


def hvm(values: Values, guest: GuestConfig) -> Hvm:
    """Return HVM's part of the build info."""
    platform = _with_firmware(values, guest, _platform(values, guest))
    return with_devices(values, guest, with_graphics(values, guest, platform))


def _platform(values: Values, guest: GuestConfig) -> Hvm:
    asked = values.problems.attempt(lambda: viridian(guest), Viridian())
    hole = values.problems.attempt(lambda: mmio_hole_mib(guest), None)
    return Hvm(
        pae=values.boolean("pae"),
        acpi_s3=values.boolean("acpi_s3"),
        acpi_s4=values.boolean("acpi_s4"),
        acpi_laptop_slate=values.boolean("acpi_laptop_slate"),
        nx=values.boolean("nx"),
        viridian=asked.defaults,
        viridian_enable=tuple(sorted(asked.enabled)) or None,
        viridian_disable=tuple(sorted(asked.disabled)) or None,
        hpet=guest.hpet,
        vpt_align=guest.vpt_align,
        mmio_hole_memkb=kib(hole),
        altp2m=guest.altp2mhvm,
        rdm=_rdm(guest),
        rdm_mem_boundary_memkb=kib(guest.rdm_mem_boundary),
        mca_caps=values.problems.attempt(lambda: mca_caps(guest), 0),
        pirq=values.boolean("hvm_pirq"),
    )


def _with_firmware(values: Values, guest: GuestConfig, part: Hvm) -> Hvm:
    attempt = values.problems.attempt
    attempt(lambda: _check_ms_vm_genid(values, guest), None)
    return replace(
        part,
        firmware=hvmloader_and_key(guest)[0],
        bios=attempt(lambda: bios_and_key(guest)[0], BiosType.UNKNOWN),
        system_firmware=guest.bios_path_override,
        smbios_firmware=guest.smbios_firmware,
        smbios=attempt(lambda: smbios_strings(values, guest), ()),
        acpi_firmware=guest.acpi_firmware,
    )


def _check_ms_vm_genid(values: Values, guest: GuestConfig) -> None:
    """Refuse what is no way to an ID; xl makes a random one, which is left out here."""
    text = values.string("ms_vm_genid")
    if text in (None, "generate", "none"):
        return
    raise ConfigError(
        "config-unknown-ms-vm-genid",
        f"ms_vm_genid has no {text!r}",
        cause="xl knows generate and none, in lower case",
        hint="use one of these, or remove the key",
        where=guest.where("ms_vm_genid"),
    )


def _rdm(guest: GuestConfig) -> RdmReserve:
    """Return what `rdm` says: xl clears neither half before it reads, and what is not said is no name's value."""
    settings = rdm_settings(guest)
    if settings is None:
        return RdmReserve()
    strategy = RdmReserveStrategy.HOST if "strategy" in settings else Nameless.NAMELESS
    return RdmReserve(strategy, Nameless.NAMELESS)
