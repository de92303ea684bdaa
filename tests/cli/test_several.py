"""`create` of several configurations: side by side, each with its own outcome, told in their order."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import jsonschema
import pytest
import smallspace
from compare import compare_images
from forked import run
from ours import Ended, xlbuild
from smallspace import inside, mount

SCHEMA = Path(__file__).parents[2] / "xlbuild" / "emit" / "create.schema.json"

GUESTS: Mapping[str, str] = {
    "pv.cfg": 'name = "alpha"\nkernel = "xlbuild:hello-pv"\nmemory = 16\n',
    "pvh.cfg": 'name = "beta"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 16\n',
    "more.cfg": 'name = "gamma"\nkernel = "xlbuild:hello-pv"\nmemory = 17\n',
    "wrong.cfg": 'name = "delta"\ntype = "pvhv2"\nmemory = 16\n',
    "small.cfg": 'name = "epsilon"\nkernel = "xlbuild:hello-pv"\nmemory = 1\n',
    "kernel.cfg": 'name = "zeta"\nkernel = "/no/kernel"\nmemory = 16\nramdsik = "r"\n',
}
GOOD = ("pv.cfg", "pvh.cfg", "more.cfg")
DIGEST = "[0-9a-f]{64}"


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in GUESTS.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir() if entry.name not in GUESTS)


def digest(directory: Path) -> str:
    return str(json.loads((directory / "domain.json").read_text())["digests"]["domain"])


def test_each_guest_goes_to_a_directory_of_its_name_in_the_one_given(cwd: Path) -> None:
    ended = xlbuild("create", "-o", "new/out", *GOOD)
    assert (ended.returncode, ended.stderr) == (0, "")
    directories = [Path("new/out", name) for name in ("alpha", "beta", "gamma")]
    assert ended.stdout.splitlines() == [
        *(f"{file}: built {digest(at)} {at}" for file, at in zip(GOOD, directories, strict=True)),
        "3 built",
    ]
    assert names(cwd / "new" / "out") == ["alpha", "beta", "gamma"]


def test_without_a_place_they_go_where_the_command_runs(cwd: Path) -> None:
    assert xlbuild("create", "-q", *GOOD).returncode == 0
    assert names(cwd) == ["alpha", "beta", "gamma"]


def test_they_are_the_same_as_when_built_alone(cwd: Path) -> None:
    settings = ('cmdline="x"', "vcpus=2")
    assert xlbuild("create", "-q", "-o", "out", *GOOD, *settings).returncode == 0
    for file, name in zip(GOOD, ("alpha", "beta", "gamma"), strict=True):
        assert xlbuild("create", "-q", file, *settings).returncode == 0
        together, alone = cwd / "out" / name, cwd / name
        assert names(together) == names(alone)
        for entry in alone.iterdir():
            if entry.name != "memory.img":
                assert entry.read_bytes() == (together / entry.name).read_bytes(), entry
        assert compare_images(alone / "memory.img", together / "memory.img").differences == []


def test_one_that_fails_stops_no_other_and_the_highest_status_counts(cwd: Path) -> None:
    ended = xlbuild(
        "create", "-o", "out", "pv.cfg", "wrong.cfg", "kernel.cfg", "small.cfg", "no.cfg", "pvh.cfg"
    )
    assert ended.returncode == 4
    assert [line.split()[:3] for line in ended.stdout.splitlines()] == [
        ["pv.cfg:", "built", digest(cwd / "out" / "alpha")],
        ["wrong.cfg:", "failed", "1"],
        ["kernel.cfg:", "failed", "4"],
        ["small.cfg:", "failed", "3"],
        ["no.cfg:", "failed", "4"],
        ["pvh.cfg:", "built", digest(cwd / "out" / "beta")],
        ["2", "built,", "4"],
    ]
    assert "small.cfg: failed 3 memory-too-small" in ended.stdout
    assert names(cwd / "out") == ["alpha", "beta"]
    for files, status in ((("pv.cfg", "wrong.cfg"), 1), (("small.cfg", "wrong.cfg"), 3)):
        assert xlbuild("create", "-n", "-q", *files).returncode == status


def test_every_message_says_which_configuration_it_is_about(cwd: Path) -> None:
    (cwd / "out" / "alpha").mkdir(parents=True)
    ended = xlbuild("create", "-o", "out", "kernel.cfg", "pv.cfg", "small.cfg")
    told = [line for line in ended.stderr.splitlines() if not line.startswith("  ")]
    assert [re.sub(r"\[XLB.*", "", line) for line in told] == [
        "xlbuild: kernel.cfg: warning",
        "xlbuild: kernel.cfg: error",
        "xlbuild: pv.cfg: error: out/alpha exists already",
        "xlbuild: small.cfg: error",
    ]
    assert "  mend:  did you mean ramdisk?\n" in ended.stderr


@pytest.mark.parametrize(
    "arguments", [("pv.cfg", "same.cfg", "pvh.cfg"), ("pv.cfg", "pvh.cfg", 'name="alpha"')]
)
def test_equal_names_are_refused_before_anything_is_built(cwd: Path, arguments: tuple[str, ...]) -> None:
    (cwd / "same.cfg").write_text(GUESTS["pv.cfg"])
    ended = xlbuild("create", "-o", "out", "--map", "m", "--depfile", "d", "wrong.cfg", *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"{arguments[0]} and {arguments[1]} name their guest alpha: out/alpha" in ended.stderr
    assert names(cwd) == ["same.cfg"]


def test_a_name_that_is_no_file_name_is_that_guests_own_trouble(cwd: Path) -> None:
    (cwd / "odd.cfg").write_text(GUESTS["pv.cfg"].replace("alpha", "a/b"))
    ended = xlbuild("create", "-o", "out", "odd.cfg", "pvh.cfg")
    assert ended.returncode == 1
    assert "build it alone with -o DIR" in ended.stderr
    assert names(cwd / "out") == ["beta"]


def test_a_word_without_an_equals_sign_is_a_file(cwd: Path) -> None:
    ended = xlbuild("create", "-n", "pv.cfg", "memory")
    assert ended.returncode == 4
    assert "the configuration memory cannot be read" in ended.stderr


def test_a_file_may_have_an_equals_sign_in_its_path(cwd: Path) -> None:
    (cwd / "m=1").mkdir()
    (cwd / "m=1" / "x=y.cfg").write_text(GUESTS["pv.cfg"])
    assert xlbuild("create", "-n", "./m=1/x=y.cfg", "pvh.cfg").returncode == 0


def test_standard_input_is_one_of_them_once(cwd: Path) -> None:
    ended = run(cwd, "create", "-o", "out", "-", "pvh.cfg", stdin=GUESTS["pv.cfg"].encode())
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("<stdin>: built ")
    assert names(cwd / "out") == ["alpha", "beta"]
    twice = xlbuild("create", "-", "pv.cfg", "-")
    assert (twice.returncode, "given twice" in twice.stderr) == (2, True)


def test_a_dry_run_says_the_same_and_writes_nothing(cwd: Path) -> None:
    dry = xlbuild("create", "-n", "-o", "out", *GOOD, "small.cfg")
    assert names(cwd) == []
    wet = xlbuild("create", "-o", "out", *GOOD, "small.cfg")
    assert dry.returncode == wet.returncode == 3
    assert dry.stdout.replace("dry-run", "built").replace("would be ", "") == wet.stdout


def test_quiet_says_of_errors_only_and_verbose_names_the_stages_of_each(cwd: Path) -> None:
    quiet = xlbuild("create", "-q", "-n", "kernel.cfg", "pvh.cfg")
    assert quiet.stdout == ""
    assert quiet.stderr.count("xlbuild: ") == quiet.stderr.count(": error") == 1
    verbose = xlbuild("create", "-v", "-o", "out", "pv.cfg", "pvh.cfg")
    for file in ("pv.cfg", "pvh.cfg"):
        own = [line.split()[1] for line in verbose.stderr.splitlines() if line.startswith(f"{file}: ")]
        stages = [word for word in own if word.isalpha()]
        assert stages == ["config", "container", "image", "plan", "populate", "emit"]
        assert len(own) == 2 * len(stages)  # and how long each took


def test_strict_makes_errors_of_warnings(cwd: Path) -> None:
    (cwd / "odd.cfg").write_text(GUESTS["pv.cfg"].replace("alpha", "eta") + "ramdsik = 1\n")
    ended = xlbuild("create", "-n", "--strict", "odd.cfg", "pvh.cfg")
    assert ended.returncode == 1
    assert "xlbuild: odd.cfg: error[XLB101]" in ended.stderr
    assert ended.stdout.endswith("1 would be built, 1 failed\n")


def test_force_replaces_each(cwd: Path) -> None:
    assert xlbuild("create", "-q", "pv.cfg", "pvh.cfg").returncode == 0
    before = digest(cwd / "alpha")
    assert xlbuild("create", "-q", "pv.cfg", "pvh.cfg", "memory=20").returncode == 4
    assert digest(cwd / "alpha") == before
    assert xlbuild("create", "-q", "--force", "pv.cfg", "pvh.cfg", "memory=20").returncode == 0
    assert digest(cwd / "alpha") != before


def test_json_is_one_document_with_each_manifest_and_each_error(cwd: Path) -> None:
    ended = xlbuild("create", "--json", "-o", "out", "kernel.cfg", "pv.cfg", "wrong.cfg", "no\x1b.cfg")
    document = json.loads(ended.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    guests = document["guests"]
    assert [guest["status"] for guest in guests] == [4, 0, 1, 4]
    assert [guest["directory"] for guest in guests] == [None, "out/alpha", None, None]
    assert guests[1]["manifest"] == json.loads((cwd / "out" / "alpha" / "domain.json").read_text())
    (error,), (warning,) = guests[0]["errors"], guests[0]["warnings"]
    assert (error["code"], error["rule"], error["cause"]) == (
        "file-missing",
        "XLB501",
        "no such file or directory",
    )
    assert error["where"] == {
        "file": "kernel.cfg",
        "line": 2,
        "column": 10,
        "offset": None,
        "note": None,
        "key": "kernel",
    }
    assert (warning["rule"], warning["mend"]) == ("XLB101", "did you mean ramdisk?")
    assert guests[3]["file"] == "no\\x1b.cfg"
    assert "xlbuild: kernel.cfg: error" in ended.stderr


def test_syntax_errors_are_told_each(cwd: Path) -> None:
    (cwd / "bad.cfg").write_text("a = = 1\nb = = 2\n")
    ended = xlbuild("create", "-n", "--json", "bad.cfg", "pv.cfg")
    errors = json.loads(ended.stdout)["guests"][0]["errors"]
    assert [error["where"]["line"] for error in errors] == [1, 2]
    assert ended.stderr.count("xlbuild: bad.cfg: error") == 2


def test_the_maps_of_all_are_in_one_file(cwd: Path) -> None:
    assert xlbuild("create", "-q", "-n", "--map", "m", "small.cfg", "pvh.cfg", "wrong.cfg").returncode == 3
    small, pvh = (cwd / "m").read_text().split("\n\n")
    assert small.startswith("domain: epsilon\n")
    assert "\nrefused: " in small
    assert pvh.startswith("domain: beta\n")
    assert xlbuild("create", "-q", "-n", "--map", "alone", "pvh.cfg").returncode == 0
    assert pvh == (cwd / "alone").read_text()


def test_the_depfile_has_a_rule_for_each_guest(cwd: Path) -> None:
    (cwd / "r").write_bytes(b"x")
    assert (
        xlbuild("create", "-q", "-o", "out", "--depfile", "d", "pv.cfg", "pvh.cfg", 'ramdisk="r"').returncode
        == 0
    )
    assert (cwd / "d").read_text().splitlines() == [
        "out/alpha/domain.json: pv.cfg r",
        "out/beta/domain.json: pvh.cfg r",
        *("pv.cfg:", "r:", "pvh.cfg:"),
    ]
    assert xlbuild("create", "-q", "-n", "--depfile", "d", "pv.cfg", "small.cfg").returncode == 3
    assert (cwd / "d").read_text().startswith("out/alpha/domain.json: pv.cfg r\n")  # as it was


def test_a_map_that_cannot_be_written_is_told_behind_all_guests(cwd: Path) -> None:
    ended = xlbuild("create", "-o", "out", "--map", "no/m", "--depfile", "no/d", "pv.cfg", "pvh.cfg")
    assert ended.returncode == 4
    assert [line for line in ended.stderr.splitlines() if line.startswith("xlbuild")] == [
        "xlbuild: error: no/m cannot be written",
        "xlbuild: error: no/d cannot be written",
    ]
    assert ended.stdout.endswith("2 built\n")
    assert names(cwd / "out") == ["alpha", "beta"]


@pytest.mark.parametrize(
    ("output", "files", "status"),
    [
        ("> /dev/full", "pv.cfg pvh.cfg", 4),
        ("| true", "pv.cfg small.cfg pvh.cfg", 3),
        ("2> /dev/full", "pv.cfg small.cfg pvh.cfg", 3),
    ],
)
def test_what_nobody_reads_stops_no_build(cwd: Path, output: str, files: str, status: int) -> None:
    shell = f"{sys.executable} -m xlbuild create -o out {files} {output}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], cwd=cwd, capture_output=True, check=False, timeout=60)
    assert done.returncode == status, done.stderr
    assert b"Traceback" not in done.stderr
    assert names(cwd / "out") == ["alpha", "beta"]


@pytest.mark.parametrize("jobs", ["0", "-1", "x"])
def test_a_number_of_jobs_that_is_none_is_a_usage_error(cwd: Path, jobs: str) -> None:
    ended = xlbuild("create", "-j", jobs, "pv.cfg", "pvh.cfg")
    assert ended.returncode == 2
    assert names(cwd) == []


def test_results_come_in_the_order_of_the_arguments_whatever_takes_how_long(
    cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delay_by_name(monkeypatch, {"alpha": 0.3})
    ended = xlbuild("create", "-n", "-j", "3", *GOOD)
    assert [line.split(":")[0] for line in ended.stdout.splitlines()] == [*GOOD, "3 would be built"]


def delay_by_name(monkeypatch: pytest.MonkeyPatch, seconds: Mapping[str, float]) -> None:
    """Have guests of some names take longer."""
    from xlbuild.emit import manifest

    real: Callable[..., object] = manifest.manifest

    def slow(domain: object) -> object:
        time.sleep(seconds.get(domain.container.name, 0))  # type: ignore[attr-defined]  # it is a Domain
        return real(domain)

    monkeypatch.setattr(manifest, "manifest", slow)


def crashing(monkeypatch: pytest.MonkeyPatch, crash: Callable[[], object]) -> None:
    """Have the process of guest `alpha` crash in the middle of its build."""
    from xlbuild.emit import manifest

    real: Callable[..., object] = manifest.manifest

    def crashes(domain: object) -> object:
        if domain.container.name == "alpha":  # type: ignore[attr-defined]  # it is a Domain
            crash()
        return real(domain)

    monkeypatch.setattr(manifest, "manifest", crashes)


def fail() -> None:
    raise ValueError("of ours")


@pytest.mark.parametrize(
    ("crash", "code", "said"),
    [
        (lambda: os.kill(os.getpid(), 9), "build-killed", "the process that built it was killed by SIGKILL"),
        (fail, "build-internal-error", "internal error: ValueError: of ours"),
    ],
    ids=["killed", "bug"],
)
def test_a_guest_whose_process_crashes_is_told_and_stops_no_other(
    cwd: Path, monkeypatch: pytest.MonkeyPatch, crash: Callable[[], object], code: str, said: str
) -> None:
    crashing(monkeypatch, crash)
    ended = xlbuild("create", "-o", "out", *GOOD)
    assert ended.returncode == 70
    assert ended.stdout.splitlines()[0] == f"pv.cfg: failed 70 {code}"
    assert ended.stdout.endswith("\n2 built, 1 failed\n")
    assert f"xlbuild: pv.cfg: error: {said}" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert names(cwd / "out") == ["beta", "gamma"]


@pytest.mark.skipif(smallspace.why_none() is not None, reason=str(smallspace.why_none()))
def test_a_disk_that_is_full_for_one_guest_has_room_for_the_others(cwd: Path) -> None:
    (cwd / "large").write_bytes(b"x" * (4 << 20))
    (cwd / "large.cfg").write_text(GUESTS["pv.cfg"].replace("alpha", "large") + 'ramdisk = "large"\n')
    (cwd / "out").mkdir()

    def work() -> tuple[Ended, list[str]]:
        mount(cwd / "out", "size=1m")
        return xlbuild("create", "-o", "out", "pv.cfg", "large.cfg", "pvh.cfg"), names(cwd / "out")

    ended, left = inside(work)
    assert ended.returncode == 4
    assert "large.cfg: failed 4 target-no-space" in ended.stdout
    assert "xlbuild: large.cfg: error: out/large cannot be written\n  cause: no space left" in ended.stderr
    assert left == ["alpha", "beta"]
