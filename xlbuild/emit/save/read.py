"""Reading save files: xl's own header, libxl's stream, and libxc's stream inside (public documents of that name).

A file is read once from front to back, its pages passed over: memory is read later, where it is asked for. A file
that begins with libxl's stream, or libxc's, is read, too.
"""

import os
from dataclasses import dataclass

from xlbuild.abi.save_file import (
    EMULATOR_HEADER,
    LIBXC_ID,
    LIBXC_MARKER,
    LIBXL_EMULATOR_CONTEXT,
    LIBXL_EMULATOR_XENSTORE_DATA,
    LIBXL_END,
    LIBXL_HEADER,
    LIBXL_IDENT,
    LIBXL_LIBXC_CONTEXT,
    LIBXL_RECORD_NAMES,
    LIBXL_VERSION,
    XL_BYTE_ORDER,
    XL_HEADER,
    XL_MAGIC,
    XL_MANDATORY_JSON,
    XL_MANDATORY_STREAM_V2,
)
from xlbuild.captured.model import SavedConfig, SaveFile, StreamRecord
from xlbuild.emit.openfile import OpenFile
from xlbuild.emit.pagefile import PageFile
from xlbuild.emit.save.cursor import WHAT, Cursor
from xlbuild.emit.save.readlibxc import LibxcStream, read_libxc
from xlbuild.errors import RefusedError

_LIBXL_START = LIBXL_IDENT.to_bytes(8, "big")
_LIBXC_START = LIBXC_MARKER.to_bytes(8, "big") + LIBXC_ID.to_bytes(4, "big")
_OF_EMULATORS = (LIBXL_EMULATOR_XENSTORE_DATA, LIBXL_EMULATOR_CONTEXT)
_KNOWN_FLAGS = XL_MANDATORY_JSON | XL_MANDATORY_STREAM_V2
_LIBXL_LEGACY = 1 << 1
"""Option of libxl's header: the stream was made from one of an older form. It is read as any other."""
_UPGRADE = "save the guest again on a host with Xen 4.6 or later, on x86"
_PACKED = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"\xfd7zXZ\0": ("xz", "unxz"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\x04\x22\x4d\x18": ("lz4", "unlz4"),
}
"""What a file that was packed begins with, by what, and what unpacks it."""


@dataclass(frozen=True, slots=True)
class _Envelope:
    """What xl puts before libxl's stream."""

    config: SavedConfig | None
    mandatory_flags: int


def starts_save_file(head: bytes) -> bool:
    """Return whether a file that begins like this, 32 bytes at least, is a save file, or one of its streams."""
    return head.startswith((XL_MAGIC, _LIBXL_START, _LIBXC_START))


def read_save(path: str | os.PathLike[str]) -> SaveFile:
    """Return what a save file says; of its memory nothing is read yet, and the file stays open.

    Raises RefusedError: save-not-one, save-truncated, save-invalid, save-version (a form that is not read:
    from before Xen 4.6, big-endian, with checkpoints) and save-too-large; and FilesError as `read_file` does.
    """
    return _read_open(OpenFile.at(path, WHAT))


def read_save_data(data: bytes, name: str) -> SaveFile:
    """Return the same of a save file that is in memory already, as what comes from standard input is."""
    return _read_open(OpenFile.of(data, name, WHAT))


def _read_open(file: OpenFile) -> SaveFile:
    """Return what an open file says, which is closed with its memory."""
    try:
        envelope, libxl_records, stream = _read(Cursor(file))
        memory = PageFile(file, stream.index.runs)
        file.check_unchanged()
    except BaseException:
        file.close()
        raise
    return SaveFile(
        source=file.path,
        size=file.size,
        config=envelope.config,
        mandatory_flags=envelope.mandatory_flags,
        libxl_records=tuple(libxl_records),
        is_pv=stream.is_pv,
        xen_version=stream.xen_version,
        stream_version=stream.version,
        records=tuple(stream.records),
        pages=stream.index.statistics(),
        memory=memory,
        page_types=stream.index.page_types(),
        pv_width=stream.pv_width,
        pv_levels=stream.pv_levels,
        p2m=stream.p2m,
        shared_info=stream.shared_info,
        pv_vcpus=stream.pv_vcpus(),
        hvm_context=stream.hvm_context,
        hvm_params=tuple(stream.hvm_params),
        tsc=stream.tsc,
        cpuid_leaves=stream.cpuid_leaves,
        msrs=stream.msrs,
    )


def _read(cursor: Cursor) -> tuple[_Envelope, list[StreamRecord], LibxcStream]:
    start = cursor.peek(len(XL_MAGIC))
    if start.startswith(_LIBXC_START):
        return _Envelope(None, 0), [], read_libxc(cursor)
    if start == XL_MAGIC:
        envelope = _read_envelope(cursor)
    elif start.startswith(_LIBXL_START):
        envelope = _Envelope(None, 0)
    else:
        raise _not_one(cursor, start)
    return envelope, *_read_libxl(cursor)


def _not_one(cursor: Cursor, start: bytes) -> RefusedError:
    for magic, (name, command) in _PACKED.items():
        if start.startswith(magic):
            return cursor.not_one(f"it is packed with {name}", f"unpack it with {command} first")
    cause = f"it begins with {start[:8].hex(' ')}" if start else "it is empty"
    return cursor.not_one(f"{cause}, and none does", "give a file that `xl save` wrote")


def _read_envelope(cursor: Cursor) -> _Envelope:
    fields = cursor.header(XL_HEADER, "xl's header")
    flags, size = fields["mandatory_flags"], fields["optional_data_len"]
    if fields["byteorder"] != XL_BYTE_ORDER:
        raise cursor.unsupported("xl's header is not little-endian", _UPGRADE, 0)
    if not flags & XL_MANDATORY_STREAM_V2:
        raise cursor.unsupported("its stream is of the form before Xen 4.6", _UPGRADE, 0)
    if flags & ~_KNOWN_FLAGS:
        raise cursor.unsupported(
            f"xl's header has flags that are not known: {flags & ~_KNOWN_FLAGS:#x}", _UPGRADE, 0
        )
    begin, what = cursor.at, "xl's optional data"
    cursor.check_size(size, what, begin)
    data = cursor.take(size, what)
    return _Envelope(_config(cursor, data, begin, is_json=bool(flags & XL_MANDATORY_JSON)), flags)


def _config(cursor: Cursor, data: bytes, begin: int, *, is_json: bool) -> SavedConfig | None:
    """Return the configuration in xl's optional data, what is behind it left out; None for none."""
    if not data:
        return None
    size = int.from_bytes(data[:4], "little")
    if len(data) - 4 < size:
        raise cursor.invalid(
            "xl's optional data",
            begin,
            f"it has {len(data)} bytes, too few for a configuration of {size} and its length",
        )
    text = data[4 : 4 + size].removesuffix(b"\0")
    return SavedConfig(text, is_json) if text else None


def _read_libxl(cursor: Cursor) -> tuple[list[StreamRecord], LibxcStream]:
    _check_libxl_header(cursor)
    records: list[StreamRecord] = []
    stream = None
    while True:
        head = cursor.next_record(LIBXL_RECORD_NAMES, "libxl")
        body = cursor.body(head)
        records.append(head.record(body))
        if head.type in (LIBXL_END, LIBXL_LIBXC_CONTEXT) and body:
            raise cursor.invalid(head.what, head.offset, f"it has {head.size} bytes, and not 0")
        if head.type in _OF_EMULATORS and len(body) < EMULATOR_HEADER.size:
            raise cursor.invalid(head.what, head.offset, f"it has {head.size} bytes, too few for its header")
        if head.type == LIBXL_LIBXC_CONTEXT:
            if stream is not None:
                raise cursor.invalid(head.what, head.offset, "there is one before it")
            stream = read_libxc(cursor)
        if head.type == LIBXL_END:
            if stream is None:
                raise cursor.invalid(head.what, head.offset, "no LIBXC_CONTEXT record comes before it")
            return records, stream


def _check_libxl_header(cursor: Cursor) -> None:
    begin, what = cursor.at, "libxl's header"
    fields = cursor.header(LIBXL_HEADER, what)
    if fields["ident"] != LIBXL_IDENT:
        raise cursor.invalid(what, begin, "it does not begin with LibxlFmt")
    if fields["version"] != LIBXL_VERSION:
        cause = f"its libxl stream is of version {fields['version']}, and {LIBXL_VERSION} is what is known"
        raise cursor.unsupported(cause, _UPGRADE, begin)
    options = fields["options"]
    if options & ~_LIBXL_LEGACY:
        cause = f"its libxl stream has options that are not known, or is big-endian: {options:#x}"
        raise cursor.unsupported(cause, _UPGRADE, begin)
