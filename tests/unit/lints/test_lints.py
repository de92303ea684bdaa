"""What is told of settings that xl accepts in silence, with its place and its mend, and what is left alone."""

import pytest

import xlbuild

HVM = 'name = "g"\ntype = "hvm"\nmemory = 64\n'
PV = 'name = "g"\ntype = "pv"\nkernel = "/k"\nmemory = 64\n'
PVH = 'name = "g"\ntype = "pvh"\nkernel = "/k"\nmemory = 64\n'

_UNTOLD = {"config-device-model-kernel"}


def findings(text: str, *overrides: str, xen: str | None = None) -> list[xlbuild.Finding]:
    report = xlbuild.check(text.encode(), overrides=overrides, xen=xen, files=False)
    return [finding for finding in report.findings if finding.code not in _UNTOLD]


def only(text: str, *overrides: str, xen: str | None = None) -> xlbuild.Finding:
    (finding,) = findings(text, *overrides, xen=xen)
    return finding


@pytest.mark.parametrize(
    ("text", "code", "column", "words"),
    [
        (HVM + "vcpu = 2", "key-unknown", 1, "vcpus"),
        (HVM + "  vcpuss = 2", "key-unknown", 3, "did you mean vcpus?"),
        (HVM + "made_up.key = 2", "key-unknown", 1, "docs/xl-cfg.md"),
        (HVM + 'features = "x"', "key-unknown", 1, "leave it out"),
        (HVM + "pvh = 1", "key-pvh", 1, 'type = "pvh"'),
        (PV + 'boot = "c"', "key-no-effect", 1, "remove boot"),
        (PV + "e820_host = 1; videoram = 8", "key-no-effect", 16, "remove videoram"),
        (HVM + "e820_host = 1", "key-no-effect", 1, "remove e820_host"),
        (PVH + "vnc = 1", "key-no-effect", 1, "remove vnc"),
        (HVM + "spiceport = 6000", "key-needs-another", 1, "set spice"),
        (HVM + "spice = 0; spiceport = 6000", "key-needs-another", 12, "set spice"),
        (HVM + "vnc = 0\nvncdisplay = 3", "key-needs-another", 1, "remove vncdisplay, or vnc"),
        (PV + 'bootloader_args = ["x"]', "key-needs-another", 1, "set bootloader"),
        (PVH + 'pvshim_extra = "x"', "key-needs-another", 1, "set pvshim"),
        (HVM + "rdm_mem_boundary = 512", "key-needs-another", 1, "set rdm"),
        (HVM + "acpi = 0; acpi_s3 = 1", "key-needs-another", 11, "acpi"),
        (HVM + "vcpus = 2\nvcpus = 3", "key-overwritten", 1, "+="),
        (HVM + "nx = 1", "key-dead", 1, "remove nx"),
        (HVM + "stdvga = 1", "key-deprecated", 1, "write vga"),
        (PV + 'gic_version = "v3"; tee = "optee"', "key-arm", 1, "remove them"),
        (HVM + "vcpus = 010", "value-octal", 9, "write 10, or 8"),
        (HVM + 'shadow_memory = "-5"', "value-negative", 17, "from 0 on"),
        (PV.replace('"pv"', '"p"'), "value-abbreviated", 8, 'type = "pv"'),
        (HVM.replace('"g"', '"a/b"'), "name-path", 8, "letters"),
        (HVM + 'device_model = "/usr/lib/xen/bin/qemu-dm"\nnx = 0', "xm-file", 1, "docs/xl-cfg.md"),
        (PV + f'cmdline = "{"x" * 1024}"', "command-line-cut", 11, "PVH"),
        (PV + 'root = "/dev/xvda2 ro"', "root-without-disk", 8, "add the disk"),
        (PV + "maxmem = 32", "config-maxmem", 10, "correct"),
    ],
)
def test_what_xl_accepts_in_silence_is_told_with_its_place_and_mend(
    text: str, code: str, column: int, words: str
) -> None:
    finding = next(finding for finding in findings(text) if finding.code == code)
    assert finding.where.column == column
    assert words in (finding.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        PV + 'extra = "quiet"',
        PV + 'root = "/dev/nfs"',
        PV + 'root = "/dev/xvda1"\ndisk = [ "/dev/vg/g,raw,xvda1,rw" ]',
        PV + 'cmdline = "' + "x" * 1023 + '"',
        PVH + 'cmdline = "' + "x" * 2000 + '"',
        PV + "videoram = 0\nvnc = 0\nboot = ''",
        PVH + "pvshim = 0",
        HVM + "vcpus = 0x10\nmax_event_channels = 07",
        HVM + 'rtc_timeoffset = "-3600"',
        HVM + 'vncdisplay = 3\nvncpasswd = ""',
        HVM + "spice = 1\nspiceport = 6000\nspicedisable_ticketing = 1",
        HVM + 'on_crash = "preserve"\nserial = "pty"',
        HVM + "vif = [ '' ]\nvif += [ 'bridge=xenbr0' ]",
    ],
)
def test_what_is_as_it_seems_is_left_alone(text: str) -> None:
    assert findings(text) == []


def test_a_key_is_unknown_to_releases_before_it_came_and_told_as_such() -> None:
    text = HVM + "xen_platform_pci_bar_uc = 1\n"
    assert findings(text, xen="4.22") == []
    finding = only(text, xen="4.17")
    assert finding.code == "key-release"
    assert "since Xen 4.21" in finding.message
    assert "up to Xen 4.9" in only(HVM + "pvh = 0").message


def test_of_very_many_unknown_keys_the_first_are_told_and_the_others_counted() -> None:
    told = findings(HVM + "".join(f"k{number} = 1\n" for number in range(1000)))
    assert len(told) == 26
    assert "nor 974 more" in told[-1].message


def test_what_the_command_line_overrides_is_no_duplicate_unless_it_does_so_itself() -> None:
    assert findings(HVM, "memory=128") == []
    finding = only(HVM, "vcpus=2", "vcpus=3")
    assert (finding.code, finding.where.argument) == ("key-overwritten", 1)


def test_the_newer_form_of_builder_says_which_type_it_is() -> None:
    text = 'name = "g"\nbuilder = "{}"\nkernel = "/k"\nmemory = 64\n'
    assert only(text.format("hvm")).hint == 'write type = "hvm"'
    assert only(text.format("generic")).hint == 'write type = "pv"'


def test_the_cut_command_line_shows_what_is_lost() -> None:
    finding = only(PV + f'cmdline = "{"x" * 1023}quiet"')
    assert "1,028 bytes" in finding.message
    assert finding.message.endswith("cut off: 'quiet'")


def test_a_file_for_arm_is_told_once_and_not_called_a_pv_guest() -> None:
    finding = only(
        'name = "g"\nkernel = "/k"\nmemory = 64\ndevice_tree = "/d"\ndtdev = [ "/soc" ]\ntee = "optee"\n'
    )
    assert finding.code == "key-arm"
    assert all(key in finding.message for key in ("device_tree", "dtdev", "tee"))


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("videoram = 0x1F", "config-hex-case", 15),
        ("videoram = 0XFF", "config-hex-case", 13),
        ("install-method = 1", "config-illegal-text", 8),
        ("memory = 512M", "config-unit", 13),
        ("memory = 512m", "config-unit", 13),
        ("vnclisten = 127.0.0.1", "config-number-form", 16),
        ("a = [ 1 2 ]", "config-syntax", 9),
        ("acpi = True", "config-not-evaluated", 8),
    ],
)
def test_each_kind_of_broken_text_has_a_code_of_its_own(text: str, code: str, column: int) -> None:
    finding = only(text + "\n")
    assert (finding.code, finding.where.line, finding.where.column) == (code, 1, column)


@pytest.mark.parametrize("text", ["import os\n", "def f(x):\n  return 1\n", "name = str(1)\n"])
def test_python_is_recognised(text: str) -> None:
    assert "config-python" in [finding.code for finding in findings(text)]


@pytest.mark.parametrize("text", ["kernel = ./k\n", "disk = [ phy:/dev/x ]\n", "a-b = 1\n", "a = -1\n"])
def test_what_lacks_its_quotes_is_not_called_python(text: str) -> None:
    assert "config-python" not in [finding.code for finding in findings(text)]
