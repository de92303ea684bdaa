"""The plan stage: where everything goes, before a byte of guest memory exists."""
