import pytest
from decisions import HVM, PV, PVH, decided, refusal

from xlbuild.config import read
from xlbuild.container import Kind, decide
from xlbuild.profiles import NEWEST

BASE = 'name = "n"; kernel = "/k"; memory = 64\n'


# Kinds: xl 4.17, `tests/oracle/xlparse FILE`.
@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("", Kind.PV, "no type: PV"),
        ('type = "pv"', Kind.PV, 'type="pv" at guest.cfg:2'),
        ('type = "p"', Kind.PV, 'type="p" at guest.cfg:2'),
        ('\ntype = "pvh"', Kind.PVH, 'type="pvh" at guest.cfg:3'),
        ('type = "hvm"', Kind.HVM, 'type="hvm" at guest.cfg:2'),
        ('type = "h"', Kind.HVM, 'type="h" at guest.cfg:2'),
        ('type = ""', Kind.HVM, 'type="" at guest.cfg:2'),
        ('builder = "hvm"', Kind.HVM, 'builder="hvm" at guest.cfg:2'),
        ('builder = ""', Kind.HVM, 'builder="" at guest.cfg:2'),
        ('builder = "generic"', Kind.PV, 'builder="generic" at guest.cfg:2'),
        ('builder = "gen"', Kind.PV, 'builder="gen" at guest.cfg:2'),
        ('builder = "generic"\ntype = "pv"', Kind.PV, 'type="pv" at guest.cfg:3'),
        ('type = "hvm"\nbuilder = "h"', Kind.HVM, 'type="hvm" at guest.cfg:2'),
        ('type = ["pvh"]', Kind.PV, "no type: PV"),
        ('type = "pv"\ntype += "h"', Kind.PVH, 'type="pvh" at guest.cfg:3'),
        ("pvh = 1", Kind.PV, "no type: PV"),
    ],
)
def test_type_and_builder_decide_and_are_the_reason(text: str, kind: Kind, reason: str) -> None:
    container = decided(BASE + text)
    assert (container.kind, container.reason) == (kind, reason)


def test_the_reason_may_be_on_the_command_line() -> None:
    config = read(BASE.encode(), "guest.cfg", ["type='pvh'"])
    assert decide(config, NEWEST).reason == 'type="pvh" on the command line'


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ('type = "HVM"', "config-unknown-type", 'type = "hvm"'),
        ('type = "pvhv2"', "config-unknown-type", '"pvh"'),
        ("type = 7", "config-unknown-type", '"pvh"'),
        ('builder = "linux"', "config-unknown-builder", "type"),
        ('builder = "pv"', "config-unknown-builder", "type"),
        ('type = "pv"; builder = "linux"', "config-unknown-builder", "type"),
        ('type = "pvh"; builder = "hvm"', "config-contradicting-type", "remove builder"),
        ('type = "pvh"; builder = "generic"', "config-contradicting-type", "remove builder"),
        ('type = "hvm"; builder = "generic"', "config-contradicting-type", "remove builder"),
    ],
)
def test_what_is_no_kind_of_guest_is_refused(text: str, code: str, hint: str) -> None:
    error = refusal(BASE + text)
    assert error.code == code
    assert hint in (error.hint or "")
    assert error.where.line == 2


@pytest.mark.parametrize(
    ("base", "hvm_container", "device_model"), [(PV, False, False), (PVH, True, False), (HVM, True, True)]
)
def test_a_kind_is_two_facts(base: str, hvm_container: bool, device_model: bool) -> None:
    container = decided(base + "memory = 64")
    assert container.is_hvm_container is hvm_container
    assert container.has_device_model is device_model
