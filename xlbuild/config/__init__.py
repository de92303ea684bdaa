"""The configuration: xl.cfg, read as xl reads it.

The way of a file: its bytes and the command line's settings (`overrides`) become tokens (`lexer`), these become
settings (`parser`, `nesting`, `settings`), and these typed values (`values`, by the table in `keys`), which make a
`GuestConfig` (`guest`, `model`). Devices have grammars of their own (`devices`).
"""

from collections.abc import Sequence

from xlbuild.config.guest import guest_config
from xlbuild.config.model import GuestConfig
from xlbuild.config.overrides import append_overrides
from xlbuild.config.parser import parse
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Settings
from xlbuild.config.values import Values
from xlbuild.errors import raise_all
from xlbuild.profiles import NEWEST

__all__ = ["read", "read_settings"]


def read_settings(data: bytes, source: str, overrides: Sequence[str] = ()) -> Settings:
    """Return what a configuration file sets, with the command line's `key=value` settings behind it.

    data        the file's bytes
    source      what messages call the file
    overrides   `key=value` arguments; they may use any syntax that the file may

    Raises ConfigSyntaxError with every place that is not in xl's language, UsageError for an override without `=`.
    """
    return parse(append_overrides(data, source, overrides))


def read(data: bytes, source: str, overrides: Sequence[str] = (), release: str = NEWEST.name) -> GuestConfig:
    """Return what a configuration says to a builder.

    Raises as `read_settings` does, and ConfigError for what xl refuses whatever the container.
    """
    problems = Problems()
    config = guest_config(Values(read_settings(data, source, overrides), release, problems))
    raise_all(problems.errors)
    return config
