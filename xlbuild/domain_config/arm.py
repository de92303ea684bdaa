"""What means something for a guest on Arm only, and is read for every guest (upstream: xl's parse_config_data)."""

import re
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from xlbuild.cnumbers import uint32
from xlbuild.config.model import GuestConfig
from xlbuild.config.settings import Element
from xlbuild.config.value_ranges import takes
from xlbuild.config.values import Values
from xlbuild.container.choices import by_name, unknown
from xlbuild.errors import Diagnostic
from xlbuild.libxl.domain import NR_SPIS_DEFAULT, ArchArm, ArmSci, DomainBuildInfo
from xlbuild.libxl.enums import ArmSciType, GicVersion, SveType, TeeType, VuartType

E = TypeVar("E", bound=StrEnum)

_ARM_SCI_TYPE = "type="


def with_arm(values: Values, guest: GuestConfig, info: DomainBuildInfo) -> DomainBuildInfo:
    """Return the build info with what is for Arm."""
    attempt = values.problems.attempt
    sci = attempt(lambda: _arm_sci(values, guest), None)
    return replace(
        info,
        tee=attempt(lambda: _tee(values, guest), TeeType.NONE),
        arch_arm=ArchArm(
            gic_version=_named(values, guest, "gic_version", GicVersion.DEFAULT),
            vuart=_named(values, guest, "vuart", VuartType.UNKNOWN),
            sve_vl=_named(values, guest, "sve", SveType.DISABLED),
            nr_spis=_nr_spis(values),
            arm_sci=sci if values.knows("arm_sci") else None,
        ),
        trap_unmapped_accesses=values.boolean("trap_unmapped_accesses"),
    )


def _named(values: Values, guest: GuestConfig, key: str, otherwise: E) -> E:
    named = values.problems.attempt(lambda: by_name(guest, key, values.string(key), type(otherwise)), None)
    return otherwise if named is None else named


def _tee(values: Values, guest: GuestConfig) -> TeeType:
    tee = by_name(guest, "tee", values.string("tee"), TeeType) or TeeType.NONE
    if not takes(values.release, "tee", tee):
        raise unknown(guest, "tee", tee, [known for known in TeeType if takes(values.release, "tee", known)])
    return tee


def _nr_spis(values: Values) -> int:
    """Return the number; where 0 has not always been one, it is none."""
    number = uint32(values.number("nr_spis"), NR_SPIS_DEFAULT)
    return number if number or takes(values.release, "nr_spis", "0") else NR_SPIS_DEFAULT


def _arm_sci(values: Values, guest: GuestConfig) -> ArmSci:
    """Return the last type that is named; xl takes no notice of other fields."""
    if values.string("arm_sci") is None:
        return ArmSci()
    sci, element = ArmSciType.NONE, values.settings.element("arm_sci")
    for field in re.finditer("[^,]+", element.text):
        if field[0].startswith(_ARM_SCI_TYPE):
            name = field[0].removeprefix(_ARM_SCI_TYPE)
            sci = by_name(guest, "arm_sci", name, ArmSciType) or sci
        else:
            _tell_ignored(values, element, field)
    return ArmSci(sci)


def _tell_ignored(values: Values, element: Element, field: "re.Match[str]") -> None:
    message = f"arm_sci has {field[0]!r}, which xl ignores"
    hint = 'write arm_sci = "type=scmi_smc", without blanks'
    values.problems.warn(Diagnostic("config-arm-sci", message, element.at(field.start()), hint))
