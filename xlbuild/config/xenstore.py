"""`xenstore_quota`, of Xen 4.22: what a guest may have in xenstore (upstream: parse_xsquota_item)."""

from xlbuild.cnumbers import leading_unsigned
from xlbuild.config.settings import Element
from xlbuild.errors import ConfigError
from xlbuild.libxl.domain import XsQuotaItem
from xlbuild.units import UINT32


def xenstore_quota(element: Element) -> XsQuotaItem:
    """Return one limit; ConfigError where xl stops. What limits there are, xenstore alone knows."""
    name, equals, text = element.text.partition("=")
    number = leading_unsigned(text, 0)
    if equals and number and not number[1] and number[0] < UINT32:
        return XsQuotaItem(name, number[0])
    index = len(name) + 1 if equals else 0
    cause = "its value is no number of 32 bits" if equals else "it is not of the form NAME=NUMBER"
    raise ConfigError(
        "config-bad-xenstore-quota",
        f"xenstore_quota has {element.text!r}",
        cause=cause,
        hint='write each limit as NAME=NUMBER: xenstore_quota = [ "nodes=1000" ]',
        where=element.at(index),
    )
