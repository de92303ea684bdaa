"""Dump-cores read: of hosts, our own, in any order, and damaged in any way."""

import os
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import corefiles as cf
import pytest
from builtdomains import HELLO
from dice import Dice
from fuzz.coreruns import core_files, core_mutation, run_core_file
from realcores import unpack, write_core

import xlbuild
from xlbuild.captured.model import DumpCore
from xlbuild.captured.pageruns import PageRuns
from xlbuild.emit.core.read import read_core, read_core_data
from xlbuild.emit.openfile import OpenFile
from xlbuild.emit.pagefile import PageFile
from xlbuild.emit.readback import in_memory
from xlbuild.errors import FilesError, RefusedError
from xlbuild.units import FrameRange, Mfn, Pfn, PhysAddr

INVALID = (1 << 64) - 1


def read(core: cf.Core) -> DumpCore:
    return read_core_data(cf.core_file(core), "g.core")


def complaint(data: bytes) -> RefusedError:
    """Return the refusal of a file, which names cause and mend."""
    with pytest.raises(RefusedError) as caught:
        read_core_data(data, "g.core")
    assert caught.value.cause
    assert caught.value.hint
    assert caught.value.where.file == "g.core"
    return caught.value


@pytest.mark.parametrize("container", HELLO)
def test_what_was_written_is_read_back(container: str, tmp_path: Path) -> None:
    domain = in_memory(xlbuild.build(HELLO[container], xen="4.18"), "g")
    write_core(domain, tmp_path / "g.core")
    core = read_core(tmp_path / "g.core")
    assert core.is_pv == (container == "pv")
    assert core.xen_version == (4, 18)
    assert core.xen_extra == ""
    assert core.memory.populated == domain.populated
    assert dict(core.memory.pages()) == dict(domain.memory.pages())
    assert core.shared_info == domain.structures.get("shared_info.bin")
    if core.machine_frames is not None:
        assert core.machine_frames.is_identity


def test_a_real_dump_of_a_pv_guest_tells_its_machine_frames(tmp_path: Path) -> None:
    core = read_core(unpack("pv", tmp_path))
    assert (core.is_pv, core.pages, core.xen_version, core.xen_extra) == (True, 4096, (4, 17), ".7")
    assert core.memory.populated == (FrameRange.of(0, 4096),)
    frames = core.machine_frames
    assert frames is not None
    assert len(list(frames.runs())) == 8
    assert frames.mfn_of(Pfn(0x10B)) == 0x13AF0B
    assert frames.pfn_of(Mfn(0x13AF0B)) == 0x10B
    assert frames.pfn_of(Mfn(0x10B)) is None


def test_a_real_dump_of_a_pvh_guest_has_the_frames_that_its_list_names(tmp_path: Path) -> None:
    core = read_core(unpack("pvh", tmp_path))
    assert (core.is_pv, core.pages, len(core.vcpus), core.shared_info) == (False, 4113, 1, None)
    ranges = [(int(item.first), int(item.end)) for item in core.memory.populated]
    assert ranges == [(0, 0x1000), (0xFC000, 0xFC009), (0xFEFF8, 0xFF000)]
    assert core.memory.read(PhysAddr(0xFC008000), 8) == b"RSD PTR "


def test_neither_the_order_of_pages_nor_that_of_sections_matters() -> None:
    core = cf.pv_core()
    turned = core.changed(
        frames=core.frames[::-1],
        pages=core.pages[::-1],
        order=(".shstrtab", cf.NOTES, ".xen_p2m", cf.PAGES, cf.PRSTATUS, cf.SHARED_INFO),
    )
    assert dict(read(turned).memory.pages()) == dict(read(core).memory.pages())
    one, other = read(turned).machine_frames, read(core).machine_frames
    assert one is not None
    assert other is not None
    frames = [Pfn(pfn) for pfn in range(cf.PV_FRAMES + 1)]
    assert [one.mfn_of(pfn) for pfn in frames] == [other.mfn_of(pfn) for pfn in frames]
    assert [other.mfn_of(pfn) for pfn in frames] == [*map(cf.mfn, range(cf.PV_FRAMES)), None]


def test_a_page_that_could_not_be_dumped_has_no_frame() -> None:
    core = cf.pvh_core()
    frames = [*core.frames[:3], (INVALID, INVALID)]
    assert read(core.changed(frames=frames)).memory.populated == (
        FrameRange.of(0, 1),
        FrameRange.of(0x100, 2),
    )


def test_of_two_pages_for_a_frame_the_last_counts() -> None:
    core = cf.pvh_core()
    twice = core.changed(frames=[*core.frames, (0, 0)], pages=[*core.pages, cf.page(b"last")])
    assert read(twice).memory.read(PhysAddr(0), 4) == b"last"


def test_a_32_bit_guest_s_contexts_are_taken_in_either_room() -> None:
    for size in (2800, 5168):
        assert len(read(cf.pv_core(contexts=[bytes(size)])).vcpus[0]) == size


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _at(offset: int, value: int, size: int = 2) -> Callable[[bytes], bytes]:
    return lambda data: data[:offset] + value.to_bytes(size, "little") + data[offset + size :]


def _notes(**changes: int) -> cf.Core:
    core = cf.pv_core()
    return core.changed(notes=cf.notes(core, **changes))


WRONG: dict[str, tuple[cf.Core, str, str]] = {
    "no pages": (
        cf.pv_core(more={cf.PAGES: b""}),
        "core-invalid",
        ".xen_pages has 0 bytes, and 10 pages take",
    ),
    "a longer table": (cf.pv_core(more={".xen_p2m": bytes(176)}), "core-invalid", ".xen_p2m has 176 bytes"),
    "another table": (cf.pv_core(is_pv=False, frames=[]), "core-invalid", "it has no pages"),
    "no table": (
        cf.pvh_core(notes=cf.notes(cf.pvh_core(), magic=0xF00FEBED)),
        "core-invalid",
        "it has no section .xen_p2m",
    ),
    "contexts of no size": (
        cf.pv_core(contexts=[bytes(100)]),
        "core-invalid",
        ".xen_prstatus has 100 bytes, and 1 vCPUs take 5168 or 2800",
    ),
    "half a shared info page": (
        cf.pv_core(shared_info=bytes(9)),
        "core-invalid",
        "has 9 bytes, and it is a page",
    ),
    "a magic number": (_notes(magic=7), "core-invalid", "the header's magic number is 0x7"),
    "large pages": (_notes(page_size=65536), "core-invalid", "its pages have 65536 bytes"),
    "a later format": (_notes(version=1 << 32), "core-invalid", "its format is of version 1"),
    "no notes": (cf.pv_core(notes=b""), "core-invalid", "there is no note with the dump's header"),
    "a long note": (
        cf.pv_core(notes=struct.pack("<III", 4, 99, 0x2000001) + b"Xen\0"),
        "core-invalid",
        "a note would end behind its section",
    ),
    "a frame that cannot be": (
        cf.pvh_core(frames=[(0, 0), (0x100, 0), (1 << 41, 0), (0x102, 0)]),
        "core-invalid",
        ".xen_pfn has frame 0x20000000000",
    ),
}


@pytest.mark.parametrize(("core", "code", "cause"), WRONG.values(), ids=list(WRONG))
def test_what_no_dump_has_is_refused_with_what_it_is(core: cf.Core, code: str, cause: str) -> None:
    error = complaint(cf.core_file(core))
    assert error.code == code
    assert cause in (error.cause or "")


E_TYPE, E_PHNUM, E_SHENTSIZE, E_SHNUM, E_SHSTRNDX = 16, 56, 58, 60, 62
DAMAGED: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "cut off": (_cut, "core-truncated", "and the file has"),
    "cut off in its header": (lambda data: data[:40], "core-truncated", "its ELF header is 64 bytes"),
    "many sections": (_at(E_SHNUM, 60000), "core-not-xen", "60000 sections"),
    "section headers of another size": (_at(E_SHENTSIZE, 40), "core-invalid", "40 bytes, not 64"),
    "sections far away": (_at(40, 1 << 60, 8), "core-truncated", "the table of its sections"),
    "names in no section": (_at(E_SHSTRNDX, 77), "core-invalid", "section 77"),
    "a section's name far away": (_at(64 + 64, 1 << 31, 4), "core-invalid", "the name of a section"),
    "a section far away": (_at(64 + 64 + 24, 1 << 62, 8), "core-truncated", "section .note.Xen"),
    "two sections of a name": (
        lambda data: data[:192] + data[128:132] + data[196:],
        "core-invalid",
        "two sections",
    ),
    "no ELF": (lambda data: b"\x7fELG" + data[4:], "core-not-xen", "no ELF file"),
    "empty": (lambda _: b"", "core-not-xen", "no ELF file"),
    "32 bits": (_at(4, 1, 1), "core-not-xen", "32 bits"),
    "an executable": (_at(E_TYPE, 2), "core-not-xen", "of type 2"),
    "no sections": (_at(E_SHNUM, 0), "core-not-xen", "without the sections"),
    "a save file": (lambda _: b"Xen saved domain, xl format", "core-not-xen", "`xl save`"),
    "kdump's": (lambda _: b"KDUMP   \6", "core-not-xen", "kdump"),
}


@pytest.mark.parametrize(("damage", "code", "cause"), DAMAGED.values(), ids=list(DAMAGED))
def test_a_damaged_file_is_refused_with_what_is_wrong(
    damage: Callable[[bytes], bytes], code: str, cause: str
) -> None:
    error = complaint(damage(cf.core_file(cf.pv_core())))
    assert error.code.startswith(code)
    assert cause in (error.cause or "")


@pytest.mark.parametrize(
    ("note", "what"),
    [(b"CORE", "a process's core"), (b"VMCOREINFO", "kdump's vmcore, which speaks of a whole machine")],
    ids=["process", "kernel"],
)
def test_cores_of_others_are_told_apart(note: bytes, what: str) -> None:
    head = struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 4, 0, 120, 0, 0, 64, 0, 4)
    error = complaint(b"\x7fELF\2\1\1".ljust(16, b"\0") + head + segment + note.ljust(64, b"\0"))
    assert error.code == "core-not-xen"
    assert what.partition(",")[0].partition(" ")[2] in (error.cause or "")


def test_frames_in_great_disorder_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlbuild.captured.frames.MOST_RUNS", 8)
    error = complaint(cf.core_file(cf.pv_core()))
    assert error.code == "core-scattered"


def test_a_file_that_cannot_be_read_is_an_error_of_files(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none.core", "file-missing"), (tmp_path, "file-not-regular")):
        with pytest.raises(FilesError) as caught:
            read_core(path)
        assert caught.value.code == code


def test_a_file_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "g.core"
    file.write_bytes(cf.core_file(cf.pv_core()))
    core = read_core(file)
    file.write_bytes(b"")
    with pytest.raises(FilesError) as caught:
        core.memory.read(PhysAddr(0), 8)
    assert caught.value.code == "file-changed"


def test_a_refused_file_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "g.core"
    file.write_bytes(_cut(cf.core_file(cf.pv_core())))
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (a directory that is no path of ours)
    for _ in range(3):
        with pytest.raises(RefusedError):
            read_core(file)
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208


def test_holes_are_passed_over_however_large_they_are(tmp_path: Path) -> None:
    file, frames = tmp_path / "pages", 1 << 28
    with file.open("wb") as out:
        out.truncate(1000 + frames * cf.PAGE)
        out.seek(1000 + (frames - 3) * cf.PAGE)
        out.write(cf.page(b"last but two"))
    runs = PageRuns()
    runs.add(0, frames, 1000)
    memory = PageFile(OpenFile.at(file, "pages"), runs)
    assert [(pfn, page[:12]) for pfn, page in memory.pages()] == [(frames - 3, b"last but two")]


def test_a_thousand_damaged_files_are_read_or_refused_with_cause_and_mend() -> None:
    outcomes = Counter(run_core_file(core_mutation(Dice(case), core_files())) for case in range(1000))
    assert outcomes.keys() == {"a domain", "domain-has-run", "core-invalid", "core-truncated", "core-not-xen"}
    assert outcomes.most_common()[-1][1] > 50
