"""Keys that say more about something that another key asks for, and do nothing without it."""

from dataclasses import dataclass

from xlbuild.config.settings import Settings
from xlbuild.config.values import number_of
from xlbuild.container.model import Kind


@dataclass(frozen=True, slots=True)
class _Need:
    keys: tuple[str, ...]
    """For these keys …"""
    others: tuple[str, ...]
    """… one of these must be set, and not to nothing."""
    kinds: tuple[Kind, ...] = tuple(Kind)
    on_by_default: bool = False
    """It is enough that the first of the others is not turned off."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """Why a key does nothing, and the mend."""

    why: str
    mend: str


_VNC = ("vnclisten", "vncdisplay", "vncunused", "vncpasswd")

_NEEDS: tuple[_Need, ...] = (
    _Need(("bootloader_args", "bootloader_restrict", "bootloader_user"), ("bootloader",)),
    _Need(("pvshim_cmdline", "pvshim_extra"), ("pvshim", "pvshim_path")),
    _Need(("rdm_mem_boundary",), ("rdm", "pci")),
    _Need(("pci_msitranslate", "pci_power_mgmt", "pci_permissive", "pci_seize"), ("pci",)),
    _Need(("acpi_s3", "acpi_s4", "acpi_laptop_slate"), ("acpi",), on_by_default=True),
    _Need(_VNC, ("vnc",), (Kind.HVM,), on_by_default=True),
    _Need(_VNC, ("vnc",), (Kind.PV,)),
    _Need(("opengl", "display", "xauthority"), ("sdl",)),
    _Need(
        (
            "spicehost",
            "spiceport",
            "spicetls_port",
            "spicedisable_ticketing",
            "spicepasswd",
            "spiceagent_mouse",
            "spicevdagent",
            "spice_clipboard_sharing",
            "spiceusbredirection",
            "spice_image_compression",
            "spice_streaming_video",
        ),
        ("spice",),
    ),
    _Need(
        (
            "stubdomain_kernel",
            "stubdomain_ramdisk",
            "stubdomain_cmdline",
            "stubdomain_memory",
            "device_model_stubdomain_seclabel",
        ),
        ("device_model_stubdomain_override",),
    ),
)
"""What needs what (xl.cfg(5))."""


def unmet_need(key: str, settings: Settings, kind: Kind | None) -> Unmet | None:
    """Return what a key lacks to have an effect, if it lacks anything."""
    for need in _NEEDS:
        if key in need.keys and kind in need.kinds and not _is_met(need, settings):
            first, shown = need.others[0], " or ".join(need.others)
            if need.on_by_default:
                return Unmet(f"with {first} turned off", f"remove {key}, or {first}")
            return Unmet(f"without {shown}", f"set {first}, or remove {key}")
    return None


def _is_met(need: _Need, settings: Settings) -> bool:
    if need.on_by_default and need.others[0] not in settings:
        return True
    return any(other in settings and _asks(settings, other) for other in need.others)


def _asks(settings: Settings, key: str) -> bool:
    return bool(settings[key].value) and number_of(settings[key]) != 0
