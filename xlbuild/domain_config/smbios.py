"""The strings that hvmloader writes into an HVM guest's SMBIOS tables: `smbios`, of Xen 4.18.

Upstream: xl's parse_config_data.
"""

from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.choices import list_of_names, unknown
from xlbuild.errors import ConfigError
from xlbuild.libxl.domain import Smbios
from xlbuild.libxl.enums import SmbiosType, member_of

_MOST_OEM = 99


def smbios_strings(values: Values, guest: GuestConfig) -> tuple[Smbios, ...]:
    """Return the strings; ConfigError for one that is no `key=value`, or that has an unknown key."""
    value = values.value("smbios")
    if value is None:
        return ()
    strings = tuple(_string(guest, text) for text in list_of_names(guest, "smbios", value))
    if sum(string.key is SmbiosType.OEM for string in strings) > _MOST_OEM:
        raise _bad(guest, f"smbios has more than {_MOST_OEM} oem strings", "xl takes no more", "remove some")
    return strings


def _string(guest: GuestConfig, text: str) -> Smbios:
    key, _, value = text.partition("=")
    if not value:
        raise _bad(
            guest,
            f"smbios has {text!r}, which is no key and value",
            "each string is key=value, and the value is not empty",
            'write it so: "bios_vendor=Xen"',
        )
    kind = member_of(SmbiosType, key)
    if kind is None:
        raise unknown(guest, "smbios", key, SmbiosType)
    return Smbios(kind, value)


def _bad(guest: GuestConfig, message: str, cause: str, hint: str) -> ConfigError:
    return ConfigError("config-bad-smbios", message, cause=cause, hint=hint, where=guest.where("smbios"))
