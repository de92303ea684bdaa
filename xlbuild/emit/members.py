"""The members of domain.json as JSON has them, from the values that they tell (docs/domain-json.md)."""

from collections.abc import Iterable, Mapping

from xlbuild.abi.hvm_info import HVM_INFO_COUNTS
from xlbuild.abi.hvm_start_info import HVM_START_INFO_COUNTS
from xlbuild.abi.layout import Fields, FieldValue
from xlbuild.abi.start_info import START_INFO_COUNTS
from xlbuild.built import Placed
from xlbuild.container import Kind
from xlbuild.inspect.tree import hexadecimal
from xlbuild.plan.model import EventChannel, Grant, HvmParam, MemoryMapEntry, Segment, StartInfo, Vcpu
from xlbuild.units import FrameRange, PhysAddr


def frame_ranges(ranges: Iterable[FrameRange]) -> list[list[str]]:
    """Return ranges of frames."""
    return [[hexadecimal(frames.first), hexadecimal(frames.end)] for frames in ranges]


def segment_member(segment: Segment) -> dict[str, object]:
    """Return an element of `segments`."""
    return {
        "name": segment.name,
        "vstart": hexadecimal(segment.vstart),
        "vend": hexadecimal(segment.vend),
        "pfn": hexadecimal(segment.pfn),
        "pages": segment.pages,
    }


def start_info_member(info: StartInfo, kind: Kind) -> dict[str, object]:
    """Return `start_info`."""
    place = {"paddr": hexadecimal(info.address)}
    if kind is Kind.PV:
        texts = {name: _text(info.fields[name]) for name in ("magic", "cmd_line")}
        return place | _fields(info.fields, START_INFO_COUNTS) | texts
    modules = [
        {
            "paddr": hexadecimal(module.paddr),
            "size": module.size,
            "cmdline_paddr": hexadecimal(module.cmdline_paddr or 0),
            "cmdline": module.command_line,
        }
        for module in info.modules
    ]
    return (
        place
        | _fields(info.fields, HVM_START_INFO_COUNTS)
        | {"cmdline": info.command_line, "modlist": modules}
    )


def hvm_info_member(address: PhysAddr, fields: Fields) -> dict[str, object]:
    """Return `hvm_info_table`."""
    texts = {"signature": _text(fields["signature"])}
    return {"paddr": hexadecimal(address)} | _fields(fields, HVM_INFO_COUNTS) | texts


def placed_member(placed: Placed) -> dict[str, object]:
    """Return an element of the two lists of `acpi`."""
    return {"name": placed.name, "addr": hexadecimal(placed.address), "size": placed.size}


def vcpu_member(vcpu: Vcpu) -> dict[str, object]:
    """Return an element of `vcpus`."""
    document: dict[str, object] = {"id": vcpu.id}
    if vcpu.registers is not None:
        document["registers"] = _fields(vcpu.registers)
    if vcpu.mtrr is not None:
        document["mtrr"] = _fields(vcpu.mtrr)
    return document


def hvm_param_member(param: HvmParam) -> dict[str, object]:
    """Return an element of `hvm_params`."""
    return {"index": param.index, "name": param.name, "value": hexadecimal(param.value)}


def map_entry_member(entry: MemoryMapEntry) -> dict[str, object]:
    """Return an element of `memory_map`."""
    return {"addr": hexadecimal(entry.addr), "size": entry.size, "type": entry.type}


def grant_member(grant: Grant) -> dict[str, object]:
    """Return an element of `grants`."""
    return {
        "index": grant.index,
        "flags": hexadecimal(grant.flags),
        "domid": grant.domid,
        "frame": hexadecimal(grant.frame),
    }


def event_channel_member(channel: EventChannel) -> dict[str, object]:
    """Return an element of `event_channels`."""
    return {"port": channel.port, "remote_domid": channel.remote_domid}


def _fields(fields: Mapping[str, FieldValue], counts: frozenset[str] = frozenset()) -> dict[str, object]:
    return {name: value if name in counts else _value(value) for name, value in fields.items()}


def _value(value: FieldValue) -> object:
    if isinstance(value, int):
        return hexadecimal(value)
    if isinstance(value, bytes):
        return value.hex()
    return [hexadecimal(element) for element in value]


def _text(value: FieldValue) -> str:
    assert isinstance(value, bytes)
    return value.split(b"\0", 1)[0].decode(errors="surrogateescape")
