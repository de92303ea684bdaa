"""What xl does not tell of a configuration: rules over its settings, each told as a `Diagnostic`.

Upstream has nothing like it: xl passes over unknown keys, keys without effect and values that it drops.
"""

from collections.abc import Iterator

from xlbuild.config.model import GuestConfig
from xlbuild.config.settings import Settings
from xlbuild.container.model import Kind
from xlbuild.errors import Diagnostic
from xlbuild.lints.keys import key_lints, unknown_lints
from xlbuild.lints.values import value_lints
from xlbuild.lints.whole import whole_lints

__all__ = ["lint"]


def lint(settings: Settings, guest: GuestConfig, kind: Kind | None, release: str) -> Iterator[Diagnostic]:
    """Yield what is to be told; without a kind, only what holds for every one."""
    yield from settings.remarks
    yield from unknown_lints(settings, release)
    yield from key_lints(settings, kind, release)
    yield from value_lints(settings, release)
    yield from whole_lints(settings, guest, kind)
