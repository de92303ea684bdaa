"""A directory that was written reads back as it was built; one that is damaged is an error that says where."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from builtdomains import HELLO, PV, PVH, REAL, Document, built, change_manifest, poke, write
from hypothesis import given
from hypothesis import strategies as st
from kernels import LOAD_ADDRESS, Load, elf_file, pattern
from toolstack import XEN_ROOT, Material

import xlbuild
from xlbuild.built import BuiltDomain, Origin
from xlbuild.emit import readback
from xlbuild.emit.jsonplace import parse_document
from xlbuild.emit.manifestread import check_schema, read_manifest, read_populated
from xlbuild.emit.readback import in_memory, read_directory, read_manifest_file, verify
from xlbuild.errors import FilesError, RefusedError, XlbuildError
from xlbuild.inspect.domains.describe import describe_domain
from xlbuild.memory import GuestMemory
from xlbuild.units import PhysAddr


@pytest.fixture(scope="module", params=HELLO.values(), ids=list(HELLO))
def domain(request: pytest.FixtureRequest) -> xlbuild.Domain:
    return xlbuild.build(request.param)


@pytest.fixture
def directory(domain: xlbuild.Domain, tmp_path: Path) -> Path:
    xlbuild.write(domain, tmp_path / "g")
    return tmp_path / "g"


@pytest.fixture
def pvh(tmp_path: Path) -> Path:
    write(PVH, tmp_path / "g")
    return tmp_path / "g"


def complaint(directory: Path) -> XlbuildError:
    """Return the error of reading a domain; whatever it is, it names its cause, the mend and the place."""
    with pytest.raises(XlbuildError) as caught:
        verify(read_directory(directory))
    assert caught.value.cause
    assert caught.value.hint
    assert str(directory) in (caught.value.where.file or "")
    return caught.value


def check_same(read: BuiltDomain, domain: xlbuild.Domain) -> None:
    """Check that what was read back is what the plan says, value for value."""
    plan, container = domain.plan, domain.container
    image = plan.request.image
    assert (read.name, read.uuid, read.kind) == (container.name, container.uuid, container.kind)
    assert (read.guest_type, read.profile, read.reason) == (
        image.guest_type,
        domain.profile.name,
        container.reason,
    )
    assert (read.kernel.format, read.kernel.packing, read.kernel.entry) == (
        image.format,
        image.packing,
        plan.entry,
    )
    assert read.kernel.notes is not None
    assert [(note.name, note.value) for note in read.kernel.notes] == [
        (note.name, note.value if isinstance(note.value, str) else hex(note.value))
        for note in image.parameters.notes
    ]
    assert [(i.role, i.path, i.size) for i in read.inputs] == [
        (i.role, i.path, len(i.data)) for i in domain.inputs
    ]
    assert read.populated == plan.populated
    assert (read.segments, read.firmware_modules) == (plan.segments, plan.firmware)
    assert read.special_pages == dict(plan.special_pages)
    assert read.start_info == plan.start_info
    assert read.hvm_info_fields == plan.hvm_info
    assert read.vcpus == plan.vcpus
    assert read.hvm_params == plan.hvm_params
    assert read.memory_map == plan.layout.memory_map
    assert (read.grants, read.event_channels) == (plan.grants, plan.event_channels)
    assert (read.hypercall_page and read.hypercall_page.pfn) == plan.hypercall_page
    assert (read.total_pages, read.target_pages) == (plan.layout.total_pages, plan.layout.target_pages)
    assert read.digests == xlbuild.digests(domain)


def test_what_is_written_reads_back_as_it_was_built(domain: xlbuild.Domain, directory: Path) -> None:
    read = read_directory(directory)
    check_same(read, domain)
    assert list(read.memory.pages()) == list(domain.memory.pages())
    assert set(read.structures) == {file.name for file in directory.glob("*.bin")}
    found = verify(read)
    assert found.digests == read.digests
    assert found.stray is None
    assert found.differing(read) == ()


def test_a_domain_in_memory_is_what_would_be_read_back(domain: xlbuild.Domain, directory: Path) -> None:
    read, built = read_directory(directory), in_memory(domain, str(directory))
    assert replace(read, memory=domain.memory, origin=Origin.CONFIG) == built
    assert built.memory is domain.memory


def test_a_manifest_alone_reads_back_without_memory(domain: xlbuild.Domain, directory: Path) -> None:
    whole = read_directory(directory)
    alone = (directory / "domain.json").rename(directory.with_name("expected.json"))
    read = read_manifest_file(alone)
    assert (read.has_contents, whole.has_contents) == (False, True)
    assert replace(read, origin=Origin.DIRECTORY) == replace(
        whole, source=str(alone), memory=read.memory, structures={}
    )
    assert (read.populated, read.memory.end) == (whole.populated, whole.memory.end)
    for use in (lambda: read.memory.read(PhysAddr(0), 1), read.memory.pages, lambda: verify(read)):
        with pytest.raises(FilesError) as caught:
            use()
        assert caught.value.code == "domain-image-missing"
        assert str(alone) in str(caught.value)


def test_a_manifest_alone_is_not_trusted_either(directory: Path) -> None:
    manifest = directory / "domain.json"
    change_manifest(directory, lambda document: document.update(populated=[["0x0", "0x0"]]))
    with pytest.raises(RefusedError) as caught:
        read_manifest_file(manifest)
    assert (caught.value.code, caught.value.where.key) == ("domain-manifest-invalid", "populated[0]")
    manifest.write_text("{")
    with pytest.raises(RefusedError) as caught:
        read_manifest_file(manifest)
    assert caught.value.code == "domain-manifest-syntax"
    manifest.unlink()
    with pytest.raises(FilesError) as missing:
        read_manifest_file(manifest)
    assert missing.value.code == "file-missing"


@pytest.mark.parametrize("guest", REAL.values(), ids=list(REAL))
def test_each_kind_of_real_guest_reads_back(guest: Any, material: Material, tmp_path: Path) -> None:
    domain = write(guest.config(material).encode(), tmp_path / "g", firmware_dirs=[str(XEN_ROOT)])
    read = read_directory(tmp_path / "g")
    check_same(read, domain)
    assert verify(read).digests == read.digests


def test_an_hvm_guest_with_nodes_reads_back(small_hvm: str, tmp_path: Path) -> None:
    nodes = (
        'vcpus=2\nvnuma=[["pnode=0","size=32","vcpus=0","vdistances=10,20"],["pnode=0","size=32","vcpus=1",'
    )
    config = small_hvm + nodes + '"vdistances=20,10"]]\n'
    domain = write(config.encode(), tmp_path / "g")
    read = read_directory(tmp_path / "g")
    check_same(read, domain)
    vnuma = domain.container.vnuma
    assert vnuma is not None
    assert read.vnuma is not None
    assert (read.vnuma.vdistance, read.vnuma.vcpu_to_vnode) == (vnuma.vdistance, vnuma.vcpu_to_vnode)
    assert read.vnuma.vmemranges == domain.plan.layout.vmemranges


def test_a_manifest_says_of_no_hvm_guest_that_it_is_laid_out_for_a_restore(
    small_hvm: str, tmp_path: Path
) -> None:
    write(small_hvm.encode(), tmp_path / "g")
    manifest = (tmp_path / "g" / "domain.json").read_text()
    changed = manifest.replace('"plan": "create"', '"plan": "restore"')
    assert changed != manifest
    (tmp_path / "g" / "domain.json").write_text(changed)
    with pytest.raises(RefusedError) as error:
        read_directory(tmp_path / "g")
    assert error.value.cause == "an HVM guest is never laid out for a restore"


def test_a_manifest_older_than_the_kernels_notes_is_read_and_has_the_same_digest(directory: Path) -> None:
    assert read_directory(directory).kernel.notes
    change_manifest(directory, forget_notes)
    read = read_directory(directory)
    assert (read.kernel.notes, read.kernel.features_active) == (None, None)
    assert verify(read).digests == read.digests
    assert set(described_kernel(read)) == {"format", "packing", "entry"}


def forget_notes(document: Document) -> None:
    for name in ("notes", "features_active"):
        del document["kernel"][name]


def described_kernel(read: BuiltDomain) -> Document:
    kernel = describe_domain(read)["kernel"]
    assert isinstance(kernel, dict)
    return kernel


def test_notes_are_recorded_and_the_features_that_a_kernel_requires(tmp_path: Path) -> None:
    notes: dict[str | int, str | int | bytes] = {
        "LOADER": "generic",
        "XEN_VERSION": "xen-3.0",
        "FEATURES": "!writable_page_tables|dom0",
        "HV_START_LOW": 0xFFFF_8000_0000_0000,
    }
    data = elf_file([Load(LOAD_ADDRESS, pattern(0x1000))], [*notes.items()], header={"e_entry": LOAD_ADDRESS})
    (tmp_path / "kernel").write_bytes(data)
    read = built(f'name="g"\nkernel="{tmp_path}/kernel"\nmemory=16\n'.encode(), tmp_path / "g")
    shown = described_kernel(read)
    assert shown["features_active"] == ["writable_page_tables"]
    assert {note["name"]: note["value"] for note in shown["notes"]} == notes | {
        "HV_START_LOW": "0xffff800000000000"
    }


def test_names_of_any_bytes_read_back(tmp_path: Path) -> None:
    config = PV.replace(b"greeting=hello", b"caf\xe9=\xff")
    read = read_directory(tmp_path / "g") if write(config, tmp_path / "g") else None
    assert read is not None
    assert read.command_line == "caf\udce9=\udcff"
    assert verify(read).digests == read.digests


# Nothing in a directory is trusted.


def test_where_there_is_no_domain_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for name, code in (
        ("missing", "file-missing"),
        ("missing/below", "file-missing"),
        ("file", "domain-not-a-directory"),
        ("empty", "domain-manifest-missing"),
    ):
        error = complaint(tmp_path / name)
        assert (type(error), error.code) == (FilesError, code)


def test_a_memory_image_of_another_length_is_refused(directory: Path) -> None:
    image = directory / "memory.img"
    size = image.stat().st_size
    for length, kind in ((size - 1, "shorter"), (0, "shorter"), (size + 4096, "longer")):
        os.truncate(image, length)
        error = complaint(directory)
        assert (type(error), error.code) == (RefusedError, "domain-image-length")
        assert kind in error.message
        assert f"{length} bytes" in (error.cause or "")
        assert f"{size} bytes" in (error.cause or "")


NO_REGULAR_FILES: list[tuple[str, Callable[[Path], object], str]] = [
    ("a directory", Path.mkdir, "file-not-regular"),
    ("a pipe", os.mkfifo, "file-not-regular"),
    ("a device", lambda path: path.symlink_to("/dev/zero"), "file-not-regular"),
    ("a link to itself", lambda path: path.symlink_to(path), "file-unreadable"),
]


@pytest.mark.parametrize("name", ["memory.img", "domain.json", "start_info.bin"])
@pytest.mark.parametrize(("what", "make", "code"), NO_REGULAR_FILES, ids=[n[0] for n in NO_REGULAR_FILES])
def test_what_is_no_regular_file_is_an_error(
    directory: Path, name: str, what: str, make: Callable[[Path], object], code: str
) -> None:
    (directory / name).unlink()
    make(directory / name)
    error = complaint(directory)
    assert error.code == code
    assert name in error.message
    assert code == "file-unreadable" or what in (error.cause or "")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("memory.img", "domain-image-missing"),
        ("domain.json", "domain-manifest-missing"),
        ("start_info.bin", "file-missing"),
    ],
)
def test_a_link_that_leads_nowhere_is_an_error(directory: Path, name: str, code: str) -> None:
    (directory / name).unlink()
    (directory / name).symlink_to("nowhere")
    assert complaint(directory).code == code


def test_a_memory_image_that_is_missing_is_an_error(directory: Path) -> None:
    (directory / "memory.img").unlink()
    assert complaint(directory).code == "domain-image-missing"


def test_a_memory_image_may_be_a_link_to_one(directory: Path) -> None:
    (directory / "memory.img").rename(directory / "elsewhere")
    (directory / "memory.img").symlink_to("elsewhere")
    read = read_directory(directory)
    assert verify(read).digests == read.digests


@pytest.mark.parametrize(
    "use",
    [
        lambda memory: memory.read(PhysAddr(0), 16),
        lambda memory: list(memory.pages()),
        lambda memory: memory.stray(),
    ],
    ids=["read", "pages", "stray"],
)
@pytest.mark.parametrize("change", ["write", "cut"])
def test_an_image_that_changes_while_it_is_read_is_an_error(
    directory: Path, use: Callable[[Any], object], change: str
) -> None:
    read = read_directory(directory)
    use(read.memory)
    if change == "write":
        poke(directory, 0, b"x")
        os.utime(directory / "memory.img", ns=(1, 1))  # a file system's clock may be coarse
    else:
        os.truncate(directory / "memory.img", 8192)
    with pytest.raises(FilesError) as caught:
        use(read.memory)
    assert caught.value.code == "domain-changed"


def test_an_image_whose_name_is_given_away_is_still_read(directory: Path) -> None:
    read = read_directory(directory)
    (directory / "memory.img").unlink()
    (directory / "memory.img").write_bytes(b"another")
    assert verify(read).digests == read.digests


def test_holes_are_found_or_read_as_zeros(pvh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain = read_directory(pvh)
    pages = list(domain.memory.pages())
    assert pages
    holes = dict.fromkeys(("SEEK_DATA", "SEEK_HOLE"), 0)

    def no_holes_here(fd: int, at: int, whence: int) -> int:
        holes["SEEK_DATA" if whence == os.SEEK_DATA else "SEEK_HOLE"] += 1
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "lseek", no_holes_here)
    assert list(domain.memory.pages()) == pages
    assert all(holes.values())


def test_a_directory_that_is_replaced_while_it_is_read_is_an_error(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = directory.with_name("other")
    write(PV, other)
    real = readback._structures

    def replace_it(domain: BuiltDomain) -> dict[str, bytes]:
        directory.rename(directory.with_name("old"))
        other.rename(directory)
        return real(domain)

    monkeypatch.setattr(readback, "_structures", replace_it)
    with pytest.raises(FilesError) as caught:
        read_directory(directory)
    assert caught.value.code == "domain-changed"


def test_what_was_changed_since_is_told_by_its_digest(directory: Path) -> None:
    read = read_directory(directory)
    kernel = read.segment("kernel")
    assert kernel is not None
    poke(directory, kernel.pfn * 4096 + 5, b"\xaa\x55")
    found = verify(read_directory(directory))
    assert found.digests.memory != read.digests.memory
    assert found.differing(read) == ("kernel",)


def test_a_change_of_the_manifest_is_told_by_its_digest(directory: Path) -> None:
    change_manifest(directory, lambda document: document["event_channels"][0].update(port=7))
    read = read_directory(directory)
    found = verify(read)
    assert found.digests.memory == read.digests.memory
    assert found.digests.domain != read.digests.domain


def test_what_lies_where_there_is_no_memory_is_told(pvh: Path) -> None:
    poke(pvh, 0x8000_0000, b"x")
    read = read_directory(pvh)
    assert read.memory.read(PhysAddr(0x8000_0000), 1) == b"\0"
    assert verify(read).stray == 0x80000


def test_a_structure_that_is_missing_is_left_out(directory: Path) -> None:
    (directory / "start_info.bin").unlink()
    assert "start_info.bin" not in read_directory(directory).structures


def test_a_structure_that_is_too_large_is_refused(directory: Path) -> None:
    os.truncate(directory / "start_info.bin", (1 << 20) + 1)
    error = complaint(directory)
    assert (type(error), error.code) == (RefusedError, "file-too-large")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (b"", "expecting value"),
        (b"{", "expecting property name"),
        (b'{"schema": 1, "schema": 1}', 'has the member "schema" twice'),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 5000, "a number in it has 5000 digits"),
        (b"\xff\xfe\xff", "decode"),
        (b"[" + b"0," * 1_100_000 + b"0]", "more than 1000000 values"),
    ],
    ids=["empty", "cut", "twice", "deep", "digits", "bytes", "many"],
)
def test_a_manifest_that_is_no_json_is_refused(directory: Path, text: bytes, cause: str) -> None:
    (directory / "domain.json").write_bytes(text)
    error = complaint(directory)
    assert (type(error), error.code) == (RefusedError, "domain-manifest-syntax")
    assert cause in (error.cause or "")


def test_a_manifest_that_is_too_large_is_refused(directory: Path) -> None:
    os.truncate(directory / "domain.json", 65 << 20)
    assert complaint(directory).code == "file-too-large"


def set_to(path: str, value: object) -> Callable[[Document], None]:
    """Return what sets a member, by its path, to a value."""

    def change(document: Document) -> None:
        place: Any = document
        *before, last = [int(name) if name.isdigit() else name for name in path.split("/")]
        for name in before:
            place = place[name]
        place[last] = value

    return change


WRONG = [
    ("schema", "xlbuild.domain/2", "schema", "not 'xlbuild.domain/1'"),
    ("container", "pc", "container", '"pc" is none of pv, pvh, hvm'),
    ("guest_type", "xen-3.0-x86_64", "guest_type", "container is pvh is not of type xen-3.0-x86_64"),
    ("profile", "latest", "profile", "not a release"),
    ("name", 5, "name", "5 is no string"),
    ("name", "\ud800", "name", "half of a character"),
    ("more", 1, None, '"more" is none of its members'),
    ("populated", [], "populated", "it has 0 elements"),
    ("populated/0", ["0x0"], "populated[0]", "it has 1 elements, and can have 2"),
    ("populated/0", ["0x10", "0x10"], "populated[0]", "there is no frame in 0x10..0x10"),
    ("populated/1", ["0x1fff", "0x2001"], "populated", "does not lie behind the one before"),
    ("segments", [], "segments", "there is no segment 'kernel'"),
    ("segments/0/name", "../x", "segments[0].name", "not a name"),
    ("segments/1/name", "kernel", "segments", "no segment 'HVM start info'"),
    ("segments/0/pfn", "0x90000", "segments[0].vstart", "frame 0x90000 is at 0x90000000"),
    ("segments/0/pages", 4, "segments[0].pages", "4 pages are not what 10500 bytes take"),
    ("segments/0/vend", "0x1", "segments[0].vend", "not within 0x100000 to"),
    ("special_pages/console", "0x80000", "special_pages.console", "not among those that exist"),
    ("special_pages/a b!", "0x1", "special_pages", "no name of a page"),
    ("start_info/paddr", "0x80000000", "start_info.paddr", "no memory at 0x80000000"),
    ("start_info/nr_modules", 1 << 32, "start_info.nr_modules", "not within 0x0 to 0xffffffff"),
    ("start_info/modlist", [{}], "start_info.modlist[0]", "no member 'cmdline_paddr'"),
    ("acpi/tables/1/size", 1 << 40, "acpi.tables[1].addr", "no memory at"),
    ("acpi/tables/1/name", "FACS", "acpi", "same name"),
    ("vcpus", [], "vcpus", "it has 0 elements, and can have 1 to 128"),
    ("vcpus/0", {"id": 0}, "vcpus", "the first of them has no registers"),
    (
        "vcpus/0/registers/rip",
        "0x1" + "0" * 16,
        "vcpus[0].registers.rip",
        "not within 0x0 to 0xffffffffffffffff",
    ),
    ("vcpus/0/registers/rax", True, "vcpus[0].registers.rax", "neither an integer nor"),
    ("vcpus/0/mtrr/msr_mtrr_var", [1], "vcpus[0].mtrr.msr_mtrr_var", "it has 1 elements, and can have 16"),
    ("memory_map/0/size", (1 << 64) + 1, "memory_map[0].size", "not within"),
    ("memory_map/0/size", 1 << 64, "memory_map[0].size", "not within"),
    ("memory_map", [{"addr": 0, "size": 1, "type": 1}] * 129, "memory_map", "it has 129 elements"),
    ("hypercall_page", {"pfn": "0x90000", "filled": True}, "hypercall_page.pfn", "not among those"),
    ("hypercall_page", {"pfn": "0x1", "filled": 1}, "hypercall_page.filled", "neither true nor false"),
    ("digests/memory", "0" * 63, "digests.memory", "not a SHA-256 digest"),
    ("digests/segments/stack", "0" * 64, "digests.segments", "none of its members"),
    ("kernel/notes", {}, "kernel.notes", "an object is no array"),
    ("kernel/notes", [{"name": "ENTRY", "value": "0x1"}] * 2, "kernel.notes", "two of them have the same"),
    ("kernel/notes/0/value", 5, "kernel.notes[0].value", "5 is no string"),
    ("kernel/notes/0/type", 5, "kernel.notes[0]", '"type" is none of its members'),
    ("kernel/features_active", ["a/b"], "kernel.features_active[0]", "not a name"),
    ("inputs/0/role", "driver", "inputs[0].role", '"driver" is none of kernel, shim'),
]


@pytest.mark.parametrize(
    ("path", "value", "key", "cause"), WRONG, ids=[f"{w[0]}-{n}" for n, w in enumerate(WRONG)]
)
def test_a_member_that_is_wrong_is_named(
    pvh: Path, path: str, value: object, key: str | None, cause: str
) -> None:
    change_manifest(pvh, set_to(path, value))
    error = complaint(pvh)
    assert (type(error), error.code) == (RefusedError, "domain-manifest-invalid")
    assert error.where.key == key
    assert cause in (error.cause or "")


def places(value: object, path: str = "") -> Iterator[str]:
    """Yield the paths of all members of a document, of a list those in its first element."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield f"{path}/{name}".lstrip("/")
            yield from places(member, f"{path}/{name}".lstrip("/"))
    elif isinstance(value, list) and value:
        yield f"{path}/0"
        yield from places(value[0], f"{path}/0")


def read_document(document: Document, memory: GuestMemory) -> BuiltDomain:
    return read_text(json.dumps(document).encode(), memory)


def read_text(text: bytes, memory: GuestMemory) -> BuiltDomain:
    top = parse_document(text, readback._KIND, "domain.json")
    check_schema(top)
    read_populated(top)
    return read_manifest(top, "g", memory)


def test_no_member_can_be_left_out(domain: xlbuild.Domain) -> None:
    document: Document = json.loads(json.dumps(xlbuild.manifest(domain)))
    for path in places(document):
        if path.startswith(("special_pages/", "vcpus/0/registers", "vcpus/0/mtrr")) and path.count("/") < 3:
            continue  # there is no list of those that have to be there
        *before, last = path.split("/")
        if last.isdigit() or path in ("kernel/notes", "kernel/features_active", "plan"):
            continue  # older manifests have neither notes nor plan
        changed = copy.deepcopy(document)
        place: Any = changed
        for name in before:
            place = place[int(name) if name.isdigit() else name]
        del place[last]
        with pytest.raises(RefusedError) as caught:
            read_document(changed, domain.memory)
        assert caught.value.code == "domain-manifest-invalid", path


def code_of(read: Callable[[], object]) -> str | None:
    """Return the code of what is refused, None where nothing is."""
    try:
        read()
    except RefusedError as error:
        return error.code if error.cause else "without cause"
    return None


ODD: list[Any] = [None, True, -1, 10**30, 1.5, "", "0x" + "f" * 40, [[]], {"x": 1}]


def test_whatever_a_member_is_reading_ends_with_an_error_or_a_domain(domain: xlbuild.Domain) -> None:
    document: Document = json.loads(json.dumps(xlbuild.manifest(domain)))
    codes = []
    for number, path in enumerate(places(document)):
        for value in ODD[number % 3 :: 3]:
            changed = copy.deepcopy(document)
            set_to(path, value)(changed)
            codes.append(code_of(partial(read_document, changed, domain.memory)))
    assert set(codes) == {None, "domain-manifest-invalid"}
    assert codes.count(None) < len(codes) / 10


@given(st.integers(0), st.binary(min_size=1, max_size=4))
def test_damaged_text_of_a_manifest_never_raises_anything_else(at: int, data: bytes) -> None:
    text = bytearray(_TEXT)
    at %= len(text)
    text[at : at + len(data)] = data
    code = code_of(lambda: read_text(bytes(text), _DOMAIN.memory))
    assert code in (None, "domain-manifest-syntax", "domain-manifest-invalid")


_DOMAIN = xlbuild.build(PVH)
_TEXT = json.dumps(xlbuild.manifest(_DOMAIN)).encode()


def test_a_guest_of_1_tib_costs_no_memory_and_no_time(tmp_path: Path) -> None:
    write(PVH.replace(b"memory=32", b"memory=1048576"), tmp_path / "g")
    assert (tmp_path / "g" / "memory.img").stat().st_size > 1 << 40
    program = (
        "import resource, sys, time\n"
        "from xlbuild.emit.readback import in_memory, read_directory, read_manifest_file, verify\n"
        "from xlbuild.inspect.domains.describe import describe_domain\n"
        "start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "domain = read_directory(sys.argv[1])\n"
        "found = verify(domain)\n"
        "assert found.digests == domain.digests\n"
        "assert not describe_domain(domain, found)['problems']\n"
        "print(time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "g")], capture_output=True, text=True, check=True
    )
    seconds, kib = map(float, done.stdout.split())
    assert seconds < 5
    assert kib < 32 << 10
