"""The console ring's page (public io/console.h)."""

XENCONS_CONNECTION_OFFSET = 1024 + 2048 + 4 * 4
"""Offset of `connection` in `struct xencons_interface`: behind both rings and their four indexes."""

XENCONSOLE_DISCONNECTED = 1
"""No backend has connected yet; the toolstack's initial value."""
