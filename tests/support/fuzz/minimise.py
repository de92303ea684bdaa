"""Making an input smaller that shows something."""

from collections.abc import Callable


def minimised(data: bytes, shows: Callable[[bytes], bool], most_tries: int = 300) -> bytes:
    """Return a smaller input, or one with more zeros, that still shows the same, after so many tries at most."""
    tries = most_tries
    for changed in (_without, _zeroed):
        size = max(len(data) // 2, 1)
        while size and tries > 0:
            at = 0
            while at < len(data) and tries > 0:
                smaller = changed(data, at, size)
                if smaller == data:
                    at += size
                    continue
                tries -= 1
                if shows(smaller):
                    data = smaller
                    at += size if changed is _zeroed else 0
                else:
                    at += size
            size //= 2
    return data


def _without(data: bytes, at: int, size: int) -> bytes:
    return data[:at] + data[at + size :]


def _zeroed(data: bytes, at: int, size: int) -> bytes:
    return data[:at] + bytes(len(data[at : at + size])) + data[at + size :]
