"""What xl does not tell of a configuration: the rules of `xlbuild check`.

Upstream has nothing like it: xl passes over unknown keys, keys without effect and values that it drops.
"""

from xlbuild.check.lints import lint

__all__ = ["lint"]
