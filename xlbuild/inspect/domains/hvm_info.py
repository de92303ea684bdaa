"""hvm_info_table, what the toolstack tells hvmloader, as it lies in a guest's memory."""

from collections.abc import Iterator

from xlbuild.abi.hvm_info import HVM_INFO_COUNTS, HVM_INFO_TABLE
from xlbuild.abi.layout import Fields
from xlbuild.built import BuiltDomain
from xlbuild.inspect.domains.fields import Meaning, describe_fields, differences, said_unless_zero, text_of
from xlbuild.inspect.tree import Branch, hexadecimal
from xlbuild.inspect.words import checksum_verdict, set_bits
from xlbuild.units import bytes_of, human_size


def describe_hvm_info(built: BuiltDomain) -> Branch | None:
    """Return the table, field by field; None for a guest without one."""
    if built.hvm_info is None:
        return None
    data = built.memory.read(built.hvm_info.address, HVM_INFO_TABLE.size)
    fields = HVM_INFO_TABLE.decode(data)
    signature, online = fields["signature"], fields["vcpu_online"]
    assert isinstance(signature, bytes)
    assert isinstance(online, bytes)
    return {
        "addr": hexadecimal(built.hvm_info.address),
        "structure": HVM_INFO_TABLE.name,
        **describe_fields(fields, _MEANINGS, HVM_INFO_COUNTS),
        "signature": text_of(signature),
        "checksum_means": _checksum(data),
        "vcpu_online_means": "vCPUs online at start: " + _vcpus(int.from_bytes(online, "little")),
    }


def hvm_info_problems(built: BuiltDomain) -> Iterator[str]:
    """Yield what is otherwise in memory than in the manifest, and a checksum that is wrong."""
    if built.hvm_info is None or built.hvm_info_fields is None:
        return
    data = built.memory.read(built.hvm_info.address, HVM_INFO_TABLE.size)
    yield from differences(HVM_INFO_TABLE.decode(data), built.hvm_info_fields, "hvm_info_table", "memory.img")
    if (verdict := _checksum(data)) != "ok":
        yield f"hvm_info_table.checksum is {verdict}"


def _checksum(data: bytes) -> str:
    return checksum_verdict(data, HVM_INFO_TABLE.offset_of("checksum"))


def _vcpus(online: int) -> str:
    """Return the numbers of the bits that are set, runs of them as `0 to 3`."""
    runs: list[list[int]] = []
    for number in set_bits(online):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in runs) or "none"


def _memory_end(value: int, fields: Fields) -> str:
    return f"RAM below 4 GiB ends at {hexadecimal(bytes_of(value))}: {human_size(bytes_of(value))}"


def _high_memory_end(value: int, fields: Fields) -> str:
    return f"RAM above 4 GiB ends at {hexadecimal(bytes_of(value))}" if value else "no RAM above 4 GiB"


def _reserved(value: int, fields: Fields) -> str:
    return f"from {hexadecimal(bytes_of(value))} on there is nothing for hvmloader to use"


_MEANINGS: dict[str, Meaning] = {
    "apic_mode": said_unless_zero("there are APICs", "there are no APICs"),
    "low_mem_pgend": _memory_end,
    "high_mem_pgend": _high_memory_end,
    "reserved_mem_pgstart": _reserved,
}
