import pytest
from decisions import HVM, PV, PVH, decided, refusal

from xlbuild.config import read

PCI = 'pci = [ "01:00.0" ]'


@pytest.mark.parametrize(
    ("base", "text", "code", "key"),
    [
        (PVH, PCI, "config-passthrough", "pci"),
        (HVM, "maxmem = 128;" + PCI, "config-passthrough", "maxmem"),
        (PV, "max_event_channels = 1", "config-event-channels", "max_event_channels"),
        (PVH, "max_event_channels = 4294967297", "config-event-channels", "max_event_channels"),
        (PV, "max_grant_version = 16", "config-number-bounds", "max_grant_version"),
    ],
)
def test_what_an_offline_build_cannot_do_is_refused(base: str, text: str, code: str, key: str) -> None:
    error = refusal(f"{base}memory = 64\n{text}")
    assert (error.code, error.where.key, error.where.line) == (code, key, 3)


@pytest.mark.parametrize(
    ("base", "text"),
    [
        (PV, "e820_host = 0"),
        (PVH, "e820_host = 1"),
        (PV, "vnuma = []"),
        (PVH, 'vnuma = "x"'),
        (PV, "pci = []"),
        (PVH, 'pci = [ [ "01:00.0" ] ]'),
        (PV, "max_event_channels = 2"),
        (PV, "max_event_channels = 0"),
        (PV, 'max_event_channels = "-1"'),
        (PV, 'rdm = "strategy=host"'),
    ],
)
def test_what_changes_nothing_is_let_pass_without_a_word(base: str, text: str) -> None:
    assert decided(f"{base}memory = 64\n{text}").warnings == ()


@pytest.mark.parametrize(
    ("text", "key", "word"),
    [
        (PV, "memory", "memory = 256"),
        (PV + "memory = 64; vcpus = 0", "vcpus", "vcpus = 1"),
        (PVH + "memory = 64; maxmem = 32", "maxmem", "one of them"),
        (PV + "memory = 64; maxmem = 32", "maxmem", "one of them"),
        (PVH + 'memory = 64; pvshim_path = "/s"', "pvshim_path", "pvshim = 1"),
        (HVM + 'memory = 64; kernel = "hvmloader"', "kernel", "firmware_override"),
        (HVM + 'memory = 64; bios_path_override = "/b"', "bios_path_override", "which bios"),
        (
            HVM + 'memory = 64; device_model_version = "qemu-xen-traditional"; videoram = 16',
            "videoram",
            "remove",
        ),
    ],
)
def test_what_is_not_what_it_seems_is_built_with_a_warning(text: str, key: str, word: str) -> None:
    (warning,) = decided(text).warnings
    assert warning.where.key == key
    assert warning.code == f"config-{key.replace('_', '-')}"
    assert word in (warning.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        PVH + 'memory = 64; pvshim = 1; pvshim_path = "/s"',
        HVM + 'memory = 64; bios = "ovmf"; bios_path_override = "/b"',
        HVM + 'memory = 64; device_model_version = "qemu-xen-traditional"; videoram = 4',
        HVM + 'memory = 64; device_model_version = "qemu-xen-traditional"; videoram = 16; vga = "stdvga"',
    ],
)
def test_what_is_what_it_seems_is_built_without_a_warning(text: str) -> None:
    assert decided(text).warnings == ()


def test_a_kernel_that_the_device_model_boots_is_told() -> None:
    (warning,) = decided(HVM + 'memory = 64; kernel = "/k"').warnings
    assert (warning.code, warning.where.key) == ("config-device-model-kernel", "kernel")


def test_the_null_command_line_of_a_shim_is_told() -> None:
    (warning,) = decided(PVH + 'memory = 64; pvshim_path = "/s"; pvshim_extra = "e"').warnings
    assert "'(null) e'" in warning.message


def test_a_configuration_for_arm_is_told_apart_but_not_refused() -> None:
    text = PV + 'memory = 64; gic_version = "v3"; tee = "ffa"; vuart = "x"; dtdev = [ "/soc" ]'
    assert decided(text)
    assert read(text.encode(), "f").arm_keys == ("dtdev", "gic_version", "vuart", "tee")
