"""`create --format`: a domain as a directory, a save file, a dump-core, or as several of them at once."""

import json
import os
import signal
import struct
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import smallprocess
import smallspace
from builtdomains import PV, PVH
from ours import Ended, xlbuild
from savedecoder import decode
from smallspace import inside, mount
from started import start

import xlbuild as library
from xlbuild.emit import atomic
from xlbuild.emit.core.read import read_core

SCHEMA = Path(__file__).parents[2] / "xlbuild" / "emit" / "create.schema.json"
SUFFIXES = {"directory": "", "save": ".save", "core": ".core"}
GUESTS = {"pv": PV, "pvh": PVH}
EACH = pytest.mark.parametrize("wanted", SUFFIXES)
IN_NAMESPACE = pytest.mark.skipif(smallspace.why_none() is not None, reason=str(smallspace.why_none()))


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "in").mkdir()
    for name, text in GUESTS.items():
        (tmp_path / "in" / name).write_bytes(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir() if entry.name != "in")


def kind_of(place: Path) -> str:
    """Return the format of what is there, by what anybody would know it by."""
    if place.is_dir():
        return "directory" if (place / "domain.json").exists() else "none"
    head = place.read_bytes()[:64]
    if head.startswith(b"Xen saved domain, xl format\n \0 \r"):
        return "save"
    is_core = head.startswith(b"\x7fELF") and struct.unpack_from("<H", head, 16) == (4,)
    return "core" if is_core else "none"


def digest_of(directory: Path) -> str:
    return str(json.loads((directory / "domain.json").read_text())["digests"]["domain"])


@EACH
@pytest.mark.parametrize("guest", GUESTS)
def test_a_format_alone_goes_to_the_guests_name_or_to_the_place_given(
    cwd: Path, guest: str, wanted: str
) -> None:
    ended = xlbuild("create", "--format", wanted, f"in/{guest}")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert names(cwd) == [f"g{SUFFIXES[wanted]}"]
    assert xlbuild("create", "-q", "--format", wanted, "-o", "other", f"in/{guest}").returncode == 0
    for place in (f"g{SUFFIXES[wanted]}", "other"):
        assert kind_of(cwd / place) == wanted


def test_a_file_goes_into_a_directory_that_is_named_as_one(cwd: Path) -> None:
    (cwd / "out").mkdir()
    for wanted in ("save", "core"):
        assert xlbuild("create", "-q", "--format", wanted, "-o", "out/", "in/pv").returncode == 0
    assert names(cwd / "out") == ["g.core", "g.save"]
    refused = xlbuild("create", "--format", "save", "-o", "out", "in/pv")
    assert (refused.returncode, "-o DIR/FILE" in refused.stderr) == (4, True)
    assert xlbuild("create", "--format", "save", "-o", "no/", "in/pv").returncode == 4


@pytest.mark.parametrize("guest", GUESTS)
def test_several_formats_show_the_same_domain(cwd: Path, guest: str) -> None:
    ended = xlbuild(
        "create", "--format", "core, save", "--format=directory,core", "-o", "new/out", f"in/{guest}"
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert names(cwd / "new" / "out") == ["g", "g.core", "g.save"]
    saved, core = decode(cwd / "new/out/g.save"), read_core(cwd / "new/out/g.core")
    with (cwd / "new/out/g/memory.img").open("rb") as image:
        pages = {pfn: os.pread(image.fileno(), 4096, pfn * 4096) for pfn in saved.types}
    rewritten = frames_of_p2m(cwd / "new/out/g")
    assert all(saved.page(pfn) == page for pfn, page in pages.items() if pfn not in rewritten)
    assert dict(core.memory.pages()) == {pfn: page for pfn, page in pages.items() if any(page)}


def frames_of_p2m(directory: Path) -> range:
    """Return the frames of a PV guest's p2m list, which travel without bytes: a restore writes them anew."""
    for segment in json.loads((directory / "domain.json").read_text())["segments"]:
        if segment["name"] == "phys2mach":
            first = int(segment["pfn"], 16)
            return range(first, first + segment["pages"])
    return range(0)


def test_a_pv_guest_is_laid_out_for_a_restore_where_a_save_file_is_among_the_formats(cwd: Path) -> None:
    for guest, differ in (("pv", True), ("pvh", False)):
        digests = []
        for wanted in ("directory,save", "directory,core"):
            assert (
                xlbuild(
                    "create", "-q", "-o", f"{guest}/{wanted}", "--format", wanted, f"in/{guest}"
                ).returncode
                == 0
            )
            digests.append(digest_of(cwd / guest / wanted / "g"))
        assert (digests[0] != digests[1]) == differ
    plans = [
        json.loads((cwd / f"pv/directory,{with_}/g/domain.json").read_text())["plan"]
        for with_ in ("save", "core")
    ]
    assert plans == ["restore", "create"]


def test_the_report_says_what_is_where_and_for_what_it_is_laid_out(cwd: Path) -> None:
    ended = xlbuild("create", "-o", "out", "--format", "save,core,directory", "in/pv")
    directory, save, core = ended.stdout.splitlines()[-3:]
    assert directory.startswith("written: out/g/ (memory.img of 16 MiB, sparse; ")
    assert save.startswith("saved as: out/g.save (save file of ")
    assert save.endswith("; `xl restore out/g.save` starts it)")
    assert core.startswith("dumped as: out/g.core (dump-core of 16.1 MiB, ")
    assert "guest type xen-3.0-x86_64, laid out for `xl restore`\n" in ended.stdout
    assert "laid out" not in xlbuild("create", "-n", "--format", "core", "in/pv").stdout


def test_the_map_says_nothing_of_the_places(cwd: Path) -> None:
    maps = []
    for options in (["-n"], ["-o", "out"]):
        assert (
            xlbuild("create", "-q", "--map", "m", "--format", "save,core", *options, "in/pv").returncode == 0
        )
        maps.append((cwd / "m").read_text())
    assert maps[0] == maps[1]


def test_a_dry_run_writes_nothing_and_says_the_same_of_the_guest(cwd: Path) -> None:
    dry = xlbuild("create", "-n", "--json", "--format", "save,core", "in/pv")
    assert names(cwd) == []
    assert dry.stdout == xlbuild("create", "--json", "--format", "save,core", "in/pv").stdout
    assert names(cwd) == ["g.core", "g.save"]


def test_the_depfile_has_a_rule_for_each_file(cwd: Path) -> None:
    arguments = ("-q", "--depfile", "d", "-o", "out", "--format", "save,core,directory", "in/pv")
    assert xlbuild("create", *arguments).returncode == 0
    targets = ["out/g/domain.json: in/pv", "out/g.save: in/pv", "out/g.core: in/pv"]
    assert (cwd / "d").read_text().splitlines() == [*targets, "in/pv:"]
    assert xlbuild("create", "-q", "--depfile", "d", "--format", "save", "-o", "s", "in/pv").returncode == 0
    assert (cwd / "d").read_text().splitlines() == ["s: in/pv", "in/pv:"]


def test_what_is_expected_is_the_digest_of_the_layout_that_is_built(cwd: Path) -> None:
    created, restored = (
        library.digests(library.build(PV, restorable=restorable)).domain for restorable in (False, True)
    )
    unmet = xlbuild("create", "--expect", created, "--format", "save,core", "in/pv")
    assert (unmet.returncode, names(cwd)) == (3, [])
    assert restored in unmet.stderr
    assert xlbuild("create", "-q", "--expect", restored, "--format", "save,core", "in/pv").returncode == 0
    assert names(cwd) == ["g.core", "g.save"]


def test_what_changed_is_shown_where_the_save_file_to_be_replaced_is_the_one_expected(cwd: Path) -> None:
    assert xlbuild("create", "-q", "--format", "save", "in/pvh").returncode == 0
    expected = library.digests(library.build(PVH)).domain
    for wanted in ("save", "save,core"):
        unmet = xlbuild("create", "--expect", expected, "--format", wanted, "in/pvh", "memory=64")
        assert (unmet.returncode, names(cwd)) == (3, ["g.save"])
        assert "\ndifferent: RAM 32 MiB → 64 MiB; " in unmet.stderr


def test_several_guests_go_into_one_directory_in_each_format(cwd: Path) -> None:
    (cwd / "in" / "other").write_bytes(PV.replace(b'"g"', b'"other"'))
    arguments = ("-o", "out", "--format", "save,directory", "in/pvh", "in/other")
    ended = xlbuild("create", *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        f"in/pvh: built {digest_of(cwd / 'out' / 'g')} out/g out/g.save",
        f"in/other: built {digest_of(cwd / 'out' / 'other')} out/other out/other.save",
        "2 built",
    ]
    assert {name: kind_of(cwd / "out" / name) for name in names(cwd / "out")} == {
        "g": "directory",
        "g.save": "save",
        "other": "directory",
        "other.save": "save",
    }
    document = json.loads(
        xlbuild("create", "--json", "-n", "--format", "core,save", "in/pvh", "in/other").stdout
    )
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert [(guest["directory"], guest["formats"]) for guest in document["guests"]] == [
        (None, {"save": "g.save", "core": "g.core"}),
        (None, {"save": "other.save", "core": "other.core"}),
    ]


def test_two_guests_of_which_one_is_called_as_the_others_file_are_refused(cwd: Path) -> None:
    (cwd / "in" / "other").write_bytes(PV.replace(b'"g"', b'"g.save"'))
    refused = xlbuild("create", "-o", "out", "--format", "save,directory", "in/pvh", "in/other")
    assert (refused.returncode, names(cwd)) == (2, [])
    assert "cause: in/pvh and in/other name their guests g and g.save: out/g.save\n" in refused.stderr
    assert xlbuild("create", "-n", "-q", "--format", "directory", "in/pvh", "in/other").returncode == 0


def test_a_guest_that_sets_its_memory_map_is_the_same_in_each_format_and_known_as_such(cwd: Path) -> None:
    arguments = ("--set-memory-map", "--format", "save,core,directory", "-o", "out", "in/pvh")
    ended = xlbuild("create", *arguments)
    assert ended.returncode == 0
    assert "laid out for `xl restore`: it sets its memory map\n" in ended.stdout
    assert "entry: rip=0xfeff8010 rbx=" in ended.stdout
    assert xlbuild("digest", "-q", "out/g.save").stdout == f"{digest_of(cwd / 'out' / 'g')}\n"
    for form in ("out/g", "out/g.save", "out/g.core"):
        for sides in ((form, "in/pvh"), ("in/pvh", form), ("out/g", form)):
            compared = xlbuild("diff", *sides)
            assert (compared.returncode, compared.stdout[:4]) == (0, "same"), (sides, compared.stdout)
        inspected = xlbuild("inspect", form).stdout
        assert "(laid out for `xl restore`: it tells the hypervisor its memory map before" in inspected
    assert xlbuild("export", "-q", "-o", "again.save", "out/g").returncode == 0
    assert (cwd / "again.save").read_bytes() == (cwd / "out" / "g.save").read_bytes()


def test_one_that_does_not_is_another_guest_and_the_difference_says_why(cwd: Path) -> None:
    assert xlbuild("create", "-q", "--set-memory-map", "--format", "save", "in/pvh").returncode == 0
    unmet = xlbuild("create", "--format", "save", "--expect", "g.save", "-n", "in/pvh")
    assert unmet.returncode == 3
    assert "for `xl create`: build it with --format save --set-memory-map; " in unmet.stderr
    assert "g.save is laid out for `xl restore`, and in/pvh for `xl create`" in unmet.stderr
    options = ("--set-memory-map", "--format", "save", "--expect", "g.save")
    assert xlbuild("create", "-q", "-n", *options, "in/pvh").returncode == 0


USAGE = {
    "a format that is none": (["--format", "safe"], ("'safe' is no format", "did you mean save?")),
    "an empty one": (["--format", "save,"], ("'' is no format", "directory, save, core")),
    "an empty hypercall page": (
        ["--format", "core,save", "--no-hypercall-page"],
        ("--no-hypercall-page is not for save files", "no restore fills"),
    ),
    "a memory map to set without a save file": (
        ["--format", "core,directory", "--set-memory-map"],
        ("--set-memory-map is for save files", "`xl create` sets the memory map itself"),
    ),
    "a memory map to set of a PV guest": (
        ["--format", "save", "--set-memory-map"],
        ("in/pv is no PVH guest", "it is a PV guest, whose map the configuration decides"),
    ),
    "standard output": (["--format", "save", "-o", "-"], ("no domain is written there", "is ./-")),
    "an empty place": (["--format", "save", "-o", ""], ("-o needs a file",)),
}


@pytest.mark.parametrize("case", USAGE)
def test_a_wrong_command_line_is_told_with_its_mend(cwd: Path, case: str) -> None:
    options, words = USAGE[case]
    ended = xlbuild("create", *options, "in/pv")
    assert ended.returncode == 2
    assert all(text in ended.stderr for text in words), ended.stderr
    assert names(cwd) == []


def test_a_name_with_a_blank_is_quoted_in_the_command_that_starts_it(cwd: Path) -> None:
    ended = xlbuild("create", "--format", "save", "in/pv", 'name="my guest"')
    assert "`xl restore 'my guest.save'` starts it" in ended.stdout


def test_a_file_where_the_directory_should_be_is_told(cwd: Path) -> None:
    (cwd / "out").write_text("text")
    refused = xlbuild("create", "--format", "save,core", "-o", "out", "in/pv")
    assert (refused.returncode, names(cwd)) == (4, ["out"])
    assert "cause: not a directory: a part of the way to it is a file" in refused.stderr


@pytest.mark.parametrize("dry", [[], ["-n"]], ids=["", "dry"])
def test_a_guest_that_cannot_travel_leaves_nothing_in_any_format(
    cwd: Path, small_hvm: str, dry: list[str]
) -> None:
    (cwd / "hvmloader").rename(cwd / "in" / "hvmloader")
    (cwd / "bios").rename(cwd / "in" / "bios")
    (cwd / "in" / "hvm").write_text(small_hvm.replace(str(cwd), str(cwd / "in")))
    options = ("--format", "directory,save", "--map", "m", "--depfile", "d", *dry)
    for arguments in (["in/hvm"], ["in/pvh", "maxmem=64"]):
        refused = xlbuild("create", *options, *arguments)
        assert (refused.returncode, names(cwd)) == (3, [])
        assert "cannot travel as a save file" in refused.stderr
    assert xlbuild("create", "--format", "directory,core", *dry, "in/hvm").returncode == 0


def test_a_name_that_is_no_file_name_needs_an_output_and_one_format(cwd: Path) -> None:
    name = 'name="a/b"'
    assert "-o FILE" in xlbuild("create", "--format", "save", "in/pv", name).stderr
    assert xlbuild("create", "-q", "--format", "save", "-o", "s", "in/pv", name).returncode == 0
    refused = xlbuild("create", "--format", "save,core", "-o", "out", "in/pv", name)
    assert (refused.returncode, names(cwd)) == (1, ["s"])
    assert "write each format by itself" in refused.stderr


def state(place: Path) -> tuple[int, int, int]:
    """Return what changes when something else is there, or it is written to."""
    status = place.lstat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def process_core(place: Path) -> None:
    """Make the head of a core of some process: its memory is told by program headers."""
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    place.write_bytes(
        ident + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 4, 0, 0, 0) + bytes(500)
    )


def built(wanted: str) -> Callable[[Path], object]:
    return lambda place: xlbuild("create", "-q", "--format", wanted, "-o", place, "in/pvh")


PLACES: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "a directory": (built("directory"), ("directory",)),
    "a save file": (built("save"), ("save",)),
    "a dump-core": (built("core"), ("core",)),
    "an empty file": (Path.touch, ("save", "core")),
    "an empty directory": (Path.mkdir, ("directory",)),
    "a text": (lambda place: place.write_text("mine"), ()),
    "half a save file's magic": (lambda place: place.write_bytes(b"Xen saved domain, xl format\n"), ()),
    "a disk image": (lambda place: place.write_bytes(bytes(510) + b"\x55\xaa" + bytes(4096)), ()),
    "a process's core": (process_core, ()),
    "an ELF file cut short": (lambda place: place.write_bytes(b"\x7fELF\2\1\1"), ()),
    "a link": (lambda place: place.symlink_to("in/pv"), ()),
    "a link to nowhere": (lambda place: place.symlink_to("nowhere"), ()),
    "a pipe": (os.mkfifo, ()),
}
"""What may be at a place, and the formats that `--force` replaces it by."""


@EACH
@pytest.mark.parametrize("what", PLACES)
def test_force_replaces_nothing_but_what_is_of_the_same_kind(cwd: Path, what: str, wanted: str) -> None:
    make, replaced_by = PLACES[what]
    make(cwd / "t")
    before = state(cwd / "t")
    kept = xlbuild("create", "--format", wanted, "-o", "t", "in/pv")
    assert kept.returncode == 4
    assert "t exists already" in kept.stderr
    assert ("replace it with --force" in kept.stderr) == (wanted in replaced_by)
    assert state(cwd / "t") == before
    forced = xlbuild("create", "--force", "--format", wanted, "-o", "t", "in/pv")
    if wanted in replaced_by:
        assert (forced.returncode, kind_of(cwd / "t")) == (0, wanted)
    else:
        assert forced.returncode == 4
        assert "t is not replaced, even with --force\n  cause: it is " in forced.stderr
        assert state(cwd / "t") == before
    assert names(cwd) == ["t"]


@pytest.mark.parametrize("taken", ["g", "g.save", "g.core"])
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
def test_of_several_formats_none_is_written_where_one_may_not_be(
    cwd: Path, taken: str, force: list[str]
) -> None:
    (cwd / "out").mkdir()
    (cwd / "out" / taken).write_text("mine")
    ended = xlbuild("create", *force, "-o", "out", "--format", "directory,save,core", "in/pv")
    assert ended.returncode == 4
    assert f"out/{taken} {'is not replaced' if force else 'exists already'}" in ended.stderr
    assert names(cwd / "out") == [taken]
    assert (cwd / "out" / taken).read_text() == "mine"


def test_what_is_there_when_a_later_one_fails_is_said(cwd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = atomic._renameat2

    def fail_for_the_directory(source: Path, target: Path, flags: int) -> None:
        if target.name == "g":
            raise OSError(5, "Input/output error")
        rename(source, target, flags)

    monkeypatch.setattr(atomic, "_renameat2", fail_for_the_directory)
    ended = xlbuild("create", "-o", "out", "--format", "directory,save,core", "in/pv")
    assert ended.returncode == 4
    assert "error: out/g cannot be written\n" in ended.stderr
    assert "cause: input/output error; written is out/g.core and out/g.save\n" in ended.stderr
    assert names(cwd / "out") == ["g.core", "g.save"]


@pytest.mark.parametrize("wanted", ["save", "core"])
def test_a_directory_that_may_not_be_written_to_is_told(cwd: Path, wanted: str) -> None:
    (cwd / "t").mkdir(mode=0o555)
    done = smallprocess.run(cwd, "create", "--format", wanted, "-o", "t/g", "in/pv")
    assert done.returncode == 4
    assert "t/g cannot be written\n  cause: permission denied\n" in done.stderr


@IN_NAMESPACE
@pytest.mark.parametrize("wanted", ["save", "core", "directory,save,core"])
def test_a_full_disk_leaves_nothing_and_is_told_with_what_is_needed(cwd: Path, wanted: str) -> None:
    def work(size: str) -> tuple[Ended, list[str]]:
        mount(cwd / "t", f"size={size}")
        place = "t" if "," in wanted else "t/g"
        return xlbuild("create", "-q", "-o", place, "--format", wanted, "in/pv"), names(cwd / "t")

    (cwd / "t").mkdir()
    ended, left = inside(lambda: work("64k"))
    assert (ended.returncode, left) == (4, [])
    assert "cause: no space left on device: it takes " in ended.stderr
    assert "64 KiB are free\n" in ended.stderr
    ended, left = inside(lambda: work("1m"))
    assert (ended.returncode, ended.stderr, len(left)) == (0, "", len(wanted.split(",")))


@pytest.mark.parametrize("wanted", ["save", "core", "directory,save,core"])
def test_an_interrupted_build_leaves_no_format(cwd: Path, wanted: str) -> None:
    (cwd / "in" / "large").write_bytes(PV.replace(b"memory=16", b"memory=30000"))
    run = start(cwd, "create", "--format", wanted, "-o", "t", "in/large")
    while not any(path.is_dir() or path.stat().st_size for path in cwd.rglob(".xlbuild-*.partial/new")):
        assert run.runs(), "the build ended before it could be interrupted"
        time.sleep(0.002)
    run.send_signal(signal.SIGTERM)
    status, output, complaint = run.end()
    assert (status, output) == (130, "")
    assert "xlbuild: interrupted" in complaint
    assert names(cwd) == (["t"] if "," in wanted else [])
    assert not any(cwd.glob("t/*"))
