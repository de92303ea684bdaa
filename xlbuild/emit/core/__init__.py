"""Dump-cores, written and read (docs/core.md; public docs/misc/dump-core-format)."""
