"""What is wrong with a device: the error's code and its place, to the column; every wrong device is told."""

import pytest

from xlbuild.api import xl_json
from xlbuild.errors import ConfigError, ConfigProblemsError, Diagnostic
from xlbuild.profiles import NEWEST

START = 'name = "g"\nkernel = "/k"\n'

WRONG: tuple[tuple[str, str, str], ...] = (
    ('pci = ["00:1a.0", "01:00.0,permissiv=1"]', "permissiv=1", "did you mean 'permissive'?"),
    ('pci = ["01:00.0, permissive=1"]', " permissive=1", "did you mean 'permissive'?"),
    ('pci = ["01:20.0"]', "20.0", "write the address"),
    ('pci = ["01:00.8"]', "8", "write the address"),
    ('pci = ["01:00.0@20"]', "20", "write the address"),
    ('pci = ["01:00.0-1"]', "-1", "write the address"),
    ('pci = ["01:00"]', '"]', "write the address"),
    ('pci = ["bdf=01:00.8"]', "8", "write the address"),
    ('pci = ["01:00.0,rdm_policy=relax"]', "relax", "did you mean 'relaxed'?"),
    ('pci = ["01:00.0,name=usb"]', "01:", "write the address"),
    ('usbctrl = ["type=pv,port=3"]', "port=", "did you mean 'ports'?"),
    ('usbctrl = ["version=2,type=usb3"]', "usb3", "did you mean 'qusb'?"),
    ('usbctrl = ["version=2, ports"]', "ports", "write ports=VALUE"),
    ('usbdev = ["type=hostdev,hostbux=1"]', "hostbux", "did you mean 'hostbus'?"),
    ('vtpm = ["uuid=5a1b3f40-af80-44dd-ac6e-a9e2a891a05b"]', "uuid", 'write "backend=DOMAIN"'),
    ('vtpm = ["backend=t,uuid=5a1b"]', "5a1b", "correct it"),
    ('p9 = ["tag=t,path=/p,securitymodel=none"]', "securitymodel", "did you mean 'security_model'?"),
    ('p9 = ["tag=t,path=/p"]', "tag", "security_model=none"),
    ('pvcalls = ["backand=d"]', "backand", "did you mean 'backend'?"),
    ('channel = ["name=c, connection = tty"]', "tty", "connection=pty"),
    ('channel = ["name=c, connection = socket"]', "connection", "path=FILE"),
    ('channel = ["connection=pty,  name"]', "name", "write KEY=VALUE"),
    ('channel = [""]', '"]', "connection=pty"),
    ('vdispl = ["connectors=a:1x2;b"]', 'b"]', "connectors=NAME"),
    ('vdispl = ["connectors=a:1x2;b:3"]', "b:3", "connectors=NAME"),
    ('vdispl = ["connectors=;"]', ";", "connectors=NAME"),
    ('vdispl = ["be-alloc=1"]', "be-alloc", "connectors=NAME"),
    ('vsnd = [["CARD", "PCM, id=1"]]', "id", "it can have name"),
    ('vsnd = [["CARD, sample-formats=s8;f23_le"]]', "f23_le", "did you mean 'f32_le'?"),
    ('vsnd = [["CARD, sample-rates="]]', '"]]', "remove sample-rates="),
    ('vsnd = [["CART"]]', "CART", "did you mean 'card'?"),
    ('vsnd = [["CARD"], "PCM"]', '"PCM', "write vsnd = [ ["),
)
"""A configuration, what stands where the error points, and the mend."""


def problems_of(text: str, xen: str = "4.17") -> tuple[ConfigError, ...]:
    with pytest.raises(ConfigError) as caught:
        xl_json((START + text + "\n").encode(), xen=xen)
    error = caught.value
    return error.errors if isinstance(error, ConfigProblemsError) else (error,)


def warnings_of(text: str, xen: str = "4.17") -> list[Diagnostic]:
    found: list[Diagnostic] = []
    xl_json((START + text + "\n").encode(), xen=xen, on_warning=found.append)
    return [warning for warning in found if warning.code != "type-default"]


@pytest.mark.parametrize(("text", "place", "hint"), WRONG, ids=[row[0] for row in WRONG])
def test_an_error_points_at_the_wrong_field_and_mends_it(text: str, place: str, hint: str) -> None:
    (error,) = problems_of(text)
    key = text.partition(" ")[0]
    assert error.code == f"config-bad-{key}"
    assert (error.where.line, error.where.key) == (3, key)
    assert error.where.column == text.rindex(place) + 1
    assert error.cause
    assert error.hint is not None
    assert hint in error.hint


def test_every_wrong_device_is_told_in_one_run() -> None:
    text = 'pci = ["x", "01:00.0", "y"]\nusbctrl = ["type=x", ""]\nvsnd = ["x", ["y"]]\np9 = ["z=1", "z=2"]'
    found = sorted((str(error.where.key), error.where.line) for error in problems_of(text))
    assert found == [("p9", 6), ("p9", 6), ("pci", 3), ("pci", 3), ("usbctrl", 4), ("vsnd", 5), ("vsnd", 5)]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('usbctrl = ["ports=0x4"]', "0x4", "takes it for 0"),
        ('usbdev = ["type=hostdev,hostbus=257"]', "257", "takes it for 1"),
        ('pci = ["01:00.0,permissive=yes"]', "yes", "takes it for 0"),
        ('vsnd = [["CARD, sample-rates=8000;44.1k"]]', "44.1k", "takes it for 44"),
        ('pvcalls = ["backend"]', "backend", "ignores it and all behind it"),
        ('channel = ["connection=pty,Name=c"]', "Name", "ignores it"),
        ('vdispl = ["connectors=a:x2;b:1x2"]', "a:x2", "for 0x0"),
        ('p9 = ["tag=t,path=/p,security_model=none", "tag=u"]', '"tag=u', "path=/p and security_model=none"),
    ],
)
def test_what_xl_reads_otherwise_is_told(text: str, place: str, words: str) -> None:
    (warning,) = (found for found in warnings_of(text) if found.code.startswith("config-"))
    assert (warning.where.line, warning.where.column) == (3, text.rindex(place) + 1)
    assert words in warning.message
    assert warning.hint


def test_a_list_within_a_sound_card_ends_it() -> None:
    (warning,) = warnings_of('vsnd = [["CARD", ["PCM"], "STREAM"]]')
    assert (warning.code, warning.where.key) == ("value-ignored", "vsnd")


class TestLaterReleases:
    """Sources of these facts: the modules' docstrings. No xl of these releases is here to compare with."""

    DAEMON = 'p9 = [" type = xen_9pfsd , security_model=none, max-files=3, auto-delete=1"]'
    VIRTIO = 'virtio = ["type=virtio,device22,transport=mmio,grant_usage=1,backend=dom1", "type=i2c"]'

    def test_p9_has_limits_from_4_19_on(self) -> None:
        (error,) = problems_of(self.DAEMON, "4.18")
        assert error.code == "config-bad-p9"
        text = xl_json((START + self.DAEMON + "\n").encode(), xen="4.19")
        assert '"type": "xen_9pfsd"' in text
        assert '"max_files": 3' in text
        assert '"auto_delete": true' in text

    @pytest.mark.parametrize(
        ("spec", "place"),
        [
            ("tag=t,path=/p,security_model=none,max-files=3", "tag"),
            ("type=xen_9pfsd,security_model=none,max-space= k4", "k4"),
            ("tag=t,path=/p,security_model=none, files=3", "files"),
            ("type=xen_9pfsd", "type"),
        ],
    )
    def test_limits_are_the_daemons_and_numbers(self, spec: str, place: str) -> None:
        text = f'p9 = ["{spec}"]'
        (error,) = problems_of(text, NEWEST.name)
        assert (error.code, error.where.column) == ("config-bad-p9", text.rindex(place) + 1)

    def test_the_daemon_has_a_directory_of_the_guests_own(self) -> None:
        text = xl_json((START + self.DAEMON + "\n").encode(), xen="4.19")
        assert '"path": "/var/log/xen/guests/g"' in text
        own = self.DAEMON.replace("max-files", "path=/own,max-files")
        assert '"path": "/own"' in xl_json((START + own + "\n").encode(), xen="4.19")

    def test_xl_takes_the_start_of_a_limit(self) -> None:
        text = 'p9 = ["type=xen_9pfsd,security_model=none,max-space=4k"]'
        found = [one for one in warnings_of(text, NEWEST.name) if one.code == "config-device-number"]
        assert "xl takes it for 4" in found[0].message
        assert found[0].hint

    def test_a_device_of_p9_inherits_nothing_from_4_19_on(self) -> None:
        (error,) = problems_of('p9 = ["tag=t,path=/p,security_model=none", "tag=u"]', "4.19")
        assert error.message == "p9 has no path and no security_model"

    def test_virtio_is_read_from_4_18_on(self) -> None:
        assert "virtio" not in xl_json((START + self.VIRTIO + "\n").encode(), xen="4.17")
        text = xl_json((START + self.VIRTIO + "\n").encode(), xen="4.18")
        assert '"type": "virtio,device22"' in text
        assert '"transport": "mmio"' in text
        assert '"grant_usage": "True"' in text
        assert '"devid": 1' in text

    @pytest.mark.parametrize(
        ("spec", "place"), [("type=virtio", "virtio"), ("transport=pci", "pci"), ("grant=1", "grant")]
    )
    def test_a_wrong_virtio_is_told_where_it_is(self, spec: str, place: str) -> None:
        text = f'virtio = ["{spec}"]'
        (error,) = problems_of(text, "4.18")
        assert (error.code, error.where.column) == ("config-bad-virtio", text.rindex(place) + 1)


@pytest.mark.parametrize(
    "text",
    [
        "channel = [" + '"connection=pty",' * 1025 + "]",
        "pci = [" + '"00:1a.0",' * 1025 + "]",
        "vsnd = [" + "[]," * 1025 + "]",
        "vsnd = [[" + '"PCM",' * 1025 + "]]",
        'vdispl = ["connectors=' + "a:1x2;" * 1400 + '"]',
        'pci = ["name=' + "x" * 8192 + '"]',
        'vsnd = [["CARD,short-name=' + "x" * 8192 + '"]]',
    ],
    ids=lambda text: text[:16],
)
def test_what_is_too_long_is_refused(text: str) -> None:
    (error,) = problems_of(text)
    assert (error.code, error.where.line, error.where.key) == ("config-device-too-long", 3, text.split()[0])
