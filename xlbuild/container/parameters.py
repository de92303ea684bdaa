"""HVM parameters that libxl sets before the build, from numbers, names and lists of names.

Numbers and bits: public hvm/params.h (HVMPV_*, XEN_ALTP2M_*, XEN_HVM_MCA_CAP_LMCE), libxl's type description.
"""

from xlbuild.config.model import GuestConfig, Value
from xlbuild.container.model import Kind, MemorySizes, ToolstackParameters
from xlbuild.errors import ConfigError
from xlbuild.profiles import Profile

_TIMER_MODES = {
    "delay_for_missed_ticks": 0,
    "no_delay_for_missed_ticks": 1,
    "no_missed_ticks_pending": 2,
    "one_missed_tick_pending": 3,
}
_DEFAULT_TIMER_MODE = 1
_UNKNOWN_TIMER_MODE = "unknown"
"""A name that xl takes, and the same as none."""

_ALTP2M_MODES = {"disabled": 0, "mixed": 1, "external": 2, "limited": 3}
_ALTP2M_MIXED = 1

_VIRIDIAN_BITS = {
    "base": 0x1,
    "freq": 0,
    "time_ref_count": 0x4,
    "reference_tsc": 0x8,
    "hcall_remote_tlb_flush": 0x10,
    "apic_assist": 0x20,
    "crash_ctl": 0x40,
    "synic": 0x80,
    "stimer": 0x184,  # takes synic and time_ref_count with it
    "hcall_ipi": 0x200,
    "ex_processor_masks": 0x400,
    "no_vp_limit": 0x800,
    "cpu_hotplug": 0x1000,
}
_VIRIDIAN_NO_FREQ = 0x2
_VIRIDIAN_DEFAULTS = frozenset(
    {"base", "freq", "time_ref_count", "apic_assist", "crash_ctl", "no_vp_limit", "cpu_hotplug"}
)

_MCA_CAPS = {"lmce": 0x1}


def toolstack_parameters(
    config: GuestConfig, kind: Kind, profile: Profile, memory: MemorySizes
) -> ToolstackParameters:
    """Return the parameters; ConfigError for a value that xl does not know, or that goes with no other key."""
    altp2m = _altp2m(config, kind)
    if kind is Kind.PV:
        _refuse_timer_mode(config)
        return ToolstackParameters(None, None, None, None, None, None)
    if altp2m:
        _check_altp2m(config, memory)
    hvm = kind is Kind.HVM
    return ToolstackParameters(
        hpet=config.hpet is not False if hvm else None,
        vpt_align=config.vpt_align is not False if hvm else None,
        mca_caps=_mca_caps(config) if hvm else None,
        timer_mode=_timer_mode(config),
        altp2m=altp2m if profile.sets_altp2m_param else None,
        viridian=_viridian(config) if hvm else None,
    )


def _timer_mode(config: GuestConfig) -> int:
    if config.timer_mode in (None, _UNKNOWN_TIMER_MODE):
        return _DEFAULT_TIMER_MODE
    assert config.timer_mode is not None
    return _number_or_name(config, "timer_mode", config.timer_mode, _TIMER_MODES)


def _refuse_timer_mode(config: GuestConfig) -> None:
    if config.timer_mode is not None:
        raise ConfigError(
            "config-timer-mode-pv",
            "a PV guest has no timer_mode",
            cause="there is no emulated timer in a PV container",
            hint='remove timer_mode, or use type = "pvh"',
            where=config.where("timer_mode"),
        )


def _altp2m(config: GuestConfig, kind: Kind) -> int:
    """Return the alternate p2m mode; a bad one is an error for PV, too."""
    mode = 0 if config.altp2m is None else _number_or_name(config, "altp2m", config.altp2m, _ALTP2M_MODES)
    return _ALTP2M_MIXED if kind is Kind.HVM and config.altp2mhvm and mode == 0 else mode


def _check_altp2m(config: GuestConfig, memory: MemorySizes) -> None:
    key = "altp2mhvm" if config.altp2m is None else "altp2m"
    for excluded, other in ((config.nestedhvm, "nestedhvm"), (memory.target_kib < memory.max_kib, "maxmem")):
        if excluded:
            also = " larger than memory" if other == "maxmem" else ""
            raise ConfigError(
                "config-altp2m-excluded",
                f"{key} does not go with {other}{also}",
                cause="Xen cannot have both",
                hint=f"remove {key} or {other}",
                where=config.where(key),
            )


def _number_or_name(config: GuestConfig, key: str, value: int | str, names: dict[str, int]) -> int:
    number = names.get(value.lower()) if isinstance(value, str) else value
    if number in names.values():
        assert number is not None
        return number
    raise _unknown(config, key, repr(value), names)


def _viridian(config: GuestConfig) -> int | None:
    """Return the mask of Hyper-V interfaces; None where there is none."""
    if config.viridian is None or isinstance(config.viridian, bool):
        enabled = set(_VIRIDIAN_DEFAULTS) if config.viridian else set()
    else:
        enabled = _viridian_groups(config, _names(config, "viridian", config.viridian))
    if not enabled:
        return None
    if "base" not in enabled:
        raise ConfigError(
            "config-viridian-base",
            "viridian needs its group base",
            cause=f"{', '.join(sorted(enabled))} need it",
            hint='add "base"',
            where=config.where("viridian"),
        )
    mask = 0 if "freq" in enabled else _VIRIDIAN_NO_FREQ
    for group in enabled:
        mask |= _VIRIDIAN_BITS[group]
    return mask


def _viridian_groups(config: GuestConfig, names: tuple[str, ...]) -> set[str]:
    """Return the groups that a list leaves enabled: `!group` takes from the defaults wherever it stands."""
    defaults: frozenset[str] = frozenset()
    enabled: set[str] = set()
    disabled: set[str] = set()
    for name in names:
        group = name.removeprefix("!").lower()
        if name == "defaults":
            defaults = _VIRIDIAN_DEFAULTS
        elif name == "all":
            enabled |= set(_VIRIDIAN_BITS)
        elif group not in _VIRIDIAN_BITS:
            raise _unknown(config, "viridian", repr(name), ("all", "defaults", *_VIRIDIAN_BITS))
        elif name.startswith("!"):
            enabled.discard(group)
            disabled.add(group)
        else:
            enabled.add(group)
            disabled.discard(group)
    if both := enabled & disabled:
        raise ConfigError(
            "config-viridian-both",
            f"viridian both enables and disables {', '.join(sorted(both))}",
            cause="`all` does not undo a `!group` in front of it",
            hint="put `all` first",
            where=config.where("viridian"),
        )
    return (enabled | defaults) - disabled


def _mca_caps(config: GuestConfig) -> int | None:
    if config.mca_caps is None:
        return None
    mask = 0
    for name in _names(config, "mca_caps", config.mca_caps):
        if name not in _MCA_CAPS:
            raise _unknown(config, "mca_caps", repr(name), _MCA_CAPS)
        mask |= _MCA_CAPS[name]
    return mask or None


def _names(config: GuestConfig, key: str, value: Value) -> tuple[str, ...]:
    """Return a list of names; ConfigError for anything else (on a list in the list, xl itself crashes)."""
    if isinstance(value, str) or not all(isinstance(name, str) for name in value):
        raise ConfigError(
            "config-no-names",
            f"{key} is no list of names",
            cause="it is a single value" if isinstance(value, str) else "there is a list within the list",
            hint=f'write {key} = [ "...", "..." ]',
            where=config.where(key),
        )
    return tuple(name for name in value if isinstance(name, str))


def _unknown(
    config: GuestConfig, key: str, shown: str, names: dict[str, int] | tuple[str, ...]
) -> ConfigError:
    numbers = f", or 0 to {len(names) - 1}" if isinstance(names, dict) and len(names) > 1 else ""
    return ConfigError(
        f"config-unknown-{key.replace('_', '-')}",
        f"{key} has no {shown}",
        cause=f"xl knows {', '.join(names)}{numbers}",
        hint="use one of these, or remove the key",
        where=config.where(key),
    )
