"""Ramdisks: archives and file systems, in whatever they are packed."""
