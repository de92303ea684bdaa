"""Random devices, in the language that each key has of its own."""

from dice import Dice
from randomvalues import (
    Fields,
    Maker,
    Value,
    fields,
    joined,
    mostly,
    names,
    number,
    path,
    several,
    spaced,
    specification,
    words,
)

_BACKEND = mostly(words("0", "1", "Domain-0", "dom d"), "")
_FLAG = words("0", "1", "1", "2", "-1", "yes", "")


def mac(dice: Dice) -> str:
    """Return a network card's address, mostly with colons in it."""
    octets = [dice.pick("00", "16", "3e", "FF", "a", f"{dice.randrange(256):02x}") for _ in range(6)]
    return dice.weighted(((85, ":"), (5, "-"), (3, "."), (2, " "), (2, "x"))).join(octets)


def uuid(dice: Dice) -> str:
    """Return a UUID, mostly in its proper form."""
    digits = f"{dice.getrandbits(128):032x}"
    whole = "-".join(digits[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    return dice.weighted(
        ((85, whole), (12, whole.upper()), (1, digits), (1, f"{{{whole}}}"), (1, whole[:-1]))
    )


# Disks

_VDEV = mostly(
    words(
        *(
            "xvda",
            "xvda",
            "xvdb1",
            "xvdp1",
            "xvdaa",
            "hda",
            "hdc",
            "sda",
            "sdp15",
            "d0",
            "d1p3",
            "vda",
            "51712",
        ),
        *("0x1", "ioemu:hda", "xvda:disk", "hdc:cdrom"),
    ),
    *("hdc:dvd", ""),
)
_TARGET = mostly(
    words("/dev/vg/disk", "/var/images/a.img", "a.qcow2", "/a b.img", "iqn.2000:x/0", "vg:disk"), ""
)
_FORMAT = mostly(
    words("raw", "raw", "qcow", "qcow2", "vhd", "qed", ""), "aio", "phy", "empty", "unknown", "RAW"
)
_ACCESS = mostly(words("w", "w", "r", "rw", "ro", ""), "!", "W", "wr")
_PREFIX = mostly(
    words(
        *("raw:", "qcow:", "qcow2:", "vhd:", "iscsi:", "nbd:", "enbd:", "drbd:", "tapdisk:", "tap:", "tap2:"),
        *("aio:", "ioemu:", "file:", "file:", "phy:", "phy:", "tap:aio:", "tap:qcow2:", "tap:tapdisk:aio:"),
    ),
    "fil:",
)
_DISK: Fields = (
    (25, "format", _FORMAT),
    (97, "vdev", mostly(words("xvda", "xvdb", "hda", "hdc", "sda", "d0p1"), "")),
    (30, "access", words("r", "ro", "w", "rw", "")),
    (15, "backend", _BACKEND),
    (15, "backendtype", mostly(words("phy", "tap", "qdisk", "standalone"), "", "PHY", "none")),
    (10, "script", words("block-nbd", "/etc/xen/scripts/block", "block")),
    (12, "specification", mostly(words("xen", "virtio"), "", "none")),
    (8, "devtype", mostly(words("cdrom", "disk"), "", "dvd")),
    (8, "cdrom", None),
    (12, "direct-io-safe", None),
    (10, "discard", None),
    (10, "no-discard", None),
    (5, "colo", None),
    (4, "no-colo", None),
    (5, "colo-host", words("10.0.0.1", "host")),
    (5, "colo-port", words("8888", "x", "")),
    (5, "colo-export", words("e", "qdisk1")),
    (5, "active-disk", path),
    (5, "hidden-disk", path),
    (10, "trusted", None),
    (8, "untrusted", None),
    (1, "grant_usage", words("0", "1")),
    (1, "transport", words("mmio", "none")),
)
_named_disk = fields(_DISK)


def disk(dice: Dice) -> str:
    """Return a disk: by position, by name, with the prefixes of old, or mixed."""
    kind = dice.weighted(((35, "positional"), (30, "named"), (15, "old"), (17, "mixed"), (3, "empty")))
    if kind == "empty":
        return ""
    if kind == "old":
        parts = [_PREFIX(dice) + _TARGET(dice), _VDEV(dice), _ACCESS(dice)]
        return spaced(dice, parts[: dice.pick(2, 3, 3, 3)])
    positional = [_TARGET(dice), _FORMAT(dice), _VDEV(dice), _ACCESS(dice)][: dice.pick(3, 4, 4, 4)]
    if kind == "positional":
        return spaced(dice, positional)
    named = _named_disk(dice)
    if kind == "mixed":
        named = [field for field in named if not field.startswith(("vdev=", "format=")) or dice.chance(4)]
        return spaced(dice, [*positional[: dice.pick(3, 3, 4)], *named[:3]])
    if dice.chance(95):
        rest = dice.pick(",x", ",w=1,vdev=hdb") if dice.chance(10) else ""
        named.append(f"target={_TARGET(dice)}{rest}")
    return spaced(dice, named)


# Network cards


def _rate(dice: Dice) -> str:
    size = dice.pick("1", "10", "100", "0", "4294967296") + dice.pick("", "K", "M", "G", "K", "M", "k")
    rarely = ("@5", "@x", "@5000s") if dice.chance(30) else ()
    unit = dice.weighted(((60, "b/s"), (60, "B/s"), (2, "/s"), (2, "b"), (2, "")))
    interval: str = dice.pick("", "", "@20ms", "@1s", "@500us", "@0ms", *rarely)
    return size + unit + interval


_COLO = tuple(
    f"colo_{name}"
    for name in (
        *("sock_mirror_id", "sock_mirror_ip", "sock_mirror_port", "sock_compare_pri_in_id"),
        *("sock_compare_pri_in_ip", "sock_compare_pri_in_port", "sock_compare_sec_in_id"),
        *("sock_compare_sec_in_ip", "sock_compare_sec_in_port", "sock_compare_notify_id"),
        *("sock_compare_notify_ip", "sock_compare_notify_port", "sock_redirector0_id", "sock_redirector0_ip"),
        *("sock_redirector0_port", "sock_redirector1_id", "sock_redirector1_ip", "sock_redirector1_port"),
        *("sock_redirector2_id", "sock_redirector2_ip", "sock_redirector2_port", "filter_mirror_queue"),
        *("filter_mirror_outdev", "filter_redirector0_queue", "filter_redirector0_indev"),
        *("filter_redirector0_outdev", "filter_redirector1_queue", "filter_redirector1_indev"),
        *(
            "filter_redirector1_outdev",
            "compare_pri_in",
            "compare_sec_in",
            "compare_out",
            "compare_notify_dev",
        ),
        *("sock_sec_redirector0_id", "sock_sec_redirector0_ip", "sock_sec_redirector0_port"),
        *("sock_sec_redirector1_id", "sock_sec_redirector1_ip", "sock_sec_redirector1_port"),
        *("filter_sec_redirector0_queue", "filter_sec_redirector0_indev", "filter_sec_redirector0_outdev"),
        *("filter_sec_redirector1_queue", "filter_sec_redirector1_indev", "filter_sec_redirector1_outdev"),
        *("filter_sec_rewriter0_queue", "checkpoint_host", "checkpoint_port"),
    )
)
_VIF: Fields = (
    (15, "type", mostly(words("vif", "ioemu"), "VIF", "pv", "")),
    (45, "mac", mac),
    (45, "bridge", words("xenbr0", "br0", "x y", "")),
    (8, "gatewaydev", words("eth0", "")),
    (5, "netdev", words("eth0", "")),
    (15, "ip", words("10.0.0.1", "10.0.0.1 10.0.0.2", "2001:db8::1", "")),
    (15, "script", words("vif-bridge", "/etc/xen/scripts/vif-route", "")),
    (12, "backend", _BACKEND),
    (12, "vifname", words("vif1", "tap0", "")),
    (12, "model", words("e1000", "rtl8139", "virtio-net", "")),
    (10, "rate", _rate),
    (6, "forwarddev", words("eth1", "")),
    (8, "devid", number(0, 9)),
    (10, "mtu", number(68, 9000)),
    (4, "vlan", words("10", "1p/2")),
    (4, "accel", words("x", "")),
    (6, "trusted", None),
    (6, "untrusted", None),
    *((3, name, words("x", "7", "127.0.0.1", "")) for name in _COLO),
)


# Devices of the host

_PCI_OPTIONS: Fields = (
    (15, "permissive", _FLAG),
    (15, "msitranslate", _FLAG),
    (15, "seize", _FLAG),
    (15, "power_mgmt", _FLAG),
    (15, "rdm_policy", mostly(words("strict", "relaxed"), "none", "Relaxed", "invalid")),
    (1, "name", words("nic", "")),
    (3, "vslot", mostly(words("5", "1f", "0"), "20", "x")),
)
_pci_options = fields(_PCI_OPTIONS)
_hex_fields = words("00", "01", "3", "1f", "ff", "1F", "0a")


def pci(dice: Dice) -> str:
    """Return a PCI device by its address, by a name, or all by fields."""
    domain = dice.weighted(((40, ""), (25, "0000:"), (15, "1:"), (15, "ffff:"), (2, "10000:")))
    device = dice.weighted(((20, "00"), (20, "1f"), (20, "3"), (20, "0a"), (2, "20")))
    function = dice.weighted(((65, str(dice.randrange(8))), (30, "*"), (2, "8"), (2, "0-3"), (1, "")))
    address = f"{domain}{_hex_fields(dice)}:{device}.{function}"
    slot = dice.weighted(((84, ""), (10, f"@{dice.randrange(32):x}"), (4, "@5"), (1, "@20"), (1, "@")))
    kind = dice.weighted(((76, "positional"), (12, "bdf"), (11, "name"), (1, "none")))
    first = {"positional": [address + slot], "bdf": [f"bdf={address}"], "name": ["name=nic"], "none": []}[
        kind
    ]
    return dice.weighted(((97, ","), (2, ", "), (1, ",,"))).join([*first, *_pci_options(dice)])


usbctrl = specification(
    (
        (40, "type", mostly(words("auto", "pv", "devicemodel", "qusb"), "PV", "ehci", "")),
        (40, "version", number(1, 3)),
        (40, "ports", number(1, 16)),
        (1, "backend", words("0", "dom d")),
    )
)
usbdev = specification(
    (
        (30, "type", names("hostdev", "hostdev", "hostdev")),
        (85, "hostbus", number(0, 255)),
        (85, "hostaddr", number(1, 255)),
        (35, "controller", number(0, 3)),
        (35, "port", number(0, 8)),
    )
)

# Displays, keyboards, sound

vfb = specification(
    (
        (60, "vnc", _FLAG),
        (40, "vnclisten", words("192.0.2.1", "127.0.0.1:5", "localhost:x", "", "::1")),
        (30, "vncpasswd", words("secret", "")),
        (30, "vncdisplay", words("0", "1", "12", "x", "-1")),
        (30, "vncunused", _FLAG),
        (20, "keymap", words("de", "en-us", "")),
        (25, "sdl", _FLAG),
        (20, "opengl", _FLAG),
        (15, "display", words(":0", "")),
        (15, "xauthority", path),
        (5, "type", words("vnc", "")),
        (4, "stray", None),
    )
)
vkb = specification(
    (
        (98, "backend-type", mostly(words("qemu", "linux", "LINUX"), "unknown", "xen", "")),
        (15, "backend", _BACKEND),
        (25, "unique-id", words("k1", "x y", "")),
        (20, "feature-disable-keyboard", _FLAG),
        (20, "feature-disable-pointer", _FLAG),
        (20, "feature-abs-pointer", _FLAG),
        (20, "feature-raw-pointer", _FLAG),
        (20, "feature-multi-touch", _FLAG),
        (20, "width", number(0, 4096)),
        (20, "height", number(0, 4096)),
        (20, "multi-touch-width", number(0, 4096)),
        (20, "multi-touch-height", number(0, 4096)),
        (20, "multi-touch-num-contacts", number(0, 10)),
    )
)


def _connector(dice: Dice) -> str:
    name, by = dice.pick("id0", "0", "a b"), dice.weighted(((99, "x"), (1, "X")))
    return f"{name}:{dice.pick(1920, 800, 0)}{by}{dice.pick(1080, 600, 0)}"


vdispl = specification(
    (
        (40, "backend", _BACKEND),
        (40, "be-alloc", _FLAG),
        (98, "connectors", joined(_connector, ";")),
    )
)

_rates = joined(mostly(words("8000", "44100", "48000", "0"), "x", ""), ";")
_formats = joined(
    mostly(
        words(
            *(
                "s8",
                "u8",
                "s16_le",
                "s16_be",
                "u16_le",
                "u16_be",
                "s24_le",
                "s24_be",
                "u24_le",
                "u24_be",
                "s32_le",
            ),
            *("s32_be", "u32_le", "u32_be", "f32_le", "f32_be", "f64_le", "f64_be"),
            *("iec958_subframe_le", "iec958_subframe_be", "mu_law", "a_law", "ima_adpcm", "mpeg", "gsm"),
        ),
        *("S8", "no", ""),
    ),
    ";",
)
_SOUND: Fields = (
    (25, "sample-rates", _rates),
    (25, "sample-formats", _formats),
    (20, "channels-min", number(1, 8)),
    (20, "channels-max", number(1, 8)),
    (20, "buffer-size", number(0, 65536)),
)
_CARD: Fields = (
    (30, "backend", _BACKEND),
    (30, "short-name", words("Main", "")),
    (30, "long-name", words("Main card", "")),
    *_SOUND,
)
_PCM: Fields = ((60, "name", words("pcm", "a b", "")), *_SOUND)
_STREAM: Fields = (
    (70, "unique-id", words("0", "out", "")),
    (70, "type", mostly(words("p", "c"), "P", "x", "")),
    (1, "id", words("0")),
    *_SOUND,
)


def vsnd(dice: Dice) -> Value:
    """Return a sound card: a list of itself, its PCMs and their streams."""
    parts = [("CARD", _CARD)]
    for _ in range(dice.pick(0, 1, 1, 2)):
        parts.append(("PCM", _PCM))
        parts += [("STREAM", _STREAM)] * dice.pick(0, 1, 1, 2)
    if dice.chance(2):
        dice.shuffle(parts)
    return [_sound_part(dice, name, table) for name, table in parts]


def _sound_part(dice: Dice, name: str, table: Fields) -> Value:
    return spaced(
        dice, [dice.weighted(((85, name), (10, name.lower()), (3, name.title()))), *fields(table)(dice)]
    )


# The rest

vtpm = specification(((98, "backend", words("vtpm-guest", "0", "")), (50, "uuid", uuid)))
pvcalls = specification(((80, "backend", _BACKEND),))
p9 = specification(
    (
        (98, "tag", words("share", "")),
        (98, "path", path),
        (98, "security_model", words("none", "mapped", "")),
        (25, "backend", _BACKEND),
    )
)
channel = specification(
    (
        (70, "name", mostly(words("org.x.0", "a b"), "")),
        (98, "connection", mostly(words("pty", "socket"), "PTY", "none", "")),
        (90, "path", path),
        (20, "backend", _BACKEND),
        (1, "stray", words("1")),
    )
)

DEVICES: dict[str, Maker] = {
    "disk": several(disk),
    "vif": several(specification(_VIF)),
    "pci": several(pci, 0, 1, 1, 2),
    "usbctrl": several(usbctrl),
    "usbdev": several(usbdev),
    "vfb": several(vfb, 0, 1, 1, 2),
    "vkb": several(vkb),
    "vdispl": several(vdispl),
    "vsnd": several(vsnd, 0, 1, 1, 2),
    "vtpm": several(vtpm, 0, 1, 1, 2),
    "pvcalls": several(pvcalls, 0, 1, 1, 2),
    "p9": several(p9),
    "channel": several(channel),
}
"""The keys of devices, and what makes their values."""
