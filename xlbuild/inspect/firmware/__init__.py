"""Firmware images."""
