"""`xlbuild export`: a built domain's directory as a save file or a dump-core, if it is still what was built."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from builtdomains import PV, PVH, Document, change_manifest
from ours import xlbuild
from savedecoder import decode

import xlbuild as library

GUESTS = {"pv": PV, "pvh": PVH}


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "in").mkdir()
    for name, text in GUESTS.items():
        (tmp_path / "in" / f"{name}.cfg").write_bytes(text)
    monkeypatch.chdir(tmp_path)
    for name in GUESTS:
        assert xlbuild("create", "-q", "-o", f"in/{name}", f"in/{name}.cfg").returncode == 0
    return tmp_path


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir() if entry.name != "in")


def test_without_a_format_it_is_a_save_file_called_as_the_guest(cwd: Path) -> None:
    ended = xlbuild("export", "in/pvh")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert names(cwd) == ["g.save"]
    digest = json.loads((cwd / "in/pvh/domain.json").read_text())["digests"]["domain"]
    *facts, saved = ended.stdout.splitlines()
    assert facts == [
        "domain: g",
        "container: PVH",
        "built as: Xen 4.22, guest type hvm-3.0-x86_32",
        f"digest: {digest}",
    ]
    assert saved.startswith("saved as: g.save (save file of ")


@pytest.mark.parametrize("guest", GUESTS)
def test_what_is_exported_is_what_create_writes(cwd: Path, guest: str) -> None:
    assert (
        xlbuild("create", "-o", "new", "--format", "directory,save,core", f"in/{guest}.cfg").returncode == 0
    )
    ended = xlbuild("export", "-q", "--format", "save,core", "-o", "from", "new/g")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert names(cwd / "from") == ["g.core", "g.save"]
    for name in names(cwd / "from"):
        assert (cwd / "from" / name).read_bytes() == (cwd / "new" / name).read_bytes()


def test_a_guest_that_is_laid_out_for_a_creation_travels_if_nothing_hinders_it(cwd: Path) -> None:
    assert xlbuild("export", "in/pv", "-o", "exported").returncode == 0
    assert xlbuild("create", "-q", "--format", "save", "-o", "created", "in/pv.cfg").returncode == 0
    assert (cwd / "exported").read_bytes() == (cwd / "created").read_bytes()


def test_a_guest_whose_ramdisk_would_be_lost_is_refused_with_the_command_to_use(
    cwd: Path, synthetic_kernels: Path
) -> None:
    (cwd / "in" / "rd").write_bytes(b"ramdisk")
    config = f'name="g"\nkernel="{synthetic_kernels}/pv64-modpfn"\nramdisk="in/rd"\nmemory=16\n'
    (cwd / "in" / "unmapped.cfg").write_text(config)
    assert xlbuild("create", "-q", "-o", "in/unmapped", "in/unmapped.cfg").returncode == 0
    for formats in ("save", "core,save"):
        refused = xlbuild("export", "--format", formats, "in/unmapped")
        assert (refused.returncode, names(cwd)) == (3, [])
        assert "xlbuild create --format save --xen 4.22 CONFIG" in refused.stderr
    assert xlbuild("export", "-q", "--format", "core", "in/unmapped").returncode == 0
    assert (
        xlbuild("create", "-q", "--format", "save,directory", "-o", "in/mapped", "in/unmapped.cfg").returncode
        == 0
    )
    assert xlbuild("export", "-q", "in/mapped/g").returncode == 0
    assert names(cwd) == ["g.core", "g.save"]


def poke(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        byte = os.pread(file.fileno(), 1, offset)
        os.pwrite(file.fileno(), bytes([byte[0] ^ 1]), offset)


def edit_manifest(directory: Path) -> None:
    text = (directory / "domain.json").read_text()
    assert '"rbx": "0x103000"' in text
    (directory / "domain.json").write_text(text.replace('"rbx": "0x103000"', '"rbx": "0x103008"'))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a bit of the kernel": (
        lambda directory: poke(directory / "memory.img", 0x100800),
        "domain.json records other digests: domain, memory, segment:kernel",
    ),
    "a register in the manifest": (
        edit_manifest,
        "hvm_context.bin is not what domain.json says of the vCPUs",
    ),
    "a register in the structure": (
        lambda directory: poke(directory / "hvm_context.bin", 100),
        "hvm_context.bin is not what domain.json says of the vCPUs",
    ),
    "another start info": (
        lambda directory: poke(directory / "start_info.bin", 0),
        "start_info.bin is not what memory.img has at 0x103000",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_domain_that_is_not_what_was_built_is_exported_only_as_it_is(cwd: Path, what: str) -> None:
    damage, words = DAMAGE[what]
    damage(cwd / "in" / "pvh")
    refused = xlbuild("export", "--format", "save,core", "in/pvh")
    assert (refused.returncode, names(cwd)) == (4, [])
    assert refused.stderr.startswith(
        "xlbuild: error: in/pvh: it is not the domain as it was built\n  cause: "
    )
    assert words in refused.stderr
    assert "--as-is takes it as it is" in refused.stderr
    taken = xlbuild("export", "--as-is", "in/pvh")
    assert (taken.returncode, names(cwd)) == (0, ["g.save"])
    assert taken.stderr.startswith("xlbuild: warning: in/pvh: it is not the domain as it was built: ")
    digest = xlbuild("digest", "-q", "in/pvh").stdout.strip()
    assert f"digest: {digest}\n" in taken.stdout
    assert xlbuild("export", "-q", "--as-is", "--force", "in/pvh").stderr == ""


def test_a_structure_that_is_missing_is_missing_as_it_is(cwd: Path) -> None:
    (cwd / "in" / "pv" / "shared_info.bin").unlink()
    for wanted in ("save", "core"):
        refused = xlbuild("export", "--as-is", "--format", wanted, "in/pv")
        assert (refused.returncode, names(cwd)) == (4, [])
        assert "there is no shared_info.bin" in refused.stderr


def without_registers(directory: Path) -> None:
    def change(document: Document) -> None:
        del document["vcpus"][0]["registers"]

    change_manifest(directory, change)


def with_a_second_vcpu(directory: Path) -> None:
    def change(document: Document) -> None:
        document["vcpus"].append(dict(document["vcpus"][0], id=1))

    change_manifest(directory, change)


@pytest.mark.parametrize(
    ("guest", "change", "words"),
    [
        ("pv", without_registers, "the first of them has no registers"),
        ("pvh", without_registers, "the first of them has no registers"),
        ("pv", with_a_second_vcpu, "it has 2 elements, and can have 1"),
    ],
)
def test_vcpus_that_no_guest_starts_with_are_refused(
    cwd: Path, guest: str, change: Callable[[Path], None], words: str
) -> None:
    change(cwd / "in" / guest)
    for wanted in ("save", "core"):
        refused = xlbuild("export", "--as-is", "--format", wanted, f"in/{guest}")
        assert (refused.returncode, names(cwd)) == (3, [])
        assert words in refused.stderr


def test_a_directory_without_its_configuration_gets_one(cwd: Path) -> None:
    (cwd / "in" / "pv" / "config.json").unlink()  # as older versions left it
    assert xlbuild("export", "-q", "--format", "core", "in/pv").returncode == 0
    refused = xlbuild("export", "in/pv")
    assert (refused.returncode, names(cwd)) == (4, ["g.core"])
    assert "config.json is missing" in refused.stderr
    assert "--config FILE" in refused.stderr
    assert xlbuild("export", "-q", "--config", "in/pv.cfg", "in/pv").returncode == 0
    assert decode(cwd / "g.save").config == json.loads(library.xl_json(PV))


def test_another_configuration_of_the_guest_goes_with_it(cwd: Path) -> None:
    (cwd / "in" / "new.cfg").write_bytes(PV + b'name="new"\nvif=["bridge=br1"]\n')
    assert xlbuild("export", "-q", "--config", "in/new.cfg", "in/pv").returncode == 0
    config = decode(cwd / "g.save").config
    assert (config["c_info"]["name"], config["nics"][0]["bridge"]) == ("new", "br1")


@pytest.mark.parametrize("other", [PVH, PV + b"memory=15\n"], ids=["kind", "memory"])
def test_another_guests_configuration_does_not(cwd: Path, other: bytes) -> None:
    (cwd / "in" / "other.cfg").write_bytes(other)
    refused = xlbuild("export", "--config", "in/other.cfg", "in/pv")
    assert (refused.returncode, names(cwd)) == (1, [])
    assert "in/other.cfg: it is another guest's configuration" in refused.stderr
    assert "the domain is a PV guest with 16 MiB" in refused.stderr


def test_a_configuration_that_names_no_memory_is_of_a_guest_with_xls_32_mib(cwd: Path) -> None:
    (cwd / "in" / "small.cfg").write_bytes(PV.replace(b"memory", b"#memory"))
    assert xlbuild("create", "-q", "-o", "in/small", "in/small.cfg").returncode == 0
    assert xlbuild("export", "-q", "--config", "in/small.cfg", "in/small").returncode == 0
    assert xlbuild("export", "-q", "--force", "--config", "in/small.cfg", "in/pv").returncode == 0


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (
            ('"max_memkb": 16384', '"max_memkb": 1024'),
            1,
            "one of a PV guest with 1 MiB, and the domain is a PV guest",
        ),
        (('"type": "pv"', '"type": "hvm"'), 1, "one of an HVM guest"),
        (('"type": "pv"', '"type": 3'), 3, "3 is no string"),
        (('"b_info": {', '"b_info": 1, "x": {'), 3, "key b_info: the domain's configuration is wrong"),
    ],
    ids=["less memory", "another kind", "no kind", "no object"],
)
def test_a_configuration_that_was_made_another_guests_does_not_travel(
    cwd: Path, change: tuple[str, str], status: int, words: str
) -> None:
    file = cwd / "in" / "pv" / "config.json"
    assert change[0] in file.read_text()
    file.write_text(file.read_text().replace(*change))
    refused = xlbuild("export", "in/pv")
    assert (refused.returncode, names(cwd)) == (status, [])
    assert words in refused.stderr


USAGE = {
    "a manifest": (["in/pv/domain.json"], 2, "give the directory that it is in: in/pv"),
    "standard output": (["-o", "-", "in/pv"], 2, "one that is called - is ./-"),
    "a configuration": (["in/pv.cfg"], 2, "of a configuration, `xlbuild create --format save`"),
    "a file of the directory": (["in/pv/memory.img"], 2, "is no built domain's directory"),
    "another directory": (["in"], 4, "a directory with a domain.json, and this one has none"),
    "nothing": (["nowhere"], 4, "nowhere"),
    "what it is": (["--format", "directory", "in/pv"], 2, "it is a directory already"),
    "no format": (["--format", "sav", "in/pv"], 2, "did you mean save?"),
    "an empty configuration": (["--config", "", "in/pv"], 2, "--config needs a file"),
    "a wrong configuration": (["--config", "in/pv/start_info.bin", "in/pv"], 1, "in/pv/start_info.bin"),
    "a place in no directory": (
        ["-o", "no/g.save", "in/pv"],
        4,
        "the directory that it would be in does not exist",
    ),
    "no argument": ([], 2, "DIR"),
}


@pytest.mark.parametrize("case", USAGE)
def test_what_will_not_do_is_told_and_nothing_is_written(cwd: Path, case: str) -> None:
    arguments, status, words = USAGE[case]
    ended = xlbuild("export", *arguments)
    assert (ended.returncode, ended.stdout, names(cwd)) == (status, "", [])
    assert words in ended.stderr


def test_an_existing_file_is_kept_unless_forced_and_of_its_kind(cwd: Path) -> None:
    assert xlbuild("export", "-q", "in/pv").returncode == 0
    first = (cwd / "g.save").read_bytes()
    refused = xlbuild("export", "in/pvh")
    assert (refused.returncode, "replace it with --force" in refused.stderr) == (4, True)
    assert (cwd / "g.save").read_bytes() == first
    assert xlbuild("export", "-q", "--force", "in/pvh").returncode == 0
    assert (cwd / "g.save").read_bytes() != first
    refused = xlbuild("export", "--force", "--format", "core", "-o", "g.save", "in/pvh")
    assert (refused.returncode, "it is no dump-core" in refused.stderr) == (4, True)


def test_a_save_file_is_no_directory_and_the_mend_says_what_makes_others(cwd: Path) -> None:
    assert xlbuild("export", "-q", "in/pv").returncode == 0
    refused = xlbuild("export", "--format", "core", "g.save")
    assert (refused.returncode, names(cwd)) == (2, ["g.save"])
    assert "`xlbuild create --format` makes others of the configuration" in refused.stderr


def test_the_library_exports_too(cwd: Path) -> None:
    library.export("in/pv", {"save": "s", "core": cwd / "c"})
    assert names(cwd) == ["c", "s"]
    with pytest.raises(library.FilesError, match="exists already"):
        library.export(cwd / "in/pv", {"save": "s"})
    library.export(cwd / "in/pv", {"save": "s"}, force=True, config="in/pv.cfg")
    with pytest.raises(library.UsageError, match="nothing is exported as 'directory'"):
        library.export("in/pv", {"directory": "d"})
    library.write_core(library.open_domain("in/pv"), "again")
    assert (cwd / "again").read_bytes() == (cwd / "c").read_bytes()


def test_the_library_writes_no_manifest_and_of_what_it_read_from_a_dump_core_no_save_file(cwd: Path) -> None:
    for guest in ("pv", "pvh"):
        manifest = library.open_domain(f"in/{guest}/domain.json")
        library.write_core(library.open_domain(f"in/{guest}"), "core", force=True)
        dumped = library.open_domain("core")
        for domain, write, words in (
            (manifest, library.write_core, "a manifest cannot be written as a dump-core"),
            (manifest, library.write_save, "a manifest cannot travel as a save file"),
            (dumped, library.write_save, "what was read from a host's file cannot travel"),
        ):
            with pytest.raises(library.RefusedError, match=words):
                write(domain, "never")
        library.write_core(dumped, "again", force=True)
        assert (cwd / "again").read_bytes() == (cwd / "core").read_bytes()
    assert names(cwd) == ["again", "core"]
