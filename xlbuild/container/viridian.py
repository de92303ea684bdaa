"""Hyper-V's interfaces for an HVM guest: `viridian`.

Upstream: xl's parse_config_data for what it says, hvm_set_viridian_features in libxl for what becomes of it. The bits
of HVM_PARAM_VIRIDIAN are in public hvm/params.h (HVMPV_*).
"""

from dataclasses import dataclass

from xlbuild.config.model import GuestConfig
from xlbuild.container.choices import list_of_names, unknown
from xlbuild.errors import ConfigError
from xlbuild.libxl.enums import ViridianEnlightenment as Group
from xlbuild.libxl.enums import member_of

_GROUPS = tuple(Group)
_PARAMETER_BITS = {
    Group.BASE: 0x1,
    Group.FREQ: 0,
    Group.TIME_REF_COUNT: 0x4,
    Group.REFERENCE_TSC: 0x8,
    Group.HCALL_REMOTE_TLB_FLUSH: 0x10,
    Group.APIC_ASSIST: 0x20,
    Group.CRASH_CTL: 0x40,
    Group.SYNIC: 0x80,
    Group.STIMER: 0x184,  # takes synic and time_ref_count with it
    Group.HCALL_IPI: 0x200,
    Group.EX_PROCESSOR_MASKS: 0x400,
    Group.NO_VP_LIMIT: 0x800,
    Group.CPU_HOTPLUG: 0x1000,
}
_NO_FREQ = 0x2
_DEFAULTS = frozenset(
    {
        Group.BASE,
        Group.FREQ,
        Group.TIME_REF_COUNT,
        Group.APIC_ASSIST,
        Group.CRASH_CTL,
        Group.NO_VP_LIMIT,
        Group.CPU_HOTPLUG,
    }
)
_ALL = frozenset(range(64))
"""What `all` enables: every bit of libxl's bitmap, with groups or without."""


@dataclass(frozen=True, slots=True)
class Viridian:
    """What `viridian` says, as xl hands it to libxl."""

    defaults: bool | None = None
    """Whether the default groups are asked for; None where nothing is said of them."""
    enabled: frozenset[int] = frozenset()
    """Numbers of groups."""
    disabled: frozenset[int] = frozenset()


def viridian(config: GuestConfig) -> Viridian:
    """Return what the key says; ConfigError for an unknown group."""
    if config.viridian is None or isinstance(config.viridian, bool):
        return Viridian(config.viridian)
    defaults: bool | None = None
    enabled: frozenset[int] = frozenset()
    disabled: frozenset[int] = frozenset()
    for name in list_of_names(config, "viridian", config.viridian):
        if name == "defaults":
            defaults = True
        elif name == "all":
            enabled = _ALL
        elif name.startswith("!"):
            bit = _bit(config, name, name[1:])
            enabled, disabled = enabled - bit, disabled | bit
        else:
            bit = _bit(config, name, name)
            enabled, disabled = enabled | bit, disabled - bit
    return Viridian(defaults, enabled, disabled)


def viridian_parameter(config: GuestConfig) -> int | None:
    """Return the mask of interfaces; None where there is none.

    `!group` takes from the defaults wherever it stands.
    """
    said = viridian(config)
    if both := _named(said.enabled & said.disabled):
        raise ConfigError(
            "config-viridian-both",
            f"viridian both enables and disables {', '.join(sorted(both))}",
            cause="`all` does not undo a `!group` in front of it",
            hint="put `all` first",
            where=config.where("viridian"),
        )
    groups = (_named(said.enabled) | (_DEFAULTS if said.defaults else set())) - _named(said.disabled)
    if not groups:
        return None
    if Group.BASE not in groups:
        raise ConfigError(
            "config-viridian-base",
            "viridian needs its group base",
            cause=f"{', '.join(sorted(groups))} need it",
            hint='add "base"',
            where=config.where("viridian"),
        )
    mask = 0 if Group.FREQ in groups else _NO_FREQ
    for group in groups:
        mask |= _PARAMETER_BITS[group]
    return mask


def _bit(config: GuestConfig, name: str, group: str) -> frozenset[int]:
    member = member_of(Group, group)
    if member is None:
        raise unknown(config, "viridian", name, ("all", "defaults", *Group))
    return frozenset({_GROUPS.index(member)})


def _named(bits: frozenset[int]) -> set[Group]:
    return {group for bit, group in enumerate(_GROUPS) if bit in bits}
