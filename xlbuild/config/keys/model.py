"""What the table of keys says of each."""

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """What xl takes a key's value for; a value in another form counts as unset unless it says otherwise."""

    STRING = "string"
    NUMBER = "number"
    BOUNDED = "number, or xl stops"
    BOOLEAN = "0 or 1"
    NUMBER_OR_NAME = "number or name"
    BOOLEAN_OR_NAMES = "0, 1 or list of names"
    STRING_OR_LIST = "string or list of strings"
    NAMES = "list of names, or xl stops"
    LIST = "list of strings"
    LIST_OR_STOP = "list of strings, or xl stops"
    LISTS = "list of lists"


class Effect(StrEnum):
    """What a key has to do with a built guest."""

    IMAGE = "changes the guest's memory or how it starts"
    DOMAIN = "how the domain is created and run"
    DEVICE = "devices, and the device model that makes them"
    VERDICT = "only decides whether the guest can be built"
    NONE = "has no effect"


PV, HVM = "PV", "HVM"
PVH_HVM = "PVH HVM"
PV_PVH = "PV PVH"
PV_HVM = "PV HVM"
ALL = "PV PVH HVM"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: a row of the documentation."""

    name: str
    form: Form
    effect: Effect
    kinds: str
    """Container kinds for which it means something."""
    meaning: str
    """What it does, in a few words."""
    default: str = ""
    """What holds without it, in words; empty: nothing does."""
    instead: str | None = None
    """For a deprecated key: the key that replaces it, or what to do."""
    silent: bool = False
    """xl drops a value in a wrong form without a word (it warns of others)."""
    arm: bool = False
    """Means something for Arm guests only."""
    since: str | None = None
    """The first release that reads it; None: the oldest profile's does."""
    until: str | None = None
    """The last release that read it; None: the newest does."""
    source: str = ""
    """Where since or until come from."""


@dataclass(frozen=True, slots=True)
class Section:
    """Keys that belong together: a table of the documentation."""

    title: str
    keys: tuple[Key, ...]
