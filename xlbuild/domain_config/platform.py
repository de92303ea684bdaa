"""The platform that a domain sees, of whichever container (upstream: xl's parse_config_data)."""

from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from xlbuild.cnumbers import int32, uint32
from xlbuild.config.cpuid import cpuid_features, cpuid_leaves
from xlbuild.config.model import GuestConfig
from xlbuild.config.settings import Element
from xlbuild.config.values import Values
from xlbuild.container.choices import by_name, by_number_or_name
from xlbuild.libxl.domain import ArchArm, ArchX86, CpuidPolicy, DomainBuildInfo
from xlbuild.libxl.enums import GicVersion, TeeType, TscMode, VuartType

E = TypeVar("E", bound=StrEnum)


def with_platform(values: Values, guest: GuestConfig, info: DomainBuildInfo) -> DomainBuildInfo:
    """Return the build info with its clocks, what its CPUs can do, and what is for one architecture."""
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
        tee=_named(values, guest, "tee", TeeType.NONE),
        arch_arm=ArchArm(
            gic_version=_named(values, guest, "gic_version", GicVersion.DEFAULT),
            vuart=_named(values, guest, "vuart", VuartType.UNKNOWN),
        ),
        arch_x86=ArchX86(msr_relaxed=values.boolean("msr_relaxed")),
    )


def _named(values: Values, guest: GuestConfig, key: str, otherwise: E) -> E:
    named = values.problems.attempt(lambda: by_name(guest, key, values.string(key), type(otherwise)), None)
    return otherwise if named is None else named


def _tsc_mode(values: Values, guest: GuestConfig) -> TscMode:
    mode = values.number_or_name("tsc_mode")
    if mode is None:
        return TscMode.DEFAULT
    return by_number_or_name(guest, "tsc_mode", mode, TscMode)


def _cpuid(values: Values) -> CpuidPolicy | None:
    cpuid = values.string_or_devices("cpuid")
    if isinstance(cpuid, Element):
        return cpuid_features(cpuid, values.problems)
    return cpuid_leaves(cpuid or (), values.problems)
