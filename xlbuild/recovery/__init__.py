"""From a save file or a dump-core back to the domain that was built: what its own structures tell of it.

A guest that has run is refused: its memory says nothing of how it was built any more.
"""

from xlbuild.recovery.core import recover_core
from xlbuild.recovery.save import recover_save

__all__ = ["recover_core", "recover_save"]
