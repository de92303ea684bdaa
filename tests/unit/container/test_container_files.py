import pytest
from decisions import HVM, PV, PVH, decided, refusal

from xlbuild.container import Container, FileRequest, Role

NO_KERNEL = 'name = "n"; memory = 64; type = '
TRADITIONAL = 'device_model_version = "qemu-xen-traditional";'


def guest(base: str, text: str = "", xen: str = "4.17") -> Container:
    return decided(f"{base}memory = 64\n{text}", xen)


def asked(request: FileRequest | None) -> tuple[Role, str | None, str | None] | None:
    return None if request is None else (request.role, request.path, request.firmware)


@pytest.mark.parametrize("base", [PV, PVH])
def test_a_guest_has_its_kernel_its_ramdisk_and_its_command_line(base: str) -> None:
    container = guest(base, 'ramdisk = "/r"\ncmdline = "c"')
    assert asked(container.kernel) == (Role.KERNEL, "/k", None)
    assert container.kernel.where.line == 1
    (module,) = container.modules
    assert asked(module.file) == (Role.RAMDISK, "/r", None)
    assert module.file.where.line == 3
    assert module.command_line is None
    assert container.command_line == "c"
    assert all(request is None for _, request in container.firmware_modules)


def test_an_empty_ramdisk_is_none_and_an_empty_command_line_is_one() -> None:
    container = guest(PV, 'ramdisk = ""; cmdline = ""')
    assert container.modules == ()
    assert container.command_line == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('"pv"', "config-no-kernel"),
        ('"pvh"', "config-no-kernel"),
        ('"pv"; kernel = ["/k"]', "config-no-kernel"),
        ('"pv"; kernel = ""', "config-empty-path"),
        ('"pvh"; kernel = "/k"; pvshim_path = ""', "config-empty-path"),
        ('"pv"; kernel = "/k"; firmware = "pvgrub64"', "config-kernel-and-firmware"),
        ('"pv"; kernel = ""; firmware = "pvgrub64"', "config-kernel-and-firmware"),
        ('"pv"; firmware = "ovmf"', "config-unknown-firmware"),
        ('"pv"; firmware = "pvgrub64x"', "config-unknown-firmware"),
        ('"pv"; bootloader = "pygrub"', "config-bootloader"),
        ('"pvh"; kernel = "/k"; bootloader = ""', "config-bootloader"),
    ],
)
def test_a_guest_without_a_usable_kernel_is_refused(text: str, code: str) -> None:
    assert refusal(NO_KERNEL + text).code == code


def test_the_mend_for_a_bootloader_is_the_kernel_itself() -> None:
    error = refusal(PV + 'memory = 64\nbootloader = "pygrub"')
    assert "kernel= and ramdisk=" in (error.hint or "")
    assert (error.where.line, error.where.key) == (3, "bootloader")


def test_hvm_takes_no_notice_of_a_bootloader() -> None:
    assert guest(HVM, 'bootloader = "pygrub"').kernel.role is Role.HVMLOADER


# xl 4.17 looks for FIRMWAREDIR/TEXT.bin, and takes any beginning of the two names: `tests/oracle/xlparse FILE`.
@pytest.mark.parametrize(
    ("firmware", "path", "name"),
    [
        ("pvgrub32", None, "pvgrub32"),
        ("pvgrub64", None, "pvgrub64"),
        ("pvgrub", "pvgrub.bin", "pvgrub64"),
        ("", ".bin", "pvgrub64"),
    ],
)
def test_firmware_names_pvgrub_for_pv_and_pvh(firmware: str, path: str | None, name: str) -> None:
    for kind in ("pv", "pvh"):
        container = decided(f'{NO_KERNEL}"{kind}"; firmware = "{firmware}"')
        assert asked(container.kernel) == (Role.PVGRUB, path, name)


# Shims: libxl 4.17, `tests/oracle/xlcreate FILE DIR`: cmdline and modules in domain.json.
@pytest.mark.parametrize(
    ("text", "shim", "command_line"),
    [
        ("pvshim = 1", (None, "xen-shim"), "pv-shim console=xen,pv"),
        ('pvshim = 1; pvshim_extra = "e"', (None, "xen-shim"), "pv-shim console=xen,pv e"),
        ('pvshim = 1; pvshim_extra = ""', (None, "xen-shim"), "pv-shim console=xen,pv "),
        ('pvshim = 1; pvshim_cmdline = "c"; pvshim_extra = "e"', (None, "xen-shim"), "c e"),
        ('pvshim = 1; pvshim_cmdline = ""', (None, "xen-shim"), ""),
        ('pvshim = 1; pvshim_path = "shim"', ("shim", None), "pv-shim console=xen,pv"),
        ('pvshim_path = "/s"', ("/s", None), "(null)"),
        ('pvshim = 0; pvshim_path = "/s"; pvshim_extra = "e"', ("/s", None), "(null) e"),
        ('pvshim_path = "/s"; pvshim_cmdline = "c"', ("/s", None), "c"),
    ],
)
def test_a_shim_runs_the_kernel_as_its_first_module(
    text: str, shim: tuple[str | None, str | None], command_line: str
) -> None:
    container = guest(PVH, text + '; ramdisk = "/r"; cmdline = "guest"')
    assert asked(container.kernel) == (Role.SHIM, *shim)
    assert container.command_line == command_line
    kernel, ramdisk = container.modules
    assert (asked(kernel.file), kernel.command_line) == ((Role.KERNEL, "/k", None), "guest")
    assert (asked(ramdisk.file), ramdisk.command_line) == ((Role.RAMDISK, "/r", None), None)


@pytest.mark.parametrize("text", ["pvshim = 0", 'pvshim_cmdline = "c"; pvshim_extra = "e"', 'pvshim = "yes"'])
def test_a_shim_that_is_only_described_is_none(text: str) -> None:
    assert guest(PVH, text).kernel.role is Role.KERNEL


def test_only_pvh_has_a_shim() -> None:
    assert guest(PV, "pvshim = 1").kernel.role is Role.KERNEL


# HVM: libxl 4.17 as above: kernel and firmware_modules.
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", None),
        ('firmware_override = "/h"', "/h"),
        ('firmware_override = "h"', "h"),
        ('firmware = "/h"', "/h"),
        ('firmware = "/h"; firmware_override = "/i"', "/h"),
        ('firmware = "seabios"; firmware_override = "/i"', "/i"),
        ('firmware = "uefi"; firmware_override = "/i"', "/i"),
        ('firmware = "UEFI"', "UEFI"),
        ('firmware = "pvgrub64"', "pvgrub64"),
    ],
)
def test_hvm_starts_hvmloader(text: str, path: str | None) -> None:
    assert asked(guest(HVM, text).kernel) == (Role.HVMLOADER, path, "hvmloader")


@pytest.mark.parametrize(
    ("text", "bios"),
    [
        ("", "seabios"),
        ('bios = "seabios"', "seabios"),
        ('bios = "OVMF"', "ovmf"),
        ('bios = "unknown"', "seabios"),
        ('firmware = "ovmf"', "ovmf"),
        ('firmware = "Ovmf"', "ovmf"),
        ('firmware = "uefi"', "ovmf"),
        ('firmware = "ue"', "ovmf"),
        ('firmware = ""', "ovmf"),
        ('firmware = "bios"', "seabios"),
        ('bios = "ovmf"; firmware = "bios"', "ovmf"),
        ('bios = "ovmf"; firmware = "seabios"', "seabios"),
        ('bios = "ovmf"; firmware = "unknown"', "seabios"),
        ('bios = ["ovmf"]', "seabios"),
    ],
)
def test_hvm_has_a_system_firmware(text: str, bios: str) -> None:
    assert asked(guest(HVM, text).system_firmware) == (Role.SYSTEM_FIRMWARE, None, bios)


def test_firmware_files_come_in_xens_order() -> None:
    text = 'smbios_firmware = "/s"; acpi_firmware = "/a"; bios_path_override = "b.bin"; bios = "ovmf"'
    container = guest(HVM, text)
    assert [(name, asked(request)) for name, request in container.firmware_modules] == [
        ("System Firmware module", (Role.SYSTEM_FIRMWARE, "b.bin", None)),
        ("ACPI module", (Role.ACPI_FIRMWARE, "/a", None)),
        ("SMBIOS module", (Role.SMBIOS_FIRMWARE, "/s", None)),
    ]


@pytest.mark.parametrize(
    "key", ["firmware_override", "bios_path_override", "acpi_firmware", "smbios_firmware"]
)
def test_an_empty_path_is_refused(key: str) -> None:
    error = refusal(f'{HVM}memory = 64; {key} = ""')
    assert (error.code, error.where.key) == ("config-empty-path", key)


@pytest.mark.parametrize("text", ["", 'bios = "rombios"', 'bios = "unknown"', 'firmware = "rombios"'])
@pytest.mark.parametrize("model", [TRADITIONAL, "device_model_stubdomain_override = 1;"])
def test_the_traditional_device_model_has_no_system_firmware(model: str, text: str) -> None:
    container = guest(HVM, model + text)
    assert container.system_firmware is None
    assert container.memory.video_kib == 4096


def test_the_traditional_device_model_has_smaller_cards() -> None:
    assert guest(HVM, TRADITIONAL + 'vga = "stdvga"').memory.video_kib == 8192
    assert guest(HVM, TRADITIONAL + "videoram = 3").memory.video_kib == 3072


@pytest.mark.parametrize(
    "text",
    [
        'bios = "rombios"',
        'firmware = "rombios"',
        TRADITIONAL + 'bios = "seabios"',
        TRADITIONAL + 'firmware = "ovmf"',
        'device_model_stubdomain_override = 1; bios = "ovmf"',
    ],
)
def test_rombios_and_the_traditional_device_model_go_together_only(text: str) -> None:
    assert refusal(HVM + "memory = 64;" + text).code == "config-bios-device-model"


@pytest.mark.parametrize("base", [PV, PVH, HVM])
@pytest.mark.parametrize("version", ["x", "", "QEMU-XEN"])
def test_an_unknown_device_model_is_refused_for_every_kind(base: str, version: str) -> None:
    error = refusal(f'{base}memory = 64; device_model_version = "{version}"')
    assert error.code == "config-unknown-device-model"


def test_from_4_21_on_the_traditional_device_model_is_gone() -> None:
    assert guest(HVM, TRADITIONAL, "4.20").system_firmware is None
    error = refusal(HVM + "memory = 64;" + TRADITIONAL, "4.21")
    assert error.code == "config-unknown-device-model"
    assert "--xen 4.20" in (error.hint or "")
    error = refusal(HVM + "memory = 64; device_model_stubdomain_override = 1", "4.21")
    assert error.code == "config-stubdomain-version"
    text = 'device_model_stubdomain_override = 1; device_model_version = "qemu-xen"'
    assert asked(guest(HVM, text, "4.21").system_firmware) == (Role.SYSTEM_FIRMWARE, None, "seabios")


def test_an_unknown_bios_is_refused() -> None:
    assert refusal(HVM + 'memory = 64; bios = "x"').code == "config-unknown-bios"
    assert refusal(HVM + 'memory = 64; bios = ""').code == "config-unknown-bios"


@pytest.mark.parametrize(
    "text",
    ['ramdisk = ""', 'cmdline = ""', 'root = "r"', 'extra = "e"', 'kernel = "/x/hvmloader"; extra = "e"'],
)
def test_an_hvm_guest_with_only_half_a_direct_boot_is_refused(text: str) -> None:
    assert refusal(HVM + "memory = 64;" + text).code == "config-no-direct-kernel"


@pytest.mark.parametrize("kernel", ["/k", "", "hvmloader/", "/x/myhvmloader"])
def test_a_kernel_that_the_device_model_boots_is_not_in_the_image(kernel: str) -> None:
    container = guest(HVM, f'kernel = "{kernel}"; ramdisk = "/r"; cmdline = "c"')
    assert container.kernel.role is Role.HVMLOADER
    assert container.modules == ()
    assert container.command_line == "c"
