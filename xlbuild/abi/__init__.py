"""Xen's public structures and constants, one module a header."""
