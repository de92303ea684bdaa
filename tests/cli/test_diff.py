"""`xlbuild diff` as a user meets it: what it says of two sides, how, and its exit status."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from builtdomains import HELLO, write
from forked import closed_pipe, run
from kernel_cases import pv
from toolstack import ROOT

from xlbuild.profiles import MOST_CONFIG

SCHEMA = json.loads((ROOT / "xlbuild" / "emit" / "diff.schema.json").read_text())


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with configurations, what is built of each, and what is neither."""
    place = tmp_path_factory.mktemp("sides")
    for name, config in HELLO.items():
        (place / f"{name}.cfg").write_bytes(config)
        write(config, place / name)
    write(HELLO["pv"], place / "a=b")
    (place / "golden.json").write_bytes((place / "pv" / "domain.json").read_bytes())
    (place / "kernel").write_bytes(pv())
    (place / "broken.cfg").write_bytes(b"kernel=\n")
    return place


SAME = [
    ("pv.cfg", "pv.cfg"),
    ("pv", "pv.cfg"),
    ("pv.cfg", "golden.json"),
    ("golden.json", "pv"),
    ("pv", "./a=b"),
    ("pv.cfg", "name='\"x\"'", "pv", "--brief"),
    ("kernel", "kernel"),
    ("pv.cfg", "pv", "--stat"),
]


@pytest.mark.parametrize("arguments", SAME, ids=" ".join)
def test_the_same_guest_is_status_0_and_one_line_says_so(cwd: Path, arguments: tuple[str, ...]) -> None:
    done = run(cwd, "diff", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("same")


def test_another_guest_is_status_1_and_the_first_line_says_what_changes(cwd: Path) -> None:
    done = run(cwd, "diff", "pv.cfg", "memory=20", "pv")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[0].startswith("different: RAM 20 MiB → 16 MiB")
    assert "  nr_pages " in done.stdout
    assert "\npages:\n" in done.stdout


def test_settings_are_for_the_configuration_before_them(cwd: Path) -> None:
    both = run(cwd, "diff", "--brief", "pv.cfg", "memory=20", "pv.cfg", "memory=20")
    assert both.returncode == 0
    second = run(cwd, "diff", "--brief", "pv.cfg", "pv.cfg", "memory=20")
    assert (second.returncode, second.stdout.split(";")[0]) == (1, "different: RAM 16 MiB → 20 MiB")


def test_one_configuration_with_settings_is_compared_with_itself_without(cwd: Path) -> None:
    once, twice = (run(cwd, "diff", *sides, "memory=20") for sides in (("pv.cfg",), ("pv.cfg", "pv.cfg")))
    assert once.stdout == twice.stdout
    assert once.returncode == 1


def test_one_configuration_is_compared_as_two_releases_build_it(cwd: Path) -> None:
    done = run(cwd, "diff", "--xen-a", "4.17", "--xen-b", "4.21", "pvh.cfg")
    assert done.returncode == 1
    assert done.stdout.startswith("different: Xen 4.17 → 4.21")


def test_a_release_for_both_leaves_them_the_same(cwd: Path) -> None:
    assert run(cwd, "diff", "--xen", "4.17", "pvh.cfg", "pvh.cfg").returncode == 0


TROUBLE = [
    ((), "0 files are given"),
    (("pv.cfg",), "1 file is given"),
    (("pv.cfg", "pv.cfg", "pvh.cfg"), "3 files are given"),
    (("memory=20", "pv.cfg"), "no file is given before memory=20"),
    (("-", "-"), "standard input is given twice"),
    (("-",), "1 file is given"),
    (("-", "memory=20"), "standard input can be read only once"),
    (("missing.cfg", "pv.cfg"), "cannot be read"),
    (("broken.cfg", "pv.cfg"), "broken.cfg:1"),
    (("pv", "memory=20", "pv.cfg"), "settings are for configurations"),
    (("kernel", "memory=20", "kernel"), "mend:  leave them out\n"),
    (("kernel", "pv.cfg"), "cannot be compared"),
    (("--json", "--stat", "pv", "pv.cfg"), "--stat and --json are given"),
    (("--xen-a", "4.17", "pv", "pv.cfg"), "is built already"),
    (("--ignore", "", "pv", "pv.cfg"), "is no path"),
    (("--html", "", "pv", "pv.cfg"), "--html needs a file"),
    (("--html", "missing/page.html", "pv", "pv.cfg"), "cannot be written"),
    (("--no-such-option",), "No such option"),
]


@pytest.mark.parametrize(("arguments", "message"), TROUBLE, ids=[" ".join(a) or "none" for a, _ in TROUBLE])
def test_trouble_of_any_kind_is_status_2(cwd: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run(cwd, "diff", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_had_enough_changes_no_status(cwd: Path) -> None:
    for sides, status in ((("pv", "pv.cfg"), 0), (("pv", "pvh"), 1)):
        with closed_pipe() as stdout:
            done = run(cwd, "diff", *sides, stdout=stdout)
        assert (done.returncode, done.stderr) == (status, "")


def test_output_that_cannot_be_written_is_trouble(cwd: Path) -> None:
    for sides in (("pv", "pv.cfg"), ("pv", "pvh")):
        with Path("/dev/full").open("wb") as stdout:
            done = run(cwd, "diff", *sides, stdout=stdout)
        assert (done.returncode, "cannot be written" in done.stderr) == (2, True)


def test_a_side_of_any_kind_is_read_from_standard_input(cwd: Path) -> None:
    large = pv() + bytes(MOST_CONFIG)
    (cwd / "large").write_bytes(large)
    manifest = (cwd / "golden.json").read_bytes()
    for stdin, other in ((HELLO["pv"], "pv"), (manifest, "pv"), (large, "large")):
        assert run(cwd, "diff", "-", other, stdin=stdin).returncode == 0


def test_what_is_ignored_is_neither_told_nor_counted(cwd: Path) -> None:
    longer = ("pv.cfg", 'cmdline="greeting=hello!"')
    assert run(cwd, "diff", *longer).returncode == 1
    ignored = ("--ignore", "start_info.cmd_line", "--ignore", "decision.command_line")
    done = run(cwd, "diff", *ignored, *longer)
    assert (done.returncode, done.stdout.splitlines()[0][:4]) == (0, "same")
    assert "contents differ" not in done.stdout


def test_json_is_one_documented_document(cwd: Path) -> None:
    done = run(cwd, "diff", "--json", "pv.cfg", "memory=20")
    document: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert (done.returncode, document["same"]) == (1, False)


def test_html_is_a_page_and_the_summary_line(cwd: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("an older one")
    done = run(cwd, "diff", "--html", str(page), "pv.cfg", "memory=20")
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 1)
    assert page.read_text().startswith("<!doctype html>")


def test_nothing_is_written_by_a_comparison(cwd: Path) -> None:
    before = sorted(file.name for file in cwd.rglob("*"))
    run(cwd, "diff", "pv.cfg", "pvh.cfg")
    assert sorted(file.name for file in cwd.rglob("*")) == before


def test_warnings_of_a_configuration_go_to_stderr(cwd: Path) -> None:
    done = run(cwd, "diff", "--brief", "pv.cfg", 'ramdsik="x"')
    assert (done.returncode, done.stdout[:4]) == (0, "same")
    assert "ramdsik" in done.stderr
