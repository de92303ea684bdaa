"""Processes to which permissions apply, whoever runs the tests."""

import ctypes
import os

_PR_CAPBSET_DROP = 24
_OVERRIDES = (1, 2)
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what lets root read and write anything."""

_VERSION_3 = 0x2008_0522
"""linux/capability.h: the sets are effective, permitted and inheritable, 32 bits each, then their upper halves."""


def give_up_overrides() -> None:
    """Take what only root has from this process and from what it executes next; for a child, before it goes on."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _check(libc.capget(header, sets))
    for capability in _OVERRIDES:
        _check(libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0))
        for number in range(3):
            sets[number] &= ~(1 << capability)
    _check(libc.capset(header, sets))


def _check(result: int) -> None:
    assert result == 0, os.strerror(ctypes.get_errno())
