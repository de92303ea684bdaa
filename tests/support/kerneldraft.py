"""A kernel in the making: plain values that random parts add to and change, and that become an ELF file."""

from dataclasses import dataclass, field

from kernels import PT_NOTE, SHT_PROGBITS, Load, Section, Value, elf_file

MASK = (1 << 64) - 1
"""Addresses wrap at 64 bits."""


@dataclass
class Draft:
    """A kernel before it is a file."""

    bits: int
    base: int
    """What is added to a physical address to get a virtual one."""
    loads: list[Load]
    notes: list[tuple[str | int, Value]] = field(default_factory=list)
    guest_string: list[str] = field(default_factory=list)
    """NAME=VALUE pairs of a `__xen_guest` section."""
    sections: list[Section] = field(default_factory=list)
    raw_notes: bytes = b""
    notes_in: str = "segment"
    order: str = "<"
    align: int = 16
    header: dict[str, int] = field(default_factory=dict)
    note_header: dict[str, int] = field(default_factory=dict)

    @property
    def start(self) -> int:
        """Return the lowest virtual address."""
        return min(load.vaddr for load in self.loads if load.header.get("p_type") != PT_NOTE)

    def file(self) -> bytes:
        """Return it as an ELF file."""
        text = ",".join(self.guest_string).encode()
        legacy = [Section("__xen_guest", SHT_PROGBITS, text + b"\0")] if text else []
        return elf_file(
            self.loads,
            self.notes,
            bits=self.bits,
            order=self.order,
            notes_in=self.notes_in,
            sections=[*self.sections, *legacy],
            raw_notes=self.raw_notes,
            align=self.align,
            header=self.header,
            note_header=self.note_header,
        )
