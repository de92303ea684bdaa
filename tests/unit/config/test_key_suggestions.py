import pytest

from xlbuild.config.keys import BY_NAME, known_in
from xlbuild.config.suggest import EXPLAINED, OTHER_NAMES, suggest

_KNOWN = known_in("4.22")

_SEEN = (
    *(
        "vcpu",
        "maxcpus",
        "vcpu_avail",
        "cpu",
        "nics",
        "features",
        "loader",
        "command",
        "arch",
        "audio",
        "hostname",
    ),
    *(
        "dhcp",
        "ip",
        "netmask",
        "gateway",
        "nfs_server",
        "nfs_root",
        "home",
        "vncconsole",
        "vnc_password",
        "pvh",
    ),
    *(
        "on_xend_start",
        "on_xend_stop",
        "pci_bus",
        "vscsi",
        "irq",
        "blkif",
        "netif",
        "tpmif",
        "opts",
        "time_travel",
    ),
    *("vgt", "vgt_low_gm_sz", "dt_passthrough_nodes", "dt_compatible", "scmi", "rproc"),
    *("force_assign_without_iommu", "disable_migrate", "hvmloader_override", "nodes", "sched"),
    *("assisted_xapic", "assisted_x2apic"),
)
"""Keys of real people's files, and of xm's manual, that xl does not know."""


@pytest.mark.parametrize("name", _SEEN)
def test_every_unknown_key_of_real_files_has_a_text(name: str) -> None:
    assert name in OTHER_NAMES or name in EXPLAINED
    suggestion = suggest(name, _KNOWN)
    assert suggestion
    assert suggestion.text
    assert not suggestion.text.endswith(".")


def test_no_key_of_todays_xl_is_said_to_be_another() -> None:
    assert not _KNOWN.keys() & (OTHER_NAMES.keys() | EXPLAINED.keys())
    assert not OTHER_NAMES.keys() & EXPLAINED.keys()


def test_what_is_proposed_is_a_key_and_no_deprecated_one() -> None:
    for key in OTHER_NAMES.values():
        assert BY_NAME[key].instead is None
        assert key in known_in("4.17")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("memroy", "memory"),
        ("kernal", "kernel"),
        ("vcups", "vcpus"),
        ("maxmen", "maxmem"),
        ("diskk", "disk"),
        ("onreboot", "on_reboot"),
        ("spice_port", "spiceport"),
        ("extras", "extra"),
        ("bootloder", "bootloader"),
        ("device_model_arg", "device_model_args"),
        ("vcpu", "vcpus"),
        ("initrd", "ramdisk"),
    ],
)
def test_a_misspelled_key_brings_the_right_one(name: str, key: str) -> None:
    suggestion = suggest(name, _KNOWN)
    assert suggestion
    assert suggestion.key == key
    assert key in suggestion.text


@pytest.mark.parametrize(
    "name",
    [
        "made_up",
        "os",
        "version",
        "title",
        "description",
        "x",
        "a.b",
        "console",
        "bridge",
        "hda",
        "fda",
        "mac",
    ],
)
def test_a_word_that_is_like_no_key_brings_nothing(name: str) -> None:
    assert suggest(name, _KNOWN) is None


def test_only_keys_of_the_release_are_proposed() -> None:
    newer = suggest("smbio", known_in("4.18"))
    assert newer
    assert newer.key == "smbios"
    assert suggest("smbio", known_in("4.17")) is None


def test_the_order_of_the_known_keys_does_not_matter() -> None:
    for name in ("spicepot", "on_boot", "vncs", "cpus_sof", "devicemodel"):
        assert suggest(name, sorted(_KNOWN)) == suggest(name, sorted(_KNOWN, reverse=True))
