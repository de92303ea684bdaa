"""Two kernels compared: the same as other programs tell of each, and what follows from it told once."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import SHT_PROGBITS, Load, Section, bzimage, elf_file, gzip_stored, packed, pattern, sized
from symboltables import BASE, PV_NOTES, Part, Symbol, kernel
from toolstack import Material

from xlbuild import api
from xlbuild.diff.files import compare_files
from xlbuild.diff.given import GivenFile
from xlbuild.diff.kernels.compare import KernelDifferences, compare_kernels
from xlbuild.diff.model import Change, Comparison, Difference
from xlbuild.hello import HELLO_KERNELS
from xlbuild.inspect.kernels import facts
from xlbuild.inspect.kernels.file import KernelFile, take_apart
from xlbuild.profiles import NEWEST

TEXT, DATA = Part(".text", BASE, pattern(0x800)), Part(".data", BASE + 0x1000, pattern(0x100), flags=3)
START = Symbol("start", BASE, 0x40)
PLAIN = kernel([TEXT, DATA], [START])


def opened(data: bytes) -> KernelFile:
    return take_apart(data, "kernel", NEWEST)


def compared(a: bytes, b: bytes, releases: tuple[str, str] = ("4.22", "4.22")) -> KernelDifferences:
    return compare_kernels(opened(a), opened(b), releases)


def told(found: KernelDifferences) -> dict[str, Difference]:
    return {each.path: each for section in found.sections for each in section.differences}


def counting(found: KernelDifferences) -> set[str]:
    """Return the paths of what makes the kernels different ones."""
    return {each.path for section in found.sections if section.counts for each in section.differences}


@pytest.fixture(scope="module")
def debian(material: Material) -> tuple[KernelFile, KernelFile]:
    """Debian's kernels of one version, for machines of all kinds and for clouds."""
    amd64, cloud = (
        take_apart(path.read_bytes(), path.name, NEWEST) for path in (material.amd64, material.cloud)
    )
    return amd64, cloud


def readelf(file: KernelFile, place: Path) -> dict[str, tuple[str, int, int, str]]:
    """Return type, address, size and flags of each section, as readelf tells them."""
    place.write_bytes(file.core.data)
    listed = subprocess.run(["readelf", "-SW", place], capture_output=True, text=True, check=True).stdout
    rows = (line.partition("]")[2].split() for line in listed.splitlines() if line.startswith("  ["))
    found = [row for row in rows if row and row[0] != "NULL" and row[0] != "Name"]
    place.unlink()
    return {
        row[0]: (row[1], int(row[2], 16), int(row[4], 16), row[6] if not row[6].isdigit() else "none")
        for row in found
    }


@pytest.mark.headers
def test_sections_of_two_debian_kernels_differ_as_readelf_tells(
    debian: tuple[KernelFile, KernelFile], tmp_path: Path
) -> None:
    before, after = (readelf(file, tmp_path / "core") for file in debian)
    found = told(compare_kernels(*debian, ("4.22", "4.22")))
    assert len(before) > 30
    sizes = {name: (before[name][2], after[name][2]) for name in before if before[name][2] != after[name][2]}
    assert {path: (each.a, each.b) for path, each in found.items() if is_of(path, "sections", "size")} == {
        f"sections[{name}].size": pair for name, pair in sizes.items()
    }
    moves = {name: (before[name][1], after[name][1]) for name in before if before[name][1] != after[name][1]}
    shifts = {path: each for path, each in found.items() if is_of(path, "sections", "address")}
    assert {path: (int(str(each.a), 16), int(str(each.b), 16)) for path, each in shifts.items()} == {
        f"sections[{name}].address": pair for name, pair in moves.items()
    }
    assert all(each.change is Change.SHIFTED for each in shifts.values())
    grown = [abs(each.delta or 0) for path, each in found.items() if is_of(path, "sections", "size")]
    assert grown == sorted(grown, reverse=True)


def is_of(path: str, part: str, member: str) -> bool:
    return path.startswith(f"{part}[") and path.endswith(f"].{member}")


@pytest.mark.headers
def test_what_is_told_of_each_section_is_what_readelf_tells(
    debian: tuple[KernelFile, KernelFile], material: Material, tmp_path: Path
) -> None:
    for file in (debian[1], opened(material.gnumach.read_bytes()), opened(material.xen.read_bytes())):
        rows = facts.core_tree(facts.KernelCore(file.core))["sections"]
        assert isinstance(rows, list)
        told_of = {
            row["name"]: (row["type"], int(row["address"] or "0", 16), row["size"], row["flags"])
            for row in rows
        }
        assert told_of == readelf(file, tmp_path / "core")


def test_a_debian_kernel_for_clouds_is_told_from_the_standard_one(
    debian: tuple[KernelFile, KernelFile],
) -> None:
    comparison = compare_kernels(*debian, ("4.22", "4.22"))
    found = told(comparison)
    names = [section.name for section in comparison.sections]
    assert names == [
        *("file", "program", "containers", "releases", "notes", "segments", "sections", "bzimage"),
    ]
    assert {each for each in names if not comparison.sections[names.index(each)].counts} == {
        "file",
        "bzimage",
    }
    assert (found["file.packing"].a, found["file.packing"].b) == ("bzImage, xz, ELF", "bzImage, lz4, ELF")
    versions = (found["program.version"].a, found["program.version"].b)
    assert versions[1] == str(versions[0]).replace("-amd64", "-cloud-amd64")
    lz4 = found["releases[4.2 to 4.3].pv64"]
    assert (lz4.a, lz4.b, lz4.means_b) == ("yes", "no", "The builder unpacks lz4 payloads from Xen 4.4 on")
    assert found["containers[pvh].least_memory_mib"].delta == -12
    entry = found["notes[ENTRY]"]
    assert entry.change is Change.SHIFTED
    assert entry.means_a == entry.means_b == ".init.text + 0x1c0"
    assert str(entry.why).startswith(".init.text moved by -0x")
    assert not [path for path in found if path.startswith("features")]
    assert comparison.remarks == ()


def test_the_same_kernel_packed_otherwise_is_the_same_kernel() -> None:
    for a, b in (
        (PLAIN, gzip_stored(PLAIN)),
        (bzimage(sized(packed(".xz"), len(packed()))), bzimage(sized(packed(".gz"), len(packed())))),
    ):
        found = compared(a, b)
        assert "file.packing" in told(found)
        assert counting(found) == set()
    assert compared(PLAIN, PLAIN).sections == ()


def test_packing_that_an_older_xen_does_not_know_makes_a_difference() -> None:
    xz, zstd = (bzimage(sized(packed(suffix), len(packed()))) for suffix in (".xz", ".zst"))
    found = compared(xz, zstd)
    assert counting(found) == {"releases[4.2 to 4.14].pv64"}


def larger(entry: int, text: int) -> bytes:
    """Return a kernel whose first function has a size that goes with where the second one, its entry point, is."""
    parts = [replace(TEXT, data=pattern(text)), replace(DATA, address=BASE + 0x800 + text)]
    symbols = [replace(START, size=entry - 0x40), Symbol("entry", BASE + entry, 0x20)]
    return kernel(parts, symbols, [(n, BASE + entry if n == "ENTRY" else value) for n, value in PV_NOTES])


def test_code_that_grew_is_told_by_section_and_symbol_and_all_else_as_shifts() -> None:
    found = told(compared(larger(0x80, 0x800), larger(0xA0, 0x820)))
    changed = {path for path, each in found.items() if each.change is Change.CHANGED}
    assert changed == {
        *("program.size", "program.sha256", "containers[pv64].size", "symbols[start].size"),
        *("segments[0].file_size", "segments[0].memory_size"),
        *("sections[.text].size", "sections[.note.Xen].contents"),
    }
    assert found["notes[ENTRY]"].why == found["containers[pv64].entry"].why == "entry moved by 0x20"
    assert found["sections[.data].address"].why == "sections moved by 0x20"
    assert found["segments[1].p_paddr"].why == "segments moved by 0x20"
    assert found["symbols.moved[.text]"].why == "1 of 2 symbols moved by 0x20"


def test_two_guests_are_told_what_became_of_their_kernels(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(larger(0x80, 0x800))
    (tmp_path / "b").write_bytes(larger(0xA0, 0x820))
    sides = [
        api.side(f'name="g"\nkernel="{tmp_path}/{name}"\nmemory=16\n'.encode(), source=name) for name in "ab"
    ]
    comparison = api.compare(*sides)
    about = {section.name: section for section in comparison.sections if section.name.startswith("kernel.")}
    assert set(about) == {f"kernel.{name}" for name in ("program", "segments", "sections", "symbols")}
    assert not any(section.counts for section in about.values())
    found = {each.path: each for section in comparison.sections for each in section.differences}
    assert found["kernel.symbols[start].size"].delta == 0x20
    for path in ("decision.entry", "kernel.notes[ENTRY]", "vcpus[0].registers[rip]"):
        assert found[path].change is Change.SHIFTED
        assert found[path].why == "entry moved by 0x20"
    runs = [run for owner in comparison.pages if owner.owner == "kernel" for run in owner.runs]
    assert runs[0].words == ".text + 0x800 (entry + 0x760)"
    [same] = [api.compare(sides[0], sides[0])]
    assert same.sections == ()


def test_an_entry_point_at_another_place_of_the_same_code_is_changed() -> None:
    later = [(name, BASE + 0x10 if name == "ENTRY" else value) for name, value in PV_NOTES]
    found = told(compared(PLAIN, kernel([TEXT, DATA], [START], later)))
    entry = found["notes[ENTRY]"]
    assert (entry.change, entry.a, entry.b) == (Change.CHANGED, hex(BASE), hex(BASE + 0x10))
    assert (entry.means_a, entry.means_b) == (".text (start)", ".text + 0x10 (start + 0x10)")


def test_contents_that_differ_are_counted() -> None:
    data = bytearray(DATA.data)
    data[0x10] ^= 1
    data[0xFF] ^= 0x80
    found = told(compared(PLAIN, kernel([TEXT, replace(DATA, data=bytes(data))], [START])))
    assert set(found) == {"program.sha256", "sections[.data].contents"}
    contents = found["sections[.data].contents"]
    assert contents.means_a == contents.means_b == "2 bytes differ, the first at .data + 0x10"


def test_notes_and_features_are_told_by_name() -> None:
    notes = [
        *(pair for pair in PV_NOTES if pair[0] != "LOADER"),
        ("GUEST_OS", "linux"),
        ("FEATURES", "!writable_page_tables|dom0"),
    ]
    found = told(compared(PLAIN, kernel([TEXT, DATA], [START], notes)))
    assert (found["notes[LOADER]"].change, found["notes[LOADER]"].a) == (Change.REMOVED, "generic")
    assert (found["notes[GUEST_OS]"].change, found["notes[GUEST_OS]"].b) == (Change.ADDED, "linux")
    assert found["features[writable_page_tables]"].b == "required"
    assert found["features[dom0]"].b == "supported"
    assert "control domain" in str(found["features[dom0]"].means_b)


def test_of_a_container_that_one_kernel_does_not_boot_in_only_that_is_told() -> None:
    pv, pvh = HELLO_KERNELS["hello-pv"](), HELLO_KERNELS["hello-pvh"]()
    found = told(compared(pv, pvh))
    assert {path for path in found if path.startswith("containers[p")} == {
        *("containers[pv64].boots", "containers[pv32].rule", "containers[pvh].boots"),
    }
    boots = found["containers[pv64].boots"]
    assert (boots.a, boots.b, boots.means_b) == ("yes", "no", "it is a 32-bit kernel")


def test_one_kernel_on_two_releases_differs_by_where_it_boots() -> None:
    zstd = bzimage(sized(packed(".zst"), len(packed())))
    found = compared(zstd, zstd, ("4.2", "4.22"))
    assert set(told(found)) == {"containers[pv64].boots"}
    assert found.sections[0].title == "decision: where it boots, on Xen 4.2 → 4.22"


def test_what_is_more_than_any_kernel_has_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MOST_SECTIONS", 2)
    monkeypatch.setattr("xlbuild.inspect.kernels.symbols.MOST_NAMED", 1)
    several = [START, Symbol("other", BASE + 0x40, 0x10)]
    found = compared(PLAIN, kernel([TEXT, DATA], several))
    assert found.remarks == (
        "the first kernel has 4 sections more than are compared",
        "the second kernel has 4 sections more than are compared",
        "the second kernel has 1 symbol more than are compared",
    )


def test_sections_that_overlap_are_not_read_over_and_over() -> None:
    def row(index: int, seed: int) -> Section:
        return Section(
            f".s{index}", SHT_PROGBITS, pattern(8, seed), header={"sh_offset": 0, "sh_size": 1 << 40}
        )

    a, b = (
        elf_file([Load(0, pattern(8, seed))], PV_NOTES, sections=[row(n, seed) for n in range(5)])
        for seed in (1, 2)
    )
    rows = facts.core_tree(facts.KernelCore(opened(a).core))["sections"]
    assert isinstance(rows, list)
    assert [row["contents"] is not None for row in rows if row["size"] == 1 << 40] == [True, *[False] * 4]
    assert {path for path in told(compared(a, b)) if path.startswith("sections")} == {
        "sections[.s0].contents"
    }


def test_a_section_that_ends_with_its_file_is_compared_as_far_as_there_is_any_of_it() -> None:
    def with_section_at(offset: int) -> bytes:
        row = Section(".cut", SHT_PROGBITS, b"", header={"sh_offset": offset, "sh_size": 64})
        return elf_file([Load(0, pattern(64))], PV_NOTES, sections=[row])

    short_at = len(with_section_at(0)) - 16
    whole, cut = with_section_at(0), with_section_at(short_at)
    pairs = list(zip(whole[:16], cut[short_at:], strict=True))
    first = next(at for at, (one, other) in enumerate(pairs) if one != other)
    words = f"{sum(a != b for a, b in pairs) + 48} bytes differ, the first at .cut + {first:#x}"
    for a, b in ((whole, cut), (cut, whole)):
        assert told(compared(a, b))["sections[.cut].contents"].means_a == words


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6)
)
def test_a_damaged_kernel_is_compared_with_the_whole_one(changes: list[tuple[int, bytes]]) -> None:
    damaged = bytearray(PLAIN)
    for at, data in changes:
        at %= len(damaged)
        damaged[at : at + len(data)] = data
    found = compared(PLAIN, bytes(damaged[: len(PLAIN)]))
    assert ("program.sha256" in told(found)) == (bytes(damaged[: len(PLAIN)]) != PLAIN)


def files(a: bytes, b: bytes) -> Comparison:
    one, other = (api.side(data, source=name) for data, name in ((a, "a"), (b, "b")))
    assert isinstance(one, GivenFile)
    assert isinstance(other, GivenFile)
    return compare_files(one, other)


def test_two_kernel_files_are_compared_as_kernels() -> None:
    comparison = files(PLAIN, gzip_stored(PLAIN))
    assert comparison.same
    assert [section.name for section in comparison.sections] == ["file"]
    assert (comparison.a.label, comparison.a.what) == ("a", "kernel")
    assert not files(PLAIN, kernel([TEXT], [START])).same
    assert files(PLAIN, PLAIN).sections == ()


def archive(*names: str) -> bytes:
    """Return a cpio archive of empty files."""

    def entry(name: str, number: int) -> bytes:
        fields = (number, 0o100755, 0, 0, 1, 0, 0, 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        return head + bytes(-len(head) % 4)

    return b"".join(entry(name, number) for number, name in enumerate((*names, "TRAILER!!!")))


def test_ramdisks_are_compared_by_what_is_in_them() -> None:
    comparison = files(archive("init", "bin"), archive("init", "sbin", "lib"))
    found = {each.path: each for section in comparison.sections for each in section.differences}
    assert (found["names"].a, found["names"].b) == ("init, bin", "init, sbin, lib")
    assert found["members[0].files"].delta == 1
    assert not comparison.same
    assert files(archive("init"), archive("init")).sections == ()


def test_firmware_that_is_an_elf_file_is_compared_as_both() -> None:
    def hvmloader(size: int) -> bytes:
        data = b"HVM Loader\0hvmloader/acpi\0" + pattern(size)
        return elf_file([Load(0x10_0000, data)], bits=32, header={"e_entry": 0x10_0000})

    comparison = files(hvmloader(0x1000), hvmloader(0x1800))
    found = {each.path: each for section in comparison.sections for each in section.differences}
    assert comparison.a.what == "firmware"
    assert found["size"].delta == found["containers[hvm].size"].delta == 0x800
    assert not any(path.startswith("loaded") for path in found)
