"""Build Xen guests offline: what libxl and libxenguest do on a live host, without a hypervisor and without root.

The library in one example:

    import xlbuild

    domain = xlbuild.build("guest.cfg", xen="4.17")
    print(domain.plan.entry, xlbuild.digests(domain).domain)
    xlbuild.write(domain, "out/guest")
"""

from typing import TYPE_CHECKING

from xlbuild.version import VERSION

if TYPE_CHECKING:
    from xlbuild.api import (
        build,
        check,
        digests,
        examine,
        identify,
        manifest,
        open_domain,
        write,
        write_part,
        xl_json,
    )
    from xlbuild.built import BuiltDomain
    from xlbuild.checking.model import CheckReport, Finding
    from xlbuild.domain import Digests, Domain
    from xlbuild.errors import ConfigError, FilesError, RefusedError, StrictError, UsageError, XlbuildError
    from xlbuild.identity import Identity

__version__ = VERSION

__all__ = [
    "BuiltDomain",
    "CheckReport",
    "ConfigError",
    "Digests",
    "Domain",
    "FilesError",
    "Finding",
    "Identity",
    "RefusedError",
    "StrictError",
    "UsageError",
    "XlbuildError",
    "build",
    "check",
    "digests",
    "examine",
    "identify",
    "manifest",
    "open_domain",
    "write",
    "write_part",
    "xl_json",
]

_HOMES = {
    "build": "xlbuild.api",
    "check": "xlbuild.api",
    "digests": "xlbuild.api",
    "examine": "xlbuild.api",
    "identify": "xlbuild.api",
    "manifest": "xlbuild.api",
    "open_domain": "xlbuild.api",
    "write": "xlbuild.api",
    "write_part": "xlbuild.api",
    "xl_json": "xlbuild.api",
    "BuiltDomain": "xlbuild.built",
    "CheckReport": "xlbuild.checking.model",
    "Finding": "xlbuild.checking.model",
    "Digests": "xlbuild.domain",
    "Domain": "xlbuild.domain",
    "ConfigError": "xlbuild.errors",
    "FilesError": "xlbuild.errors",
    "RefusedError": "xlbuild.errors",
    "StrictError": "xlbuild.errors",
    "UsageError": "xlbuild.errors",
    "XlbuildError": "xlbuild.errors",
    "Identity": "xlbuild.identity",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `xlbuild --help` must not wait for the builder."""
    if name not in _HOMES:
        raise AttributeError(f"module 'xlbuild' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
