"""`xlbuild create` as a user meets it: output, files, exit statuses, messages."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from compare import compare_images
from forked import closed_pipe, run

PVH = 'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 16\n'
PV = 'name = "g"\nkernel = "xlbuild:hello-pv"\nmemory = 16\n'
EXAMPLE_HOST = Path(__file__).parents[2] / "docs" / "host-example.json"
SCHEMA = Path(__file__).parents[2] / "xlbuild" / "emit" / "domain.schema.json"


@pytest.fixture
def pvh(tmp_path: Path) -> Path:
    (tmp_path / "guest.cfg").write_text(PVH)
    return tmp_path


def left_behind(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir() if entry.name != "guest.cfg")


def test_a_domain_is_built_into_a_directory_of_its_name(pvh: Path) -> None:
    done = run(pvh, "create", "guest.cfg")
    assert (done.returncode, done.stderr) == (0, "")
    assert left_behind(pvh) == ["g"]
    assert {"memory.img", "domain.json", "start_info.bin", "hvm_context.bin", "acpi_dsdt.bin"} <= {
        entry.name for entry in (pvh / "g").iterdir()
    }
    assert 'container: PVH (type="pvh" at guest.cfg:2)' in done.stdout
    assert "HVM start info" in done.stdout
    assert "written: g/ (memory.img of 4 GiB" in done.stdout


def test_the_manifest_fits_its_schema_for_each_container(tmp_path: Path) -> None:
    schema = json.loads(SCHEMA.read_text())
    for text in (PV, PVH):
        (tmp_path / "guest.cfg").write_text(text)
        done = run(tmp_path, "create", "--json", "-n", "guest.cfg")
        assert done.returncode == 0, done.stderr
        jsonschema.validate(json.loads(done.stdout), schema)


def test_json_on_stdout_is_the_file_that_is_written(pvh: Path) -> None:
    done = run(pvh, "create", "--json", "guest.cfg")
    assert done.stdout == (pvh / "g" / "domain.json").read_text()


def test_a_dry_run_prints_the_same_manifest_and_writes_nothing(pvh: Path) -> None:
    dry = run(pvh, "create", "--json", "--dry-run", "guest.cfg")
    assert left_behind(pvh) == []
    assert dry.stdout == run(pvh, "create", "--json", "guest.cfg").stdout


def test_the_digests_are_those_that_the_documentation_defines(tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text(PV)
    assert run(tmp_path, "create", "guest.cfg").returncode == 0
    document = json.loads((tmp_path / "g" / "domain.json").read_text())
    memory = hashlib.sha256(b"xlbuild.memory/1\0")
    image = (tmp_path / "g" / "memory.img").read_bytes()
    for pfn in range(len(image) // 4096):
        page = image[pfn * 4096 : (pfn + 1) * 4096]
        if any(page):
            memory.update(pfn.to_bytes(8, "little") + page)
    assert document["digests"]["memory"] == memory.hexdigest()
    covered = (
        "container event_channels grants guest_type hvm_params hypercall_page memory_map populated vcpus"
    )
    parts = {name: document[name] for name in covered.split()} | {"memory": memory.hexdigest()}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert document["digests"]["domain"] == hashlib.sha256(text.encode()).hexdigest()


def test_the_same_inputs_give_the_same_bytes_elsewhere_and_later(pvh: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (elsewhere / "guest.cfg").write_text(PVH)
    assert run(pvh, "create", "guest.cfg").returncode == 0
    odd = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7", "HOME": "/nowhere"}
    assert run(elsewhere, "create", "guest.cfg", env=odd).returncode == 0
    for entry in (pvh / "g").iterdir():
        if entry.name != "memory.img":
            assert entry.read_bytes() == (elsewhere / "g" / entry.name).read_bytes(), entry.name
    images = compare_images(pvh / "g" / "memory.img", elsewhere / "g" / "memory.img")
    assert images.pages > 0
    assert images.differences == []


def test_settings_behind_the_file_win(pvh: Path) -> None:
    done = run(pvh, "create", "-n", "--json", "guest.cfg", "memory=32", 'name="other"')
    document = json.loads(done.stdout)
    assert (document["name"], document["total_pages"]) == ("other", 32 * 256)


def test_a_configuration_comes_from_standard_input(tmp_path: Path) -> None:
    done = run(tmp_path, "create", "-", stdin=PVH.encode())
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "g" / "domain.json").exists()
    assert "at <stdin>:2" in done.stdout


def test_the_release_comes_from_the_option_then_the_environment_then_the_newest(pvh: Path) -> None:
    def profile(*arguments: str, **env: str) -> str:
        done = run(pvh, "create", "-n", "--json", *arguments, "guest.cfg", env=env)
        return str(json.loads(done.stdout)["profile"])

    assert profile() == "4.22"
    assert profile(XLBUILD_XEN="4.18") == "4.18"
    assert profile("--xen", "4.17", XLBUILD_XEN="4.18") == "4.17"


def test_an_existing_target_is_kept_unless_forced(pvh: Path) -> None:
    assert run(pvh, "create", "guest.cfg").returncode == 0
    before = (pvh / "g" / "domain.json").read_text()
    refused = run(pvh, "create", "guest.cfg", "memory=32")
    assert refused.returncode == 4
    assert "g exists already" in refused.stderr
    assert "--force" in refused.stderr
    assert (pvh / "g" / "domain.json").read_text() == before
    assert run(pvh, "create", "--force", "guest.cfg", "memory=32").returncode == 0
    assert (pvh / "g" / "domain.json").read_text() != before
    assert left_behind(pvh) == ["g"]


def test_force_replaces_nothing_but_a_built_domain(pvh: Path) -> None:
    (pvh / "g").mkdir()
    (pvh / "g" / "precious").write_text("photos")
    refused = run(pvh, "create", "--force", "guest.cfg")
    assert refused.returncode == 4
    assert "not replaced, even with --force" in refused.stderr
    assert (pvh / "g" / "precious").read_text() == "photos"


@pytest.mark.parametrize("name", ["a/b", ".", ".."])
def test_a_name_that_is_no_file_name_needs_an_output(pvh: Path, name: str) -> None:
    refused = run(pvh, "create", "guest.cfg", f'name="{name}"')
    assert refused.returncode == 1
    assert "-o DIR" in refused.stderr
    assert left_behind(pvh) == []
    assert run(pvh, "create", "-o", "out", "guest.cfg", f'name="{name}"').returncode == 0


REFUSALS = {
    "a missing configuration": ("", ["nowhere.cfg"], 4, "nowhere.cfg cannot be read"),
    "a directory for a configuration": ("", ["."], 4, "is a directory"),
    "a syntax error": (PVH + "memory = = 3\n", [], 1, "guest.cfg:5"),
    "no name": ('type = "pvh"\n', [], 1, "name"),
    "an unknown type": (PVH, ['type="pvhv2"'], 1, "pvhv2"),
    "no memory": (PVH, ["memory=0"], 1, "memory"),
    "a boot loader": (PV, ['kernel=""', 'bootloader="pygrub"'], 1, "kernel="),
    "a missing kernel": (PVH, ['kernel="/no/such/kernel"'], 4, "/no/such/kernel"),
    "a missing ramdisk": (PVH, ['ramdisk="/no/such/ramdisk"'], 4, "/no/such/ramdisk"),
    "a directory for a kernel": (PVH, ['kernel="/"'], 4, "is a directory"),
    "no kernel at all": (PVH, ['kernel="guest.cfg"'], 3, "ELF"),
    "a PV kernel as PVH": (PVH, ['kernel="xlbuild:hello-pv"'], 3, "PHYS32_ENTRY"),
    "an unknown built-in": (PVH, ['kernel="xlbuild:hi"'], 4, "xlbuild:hello-pvh"),
    "an Arm guest": (PVH, ['kernel="/no/Image"', 'gic_version="v3"'], 1, "Arm"),
    "too little memory": (PV, ["memory=2"], 3, "memory = "),
    "a setting for a file": ("", ["memory=3"], 2, "is a setting"),
    "an unknown release": (PVH, ["--xen", "4.2"], 2, "4.17"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_names_what_is_wrong_and_leaves_nothing(tmp_path: Path, case: str) -> None:
    text, arguments, status, said = REFUSALS[case]
    if text:
        (tmp_path / "guest.cfg").write_text(text)
        arguments = ["guest.cfg", *arguments]
    done = run(tmp_path, "create", *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert left_behind(tmp_path) == []


def test_a_refusal_gives_cause_and_mend(pvh: Path) -> None:
    refused = run(pvh, "create", "guest.cfg", 'kernel="/no/such/kernel"')
    assert "command line" in refused.stderr
    assert "\n  cause: no such file or directory" in refused.stderr
    assert "\n  mend:  check the path" in refused.stderr


def test_too_little_memory_says_how_much_is_needed(tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text(PV)
    refused = run(tmp_path, "create", "guest.cfg", "memory=2")
    needed = int(refused.stderr.split("memory = ")[1].split()[0])
    assert run(tmp_path, "create", "-n", "guest.cfg", f"memory={needed}").returncode == 0
    assert run(tmp_path, "create", "-n", "guest.cfg", f"memory={needed - 1}").returncode == 3


def test_missing_firmware_says_where_it_was_sought_and_who_has_it(tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text('name="g"\ntype="hvm"\nmemory=64\nfirmware_override="my-hvmloader"\n')
    second = {"XLBUILD_FIRMWARE_PATH": "/second"}
    refused = run(tmp_path, "create", "--firmware-dir", "/first", "guest.cfg", env=second)
    assert refused.returncode == 4
    tried = refused.stderr
    assert tried.index("/first/my-hvmloader") < tried.index("/second/my-hvmloader")
    assert tried.index("/second/my-hvmloader") < tried.index(" /usr/lib/xen-4.22/boot/my-hvmloader")
    assert "--firmware-dir" in tried


def test_an_unwritable_target_is_status_4(pvh: Path) -> None:
    (pvh / "file").write_text("")
    done = run(pvh, "create", "-o", "file/out", "guest.cfg")
    assert done.returncode == 4
    assert "cannot be written" in done.stderr


def test_a_target_is_found_by_whatever_path(pvh: Path) -> None:
    assert run(pvh, "create", "guest.cfg").returncode == 0
    before = (pvh / "g" / "domain.json").read_text()
    again = run(pvh, "create", "--force", "guest.cfg", "-o", "g/../g", "memory=48")
    assert (again.returncode, again.stderr) == (0, "")
    assert left_behind(pvh) == ["g"]
    assert (pvh / "g" / "domain.json").read_text() != before


def test_a_name_too_long_for_the_file_system_is_status_4(pvh: Path) -> None:
    done = run(pvh, "create", "guest.cfg", f'name="{"x" * 300}"')
    assert done.returncode == 4
    assert "file name too long" in done.stderr
    assert left_behind(pvh) == []


@pytest.mark.parametrize("arguments", ["create -n --json guest.cfg", "create -n guest.cfg", "--help"])
def test_output_that_cannot_be_written_is_status_4(pvh: Path, arguments: str) -> None:
    shell = f"{sys.executable} -m xlbuild {arguments} > /dev/full"
    done = subprocess.run(
        ["bash", "-c", shell], cwd=pvh, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 4
    assert done.stderr.startswith("xlbuild: error: the output cannot be written")
    assert len(done.stderr.splitlines()) == 1


def test_closed_streams_are_no_bug(pvh: Path) -> None:
    for arguments, status in (
        ("create -n guest.cfg >&-", 0),
        ("create - <&-", 4),
        ("create nope.cfg 2>&-", 4),
    ):
        shell = f"{sys.executable} -m xlbuild {arguments}"
        done = subprocess.run(["bash", "-c", shell], cwd=pvh, capture_output=True, check=False, timeout=60)
        assert done.returncode == status, arguments
        assert b"Traceback" not in done.stderr


def test_quiet_says_nothing_and_verbose_names_the_stages(pvh: Path) -> None:
    assert run(pvh, "create", "-q", "guest.cfg").stdout == ""
    done = run(pvh, "create", "-v", "-n", "guest.cfg")
    stages = [line.split()[0] for line in done.stderr.splitlines() if line and not line.startswith(" ")]
    assert stages == ["config", "container", "image", "plan", "populate", "total"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("create -n --json guest.cfg", 0),
        ("create -n guest.cfg", 0),
        ("digest guest.cfg", 0),
        ("inspect xlbuild:hello-pvh", 0),
        ("inspect --require pvh xlbuild:hello-pvh", 0),
        ("inspect --require pvh --json xlbuild:hello-pv", 3),
        ("--help", 0),
    ],
)
def test_a_pipe_that_nobody_reads_is_no_failure_and_hides_none(
    pvh: Path, arguments: str, status: int
) -> None:
    with closed_pipe() as stdout:
        done = run(pvh, *arguments.split(), stdout=stdout)
    assert (done.returncode, done.stderr == "") == (status, status == 0)


def test_help_loads_neither_construct_nor_elftools_nor_rich() -> None:
    code = (
        "import sys; from xlbuild.cli import run; status = run(sys.argv[1:]); "
        "heavy = {'construct', 'elftools', 'rich', 'lz4', 'lzallright'} & set(sys.modules); "
        "sys.exit(f'loaded {heavy}' if heavy else status)"
    )
    for arguments in (["--help"], ["create", "--help"], ["export", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_the_version_names_the_profiles(tmp_path: Path) -> None:
    said = run(tmp_path, "--version").stdout
    assert "4.17, 4.18, 4.19, 4.20, 4.21, 4.22" in said


@pytest.mark.parametrize(
    ("option", "needed"), [("-o", "directory"), ("--firmware-dir", "directory"), ("--host", "file")]
)
def test_an_option_with_an_empty_path_is_a_usage_error(option: str, needed: str, tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text(PV)
    done = run(tmp_path, "create", option, "", "guest.cfg")
    assert done.returncode == 2
    assert f"{option} needs a {needed}" in done.stderr
    assert not (tmp_path / "g").exists()


def test_the_manifest_names_the_host_file_that_the_memory_map_is_from(tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text(PV + "e820_host = 1\n")
    content = EXAMPLE_HOST.read_bytes()
    (tmp_path / "host.json").write_bytes(content)
    plain, like_host = (
        run(tmp_path, "create", "--json", "-n", *option, "guest.cfg")
        for option in ((), ("--host", "host.json"))
    )
    assert "the guest's memory map" not in like_host.stderr
    assert "it gets a plain one" in plain.stderr
    assert "--host FILE" in plain.stderr
    before, document = json.loads(plain.stdout), json.loads(like_host.stdout)
    assert document["inputs"][-1] == {
        "role": "host",
        "path": "host.json",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert len(document["memory_map"]) > len(before["memory_map"]) == 1
    assert document["digests"]["memory"] == before["digests"]["memory"]
    assert document["digests"]["domain"] != before["digests"]["domain"]


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (None, 4, ("host file nowhere.json", "no such file")),
        ("{", 1, ("nowhere.json:1:2", "is no JSON", "docs/host.md")),
        ('{"schema": "xlbuild.host/1", "memory_map": [1]}', 1, ("key memory_map[0]", "1 is no object")),
    ],
)
def test_a_host_file_that_cannot_be_used_is_told(
    content: str | None, status: int, words: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "guest.cfg").write_text(PV)
    if content is not None:
        (tmp_path / "nowhere.json").write_text(content)
    done = run(tmp_path, "create", "--host", "nowhere.json", "guest.cfg")
    assert done.returncode == status
    assert all(word in done.stderr for word in words), done.stderr
    assert not (tmp_path / "g").exists()
