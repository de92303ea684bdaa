"""Random configurations: every key, right values and wrong ones, and all that the language allows or does not.

A number makes the same configuration everywhere. Most are such as xl takes: were each of six settings wrong half of
the time, xl would refuse nearly all, and nothing could be seen behind the first mistake.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from configtext import Setting, damaged, written_file
from dice import Dice
from randomdevices import DEVICES
from randomkeys import MAKERS, UNKNOWN
from randomvalues import Value, spoiled, text


@dataclass(frozen=True)
class Config:
    """A configuration: a file, and arguments behind it on the command line."""

    data: bytes
    overrides: tuple[str, ...] = ()


_KINDS = ("pv", "pvh", "hvm")

_NEVER_BY_CHANCE = ("name", "type", "builder", "kernel")
"""What every configuration is given on purpose."""

_FOR = {
    "hvm": (
        *(
            "viridian",
            "smbios",
            "mca_caps",
            "ms_vm_genid",
            "bios",
            "firmware",
            "vga",
            "stdvga",
            "hdtype",
            "mmio_hole",
        ),
        *(
            "timer_mode",
            "tsc_mode",
            "altp2m",
            "altp2mhvm",
            "spice",
            "spiceusbredirection",
            "gfx_passthru",
            "serial",
        ),
        *(
            "usbdevice",
            "usb",
            "vnc",
            "sdl",
            "boot",
            "soundhw",
            "vendor_device",
            "vnclisten",
            "keymap",
            "apic",
            "acpi",
        ),
        *(
            "nestedhvm",
            "hpet",
            "device_model_version",
            "device_model_stubdomain_override",
            "stubdomain_memory",
        ),
    ),
    "pv": ("vnc", "vnclisten", "sdl", "e820_host", "bootloader", "bootloader_args", "vfb"),
    "pvh": (
        "pvshim",
        "pvshim_path",
        "pvshim_cmdline",
        "pvshim_extra",
        "timer_mode",
        "altp2m",
        "apic",
        "nestedhvm",
    ),
}
"""Keys that are drawn more often, as they mean something for that kind."""

_STOPS_XL = {"pv": ("timer_mode",)}
"""Keys that, whatever their value, make xl refuse a guest of that kind."""


def make_config(number: int) -> Config:
    """Return a case."""
    dice = Dice(number)
    settings = _settings(dice)
    if dice.chance(35):
        _spoil(dice, settings)
    behind = _overrides(dice, settings) if dice.chance(15) else ()
    data = written_file(dice, settings)
    return Config(damaged(dice, data) if dice.chance(12) else data, behind)


def _settings(dice: Dice) -> list[Setting]:
    kind = dice.weighted(((35, "pv"), (20, "pvh"), (45, "hvm")))
    settings = [*_container(dice, kind), *_kernel(dice, kind)]
    if dice.chance(99):
        settings.append(Setting("name", MAKERS["name"](dice)))
    for key in _keys(dice, kind):
        settings.append(Setting(key, MAKERS[key](dice)))
    if dice.chance(15):
        values: tuple[Value, ...] = ("1", text(dice), [text(dice), ["x", "7"]])
        settings.append(Setting(dice.choice(UNKNOWN), dice.choice(values)))
    if dice.chance(30):
        dice.shuffle(settings)
    return settings


def _container(dice: Dice, kind: str) -> list[Setting]:
    builder = {"pv": "generic", "hvm": "hvm"}.get(kind)
    if kind == "pv" and dice.chance(40):
        return []
    if builder and dice.chance(20):
        return [Setting("builder", builder)]
    settings = [Setting("type", dice.weighted(((94, kind), (4, kind[:-1]), (2, MAKERS["type"](dice)))))]
    if dice.chance(3):
        settings.append(Setting("builder", MAKERS["builder"](dice)))
    return settings


def _kernel(dice: Dice, kind: str) -> list[Setting]:
    chance, instead = (15, "ramdisk") if kind == "hvm" else (96, "firmware")
    key = "kernel" if dice.chance(chance) else instead
    return [Setting(key, MAKERS[key](dice))] if kind != "hvm" or dice.chance(30) else []


def _keys(dice: Dice, kind: str) -> list[str]:
    """Return keys in the order in which they were drawn, none twice."""
    plain = [key for key in MAKERS if key not in _NEVER_BY_CHANCE and key not in DEVICES]
    drawn = [dice.choice(plain) for _ in range(dice.pick(0, 1, 2, 3, 4, 6, 8, 12))]
    drawn += [dice.choice(_FOR[kind]) for _ in range(dice.pick(0, 0, 1, 2, 4))]
    drawn += [key for key in DEVICES if dice.chance(11)]
    if not {"cpus", "cpus_soft"}.isdisjoint(drawn) and dice.chance(60):
        drawn.append("vcpus")  # without it, xl has no vCPU whose affinity it could print
    stops = _STOPS_XL.get(kind, ()) if dice.chance(95) else ()
    unlikely = "firmware" if kind != "hvm" and dice.chance(90) else ""
    return [key for key in dict.fromkeys(drawn) if key not in stops and key != unlikely]


def _spoil(dice: Dice, settings: list[Setting]) -> None:
    """Change a few values for the worse."""
    for _ in range(dice.pick(1, 1, 1, 2, 3)):
        if settings:
            at = dice.randrange(len(settings))
            settings[at] = Setting(settings[at].key, spoiled(dice, settings[at].value))


def _overrides(dice: Dice, settings: list[Setting]) -> tuple[str, ...]:
    """Move a few settings to the command line, or add others."""
    chosen: list[Setting] = []
    for _ in range(dice.pick(1, 1, 2, 3)):
        if settings and dice.chance(50):
            chosen.append(settings.pop(dice.randrange(len(settings))))
        else:
            key = dice.pick("memory", "vcpus", "extra", "vif", "on_crash", dice.choice(list(MAKERS)))
            chosen.append(Setting(key, MAKERS[key](dice)))
    return tuple(_argument(dice, setting) for setting in chosen)


def _argument(dice: Dice, setting: Setting) -> str:
    """Return a setting as an argument, which cannot hold a NUL."""
    data = written_file(dice, [setting]).strip() if dice.chance(90) else _bare(setting.key, setting.value)
    return data.replace(b"\0", b"").decode(errors="surrogateescape")


def _bare(key: str, value: Value) -> bytes:
    """Return what people write who forget that the shell takes their quotes away."""
    return f"{key}={value if isinstance(value, str) else ''}".encode("latin-1")


def describe(config: Config) -> Sequence[str]:
    """Return a configuration for people, line by line."""
    lines = config.data.decode(errors="backslashreplace").split("\n")
    return [*lines, *(f"argument: {argument!r}" for argument in config.overrides)]
