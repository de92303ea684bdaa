"""What the configuration that a save file carries along tells of a domain (libxl_domain_config in JSON)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xlbuild.abi.e820 import E820_RAM
from xlbuild.captured.model import SavedConfig
from xlbuild.libxl.enums import Altp2mMode, TimerMode
from xlbuild.plan.model import MemoryMapEntry
from xlbuild.units import KIB, UINT64, PhysAddr

_NONE: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class Saved:
    """A configuration's members, as far as they are what they should be."""

    create: Mapping[str, object]
    """`c_info`."""
    build: Mapping[str, object]
    """`b_info`."""
    is_known: bool

    @classmethod
    def of(cls, config: SavedConfig | None) -> Saved:
        """Read a configuration; one that is not there, or is no JSON, tells nothing."""
        document = config.document() if config is not None else None
        if document is None:
            return cls(_NONE, _NONE, is_known=False)
        return cls(_object(document.get("c_info")), _object(document.get("b_info")), is_known=True)

    @property
    def name(self) -> str | None:
        """The domain's name."""
        return _text(self.create.get("name"))

    @property
    def uuid(self) -> str | None:
        """The domain's uuid."""
        return _text(self.create.get("uuid"))

    @property
    def type(self) -> str | None:
        """`pv`, `pvh` or `hvm`."""
        return _text(self.create.get("type"))

    @property
    def pv_memory_map(self) -> tuple[MemoryMapEntry, ...]:
        """A PV guest's memory map; none where it depends on the host, or the size is not there."""
        most = self.build.get("max_memkb")
        if not isinstance(most, int) or not 0 < most < UINT64 // KIB:
            return ()
        if _object(self.build.get("type.pv")).get("e820_host") == "True":
            return ()
        return (MemoryMapEntry(PhysAddr(0), most * KIB, E820_RAM),)

    @property
    def timer_mode(self) -> int:
        """HVM_PARAM_TIMER_MODE, as libxl sets it."""
        modes = {mode.value: value for value, mode in enumerate(TimerMode, -1)}
        chosen = modes.get(str(self.build.get("timer_mode")), modes[TimerMode.UNKNOWN])
        default = modes[TimerMode.NO_DELAY_FOR_MISSED_TICKS]
        return default if chosen == modes[TimerMode.UNKNOWN] else chosen

    @property
    def altp2m(self) -> int:
        """HVM_PARAM_ALTP2M, as libxl sets it where it does."""
        modes = {mode.value: value for value, mode in enumerate(Altp2mMode)}
        return modes.get(str(self.build.get("altp2m")), 0)


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else _NONE


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
