"""What is wrong with a disk, a network interface, a framebuffer or a keyboard: what is said of it, and where."""

import pytest

from xlbuild.cnumbers import leading_number
from xlbuild.config.devices.fields import fields
from xlbuild.libxl.devices import DeviceDisk, DeviceNic
from xlbuild.profiles import PROFILES, Profile
from xlbuild.reading import Reading, read_config

_XEN_4_17, _XEN_4_20 = (next(p for p in PROFILES if p.name == name) for name in ("4.17", "4.20"))


def _read(text: str, profile: Profile = _XEN_4_17) -> Reading:
    return read_config(f'name="n"\nkernel="/k"\n{text}\n'.encode(), "g.cfg", (), profile)


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("/x,xvda", 4, "the format 'xvda'", "leave the format empty before a vdev"),
        ("/x,aio,xvda", 4, "the format 'aio'", "target, format, vdev, access"),
        ("/x, raw, xvda, W", 16, "the access 'W'", "did you mean 'w'?"),
        ("/x,raw,xvda,w,r", 15, "'r' behind the last position", "target, format, vdev, access"),
        ("vdev=xvda,taget=/x", 11, "the unknown setting 'taget'", "did you mean 'target'?"),
        ("file=/x,xvda", 1, "the unknown setting 'file'", "a path stands alone"),
        ("Format=raw,vdev=xvda", 7, "a stray `=`", "did you mean 'format'?"),
        ("/by-id=5,raw,xvda", 7, "a stray `=`", "target=PATH as the last setting"),
        ("vmdk:/x,,xvda", 1, "the unknown prefix 'vmdk:'", "target=PATH"),
        ("/x,,hdc:cdrm", 9, "the devtype 'cdrm'", "did you mean 'cdrom'?"),
        ("format=raw,format=vhd,/x,xvda", 19, "a second format", "remove one"),
        ("vdev=a,vdev=b,target=/x", 13, "a second vdev", "remove one"),
        ("vdev=a,backendtype=file,target=/x", 20, "the backendtype 'file'", "backendtype=phy"),
        ("colo-port=x,/x,,a", 11, "the colo-port 'x'", "colo-port=9999"),
        ("/x,raw", 1, "no vdev", "target, format, vdev, access"),
        ("vdev=xvda", 1, "no target", "cdrom"),
        ("/x,,xvda,trusted", 10, "the access 'trusted'", "does not know trusted"),
        ("é,xvda", 4, "the format 'xvda'", "leave the format empty"),
    ],
)
def test_a_wrong_disk_is_shown_at_the_very_field(text: str, column: int, message: str, hint: str) -> None:
    (error,) = _read(f"disk = ['{text}']").errors
    assert error.code == "config-bad-disk"
    assert (error.where.line, error.where.column) == (3, len("disk = ['") + column)
    assert message in error.message
    assert error.cause
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "code", "column", "message", "hint"),
    [
        ("mtu=x", "config-bad-vif", 5, "the mtu 'x'", "mtu=NUMBER"),
        ("bridge=b, devid=-1", "config-bad-vif", 17, "the devid '-1'", "devid=NUMBER"),
        ("rate=10M/s", "config-bad-vif", 6, "the rate '10M/s'", "rate=10Mb/s"),
        ("rate=1MB/s@x", "config-bad-vif", 12, "a rate per 'x'", "@20ms"),
        ("rate=08MB/s", "config-bad-vif", 6, "'08' in its rate", "rate=10Mb/s"),
        ("rate=40GB/s@1000s", "config-bad-vif", 6, "the rate '40GB/s@1000s'", "rate=10Mb/s"),
    ],
)
def test_a_network_interface_on_which_xl_stops(
    text: str, code: str, column: int, message: str, hint: str
) -> None:
    (error,) = _read(f"vif=['{text}']").errors
    assert (error.code, error.where.column) == (code, len("vif=['") + column)
    assert message in error.message
    assert error.cause
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("backend=d", 1, "no backend-type", "backend-type=qemu"),
        ("backend-type=qmu", 14, "the backend-type 'qmu'", "backend-type=qemu"),
        ("backend-type=qemu,widht=5", 19, "the unknown field 'widht=5'", "did you mean 'width'?"),
        ("backend-type=qemu,feature-multi-touch=1", 1, "multi touch without size", "multi-touch-width"),
    ],
)
def test_a_keyboard_on_which_xl_stops(text: str, column: int, message: str, hint: str) -> None:
    (error,) = _read(f"vkb=['{text}']").errors
    assert (error.code, error.where.column) == ("config-bad-vkb", len("vkb=['") + column)
    assert message in error.message
    assert error.cause
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("setting", "code", "column", "message", "hint"),
    [
        ("disk=['phy:/x,xvda']", "config-disk-prefix", 8, "the deprecated prefix 'phy:'", "'/x,raw,xvda'"),
        (
            "disk=['drbd:x,xvda']",
            "config-disk-prefix",
            8,
            "the deprecated prefix 'drbd:'",
            "script=block-drbd",
        ),
        (
            "disk=['vdev=a,target=/x,format=vhd']",
            "config-disk",
            25,
            "format= in its target",
            "put target= last",
        ),
        ("disk=['/x,,hdc:cdrom,w']", "config-disk", 22, "read-only", "write ro"),
        ("disk=['colo-port=5x,/x,,a']", "config-disk", 18, "takes for 5", "decimal"),
        ("vif=['bridge=b mac=1']", "config-vif", 16, "has mac= in its bridge", "a comma before mac="),
        ("vif=['bridge']", "config-vif", 7, "'bridge', which xl ignores", "write bridge=VALUE"),
        ("vif=['ip=1, brige=x']", "config-vif", 13, "'brige=x', which xl ignores", "did you mean 'bridge'?"),
        ("vif=['type=emu']", "config-vif", 12, "the type 'emu'; xl ignores it", "type=ioemu"),
        ("vif=['mac=1:2:3:4:5:z']", "config-vif", 21, "xl takes 5 bytes", "six bytes"),
        ("vif=['mac=1:2:3:4:5,bridge=x']", "config-vif", 20, "no six bytes", "six bytes"),
        ("vif=['mtu=1500b']", "config-vif", 11, "takes for 1500", "decimal"),
        ("vif=['rate=010Mb/s']", "config-vif", 12, "octal: 8", "without 0"),
        ("vif=['netdev=g']", "config-vif", 7, "deprecated", "gatewaydev"),
        ("vif=['accel=1']", "config-vif", 7, "ignores", "leave it out"),
        ("vfb=['vnc=1,vnclisen=x']", "config-vfb", 13, "unknown to xl", "did you mean 'vnclisten'?"),
        ("vfb=['vnc=1, sdl,opengl=1']", "config-vfb", 14, "and all that follows", "write sdl=1"),
        ("vfb=['vnc=yes']", "config-vfb", 7, "is 0 to xl", "write 1 or 0"),
        ("vkb=['backend-type=qemu,width=9px']", "config-vkb", 31, "xl makes 9", "without unit"),
    ],
)
def test_what_xl_takes_otherwise_than_it_looks_is_told(
    setting: str, code: str, column: int, message: str, hint: str
) -> None:
    reading = _read(setting)
    assert not reading.errors
    (warning,) = (warning for warning in reading.warnings if warning.code.startswith("config-"))
    assert (warning.code, warning.where.line, warning.where.column) == (code, 3, column)
    assert message in warning.message
    assert hint in (warning.hint or "")


def test_every_wrong_device_is_told_of_in_one_run() -> None:
    reading = _read("disk = [\n '/x',\n '/y,,xvda',\n '/z,xvdb' ]\nvkb = [ '' ]")
    assert [error.where.line for error in reading.errors] == [4, 6, 7]


def test_later_releases_know_more() -> None:
    config = _read(
        "disk = ['/x,,xvda,trusted,grant_usage=0']\nvif = ['vlan=10p/20-30']", _XEN_4_20
    ).domain_config
    assert config is not None
    (disk,), (nic,) = config.disks, config.nics
    assert isinstance(disk, DeviceDisk)
    assert isinstance(nic, DeviceNic)
    assert (disk.trusted, disk.grant_usage, nic.vlan) == (True, False, "10p/20-30")


@pytest.mark.parametrize("elements", ["'" + "raw:" * 3000 + "'", "'', " * 2000])
def test_endless_devices_are_refused_at_once(elements: str) -> None:
    (error,) = _read(f"disk = [ {elements} ]").errors
    assert error.code == "config-device-too-long"


def test_fields_are_what_strtok_makes_of_commas() -> None:
    assert [(field.text, field.index) for field in fields(",a=1,, b ,\tc, ")] == [
        ("a=1", 1),
        ("b ", 7),
        ("\tc", 10),
        ("", 14),
    ]


@pytest.mark.parametrize(
    ("text", "base", "number", "end"),
    [
        ("12x", 10, 12, 2),
        (" -012", 10, -12, 5),
        ("0x1f", 0, 31, 4),
        ("0x", 0, 0, 1),
        ("010", 0, 8, 3),
        ("08", 0, 0, 1),
        ("+fg", 16, 15, 2),
        ("0xg", 16, 0, 1),
        ("x", 10, 0, 0),
        ("- 1", 10, 0, 0),
        ("0" * 5000 + "1", 10, 1, 5001),
    ],
)
def test_numbers_are_what_strtol_makes_of_text(text: str, base: int, number: int, end: int) -> None:
    assert leading_number(text, base) == (number, end)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("file:/w.iso,hdc:cdrom,r", "/w.iso,raw,hdc:cdrom,r"),
        ("tap:qcow2:/x,xvda,w", "/x,qcow2,xvda,w"),
        ("backend=d,phy:/x,xvda1", "backend=d,/x,raw,xvda1"),
        ("format=raw,phy:/x,xvda", "format=raw,/x,xvda"),
        ("phy:,hdc:cdrom,r", ",empty,hdc:cdrom,r"),
        ("raw:,hdc,cdrom", ",empty,hdc,cdrom"),
    ],
)
def test_a_disk_with_prefixes_is_the_one_that_is_told_to_write(old: str, new: str) -> None:
    told, mended = _read(f"disk=['{old}']"), _read(f"disk=['{new}']")
    assert [warning.hint for warning in told.warnings if warning.code == "config-disk-prefix"] == [
        f"write {new!r}"
    ]
    assert not [warning for warning in mended.warnings if warning.code == "config-disk-prefix"]
    assert told.domain_config is not None
    assert mended.domain_config is not None
    assert told.domain_config.disks == mended.domain_config.disks
