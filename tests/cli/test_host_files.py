"""`xlbuild diff` and `digest` of what hosts write: a real Xen's dump-cores, and our own save files and dump-cores."""

import gzip
import json
import lzma
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from builtdomains import HELLO
from forked import run
from realcores import GUESTS, unpack
from toolstack import ROOT

import xlbuild
from xlbuild.diff.hostwrites import HOST_BYTES, HOST_FIELDS

NEVER_RUN = ROOT / "tests" / "golden" / "save" / "never-run-pv.save.xz"
SCHEMAS = ROOT / "xlbuild" / "emit"
OF_THE_HOST = {
    "pv": {
        "start_info.shared_info",
        "shared_info.machine_addr",
        *(f"shared_info.{name}" for name in ("wc_version", "wc_sec", "wc_nsec")),
        *(f"shared_info.{name}" for name in ("max_pfn", "p2m_cr3", "p2m_vaddr")),
        "vcpus[0].registers[ctrlreg[0]]",
        "vcpus[0].registers[ctrlreg[4]]",
        "pages[xenstore]+0x810",
    },
    "pvh": {
        "vcpus[0].registers[rflags]",
        "acpi.contents.dsdt",
        "acpi.tables[dsdt].size",
        "pages[xenstore]+0x810",
    },
}
"""What differs from a build of the same configuration, all of it the host's own."""


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with configurations, a host's dump-cores, and files of our own."""
    place = tmp_path_factory.mktemp("host")
    for kind, config in HELLO.items():
        (place / f"real-{kind}.cfg").write_bytes(GUESTS[kind])
        unpack(kind, place).rename(place / f"real-{kind}.core")
        (place / f"{kind}.cfg").write_bytes(config)
        done = run(place, "create", "-q", "--format", "save,core", "-o", kind, f"{kind}.cfg")
        assert done.returncode == 0, done.stderr
        (place / kind / "g.save").rename(place / f"{kind}.save")
        (place / kind / "g.core").rename(place / f"{kind}.core")
    (place / "real-pv.save").write_bytes(lzma.decompress(NEVER_RUN.read_bytes()))
    (place / "program.core").write_bytes(b"\x7fELF\2\1\1" + bytes(9) + b"\4\0\x3e\0" + bytes(200))
    return place


def document(cwd: Path, command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Return the status of a command, and what its --json prints, which fits its schema."""
    done = run(cwd, command, "--json", *arguments)
    found = json.loads(done.stdout)
    jsonschema.validate(found, json.loads((SCHEMAS / f"{command}.schema.json").read_text()))
    assert isinstance(found, dict)
    return done.returncode, found


@pytest.mark.parametrize("kind", HELLO)
def test_a_real_hosts_guest_differs_in_the_hosts_own_writes_alone(cwd: Path, kind: str) -> None:
    status, found = document(cwd, "diff", f"real-{kind}.cfg", f"real-{kind}.core")
    assert (status, found["same"], found["pages"]) == (0, True, [])
    (host,) = found["sections"]
    assert (host["name"], host["counts"]) == ("host", False)
    assert {each["path"] for each in host["differences"]} == OF_THE_HOST[kind]
    assert all(each["why"] for each in host["differences"])
    assert found["a"]["profile"] == found["b"]["profile"] == "4.17"
    assert found["b"]["what"] == "dump-core"


def test_a_real_hosts_save_file_of_a_guest_that_never_ran_is_the_same_guest(cwd: Path) -> None:
    status, found = document(cwd, "diff", "real-pv.cfg", "real-pv.save")
    assert (status, found["same"], found["pages"]) == (0, True, [])
    *_, host = found["sections"]
    assert {each["path"] for each in host["differences"]} == OF_THE_HOST["pv"]
    between = run(cwd, "diff", "--brief", "real-pv.save", "real-pv.core")
    assert between.stdout.endswith("what the host itself wrote (1 field)\n")


def test_the_documentations_example_is_what_the_program_prints(cwd: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "diff.md").read_text()
    shown = page.partition("$ xlbuild diff hello-pv.cfg host.core\n")[2].partition("```\n")[0]
    (tmp_path / "hello-pv.cfg").symlink_to(cwd / "real-pv.cfg")
    (tmp_path / "host.core").symlink_to(cwd / "real-pv.core")
    assert run(tmp_path, "diff", "hello-pv.cfg", "host.core").stdout == shown


def test_every_row_of_what_hosts_write_is_in_the_documentation() -> None:
    page = (ROOT / "docs" / "diff.md").read_text()
    table = page.partition("**What the host itself wrote**")[2].partition("\n\n## ")[0]
    for row in HOST_FIELDS:
        last = re.split(r"[.\[]", row.path.rstrip("]"))[-1]
        assert last in table, row.path
    for each in HOST_BYTES:
        assert f"`pages[{each.owner}]+{each.offset:#x}`" in table


@pytest.mark.parametrize("kind", HELLO)
def test_a_real_hosts_guest_is_told_from_that_of_another_configuration(cwd: Path, kind: str) -> None:
    for setting in ("extra='x'", "memory=20"):
        status, found = document(cwd, "diff", f"real-{kind}.core", f"real-{kind}.cfg", setting)
        assert (status, found["same"]) == (1, False)
        assert any(section["counts"] for section in found["sections"])


def test_a_configuration_is_built_as_the_hosts_release_unless_another_is_asked_for(cwd: Path) -> None:
    asked = run(cwd, "diff", "--xen", "4.21", "real-pvh.cfg", "real-pvh.core")
    assert asked.returncode == 1
    assert asked.stdout.startswith("different: Xen 4.21 → 4.17")


@pytest.mark.parametrize("kind", HELLO)
@pytest.mark.parametrize("suffix", ["save", "core"])
def test_what_was_written_here_is_the_guest_that_its_configuration_says(
    cwd: Path, kind: str, suffix: str
) -> None:
    for sides in ((f"{kind}.cfg", f"{kind}.{suffix}"), (f"{kind}.{suffix}", f"{kind}.cfg")):
        done = run(cwd, "diff", *sides)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("same")
        is_laid_out = (
            f"remark: {kind}.cfg is laid out for `xl restore`, as {kind}.{suffix} is\n" in done.stdout
        )
        assert is_laid_out == (kind == "pv")


@pytest.mark.parametrize("kind", HELLO)
def test_a_save_file_and_a_dump_core_of_one_guest_are_the_same(cwd: Path, kind: str) -> None:
    done = run(cwd, "diff", "--brief", f"{kind}.save", f"{kind}.core")
    assert (done.returncode, done.stdout[:4]) == (0, "same")


@pytest.mark.parametrize("kind", HELLO)
def test_a_save_files_digest_is_that_of_the_same_guest_built_for_a_restore(cwd: Path, kind: str) -> None:
    done = run(cwd, "digest", f"{kind}.save")
    built = xlbuild.build(cwd / f"{kind}.cfg", restorable=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{xlbuild.digests(built).domain}\n", "")
    _, found = document(cwd, "digest", f"{kind}.save")
    assert (found["kind"], found["recorded"], found["untold"]) == ("save file", None, [])


@pytest.mark.parametrize("kind", HELLO)
def test_a_dump_cores_digest_is_of_what_it_tells_and_says_so(cwd: Path, kind: str) -> None:
    done = run(cwd, "digest", f"{kind}.core")
    assert done.returncode == 0
    assert "this is the digest of a part of the guest" in done.stderr
    assert run(cwd, "digest", "-q", f"{kind}.core").stderr == ""
    _, found = document(cwd, "digest", "-q", f"{kind}.core")
    assert found["kind"] == "dump-core"
    assert set(found["untold"]) >= {"hvm_params", "grants", "event_channels"}
    assert not set(found["parts"]) & {"hvm_params", "grants", "event_channels"}
    assert {"memory", "populated", "container", "vcpus"} <= set(found["parts"])
    assert found["domain"] == done.stdout.strip()


def test_so_does_that_of_a_save_file_without_a_configuration(cwd: Path) -> None:
    whole = (cwd / "pvh.save").read_bytes()
    (cwd / "bare.save").write_bytes(whole[whole.index(b"LibxlFmt") :])
    done = run(cwd, "digest", "bare.save")
    assert done.returncode == 0
    assert "a part of the guest: a save file does not tell all of HVM parameters" in done.stderr
    assert "it compares with those of other save files that lack the same" in done.stderr


def test_a_save_file_can_be_expected_and_a_dump_core_cannot(cwd: Path) -> None:
    assert run(cwd, "create", "-n", "-q", "--expect", "pvh.save", "pvh.cfg").returncode == 0
    assert run(cwd, "create", "-n", "-q", "--format", "save", "--expect", "pv.save", "pv.cfg").returncode == 0
    refused = run(cwd, "create", "-n", "-q", "--expect", "pv.core", "pv.cfg")
    assert refused.returncode == 2
    assert "is a dump-core, and the digest of all of a guest is expected" in refused.stderr


def test_a_pv_guest_of_the_other_layout_is_not_what_is_expected_and_the_changes_say_why(cwd: Path) -> None:
    done = run(cwd, "create", "-n", "--expect", "pv.save", "pv.cfg")
    assert done.returncode == 3
    assert "pv.save is laid out for `xl restore`, and pv.cfg for `xl create`" in done.stderr
    assert "and this one for `xl create`: build it with --format save; " in done.stderr


def test_standard_input_may_be_a_save_file_or_a_dump_core(cwd: Path) -> None:
    for kind, suffix in (("pv", "save"), ("pvh", "core")):
        stdin = (cwd / f"{kind}.{suffix}").read_bytes()
        done = run(cwd, "diff", f"{kind}.cfg", "-", stdin=stdin)
        assert (done.returncode, done.stdout[:4]) == (0, "same")
        named = run(cwd, "digest", "-q", f"{kind}.{suffix}").stdout
        assert run(cwd, "digest", "-q", "-", stdin=stdin).stdout == named


@pytest.mark.parametrize(("suffix", "what"), [("save", "a guest saved by xl"), ("core", "a dump of a guest")])
def test_a_packed_file_is_known_and_is_to_be_unpacked(cwd: Path, suffix: str, what: str) -> None:
    (cwd / "packed").write_bytes(gzip.compress((cwd / f"pv.{suffix}").read_bytes()))
    for command in (
        ("digest", "packed"),
        ("diff", "packed", "pv.cfg"),
        ("create", "-n", "-q", "--expect", "packed", "pv.cfg"),
    ):
        done = run(cwd, *command)
        assert done.returncode != 0
        assert "mend:  unpack it (gzip), and name what comes out" in done.stderr
    shown = run(cwd, "inspect", "packed").stdout
    assert what in shown
    assert "unpack it (gzip)" in shown


def test_a_save_file_is_no_configuration_and_the_mend_says_what_starts_it(cwd: Path) -> None:
    done = run(cwd, "create", "-n", "pv.save")
    assert (done.returncode, done.stdout) == (1, "")
    assert "it is a save file: `xl restore` starts it" in done.stderr


@pytest.mark.parametrize(("kind", "part"), [("pv", "start_info"), ("pvh", "acpi:DSDT")])
def test_parts_of_a_real_hosts_guest_can_be_taken_out(cwd: Path, kind: str, part: str) -> None:
    done = run(cwd, "extract", f"real-{kind}.core", part, "-o", "part", "--force")
    assert (done.returncode, done.stderr) == (0, "")
    begins = {"start_info": b"xen-3.0-x86_64", "acpi:DSDT": b"DSDT"}
    assert (cwd / "part").read_bytes().startswith(begins[part])
    assert {"memory", "vcpu0", part} <= set(run(cwd, "extract", f"real-{kind}.core").stdout.split())


@pytest.mark.parametrize("kind", HELLO)
def test_a_real_hosts_guest_has_no_problem_that_only_a_directory_could_have(cwd: Path, kind: str) -> None:
    found = json.loads(run(cwd, "inspect", "--json", f"real-{kind}.core").stdout)
    assert [problem for problem in found["domain"]["problems"] if ".bin" in problem] == []


REFUSED = {
    "settings": (("pv.save", "memory=3", "pv.cfg"), "settings are for configurations"),
    "release": (("--xen-b", "4.17", "pv.cfg", "pv.save"), "is built already"),
    "a program's core": (("pv.cfg", "program.core"), "it is no dump-core of a Xen guest"),
    "a kernel": (("pv.save", "xlbuild:hello-pv"), "they cannot be compared"),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_compared_is_trouble(cwd: Path, arguments: tuple[str, ...], words: str) -> None:
    done = run(cwd, "diff", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
