"""The table the toolstack leaves for hvmloader (public hvm/hvm_info_table.h)."""

from xlbuild.abi.layout import Fields, Layout, raw, u8, u32
from xlbuild.abi.limits import HVM_MAX_VCPUS
from xlbuild.units import Pfn

HVM_INFO_PFN = Pfn(0x9F)
HVM_INFO_OFFSET = 0x800
"""Bytes from the start of its page."""

HVM_INFO_COUNTS = frozenset({"length", "checksum", "apic_mode", "nr_vcpus"})
"""Fields that are counts; the other numbers are frames."""

HVM_INFO_TABLE = Layout.of(
    "hvm/hvm_info_table.h struct hvm_info_table",
    ("signature", raw(8)),
    ("length", u32),
    ("checksum", u8),
    ("apic_mode", u8),
    ("_pad0", raw(2)),
    ("nr_vcpus", u32),
    ("low_mem_pgend", u32),
    ("reserved_mem_pgstart", u32),
    ("high_mem_pgend", u32),
    ("vcpu_online", raw(HVM_MAX_VCPUS // 8)),
)


def with_checksum(fields: Fields) -> dict[str, int | bytes]:
    """Return the table's fields with the checksum that makes its bytes add up to zero modulo 256."""
    plain = {name: value for name, value in fields.items() if isinstance(value, int | bytes)}
    plain["checksum"] = 0
    plain["checksum"] = -sum(HVM_INFO_TABLE.encode(plain)) & 0xFF
    return plain
