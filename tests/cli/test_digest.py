"""`xlbuild digest` as a user meets it: one line, the same however a domain is given, and what else it can say."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from builtdomains import HELLO, change_manifest, poke, write
from forked import run
from fuzz.fileseeds import newc
from kernel_cases import pv
from toolstack import ROOT

SCHEMA = json.loads((ROOT / "xlbuild" / "emit" / "digest.schema.json").read_text())
PARTS = (
    *("memory", "container", "guest_type", "populated", "vcpus", "hvm_params", "memory_map", "grants"),
    *("event_channels", "hypercall_page"),
)


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with configurations, what is built of each, and what is neither."""
    place = tmp_path_factory.mktemp("given")
    for name, config in HELLO.items():
        (place / f"{name}.cfg").write_bytes(config)
        write(config, place / name)
    write(HELLO["pv"], place / "memory=16")
    (place / "expected.json").write_bytes((place / "pvh" / "domain.json").read_bytes())
    (place / "other.json").write_text('{"schema": "xlbuild.check/1"}')
    (place / "kernel").write_bytes(pv())
    (place / "ramdisk").write_bytes(newc())
    (place / "text").write_text("It was a dark and stormy night.\n")
    (place / "nul.cfg").write_bytes(HELLO["pv"] + b'extra="\0"\n')
    (place / "empty").mkdir()
    return place


def document_of(cwd: Path, *arguments: str) -> dict[str, Any]:
    """Return what `digest --json` prints, which fits its schema."""
    done = run(cwd, "digest", "--json", "-q", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert isinstance(document, dict)
    return document


def member_digest(value: object) -> str:
    """Return the digest of a manifest's member from its definition."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("kind", HELLO)
def test_it_is_one_line_however_the_domain_is_given(cwd: Path, kind: str) -> None:
    manifest = (cwd / kind / "domain.json").read_bytes()
    recorded = json.loads(manifest)["digests"]["domain"]
    given = {
        "directory": (kind, b""),
        "manifest": (f"{kind}/domain.json", b""),
        "manifest on stdin": ("-", manifest),
        "configuration": (f"{kind}.cfg", b""),
        "configuration on stdin": ("-", (cwd / f"{kind}.cfg").read_bytes()),
    }
    for what, (argument, stdin) in given.items():
        done = run(cwd, "digest", argument, stdin=stdin)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{recorded}\n", ""), what


def test_a_configuration_is_built_as_create_would_with_nothing_written(cwd: Path) -> None:
    before = sorted(cwd.rglob("*"))
    options = ("--xen", "4.17", "--no-hypercall-page", "pv.cfg", "memory=24", "cmdline='x'")
    done = run(cwd, "digest", *options)
    assert sorted(cwd.rglob("*")) == before
    manifest = json.loads(run(cwd, "create", "-n", "--json", *options).stdout)
    assert done.stdout == f"{manifest['digests']['domain']}\n"
    assert done.stdout != run(cwd, "digest", "pv.cfg").stdout


@pytest.mark.parametrize("kind", HELLO)
def test_parts_are_those_that_the_documentation_defines(cwd: Path, kind: str) -> None:
    manifest = json.loads((cwd / kind / "domain.json").read_text())
    done = run(cwd, "digest", "--parts", kind)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert all(len(line) == 2 for line in lines)
    assert (
        len({line.index(digest) for line, (_, digest) in zip(done.stdout.splitlines(), lines, strict=True)})
        == 1
    )
    segments = {f"segment:{name.replace(' ', '-')}": d for name, d in manifest["digests"]["segments"].items()}
    members = {name: member_digest(manifest[name]) for name in PARTS if name != "memory"}
    assert dict(lines) == {
        "domain": manifest["digests"]["domain"],
        "memory": manifest["digests"]["memory"],
        **members,
        **segments,
    }
    assert [name for name, _ in lines] == ["domain", *PARTS, *segments]


def test_nodes_are_a_part_where_there_are_any(small_hvm: str, tmp_path: Path) -> None:
    nodes = 'vnuma=[["pnode=0","size=64","vcpus=0"]]\n'
    (tmp_path / "hvm.cfg").write_text(small_hvm)
    (tmp_path / "nodes.cfg").write_text(small_hvm + nodes)
    without, with_nodes = (document_of(tmp_path, name)["parts"] for name in ("hvm.cfg", "nodes.cfg"))
    assert set(with_nodes) - set(without) == {"vnuma"}
    assert {name for name in without if without[name] != with_nodes[name]} == set()


def test_json_says_all_of_it(cwd: Path) -> None:
    manifest = json.loads((cwd / "pv" / "domain.json").read_text())
    read = document_of(cwd, "pv")
    assert (read["file"], read["kind"], read["recorded"]) == ("pv", "built domain", manifest["digests"])
    assert (read["domain"], read["segments"]) == (
        manifest["digests"]["domain"],
        manifest["digests"]["segments"],
    )
    alone = document_of(cwd, "pv/domain.json")
    assert alone == {**read, "file": "pv/domain.json", "kind": "manifest"}
    renamed = document_of(cwd, "expected.json")
    assert renamed == {**document_of(cwd, "pvh"), "file": "expected.json", "kind": "manifest"}
    built = document_of(cwd, "pv.cfg")
    assert built == {**read, "file": "pv.cfg", "kind": "configuration", "recorded": None}


def test_what_was_changed_since_is_what_it_tells_of_with_a_warning(tmp_path: Path) -> None:
    write(HELLO["pvh"], tmp_path / "pvh")
    before = run(tmp_path, "digest", "pvh").stdout
    poke(tmp_path / "pvh", 0x100_0003, b"\xaa")
    done = run(tmp_path, "digest", "pvh")
    assert (done.returncode, done.stdout != before) == (0, True)
    assert done.stdout == domain_digest(tmp_path / "pvh")
    assert "domain.json records other digests: domain, memory\n" in done.stderr
    assert "memory.img was changed since" in done.stderr
    quiet = run(tmp_path, "digest", "-q", "pvh")
    assert (quiet.stdout, quiet.stderr) == (done.stdout, "")
    assert run(tmp_path, "digest", "pvh/domain.json").stdout == before


def test_a_segment_that_was_changed_is_named(tmp_path: Path) -> None:
    write(HELLO["pv"], tmp_path / "pv")
    manifest = json.loads((tmp_path / "pv" / "domain.json").read_text())
    places = {segment["name"]: int(segment["pfn"], 16) * 4096 for segment in manifest["segments"]}
    poke(tmp_path / "pv", places["page tables"] + 8, b"\xaa")
    document = json.loads(run(tmp_path, "digest", "-q", "--json", "pv").stdout)
    assert document["differing"] == ["domain", "memory", "segment:page tables"]


def test_a_member_that_was_changed_is_told(tmp_path: Path) -> None:
    write(HELLO["pv"], tmp_path / "pv")
    change_manifest(tmp_path / "pv", lambda document: document["event_channels"][0].update(port=7))
    for given in ("pv", "pv/domain.json"):
        done = run(tmp_path, "digest", given)
        assert (done.returncode, done.stdout) == (0, domain_digest(tmp_path / "pv"))
        assert "domain.json records other digests: domain\n" in done.stderr
        assert "one of its members was changed since" in done.stderr


def test_what_lies_where_the_guest_has_no_memory_does_not_enter(tmp_path: Path) -> None:
    write(HELLO["pvh"], tmp_path / "pvh")
    before = run(tmp_path, "digest", "pvh").stdout
    poke(tmp_path / "pvh", 0x8000_0000, b"x")
    done = run(tmp_path, "digest", "pvh")
    assert (done.returncode, done.stdout) == (0, before)
    assert "memory.img is not zero in frame 0x80000, where the guest has no memory" in done.stderr
    assert domain_digest(tmp_path / "pvh") == before


def domain_digest(directory: Path) -> str:
    """Return what the script prints that knows nothing of xlbuild."""
    command = [sys.executable, "-I", str(ROOT / "scripts" / "domain-digest"), str(directory)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


REFUSED = {
    "a kernel": ("kernel", 3, "it is no domain, but an ELF file"),
    "a kernel that is built in": ("xlbuild:hello-pv", 3, "it is no domain, but an ELF file"),
    "a ramdisk": ("ramdisk", 3, "it is no domain, but a cpio archive"),
    "an image alone": ("pvh/memory.img", 3, "it is no domain, but a file that starts with nothing but zeros"),
    "a structure alone": ("pvh/hvm_context.bin", 3, "it is no domain, but a file of no known kind"),
    "another document": ("other.json", 3, "other.json, key schema: the domain's manifest is wrong"),
    "a directory of other things": ("empty", 4, "empty: it is no built domain"),
    "what is not there": ("nowhere", 4, "the file nowhere cannot be read"),
    "a setting": ("memory=64", 2, "no DOMAIN is given: memory=64 is a setting"),
    "a directory that a setting could be": ("memory=16", 2, "no DOMAIN is given: memory=16 is a setting"),
    "text that is no configuration": ("text", 1, "text:1:1: "),
    "no text, but nearly": ("nul.cfg", 1, "a string holds a NUL byte"),
}


@pytest.mark.parametrize(("given", "status", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_domain_is_refused_with_a_mend(cwd: Path, given: str, status: int, message: str) -> None:
    done = run(cwd, "digest", given)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert "  mend:  " in done.stderr


@pytest.mark.parametrize("given", ["pv", "pv/domain.json"])
def test_settings_are_for_configurations(cwd: Path, given: str) -> None:
    done = run(cwd, "digest", given, "memory=64")
    assert (done.returncode, done.stdout) == (2, "")
    assert "settings are for configurations" in done.stderr


def test_a_path_may_have_an_equals_sign(cwd: Path) -> None:
    assert run(cwd, "digest", "./memory=16").stdout == run(cwd, "digest", "pv.cfg").stdout


def test_the_documentation_shows_what_it_prints() -> None:
    text = (ROOT / "docs" / "digest.md").read_text()
    for arguments in (("configs/hello-pvh.cfg",), ("--parts", "configs/hello-pvh.cfg")):
        printed = run(ROOT, "digest", *arguments).stdout
        assert f"$ xlbuild digest {' '.join(arguments)}\n{printed}```" in text
