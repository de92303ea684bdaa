"""Domains as a host's file tells them, made of what is built here: less is told, and the host has written to them."""

from collections.abc import Mapping
from dataclasses import replace

import xlbuild
from xlbuild.abi.layout import FieldValue
from xlbuild.abi.shared_info import SHARED_INFO_X86_64
from xlbuild.built import SHARED_INFO_FILE, BuiltDomain, Origin, Untold
from xlbuild.diff.compare import compare
from xlbuild.diff.given import GivenDomain
from xlbuild.diff.model import Comparison
from xlbuild.emit.readback import in_memory
from xlbuild.units import FrameRange, PhysAddr, paddr_of, page_up, pfn_of

CORE_TELLS_NOT = frozenset(
    {"name", "uuid", "reason", "inputs", "kernel", "hvm_params", "grants", "event_channels"}
)
"""Members of which a dump-core has nothing."""
LEFT_OUT = (FrameRange.of(0xA0, 0x20), FrameRange.of(0xF0000, 0x10000))
"""Frames of an HVM container that `xl dump-core` leaves out."""
XENSTORE_FEATURES = 0x810


def built(config: bytes, *overrides: str, poke: Mapping[int, bytes] | None = None) -> BuiltDomain:
    """Build a guest in memory, and put bytes into that by their addresses."""
    domain = xlbuild.build(config, overrides=overrides)
    for address, data in (poke or {}).items():
        first, end = pfn_of(PhysAddr(address)), pfn_of(PhysAddr(page_up(address + len(data))))
        domain.memory.claim("host", FrameRange(first, end))
        domain.memory.replace("host", PhysAddr(address), data)
    return in_memory(domain, "guest.cfg")


def with_features(config: bytes) -> BuiltDomain:
    """Build a guest with what xenstored writes into its page."""
    at = paddr_of(built(config).special_pages["xenstore"])
    return built(config, poke={at + XENSTORE_FEATURES: b"\1"})


def as_core(domain: BuiltDomain, *members: str, frames: tuple[FrameRange, ...] = ()) -> BuiltDomain:
    """Return a domain as if it had been recovered from a dump-core that does not tell some members and frames."""
    told = CORE_TELLS_NOT | {*members}
    return replace(domain, source="host.core", origin=Origin.CORE, untold=Untold(told, frames))


def with_registers(domain: BuiltDomain, **values: FieldValue) -> BuiltDomain:
    """Return a domain whose first vCPU has other registers."""
    first, *others = domain.vcpus
    assert first.registers is not None
    changed = replace(first, registers={**first.registers, **values})
    return replace(domain, vcpus=(changed, *others))


def with_shared_info(domain: BuiltDomain, **values: int) -> BuiltDomain:
    """Return a 64-bit PV guest with some fields of its shared info page set."""
    page = bytearray(domain.structures[SHARED_INFO_FILE])
    for name, value in values.items():
        at, size = SHARED_INFO_X86_64.offset_of(name), SHARED_INFO_X86_64.size_of(name)
        page[at : at + size] = value.to_bytes(size, "little")
    return replace(domain, structures={**domain.structures, SHARED_INFO_FILE: bytes(page)})


def compared(a: BuiltDomain, b: BuiltDomain) -> Comparison:
    return compare(GivenDomain(a.source, a), GivenDomain(b.source, b))
