"""An HVM context: the records that the hypervisor saves of a guest's virtual hardware (public hvm/save.h)."""

from collections.abc import Iterable
from dataclasses import dataclass

from xlbuild.abi.hvm_save import (
    HVM_FILE_MAGIC,
    HVM_HW_CPU,
    HVM_HW_MTRR,
    HVM_SAVE_CODE_CPU,
    HVM_SAVE_CODE_END,
    HVM_SAVE_CODE_HEADER,
    HVM_SAVE_CODE_MTRR,
    HVM_SAVE_DESCRIPTOR,
    HVM_SAVE_HEADER,
    HVM_SAVE_NAMES,
)
from xlbuild.abi.layout import Fields, FieldValue, Layout
from xlbuild.inspect.tree import Tree, hexadecimal

_MOST_RECORDS = 1 << 14
"""That are read: more than a guest of 128 vCPUs has."""
_MOST_ROWS = 256

_LAYOUTS: dict[int, Layout] = {
    HVM_SAVE_CODE_HEADER: HVM_SAVE_HEADER,
    HVM_SAVE_CODE_CPU: HVM_HW_CPU,
    HVM_SAVE_CODE_MTRR: HVM_HW_MTRR,
}


@dataclass(frozen=True, slots=True)
class HvmRecord:
    """A record of a context."""

    typecode: int
    instance: int
    """The vCPU's number, where it is one's."""
    offset: int
    """Of the descriptor in the context."""
    body: bytes


@dataclass(frozen=True, slots=True)
class HvmContext:
    """What a context holds."""

    records: tuple[HvmRecord, ...]
    problems: tuple[str, ...]
    """Why it is not whole, in words."""

    def registers(self) -> dict[int, Fields]:
        """Return the registers of each vCPU that has some."""
        return dict(sorted(self._decoded(HVM_SAVE_CODE_CPU)))

    def mtrrs(self) -> dict[int, Fields]:
        """Return the MTRRs of each vCPU that has some."""
        return dict(sorted(self._decoded(HVM_SAVE_CODE_MTRR)))

    def _decoded(self, typecode: int) -> Iterable[tuple[int, Fields]]:
        layout = _LAYOUTS[typecode]
        for record in self.records:
            if record.typecode == typecode and len(record.body) == layout.size:
                yield record.instance, without_areas(layout.decode(record.body))


def read_hvm_context(data: bytes) -> HvmContext:
    """Return a context's records up to its end, or to where it is not right."""
    records: list[HvmRecord] = []
    at = 0
    while len(records) < _MOST_RECORDS:
        head = data[at : at + HVM_SAVE_DESCRIPTOR.size]
        if len(head) < HVM_SAVE_DESCRIPTOR.size:
            return HvmContext(tuple(records), (f"it ends at offset {at:#x} without an end record",))
        typecode, instance = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little")
        begin = at + len(head)
        end = begin + int.from_bytes(head[4:], "little")
        if end > len(data):
            cause = f"the record at offset {at:#x} has {end - begin} bytes, and the file ends before"
            return HvmContext(tuple(records), (cause,))
        records.append(HvmRecord(typecode, instance, at, data[begin:end]))
        if typecode == HVM_SAVE_CODE_END:
            return HvmContext(tuple(records), tuple(_problems(records)))
        at = end
    return HvmContext(tuple(records), (f"it has more than {_MOST_RECORDS} records",))


def describe_hvm_context(context: HvmContext) -> list[Tree]:
    """Return the records as a table."""
    return [
        {
            "record": HVM_SAVE_NAMES.get(record.typecode, f"unknown ({record.typecode})"),
            "instance": record.instance,
            "size": len(record.body),
            "offset": hexadecimal(record.offset),
        }
        for record in context.records[:_MOST_ROWS]
    ]


def without_areas(fields: Fields) -> dict[str, FieldValue]:
    """Return a context's fields but for the opaque areas, which the manifest does not have either."""
    return {name: value for name, value in fields.items() if not isinstance(value, bytes)}


def _problems(records: list[HvmRecord]) -> Iterable[str]:
    first = records[0]
    if first.typecode != HVM_SAVE_CODE_HEADER:
        yield "it does not begin with a header"
    elif int.from_bytes(first.body[:4], "little") != HVM_FILE_MAGIC:
        yield f"its header's magic is not {HVM_FILE_MAGIC:#x}"
    for record in records:
        layout = _LAYOUTS.get(record.typecode)
        if layout is not None and len(record.body) != layout.size:
            yield (
                f"the record at offset {record.offset:#x} has {len(record.body)} bytes, and {layout.name} has "
                f"{layout.size}"
            )
