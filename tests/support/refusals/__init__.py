"""The table of refusals: inputs that are broken or do not suit, and what xlbuild says of each; docs/refusals.md."""

from refusals.elf import ELF
from refusals.files import FILES
from refusals.guests import CONTAINERS, MEMORY, MODULES
from refusals.inputs import INPUTS, TARGETS
from refusals.model import Case, Group
from refusals.packings import PACKINGS
from refusals.saves import SAVES
from refusals.settings import SETTINGS

__all__ = ["CASES", "GROUPS", "Case", "Group"]

GROUPS: tuple[Group, ...] = (
    FILES,
    PACKINGS,
    ELF,
    CONTAINERS,
    MEMORY,
    MODULES,
    SETTINGS,
    INPUTS,
    SAVES,
    TARGETS,
)
"""The table, in the order of the documentation."""

CASES: tuple[Case, ...] = tuple(case for group in GROUPS for case in group.cases)
