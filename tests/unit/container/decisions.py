"""Short ways to a decision, for the tests of the container."""

import pytest

from xlbuild.config import read
from xlbuild.container import Container, decide
from xlbuild.errors import ConfigError
from xlbuild.host import Host
from xlbuild.profiles import PROFILES

PV = 'name = "n"; type = "pv"; kernel = "/k"\n'
PVH = 'name = "n"; type = "pvh"; kernel = "/k"\n'
HVM = 'name = "n"; type = "hvm"\n'
"""Guests that lack nothing but memory; every line of a test's own text is one further down."""


def decided(text: str, xen: str = "4.17", host: Host | None = None) -> Container:
    (profile,) = (profile for profile in PROFILES if profile.name == xen)
    return decide(read(text.encode(), "guest.cfg", release=xen), profile, host)


def refusal(text: str, xen: str = "4.17") -> ConfigError:
    """Return the refusal of a configuration; it must have everything that helps the user."""
    with pytest.raises(ConfigError) as caught:
        decided(text, xen)
    error = caught.value
    assert error.code.startswith("config-")
    assert error.cause
    assert error.hint
    assert error.where.file == "guest.cfg"
    assert error.where.key
    return error
