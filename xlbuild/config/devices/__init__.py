"""The grammars of devices: one element of a key's list becomes one libxl device, each key in a module of its own.

A reader takes (element, problems, release): it raises ConfigError where xl stops, and warns of what xl drops.
"""
