"""The configuration: xl.cfg, read as xl reads it.

The way of a file: its bytes and the command line's settings (`overrides`) become tokens (`lexer`), these become
settings (`parser`, `nesting`), and these typed values (`values`, by the table in `keys`), which make a `GuestConfig`
(`guest`, `model`).
"""

from collections.abc import Sequence

from xlbuild.config.guest import guest_config
from xlbuild.config.model import GuestConfig
from xlbuild.config.overrides import append_overrides
from xlbuild.config.parser import parse

__all__ = ["read"]


def read(data: bytes, source: str, overrides: Sequence[str] = ()) -> GuestConfig:
    """Return what a configuration file says, with the command line's `key=value` settings behind it.

    data        the file's bytes
    source      what messages call the file
    overrides   `key=value` arguments; they may use any syntax that the file may

    Raises ConfigSyntaxError with every place that is not in xl's language, ConfigError for what xl refuses whatever
    the container, UsageError for an override without `=`.
    """
    text = append_overrides(data, source, overrides)
    return guest_config(parse(text), source)
