"""HVM parameters that libxl sets before the build, from numbers, names and lists of names.

Numbers and bits: public hvm/params.h (XEN_ALTP2M_*, XEN_HVM_MCA_CAP_LMCE), libxl's type description.
"""

from xlbuild.config.model import GuestConfig
from xlbuild.container.choices import by_number_or_name, list_of_names, unknown
from xlbuild.container.model import Kind, MemorySizes, ToolstackParameters
from xlbuild.container.viridian import viridian_parameter
from xlbuild.errors import ConfigError
from xlbuild.libxl.enums import Altp2mMode, TimerMode
from xlbuild.profiles import Profile

_TIMER_MODES = {mode: number for number, mode in enumerate(TimerMode, -1)}
_ALTP2M_MODES = {mode: number for number, mode in enumerate(Altp2mMode)}
_MCA_CAPS = {"lmce": 0x1}


def toolstack_parameters(
    config: GuestConfig, kind: Kind, profile: Profile, memory: MemorySizes
) -> ToolstackParameters:
    """Return the parameters; ConfigError for a value that xl does not know, or that goes with no other key."""
    altp2m = _altp2m_parameter(config, kind)
    if kind is Kind.PV:
        timer_mode(config, kind)
        return ToolstackParameters(None, None, None, None, None, None)
    if altp2m:
        _check_altp2m(config, memory)
    hvm = kind is Kind.HVM
    return ToolstackParameters(
        hpet=config.hpet is not False if hvm else None,
        vpt_align=config.vpt_align is not False if hvm else None,
        mca_caps=(mca_caps(config) or None) if hvm else None,
        timer_mode=_timer_mode_parameter(config, kind),
        altp2m=altp2m if profile.sets_altp2m_param else None,
        viridian=viridian_parameter(config) if hvm else None,
    )


def timer_mode(config: GuestConfig, kind: Kind) -> TimerMode:
    """Return the timer mode, UNKNOWN where there is none; with PV guests xl stops at the key."""
    if config.timer_mode is None:
        return TimerMode.UNKNOWN
    if kind is not Kind.PV:
        return by_number_or_name(config, "timer_mode", config.timer_mode, TimerMode)
    raise ConfigError(
        "config-timer-mode-pv",
        "a PV guest has no timer_mode",
        cause="there is no emulated timer in a PV container",
        hint='remove timer_mode, or use type = "pvh"',
        where=config.where("timer_mode"),
    )


def altp2m_mode(config: GuestConfig) -> Altp2mMode:
    """Return what `altp2m` says; a bad one is an error for PV, too."""
    if config.altp2m is None:
        return Altp2mMode.DISABLED
    return by_number_or_name(config, "altp2m", config.altp2m, Altp2mMode)


def mca_caps(config: GuestConfig) -> int:
    """Return the mask of machine check features."""
    mask = 0
    for name in () if config.mca_caps is None else list_of_names(config, "mca_caps", config.mca_caps):
        if name not in _MCA_CAPS:
            raise unknown(config, "mca_caps", name, _MCA_CAPS)
        mask |= _MCA_CAPS[name]
    return mask


def _timer_mode_parameter(config: GuestConfig, kind: Kind) -> int:
    mode = timer_mode(config, kind)
    return _TIMER_MODES[TimerMode.NO_DELAY_FOR_MISSED_TICKS if mode is TimerMode.UNKNOWN else mode]


def _altp2m_parameter(config: GuestConfig, kind: Kind) -> int:
    mode = altp2m_mode(config)
    if mode is Altp2mMode.DISABLED and kind is Kind.HVM and config.altp2mhvm:
        mode = Altp2mMode.MIXED
    return _ALTP2M_MODES[mode]


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
