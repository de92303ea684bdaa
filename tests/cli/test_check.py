"""`xlbuild check` as a user meets it: what it prints and where, and its exit statuses."""

import json
import subprocess
import sys
from pathlib import Path

import forked
import jsonschema
import pytest
from started import OnTerminal
from toolstack import Toolstack

GOOD = 'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 32\n'
TYPO = GOOD + "vcpu = 2\n"
BROKEN = GOOD + "memory = = 1\nvcpus = True\n"
_SCHEMA = Path(__file__).parents[2] / "xlbuild" / "emit" / "check.schema.json"


def run(cwd: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return forked.run(cwd, *arguments, stdin=stdin.encode(), env={"XLBUILD_XEN": ""})


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    for name, text in (("good.cfg", GOOD), ("typo.cfg", TYPO), ("broken.cfg", BROKEN)):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "status", "last"),
    [
        (("good.cfg",), 0, "no problems"),
        (("typo.cfg",), 0, "1 warning"),
        (("--strict", "typo.cfg"), 1, "1 error"),
        (("broken.cfg",), 1, "2 errors"),
        (("good.cfg", "typo.cfg", "broken.cfg"), 1, "2 errors, 1 warning"),
        (("good.cfg", "vcpu=2"), 0, "1 warning"),
        (("good.cfg", "memory=1"), 1, "1 error"),
        (("--no-files", "good.cfg", 'kernel="/no/such"'), 0, "no problems"),
        (("good.cfg", 'kernel="/no/such"'), 1, "1 error"),
    ],
)
def test_the_exit_status_tells_whether_there_are_errors(
    cwd: Path, arguments: tuple[str, ...], status: int, last: str
) -> None:
    done = run(cwd, "check", *arguments)
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.splitlines()[-1] == last


def test_the_status_is_the_same_where_nobody_reads_what_is_told(cwd: Path) -> None:
    for file, status in (("good.cfg", 0), ("broken.cfg", 1)):
        with forked.closed_pipe() as stdout:
            done = forked.run(cwd, "check", file, stdout=stdout, env={"XLBUILD_XEN": ""})
        assert (done.returncode, done.stderr) == (status, "")


def test_a_configuration_that_cannot_be_read_does_not_keep_others_from_being_checked(cwd: Path) -> None:
    done = run(cwd, "check", "missing.cfg", "broken.cfg")
    assert done.returncode == 4
    assert "missing.cfg cannot be read" in done.stderr
    assert done.stdout.splitlines()[-1] == "2 errors"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("memory=1",),
        ("-", "-"),
        ("--xl-json", "good.cfg", "typo.cfg"),
        ("--host", "", "good.cfg"),
        ("--explain", "XLB998"),
        ("--format", "xml", "good.cfg"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(cwd: Path, arguments: tuple[str, ...]) -> None:
    done = run(cwd, "check", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_configuration_comes_from_standard_input(cwd: Path) -> None:
    done = run(cwd, "check", "-", stdin=TYPO)
    assert done.stdout.startswith("<stdin>:5:1: warning[XLB101]")


def test_quiet_tells_of_errors_only(cwd: Path) -> None:
    assert run(cwd, "check", "-q", "typo.cfg").stdout == ""
    assert run(cwd, "check", "-q", "typo.cfg", "memory=1").stdout.splitlines()[-1] == "1 error"


def test_json_on_stdout_fits_its_schema_and_keeps_the_order_of_files(cwd: Path) -> None:
    done = run(cwd, "check", "--format", "json", "typo.cfg", "good.cfg")
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(_SCHEMA.read_text()))
    assert [(file["file"], file["warnings"]) for file in document["files"]] == [
        ("typo.cfg", 1),
        ("good.cfg", 0),
    ]


def test_workflow_commands_and_sarif_name_the_file_as_given(cwd: Path) -> None:
    assert run(cwd, "check", "--format", "github", "typo.cfg").stdout.startswith(
        "::warning file=typo.cfg,line=5,"
    )
    log = json.loads(run(cwd, "check", "--format", "sarif", "typo.cfg").stdout)
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["XLB101"]


def test_a_terminal_gets_colours_and_a_pipe_none(cwd: Path) -> None:
    assert "\x1b" not in run(cwd, "check", "typo.cfg").stdout
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        terminal = OnTerminal(cwd, ["check", "typo.cfg"], 80, 24, environment)
        assert ("\x1b[1;33mwarning" in terminal.end()[1]) is coloured


def test_a_rule_is_explained_and_all_are_listed(cwd: Path) -> None:
    explained = run(cwd, "check", "--explain", "xlb101").stdout
    assert explained.startswith("XLB101: an unknown key (warning)\n")
    assert "memroy" in explained
    listed = run(cwd, "check", "--list-rules").stdout
    assert "XLB101  warning  an unknown key\n" in listed


def test_xl_json_is_the_document_alone_and_findings_go_to_stderr(cwd: Path) -> None:
    done = run(cwd, "check", "--xl-json", "typo.cfg")
    assert done.returncode == 0
    assert json.loads(done.stdout)["c_info"]["name"] == "g"
    assert "vcpu" in done.stderr
    refused = run(cwd, "check", "--xl-json", "broken.cfg")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "2 more" not in refused.stderr
    assert refused.stderr.count("error[XLB") == 2


@pytest.mark.oracle
def test_xl_json_begins_and_ends_as_what_xl_prints(cwd: Path, oracle: Toolstack) -> None:
    uuid = 'uuid="5a1b3f40-af80-44dd-ac6e-a9e2a891a05b"'
    theirs = oracle.xlparse(cwd / "typo.cfg", uuid)
    ours = run(cwd, "check", "--xen", "4.17", "--xl-json", "typo.cfg", uuid)
    assert ours.returncode == theirs.returncode == 0
    begin = theirs.stdout.index('"b_info"')
    assert ours.stdout[:begin] == theirs.stdout[:begin]
    assert ours.stdout[-3:] == theirs.stdout[-3:]


@pytest.mark.parametrize("option", ["--no-files", "--xl-json", "--help"])
def test_what_needs_no_kernel_does_not_load_the_builder(cwd: Path, option: str) -> None:
    code = (
        "import sys; from xlbuild.cli import run; run(sys.argv[1:]);"
        "bad = {'construct', 'elftools', 'rich', 'xlbuild.pipeline', 'xlbuild.image'} & set(sys.modules);"
        "sys.exit(f'loaded: {bad}' if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", option, "typo.cfg"],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_create_tells_warnings_leaves_notes_to_check_and_stops_at_errors(cwd: Path) -> None:
    done = run(cwd, "create", "-n", "typo.cfg", 'builder="generic"', "type=[]", 'kernel="xlbuild:hello-pv"')
    assert done.returncode == 0
    assert "xl has no key vcpu" in done.stderr
    assert "builder is an old key" not in done.stderr
    assert run(cwd, "create", "-n", "-q", "typo.cfg").stderr == ""
    stopped = run(cwd, "create", "-n", "good.cfg", 'uuid="x"', 'max_grant_frames="y"')
    assert stopped.returncode == 1
    assert stopped.stderr.count("xlbuild: error[XLB") == 2
