"""Fuzzing: damaged files of every kind that xlbuild reads, and what must hold whatever they are.

`targets.TARGETS` is the table of what is fuzzed; `main` is the command line, which scripts/fuzz runs.
"""
