"""Memory that two processes share, in which one of them notes what it works on."""

import mmap
import struct

SLOT_SIZE = 1 << 20
"""Bytes of a slot."""
_SLOT = struct.Struct("<QI")


class Slot:
    """Memory shared with a worker, in which stands what it works on: it outlives the worker."""

    def __init__(self, case: int, descriptor: int = -1) -> None:
        """Start in front of a case, in memory of its own, or that of a descriptor."""
        self._memory = mmap.mmap(descriptor, SLOT_SIZE)
        self.put(case, b"")

    def put(self, case: int, data: bytes) -> None:
        """Note what is worked on now."""
        self._memory[_SLOT.size : _SLOT.size + len(data)] = data
        self._memory[: _SLOT.size] = _SLOT.pack(case, len(data))

    def get(self) -> tuple[int, bytes]:
        """Return the number and the input of what was worked on last."""
        case, length = _SLOT.unpack(self._memory[: _SLOT.size])
        return case, self._memory[_SLOT.size : _SLOT.size + length]
