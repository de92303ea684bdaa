"""What a host wrote of a guest: a save file or a dump-core, read, and opened as a domain if it was just created."""

from dataclasses import replace

from xlbuild.built import BuiltDomain, Origin
from xlbuild.captured.model import Capture, SaveFile
from xlbuild.emit.core.elf import starts_core
from xlbuild.emit.core.read import read_core, read_core_data
from xlbuild.emit.save.read import read_save, read_save_data, starts_save_file
from xlbuild.recovery import recover_core, recover_save


def captured_as(head: bytes) -> Origin | None:
    """Return what a file that begins like this is of a host's; None for any other file."""
    if starts_save_file(head):
        return Origin.SAVE
    return Origin.CORE if starts_core(head) else None


def read_file(given: str | bytes, source: str, origin: Origin) -> Capture:
    """Return what a save file or a dump-core has; of the guest's memory nothing is read yet.

    given           a path, or the file's bytes
    source          what messages call it

    Raises what reading the file does (FilesError, RefusedError).
    """
    if isinstance(given, bytes):
        return read_save_data(given, source) if origin is Origin.SAVE else read_core_data(given, source)
    return read_save(given) if origin is Origin.SAVE else read_core(given)


def recovered(capture: Capture) -> BuiltDomain:
    """Return the domain that a file has, what that does not tell in its `untold`.

    Raises FilesError as reading its memory does, and RefusedError (domain-has-run) for a guest that is not any more
    as it was created.
    """
    if isinstance(capture, SaveFile):
        return replace(recover_save(capture), origin=Origin.SAVE)
    return replace(recover_core(capture), origin=Origin.CORE)


def read_capture(given: str | bytes, source: str, origin: Origin) -> BuiltDomain:
    """Return the domain in a save file or a dump-core; arguments and errors as for `read_file` and `recovered`."""
    return recovered(read_file(given, source, origin))
