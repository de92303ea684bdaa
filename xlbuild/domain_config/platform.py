"""The platform that a domain sees, of whichever container (upstream: xl's parse_config_data)."""

from dataclasses import replace

from xlbuild.cnumbers import int32, uint32
from xlbuild.config.cpuid import cpuid_features, cpuid_leaves
from xlbuild.config.model import GuestConfig
from xlbuild.config.settings import Element
from xlbuild.config.values import Values
from xlbuild.container.choices import by_number_or_name
from xlbuild.errors import ConfigError
from xlbuild.libxl.domain import ALTP2M_COUNT_DEFAULT, ArchX86, CpuidPolicy, DomainBuildInfo
from xlbuild.libxl.enums import TscMode

_UINT16 = 1 << 16


def with_platform(values: Values, guest: GuestConfig, info: DomainBuildInfo) -> DomainBuildInfo:
    """Return the build info with its clocks, what its CPUs can do, and what is for x86."""
    return replace(
        info,
        tsc_mode=values.problems.attempt(lambda: _tsc_mode(values, guest), TscMode.DEFAULT),
        rtc_timeoffset=uint32(values.number("rtc_timeoffset")),
        localtime=values.boolean("localtime"),
        disable_migrate=values.boolean("nomigrate"),
        cpuid=_cpuid(values),
        acpi=values.boolean("acpi"),
        vmtrace_buf_kb=int32(values.number("vmtrace_buf_kb")),
        vpmu=values.boolean("vpmu"),
        altp2m_count=values.problems.attempt(lambda: _altp2m_count(values, guest), ALTP2M_COUNT_DEFAULT),
        arch_x86=ArchX86(msr_relaxed=values.boolean("msr_relaxed")),
    )


def _altp2m_count(values: Values, guest: GuestConfig) -> int:
    count = values.number("altp2m_count")
    if count is None or 0 <= count < _UINT16:
        return ALTP2M_COUNT_DEFAULT if count is None else count
    raise ConfigError(
        "config-bad-altp2m-count",
        f"altp2m_count = {count} is not possible",
        cause=f"xl takes 0 to {_UINT16 - 1}",
        hint="correct it, or remove it",
        where=guest.where("altp2m_count"),
    )


def _tsc_mode(values: Values, guest: GuestConfig) -> TscMode:
    mode = values.number_or_name("tsc_mode")
    if mode is None:
        return TscMode.DEFAULT
    return by_number_or_name(guest, "tsc_mode", mode, TscMode)


def _cpuid(values: Values) -> CpuidPolicy | None:
    cpuid = values.string_or_devices("cpuid")
    if isinstance(cpuid, Element):
        return cpuid_features(cpuid, values.problems, values.release)
    return cpuid_leaves(cpuid or (), values.problems)
