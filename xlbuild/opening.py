"""Opening a domain, whatever it is given as: a built domain's directory, a manifest, or a configuration.

What a file is, its first bytes say. Files that are something else are told apart here, so that nobody reads in an
error about line 1 that a kernel is no configuration.
"""

from collections.abc import Callable, Sequence

from xlbuild.built import BuiltDomain
from xlbuild.config.hints import is_binary
from xlbuild.domain import Domain
from xlbuild.emit.inputs import BUILT_IN_SCHEME, built_in
from xlbuild.emit.readback import (
    in_memory,
    is_directory,
    read_directory,
    read_manifest_file,
    read_manifest_text,
)
from xlbuild.emit.readfile import read_head
from xlbuild.errors import NOWHERE, RefusedError, UsageError, Where
from xlbuild.image.recognise import FileKind
from xlbuild.inspect.recognise import Recognition, recognise
from xlbuild.units import MIB

_HEAD = 16 * MIB
"""Bytes by which a file is known: all of the largest firmware."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_MAY_BE_CONFIG = frozenset({FileKind.CONFIG, FileKind.SCRIPT, FileKind.TEXT, FileKind.EMPTY})
"""Kinds of which the parser has to say whether they are configurations."""


def open_domain(
    given: str | bytes, source: str, settings: Sequence[str], build: Callable[[], Domain]
) -> BuiltDomain:
    """Return a domain: read back from a directory or a manifest, or what `build` makes of a configuration.

    given           a path, or the text of a manifest or a configuration
    source          what messages call it
    settings        what `build` has in addition; UsageError where it is no configuration

    Raises what reading or building it does, and RefusedError (no-domain) for a file that is something else.
    """
    if not isinstance(given, bytes) and is_directory(given):
        _refuse_settings(settings, source, "a directory")
        return read_directory(given)
    head = given if isinstance(given, bytes) else _head(given)
    if head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"{"):
        _refuse_settings(settings, source, "a manifest")
        return read_manifest_text(given, source) if isinstance(given, bytes) else read_manifest_file(given)
    found = recognise(head)
    if not _may_be_config(found, head):
        raise _no_domain(source, found)
    return in_memory(build(), source)


def _head(path: str) -> bytes:
    if path.startswith(BUILT_IN_SCHEME):
        return built_in(path, NOWHERE)
    return read_head(path, "file", NOWHERE, _HEAD)


def _may_be_config(found: Recognition, head: bytes) -> bool:
    """Return whether the parser's own words are the best that can be said of a file."""
    if found.kind is FileKind.UNKNOWN:
        return not found.packing and not is_binary(head)
    return found.kind in _MAY_BE_CONFIG


def _refuse_settings(settings: Sequence[str], source: str, what: str) -> None:
    if settings:
        raise UsageError(
            "no-settings",
            f"{source} is {what}, and settings are for configurations",
            hint="leave them out; a domain that is built has its settings",
        )


def _no_domain(source: str, found: Recognition) -> RefusedError:
    return RefusedError(
        "no-domain",
        f"it is no domain, but {found.what}",
        cause=found.why,
        hint="give a built domain's directory, its domain.json, or the xl configuration that it is built from",
        where=Where(source),
    )
