"""From settings to a `GuestConfig`: every key that is read, by name, in the order of the table of keys."""

from collections.abc import Mapping

from xlbuild.cnumbers import INT_MAX, int32
from xlbuild.config.devices.lists import check_count, read_devices
from xlbuild.config.devices.pci import pci
from xlbuild.config.keys import KEYS
from xlbuild.config.model import GuestConfig, VirtualNode
from xlbuild.config.settings import Setting
from xlbuild.config.uuid import uuid_of
from xlbuild.config.value_ranges import takes
from xlbuild.config.values import Values
from xlbuild.config.vnuma import virtual_nodes
from xlbuild.errors import ConfigError, Diagnostic, Where
from xlbuild.libxl.devices import DevicePci
from xlbuild.libxl.enums import Nameless


def guest_config(values: Values) -> GuestConfig:
    """Return what the settings say; what is wrong with any container is in `values.problems`."""
    settings, problems = values.settings, values.problems
    source = settings.text.source
    name = problems.attempt(lambda: _name(values, source), "")
    uuid = problems.attempt(lambda: _uuid(values, settings), None)
    return GuestConfig(
        source=source,
        name=name,
        uuid=uuid,
        type=values.string("type"),
        builder=values.string("builder"),
        kernel=values.string("kernel"),
        ramdisk=values.string("ramdisk"),
        command_line=_command_line(values, settings),
        bootloader=values.string("bootloader"),
        pvshim=values.boolean("pvshim"),
        pvshim_path=values.string("pvshim_path"),
        pvshim_cmdline=values.string("pvshim_cmdline"),
        pvshim_extra=values.string("pvshim_extra"),
        memory=values.number("memory"),
        maxmem=values.number("maxmem"),
        videoram=values.number("videoram"),
        vga=values.string("vga"),
        stdvga=values.boolean("stdvga"),
        vcpus=_vcpus(values),
        maxvcpus=values.number("maxvcpus"),
        mmio_hole=values.number("mmio_hole"),
        vnuma=problems.attempt(lambda: _vnuma(values, settings), ()),
        rdm=values.string("rdm"),
        e820_host=values.boolean("e820_host"),
        rdm_mem_boundary=values.number("rdm_mem_boundary"),
        passthrough=values.string("passthrough"),
        pci=_pci(values),
        firmware=values.string("firmware"),
        firmware_override=values.string("firmware_override"),
        bios=values.string("bios"),
        bios_path_override=values.string("bios_path_override"),
        acpi_firmware=values.string("acpi_firmware"),
        smbios_firmware=values.string("smbios_firmware"),
        device_model_version=values.string("device_model_version"),
        device_model_stubdomain_override=values.boolean("device_model_stubdomain_override"),
        apic=values.boolean("apic"),
        hpet=values.boolean("hpet"),
        vpt_align=values.boolean("vpt_align"),
        timer_mode=values.number_or_name("timer_mode"),
        altp2m=values.number_or_name("altp2m"),
        altp2mhvm=values.boolean("altp2mhvm"),
        viridian=values.boolean_or_list("viridian"),
        mca_caps=values.value("mca_caps"),
        nestedhvm=values.boolean("nestedhvm"),
        max_event_channels=values.number("max_event_channels"),
        max_grant_frames=problems.attempt(lambda: values.bounded("max_grant_frames", INT_MAX), None),
        max_maptrack_frames=problems.attempt(lambda: values.bounded("max_maptrack_frames", INT_MAX), None),
        max_grant_version=problems.attempt(lambda: values.bounded("max_grant_version", INT_MAX), None),
        trap_unmapped_accesses=values.boolean("trap_unmapped_accesses"),
        arm_keys=tuple(key.name for key in KEYS if key.arm and key.name in settings),
        places=settings.places,
        warnings=problems.warnings,
    )


def _name(values: Values, source: str) -> str:
    name = values.string("name")
    if name is None:
        setting = values.settings.get("name")
        raise ConfigError(
            "config-no-name",
            "the domain has no name",
            cause="`name` is a list" if setting else "the configuration does not set `name`",
            hint='add name = "..."',
            where=setting.where if setting else Where(file=source, key="name"),
        )
    return name


def _vcpus(values: Values) -> int | None:
    """Return the number of vCPUs; where xl takes 0, it takes anything below 1 for 1."""
    vcpus = values.number("vcpus")
    if vcpus is None or vcpus > 0 or not takes(values.release, "vcpus", "0"):
        return vcpus
    where, message = values.settings["vcpus"].where, f"vcpus is {vcpus}, which xl takes for 1"
    values.problems.warn(Diagnostic("config-vcpus", message, where, "write vcpus = 1"))
    return 1


def _uuid(values: Values, settings: Mapping[str, Setting]) -> str | None:
    uuid = values.string("uuid")
    if uuid is None or uuid_of(uuid):
        return uuid and uuid_of(uuid)
    raise ConfigError(
        "config-bad-uuid",
        f"{uuid!r} is no UUID",
        cause="xl takes the form with 32 hexadecimal digits and 4 hyphens, and nothing around it",
        hint="correct it, or leave `uuid` out",
        where=settings["uuid"].where,
    )


def _pci(values: Values) -> tuple[DevicePci, ...]:
    """Return the devices, each of them tried."""

    def switch(key: str) -> bool:
        return int32(values.number(key)) != 0

    defaults = DevicePci(
        msitranslate=switch("pci_msitranslate"),
        power_mgmt=switch("pci_power_mgmt"),
        permissive=switch("pci_permissive"),
        seize=switch("pci_seize"),
        rdm_policy=Nameless.NAMELESS,
    )
    return read_devices(values, "pci", lambda element: pci(element, values.problems, defaults))


def _vnuma(values: Values, settings: Mapping[str, Setting]) -> tuple[VirtualNode, ...]:
    nodes = values.elements("vnuma")
    if not nodes:
        return ()
    where = settings["vnuma"].where
    check_count("vnuma", len(nodes), where)
    return virtual_nodes(nodes, where, values.problems)


def _command_line(values: Values, settings: Mapping[str, Setting]) -> str | None:
    """Return the guest's command line; `cmdline` wins over what `root` and `extra` would make."""
    cmdline, root, extra = (values.string(key) for key in ("cmdline", "root", "extra"))
    if cmdline is not None:
        if root is not None or extra is not None:
            ignored = " and ".join(
                key for key, value in (("root", root), ("extra", extra)) if value is not None
            )
            values.problems.warn(
                Diagnostic(
                    "command-line-ignored",
                    f"{ignored} has no effect beside cmdline",
                    settings[ignored.split()[0]].where,
                    "put all of it into cmdline",
                )
            )
        return cmdline
    if root is None:
        return extra
    return f"root={root}" if extra is None else f"root={root} {extra}"
