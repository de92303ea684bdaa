"""Signals that end the program: the first one interrupts, and what it makes the program clean up is left in peace.

Nothing slow is imported here: it is the first thing that the program's start needs.
"""

import signal
from types import FrameType
from typing import NoReturn

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heed_interrupts() -> None:
    """Have the first signal raise KeyboardInterrupt, and no other do anything; those that are ignored stay so."""
    for number in INTERRUPTS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a shell's background job
            signal.signal(number, _interrupt_once)


def _interrupt_once(number: int, frame: FrameType | None) -> NoReturn:
    for other in INTERRUPTS:
        signal.signal(other, _ignore)
    raise KeyboardInterrupt


def _ignore(number: int, frame: FrameType | None) -> None:
    """Take no notice; of a signal that comes just as it is set to SIG_IGN, Python itself would complain."""
