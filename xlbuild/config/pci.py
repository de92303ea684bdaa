"""One device of `pci`, as xl reads it (upstream: libxlu_pci.c): `[SSSS:]BB:DD.F[@SLOT][,KEY=VALUE]…`."""

import re

from xlbuild.config.model import PciDevice, RdmPolicy
from xlbuild.config.settings import Element
from xlbuild.errors import ConfigError, Where
from xlbuild.host import PciAddress

_HEX = "[0-9a-fA-F]+"
_BDF = re.compile(rf"(?:({_HEX}):)?({_HEX}):({_HEX})\.(\*|{_HEX})(?:@({_HEX}))?")
_HIGHEST = PciAddress(0xFFFF, 0xFF, 0x1F, 7)
_HIGHEST_SLOT = 0x1F
_ANY_VALUE = frozenset({"msitranslate", "power_mgmt", "permissive", "seize"})
"""Keys whose value may be anything and does not matter here."""


def pci_device(element: Element) -> PciDevice:
    """Return the device; ConfigError where xl stops."""
    text, where = element.text, element.where
    first, *rest = text.split(",")
    address = None if "=" in first else _address(first)
    fields = [first, *rest] if address is None else rest
    named, policy = False, None
    for field in fields[:-1] if fields and not fields[-1] else fields:
        key, equals, value = field.partition("=")
        known = bool(equals)
        if key == "bdf":
            address = _address(value)
            known &= address is not None
        elif key == "rdm_policy":
            known &= value.lower() in tuple(RdmPolicy)
            policy = RdmPolicy(value.lower()) if known else None
        elif key == "vslot":
            known &= bool(re.fullmatch(_HEX, value)) and int(value, 16) <= _HIGHEST_SLOT
        elif key == "name":
            named = True
        else:
            known &= key in _ANY_VALUE
        if not known:
            raise _bad_device(text, f"{field!r} is not understood", where)
    if named is (address is not None):
        raise _bad_device(text, "it needs an address or a name, one of them", where)
    return PciDevice(address or PciAddress(0, 0, 0, 0), policy)


def _address(text: str) -> PciAddress | None:
    match = _BDF.fullmatch(text)
    if match is None:
        return None
    *numbers, slot = (0 if part in (None, "*") else int(part, 16) for part in match.groups())
    address = PciAddress(*numbers)
    fits = slot <= _HIGHEST_SLOT and all(x <= most for x, most in zip(address, _HIGHEST, strict=True))
    return address if fits else None


def _bad_device(text: str, cause: str, where: Where) -> ConfigError:
    return ConfigError(
        "config-bad-pci",
        f"{text!r} is no PCI device",
        cause=cause,
        hint='write the address, then options without blanks: "0000:03:00.0,permissive=1"',
        where=where,
    )
