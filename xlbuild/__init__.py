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
        begin,
        build,
        build_each,
        check,
        compare,
        digests,
        examine,
        export,
        finish,
        identify,
        manifest,
        open_domain,
        side,
        write,
        write_core,
        write_part,
        write_save,
        xl_json,
    )
    from xlbuild.built import BuiltDomain
    from xlbuild.checking.model import CheckReport, Finding
    from xlbuild.diff.model import Comparison
    from xlbuild.domain import Digests, Domain
    from xlbuild.errors import (
        ConfigError,
        CrashError,
        FilesError,
        RefusedError,
        StrictError,
        UsageError,
        XlbuildError,
    )
    from xlbuild.identity import Identity

__version__ = VERSION

__all__ = [
    "BuiltDomain",
    "CheckReport",
    "Comparison",
    "ConfigError",
    "CrashError",
    "Digests",
    "Domain",
    "FilesError",
    "Finding",
    "Identity",
    "RefusedError",
    "StrictError",
    "UsageError",
    "XlbuildError",
    "begin",
    "build",
    "build_each",
    "check",
    "compare",
    "digests",
    "examine",
    "export",
    "finish",
    "identify",
    "manifest",
    "open_domain",
    "side",
    "write",
    "write_core",
    "write_part",
    "write_save",
    "xl_json",
]

_HOMES = {
    "begin": "xlbuild.api",
    "build": "xlbuild.api",
    "build_each": "xlbuild.api",
    "check": "xlbuild.api",
    "compare": "xlbuild.api",
    "digests": "xlbuild.api",
    "examine": "xlbuild.api",
    "export": "xlbuild.api",
    "finish": "xlbuild.api",
    "identify": "xlbuild.api",
    "manifest": "xlbuild.api",
    "open_domain": "xlbuild.api",
    "side": "xlbuild.api",
    "write": "xlbuild.api",
    "write_core": "xlbuild.api",
    "write_part": "xlbuild.api",
    "write_save": "xlbuild.api",
    "xl_json": "xlbuild.api",
    "BuiltDomain": "xlbuild.built",
    "CheckReport": "xlbuild.checking.model",
    "Comparison": "xlbuild.diff.model",
    "Finding": "xlbuild.checking.model",
    "Digests": "xlbuild.domain",
    "Domain": "xlbuild.domain",
    "ConfigError": "xlbuild.errors",
    "CrashError": "xlbuild.errors",
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


def __dir__() -> list[str]:
    """Return the public names, for whoever looks for them."""
    return [*globals(), *_HOMES]
