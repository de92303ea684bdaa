"""What every codec raises and says, and how many pieces of a stream any of them goes through."""

MOST_PIECES = 65536
"""Frames or blocks; a kernel has a few, and one of millions that hold next to nothing would take minutes."""

DAMAGED = "the file seems to be damaged: compare its size and checksum with the original"
"""The mend for a stream that is wrong."""


class CodecError(Exception):
    """A payload cannot be unpacked; says why."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        """Take the reason, and a mend where one is known."""
        super().__init__(reason)
        self.hint = hint


def check_pieces(count: int, what: str) -> None:
    """Raise CodecError for a stream of too many `what`, frames or blocks."""
    if count > MOST_PIECES:
        raise CodecError(
            f"it has more than {MOST_PIECES:,} {what}, and no kernel is packed so",
            "pack the kernel anew, at one go",
        )
