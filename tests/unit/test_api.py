"""The library, as its documentation says one uses it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import xlbuild
from xlbuild.errors import Diagnostic, UsageError
from xlbuild.profiles import NEWEST, PROFILES

PVH = b'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 32\n'
STAGES = ["config", "container", "image", "plan", "populate"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "guest.cfg"
    file.write_bytes(PVH)
    return file


def test_every_public_name_is_there_and_no_other_can_be_had() -> None:
    assert set(xlbuild.__all__) <= set(dir(xlbuild))
    for name in xlbuild.__all__:
        assert getattr(xlbuild, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'destroy'"):
        getattr(xlbuild, "destroy")  # noqa: B009  # an attribute access would not pass mypy


def test_a_star_import_brings_the_public_names() -> None:
    code = "from xlbuild import *; import xlbuild; assert set(xlbuild.__all__) <= set(globals())"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_example_of_the_documentation_works(config: Path, tmp_path: Path) -> None:
    domain = xlbuild.build(str(config), xen="4.17")
    xlbuild.write(domain, tmp_path / "guest")
    document = json.loads((tmp_path / "guest" / "domain.json").read_text())
    assert domain.plan.entry == int(document["kernel"]["entry"], 16)
    assert xlbuild.digests(domain).domain == document["digests"]["domain"]
    assert xlbuild.manifest(domain) == document
    assert document["profile"] == "4.17"


def test_a_build_can_be_begun_and_finished_by_itself_or_with_others(config: Path) -> None:
    guests = [xlbuild.begin(config), xlbuild.begin(PVH, overrides=["memory=33"])]
    alone = [xlbuild.digests(xlbuild.finish(guest)).domain for guest in guests]
    small = xlbuild.begin(PVH, overrides=["memory=1"])
    started: list[int] = []
    *together, refused = xlbuild.build_each(
        [*guests, small],
        lambda number, build: xlbuild.digests(build()).domain,
        jobs=1,
        on_start=started.append,
    )
    assert together == alone
    assert isinstance(refused, xlbuild.RefusedError)
    assert refused.code == "memory-too-small"
    assert started == [0, 1, 2]
    assert xlbuild.build_each([], lambda number, build: number) == []


def test_a_path_a_string_and_bytes_build_the_same(config: Path) -> None:
    digests = {xlbuild.digests(xlbuild.build(given)).domain for given in (config, str(config), PVH)}
    assert len(digests) == 1


def test_a_domain_is_opened_and_identified_whatever_it_is_given_as(config: Path, tmp_path: Path) -> None:
    domain = xlbuild.build(config)
    xlbuild.write(domain, tmp_path / "g")
    manifest = tmp_path / "g" / "domain.json"
    given: dict[str, list[str | Path | bytes]] = {
        "configuration": [config, str(config), PVH],
        "built domain": [tmp_path / "g", str(tmp_path / "g")],
        "manifest": [manifest, str(manifest), manifest.read_bytes()],
    }
    for origin, ways in given.items():
        for way in ways:
            opened = xlbuild.open_domain(way)
            assert opened.has_contents == (origin != "manifest")
            identity = xlbuild.identify(opened)
            assert (identity.origin, identity.digests) == (origin, xlbuild.digests(domain))
            assert (identity.differing, list(identity.warnings())) == ((), [])


def test_what_a_build_warns_of_is_told_of_a_domain_that_is_opened() -> None:
    told: list[Diagnostic] = []
    xlbuild.open_domain(PVH, overrides=["maxmem=16"], on_warning=told.append)
    assert [warning.code for warning in told] == ["config-maxmem"]


def test_overrides_come_after_the_file(config: Path) -> None:
    domain = xlbuild.build(config, overrides=["memory=64", 'name="other"'])
    assert (domain.container.name, domain.plan.layout.total_pages) == ("other", 64 * 256)


def test_each_release_can_be_asked_for_and_the_newest_is_the_default() -> None:
    assert xlbuild.build(PVH).profile is NEWEST
    for profile in PROFILES:
        assert xlbuild.build(PVH, xen=profile.name).profile is profile


def test_the_hypercall_page_can_stay_empty() -> None:
    pv = b'name="g"\nkernel="xlbuild:hello-pv"\nmemory=16\n'
    filled, empty = (xlbuild.build(pv, hypercall_page=wanted) for wanted in (True, False))
    page = filled.plan.hypercall_page
    assert page == empty.plan.hypercall_page is not None
    assert page in dict(filled.memory.pages())
    assert xlbuild.digests(filled).memory != xlbuild.digests(empty).memory


def test_firmware_is_sought_in_the_directories_given(tmp_path: Path) -> None:
    hvm = b'name="g"\ntype="hvm"\nmemory=64\nfirmware_override="my-loader"\n'
    with pytest.raises(xlbuild.FilesError, match="my-loader") as caught:
        xlbuild.build(hvm, firmware_dirs=[str(tmp_path)])
    assert str(tmp_path / "my-loader") in (caught.value.cause or "")


@pytest.mark.parametrize(
    ("config", "error", "code"),
    [
        (b"memory = = 3\n", xlbuild.ConfigError, "config-syntax"),
        (PVH + b"memory=0\n", xlbuild.ConfigError, None),
        (PVH + b'kernel="/no/such/kernel"\n', xlbuild.FilesError, "file-missing"),
        ("/no/such.cfg", xlbuild.FilesError, "file-missing"),
        (PVH + b'kernel="xlbuild:hello-pv"\n', xlbuild.RefusedError, "kernel-not-pvh"),
        (PVH + b"memory=1\n", xlbuild.RefusedError, "memory-too-small"),
    ],
)
def test_each_failure_has_its_error(
    config: bytes | str, error: type[xlbuild.XlbuildError], code: str | None
) -> None:
    with pytest.raises(error) as caught:
        xlbuild.build(config)
    assert code in (None, caught.value.code)


def test_an_unknown_release_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"Xen 4\.2 is not") as caught:
        xlbuild.build(PVH, xen="4.2")
    assert caught.value.code == "profile-unknown"


def test_messages_call_bytes_what_the_caller_calls_them() -> None:
    with pytest.raises(xlbuild.ConfigError, match=r"^the test:1:"):
        xlbuild.build(b"memory = = 3\n", source="the test")


def test_a_domain_is_written_once_unless_forced(config: Path, tmp_path: Path) -> None:
    target = tmp_path / "guest"
    xlbuild.write(xlbuild.build(config), target)
    other = xlbuild.build(config, overrides=["memory=64"])
    with pytest.raises(xlbuild.FilesError, match="exists already"):
        xlbuild.write(other, target)
    xlbuild.write(other, str(target), force=True)
    assert json.loads((target / "domain.json").read_text()) == xlbuild.manifest(other)


def test_stages_are_told_in_order_and_nothing_is_printed(
    config: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stages: list[str] = []
    domain = xlbuild.build(config, on_stage=lambda name, detail: stages.append(name))
    xlbuild.write(domain, tmp_path / "guest")
    assert stages == STAGES
    assert capfd.readouterr() == ("", "")


def test_warnings_are_told_as_they_are_found_and_stay_with_the_domain(
    capfd: pytest.CaptureFixture[str],
) -> None:
    told: list[str] = []
    warnings: list[Diagnostic] = []

    def on_warning(warning: Diagnostic) -> None:
        told.append(warning.code)
        warnings.append(warning)

    domain = xlbuild.build(
        PVH + b'cmdline="a"\nroot="/dev/xvda"\n',
        on_stage=lambda name, detail: told.append(name),
        on_warning=on_warning,
    )
    assert domain.warnings == tuple(warnings)
    assert told.index("config") < told.index("command-line-ignored") < told.index("container")
    assert capfd.readouterr() == ("", "")


def test_a_warning_is_told_though_a_later_stage_refuses_the_guest() -> None:
    warnings: list[Diagnostic] = []
    with pytest.raises(xlbuild.FilesError):
        xlbuild.build(
            PVH + b'cmdline="a"\nroot="/dev/xvda"\nkernel="/no/such/kernel"\n',
            on_warning=warnings.append,
        )
    assert [warning.code for warning in warnings] == ["command-line-ignored", "key-overwritten"]


@pytest.mark.parametrize(
    ("restorable", "config", "code"),
    [
        (False, PVH, "set-memory-map-not-restorable"),
        (True, PVH.replace(b'"pvh"', b'"pv"'), "no-memory-map-to-set"),
        (True, PVH.replace(b'"pvh"', b'"hvm"'), "save-hvm"),
    ],
)
def test_only_a_pvh_guest_for_a_save_file_can_set_its_memory_map(
    restorable: bool, config: bytes, code: str
) -> None:
    with pytest.raises(xlbuild.XlbuildError) as error:
        xlbuild.build(config, restorable=restorable, set_memory_map=True)
    assert error.value.code == code
    xlbuild.build(PVH, restorable=True, set_memory_map=True)


@pytest.mark.parametrize(
    ("config", "last"),
    [
        ("/no/such.cfg", "config"),
        (b"memory = = 3\n", "config"),
        (PVH + b'bootloader="pygrub"\nkernel=""\n', "container"),
        (PVH + b'kernel="/no/such/kernel"\n', "image"),
        (PVH + b"memory=1\n", "plan"),
    ],
)
def test_a_stage_is_told_before_its_work_fails(config: bytes | str, last: str) -> None:
    stages: list[str] = []
    with pytest.raises(xlbuild.XlbuildError):
        xlbuild.build(config, on_stage=lambda name, detail: stages.append(name))
    assert stages == STAGES[: STAGES.index(last) + 1]
