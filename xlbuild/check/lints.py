"""Rules over a configuration's settings: what xl accepts in silence."""

from collections.abc import Iterator

from xlbuild.config.model import GuestConfig
from xlbuild.config.settings import Settings
from xlbuild.container.model import Kind
from xlbuild.errors import Diagnostic


def lint(settings: Settings, guest: GuestConfig, kind: Kind | None, release: str) -> Iterator[Diagnostic]:
    """Yield what is to be told; without a kind, only what holds for every one."""
    yield from settings.remarks
