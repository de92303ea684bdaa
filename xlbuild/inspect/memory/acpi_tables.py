"""Each ACPI table field by field, and the entries behind its fields."""

from collections.abc import Mapping

from xlbuild.acpi.layouts import HEADER, MADT, RSDP, RSDP_1_SIZE, SLIT, SRAT
from xlbuild.inspect.memory.acpi_fields import (
    MADT_ENTRIES,
    ROOT_POINTER,
    SRAT_ENTRIES,
    TABLES,
    UNKNOWN_TABLE,
    Structure,
    describe_fields,
)
from xlbuild.inspect.memory.aml import describe_aml
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.inspect.words import checksum_verdict, counted

_MAX_ENTRIES = 1024
"""Entries of a MADT or SRAT, and table addresses, that are shown."""
_MAX_LOCALITIES = 64

ADDRESS_SIZES: Mapping[bytes, int] = {b"XSDT": 8, b"RSDT": 4}
"""The tables that name others, and how many bytes an address has in each."""

_HAVE_AML = (b"DSDT", b"SSDT", b"PSDT")
_WITHOUT_CHECKSUM = (b"FACS",)


def describe_root_pointer(data: bytes) -> dict[str, Tree]:
    """Return the RSDP's fields with its checksums' verdicts; one of ACPI 1.0 (revision 0) has 20 bytes."""
    size = RSDP_1_SIZE if data[RSDP.offset_of("revision")] == 0 else RSDP.size
    verdicts = {"checksum": checksum_verdict(data[:RSDP_1_SIZE], RSDP.offset_of("checksum"))}
    if size == RSDP.size:
        at = RSDP.offset_of("extended_checksum")
        verdicts["extended_checksum"] = checksum_verdict(data[:size].ljust(size, b"\0"), at)
    return describe_fields(ROOT_POINTER, data[:size], verdicts)


def describe_table(signature: bytes, data: bytes) -> dict[str, Tree]:
    """Return a table's fields, and whatever follows them, decoded as its signature says."""
    verdicts = {"checksum": table_checksum(signature, data)}
    described = describe_fields(TABLES.get(signature, UNKNOWN_TABLE), data, verdicts)
    if signature in ADDRESS_SIZES:
        described["entries"] = [hexadecimal(address) for address in table_addresses(signature, data)]
    elif signature == b"APIC":
        described |= _entries(data[MADT.size :], MADT_ENTRIES)
    elif signature == b"SRAT":
        described |= _entries(data[SRAT.size :], SRAT_ENTRIES)
    elif signature == b"SLIT":
        described["distances"] = _distances(data)
    elif signature in _HAVE_AML:
        described["aml"] = describe_aml(data[HEADER.size :])
    return described


def table_checksum(signature: bytes, data: bytes) -> str:
    """Return whether a table's bytes add up to 0, in words."""
    if signature in _WITHOUT_CHECKSUM:
        return "none"
    if len(data) < HEADER.size:
        return "not there"
    return checksum_verdict(data, HEADER.offset_of("checksum"))


def table_addresses(signature: bytes, data: bytes) -> list[int]:
    """Return the addresses that an RSDT or XSDT holds, 1024 at most; a rest that is no whole address is left out."""
    size, body = ADDRESS_SIZES[signature], data[HEADER.size :]
    count = min(len(body) // size, _MAX_ENTRIES)
    return [int.from_bytes(body[at * size : (at + 1) * size], "little") for at in range(count)]


def _entries(body: bytes, known: Mapping[int, tuple[str, Structure]]) -> dict[str, Tree]:
    """Return the entries of a table that is a list of them, each a type byte, a length byte and its fields.

    Those of one type are one list, in their order.
    """
    entries: dict[str, list[Tree]] = {}
    at = shown = 0
    while at + 2 <= len(body) and shown < _MAX_ENTRIES:
        length = body[at + 1]
        if length < 2 or at + length > len(body):
            break
        name, entry = _entry(body[at : at + length], known)
        entries.setdefault(name, []).append(entry)
        at, shown = at + length, shown + 1
    described: dict[str, Tree] = {"entries": entries}
    if at < len(body):
        described["entries_not_read"] = _rest(body, at, shown)
    return described


def _entry(data: bytes, known: Mapping[int, tuple[str, Structure]]) -> tuple[str, Branch]:
    """Return what an entry is, and its fields behind type and length."""
    if data[0] not in known:
        return f"type_{data[0]}", {"bytes": data.hex()}
    name, structure = known[data[0]]
    fields = describe_fields(structure, data)
    if len(data) < structure.layout.size:
        fields["length_means"] = f"too short: {structure.layout.size} bytes are needed"
    elif len(data) == structure.layout.size:
        del fields["length"]
    return name, {key: value for key, value in fields.items() if key != "type"}


def _rest(body: bytes, at: int, shown: int) -> str:
    """Return why the entries end before the table does."""
    left = counted(len(body) - at, "byte")
    if shown == _MAX_ENTRIES:
        return f"{left} behind the first {shown} entries"
    if at + 1 == len(body) or body[at + 1] >= 2:
        return f"{left}: the last entry runs past the table's end"
    return f"{left}: an entry of type {body[at]} has the length {body[at + 1]}"


def _distances(data: bytes) -> list[Tree]:
    """Return a SLIT's matrix, a row of distances for each locality; rows that are not whole are left out."""
    localities = int.from_bytes(data[SLIT.offset_of("number_of_system_localities") : SLIT.size], "little")
    matrix = data[SLIT.size :]
    if not 0 < localities <= _MAX_LOCALITIES:
        return []
    rows = min(localities, len(matrix) // localities)
    return [list(matrix[row * localities : (row + 1) * localities]) for row in range(rows)]
