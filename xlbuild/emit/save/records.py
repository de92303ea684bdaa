"""The frame of a save file: headers and records (public libxl-migration-stream and libxc-migration-stream)."""

from xlbuild.abi.layout import Fields
from xlbuild.abi.save_file import (
    DOMAIN_HEADER,
    LIBXC_HEADER,
    LIBXC_ID,
    LIBXC_MARKER,
    LIBXC_VERSION,
    LIBXL_HEADER,
    LIBXL_IDENT,
    LIBXL_LIBXC_CONTEXT,
    LIBXL_VERSION,
    RECORD_ALIGNMENT,
    RECORD_HEADER,
    XL_BYTE_ORDER,
    XL_HEADER,
    XL_MAGIC,
    XL_MANDATORY_JSON,
    XL_MANDATORY_STREAM_V2,
)
from xlbuild.profiles import release_order
from xlbuild.units import PAGE_SHIFT, align_up


def record(record_type: int, body: bytes = b"") -> bytes:
    """Return a record of either stream: its header, its body, and zeros up to the next multiple of 8 bytes."""
    return record_head(record_type, len(body)) + body.ljust(align_up(len(body), RECORD_ALIGNMENT), b"\0")


def record_head(record_type: int, size: int) -> bytes:
    """Return the header of a record whose body has `size` bytes."""
    return RECORD_HEADER.encode({"type": record_type, "length": size})


def head(config: bytes, domain_type: int, release: str) -> bytes:
    """Return all that comes before libxc's first record.

    config       what xl is to create the domain from: libxl_domain_config in JSON, a final newline
    domain_type  DOMAIN_X86_PV or DOMAIN_X86_HVM
    release      the Xen whose toolstack built the guest, `4.17`
    """
    major, minor = release_order(release)
    domain: Fields = {"type": domain_type, "page_shift": PAGE_SHIFT, "xen_major": major, "xen_minor": minor}
    return b"".join(
        (
            _xl_head(config),
            LIBXL_HEADER.encode({"ident": LIBXL_IDENT, "version": LIBXL_VERSION}),
            record(LIBXL_LIBXC_CONTEXT),
            LIBXC_HEADER.encode({"marker": LIBXC_MARKER, "id": LIBXC_ID, "version": LIBXC_VERSION}),
            DOMAIN_HEADER.encode(domain),
        )
    )


def _xl_head(config: bytes) -> bytes:
    text = config + b"\0"
    optional = len(text).to_bytes(4, "little") + text
    fields: Fields = {
        "magic": XL_MAGIC,
        "byteorder": XL_BYTE_ORDER,
        "mandatory_flags": XL_MANDATORY_JSON | XL_MANDATORY_STREAM_V2,
        "optional_data_len": len(optional),
    }
    return XL_HEADER.encode(fields) + optional
