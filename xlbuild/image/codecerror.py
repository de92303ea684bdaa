"""What every codec raises."""


class CodecError(Exception):
    """A payload cannot be unpacked; says why."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        """Take the reason, and a mend where one is known."""
        super().__init__(reason)
        self.hint = hint
