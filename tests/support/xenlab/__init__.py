"""A real Xen 4.17 with a Debian dom0, inside QEMU's own emulation of a CPU: set up once, then driven by scripts.

`scripts/xenlab` is its command line; docs/xen.md tells what it is for.
"""
