"""Random binaries of Xen's own multiboot style: a table among the first 8 KiB says where the rest goes."""

import struct

from dice import Dice

MAGIC = 0x336E_C578
_STARTS = (*(0x10_0000,) * 6, 0, 0x1000)


def multiboot(dice: Dice) -> tuple[bytes, str]:
    """Return a binary with the table that Xen looks for in a file's first 8 KiB."""
    start = dice.pick(*_STARTS) + dice.pick(0, 0, 0, 0xC000_0000, 0x8000_0000)
    data = bytearray(dice.randbytes(dice.pick(0x2800, 0x5000, dice.randrange(0x40, 0x8000))))
    offset = dice.pick(0, 0x40, 0x400, 0x1FFC, dice.place(0x2100)) & ~dice.pick(3, 3, 3, 3, 0)
    header = table(dice, start, len(data), offset)
    data[offset : offset + len(header)] = header
    return bytes(data), "multiboot"


def table(dice: Dice, start: int, size: int, offset: int = 0) -> bytes:
    """Return a table whose addresses mostly make sense for a file of `size` bytes, loaded from its start on."""
    pae = dice.weighted(((6, 2), (3, 1), (3, 3), (1, 0)))
    flags = pae << 14 | dice.weighted(((30, 0x1_0000), (4, 0x1_0001), (1, 0), (1, 0x1_0002), (1, 0x5_0000)))
    checksum = -(MAGIC + flags) + dice.pick(*(0,) * 20, 1)
    load = start + dice.pick(0, 0, 0, 0x1000, offset, -0x1000)
    end = dice.pick(0, start + size, start + size, start + size // 2, start + size + 0x1000, load)
    bss = dice.pick(0, (end or start + size) + dice.pick(0, 1, 0x5000, 0x2_0000), load + 0x100)
    entry = load + dice.pick(0, 0x40, dice.place(size), -1, 0x100_0000)
    words = (MAGIC, flags, checksum, start + offset, load, end, bss, entry)
    return struct.pack("<8I", *(word & 0xFFFF_FFFF for word in words))
