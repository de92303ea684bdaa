"""Save files are read as they stand there, and what is wrong with one is said, with its place."""

import os
import struct
import tracemalloc
from pathlib import Path

import pytest
from savefiles import (
    BROKEN,
    END,
    HVM_CONTEXT,
    HVM_PARAMS,
    L1,
    LIBXC_CONTEXT,
    NOTAB,
    P2M_FRAMES,
    PAGE,
    PAGE_DATA,
    PV_FRAMES,
    PV_INFO,
    SHARED_INFO,
    STATIC_DATA_END,
    TOP_TABLE,
    TSC_INFO,
    VCPU_BASIC,
    XALLOC,
    XTAB,
    config_text,
    hvm_context,
    libxc_headers,
    libxl_header,
    page,
    page_data,
    pv_context,
    pv_pieces,
    pvh_pieces,
    record,
    save_file,
    xl_header,
)

from xlbuild.captured.model import PageType, SaveFile
from xlbuild.emit.save.read import read_save
from xlbuild.errors import FilesError, RefusedError
from xlbuild.units import FrameRange, Pfn, PhysAddr

MEMORY = slice(8, 11)
"""The PAGE_DATA records among a PV guest's pieces."""


def read(tmp_path: Path, pieces: list[bytes]) -> SaveFile:
    file = tmp_path / "guest.save"
    file.write_bytes(save_file(pieces))
    return read_save(file)


def read_pages(tmp_path: Path, *records: bytes) -> SaveFile:
    """Read a PV guest's file with other pages."""
    pieces = pv_pieces()
    pieces[MEMORY] = records
    return read(tmp_path, pieces)


def refusal(tmp_path: Path, pieces: list[bytes]) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        read(tmp_path, pieces)
    assert refused.value.where.file == str(tmp_path / "guest.save")
    assert refused.value.hint
    return refused.value


def with_piece(pieces: list[bytes], index: int, piece: bytes) -> list[bytes]:
    return [*pieces[:index], piece, *pieces[index + 1 :]]


def test_a_pv_guest_is_read(tmp_path: Path) -> None:
    save = read(tmp_path, pv_pieces())
    assert save.config is not None
    assert (save.config.text, save.config.is_json) == (config_text(), True)
    assert (save.is_pv, save.xen_version, save.stream_version) == (True, (4, 17), 3)
    assert (save.pv_width, save.pv_levels) == (8, 4)
    assert save.p2m is not None
    assert (save.p2m.first, save.p2m.last, save.p2m.frames) == (0, PV_FRAMES - 1, (8,))
    assert save.shared_info == bytes(PAGE)
    assert [(vcpu.id, vcpu.basic, vcpu.extended) for vcpu in save.pv_vcpus] == [
        (0, pv_context(), None),
        (1, pv_context(), None),
    ]
    assert save.tsc is not None
    assert (save.tsc.mode, save.tsc.khz, save.tsc.nsec, save.tsc.incarnation) == (0, 2_000_000, 5, 1)
    assert (save.cpuid_leaves, save.msrs, save.hvm_context) == (1, 0, None)
    assert save.page_types == {
        TOP_TABLE: PageType.L4TAB_PINNED,
        TOP_TABLE + 1: PageType.L3TAB,
        TOP_TABLE + 2: PageType.L2TAB,
        TOP_TABLE + 3: PageType.L1TAB,
    }


def test_an_hvm_containers_guest_is_read(tmp_path: Path) -> None:
    save = read(tmp_path, pvh_pieces(vcpus=3))
    assert (save.is_pv, save.pv_width, save.p2m, save.pv_vcpus) == (False, None, None, ())
    assert save.hvm_context == hvm_context(3)
    assert save.hvm_params == ((1, 0xFEFFC), (17, 15))
    assert save.memory.populated == (FrameRange.of(0, 16), FrameRange.of(0xFEFFC, 1))


def test_memory_is_where_the_records_have_it(tmp_path: Path) -> None:
    memory = read(tmp_path, pvh_pieces()).memory
    assert memory.read(PhysAddr(4 * PAGE), 4 * PAGE) == bytes(PAGE) + page(5) + bytes(PAGE) + page(7)
    assert dict(memory.pages()) == {5: page(5), 7: page(7)}


def test_records_are_kept_in_order_with_their_places(tmp_path: Path) -> None:
    pieces = pv_pieces()
    save = read(tmp_path, pieces)
    assert [entry.type for entry in save.libxl_records] == [LIBXC_CONTEXT, END]
    assert [entry.type for entry in save.records][:4] == [PV_INFO, 0x11, STATIC_DATA_END, P2M_FRAMES]
    offset = len(save_file(pieces[:4]))
    for entry, piece in zip(save.records, pieces[4:], strict=False):
        assert entry.offset == offset
        assert entry.body == (b"" if entry.type == PAGE_DATA else piece[8 : 8 + entry.size])
        offset += len(piece)


def test_a_frame_that_is_sent_again_is_as_it_was_sent_last(tmp_path: Path) -> None:
    save = read_pages(
        tmp_path,
        page_data([(L1, 3), (L1, 4)], [page(1), page(2)]),
        page_data([(NOTAB, 3)], [page(3)]),
        page_data([(XALLOC, 4)]),
    )
    assert dict(save.memory.pages()) == {3: page(3)}
    assert save.page_types == {}
    assert (save.pages.records, save.pages.entries, save.pages.repeated) == (3, 4, 2)


def test_frames_that_are_not_there_and_broken_ones_have_no_data(tmp_path: Path) -> None:
    save = read_pages(tmp_path, page_data([(XTAB, 1), (BROKEN, 2), (NOTAB, 3)], [page(3)]))
    assert save.memory.populated == (FrameRange.of(2, 2),)
    assert dict(save.memory.pages()) == {3: page(3)}
    assert save.pages.by_type == {NOTAB: 1, BROKEN: 1, XTAB: 1}


def test_streams_without_xls_header_are_read(tmp_path: Path) -> None:
    whole = read(tmp_path, pv_pieces())
    libxl = read(tmp_path, pv_pieces()[1:])
    libxc = read(tmp_path, pv_pieces()[3:-1])
    assert (libxl.config, libxl.mandatory_flags, libxc.libxl_records) == (None, 0, ())
    assert libxl.pv_vcpus == libxc.pv_vcpus == whole.pv_vcpus


def test_a_stream_of_version_2_is_read(tmp_path: Path) -> None:
    pieces = with_piece(pv_pieces(), 3, libxc_headers(1, version=2))
    assert read(tmp_path, [*pieces[:5], *pieces[7:]]).stream_version == 2


def test_a_file_without_a_configuration_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, with_piece(pv_pieces(), 0, xl_header(None))).config is None


def test_records_that_are_not_known_are_kept(tmp_path: Path) -> None:
    pieces = pv_pieces()
    pieces[-2:-2] = [record(0x8000_0077, b"abc"), record(0x77, b"de")]
    save = read(tmp_path, pieces)
    assert [(entry.type, entry.body) for entry in save.records[-3:-1]] == [
        (0x8000_0077, b"abc"),
        (0x77, b"de"),
    ]


DAMAGES: dict[str, tuple[int, bytes, str]] = {
    "a body of the wrong size": (4, record(PV_INFO, bytes(16)), "X86_PV_INFO"),
    "words of 5 bytes": (4, record(PV_INFO, bytes([5, 4]) + bytes(6)), "words of 5 bytes and 4 levels"),
    "static data that have a body": (6, record(STATIC_DATA_END, bytes(8)), "STATIC_DATA_END"),
    "too few p2m frames": (7, record(P2M_FRAMES, struct.pack("<IIQ", 0, 512, 8)), "1 frames for the entries"),
    "no pages": (8, record(PAGE_DATA, bytes(8)), "it says that it has 0 pages"),
    "more pages than fit": (8, record(PAGE_DATA, struct.pack("<IIQ", 2, 0, 1)), "2 pages, in 16 bytes"),
    "pages missing": (8, page_data([(NOTAB, 1), (NOTAB, 2)], [page(1)]), "its pages need 8216"),
    "pages that none asks for": (8, page_data([(XALLOC, 1)], [page(1)]), "its pages need 16"),
    "an unknown type of page": (8, page_data([(5, 1)], [page(1)]), "0x5000000000000001 is of no known type"),
    "reserved bits": (8, page_data([(NOTAB, 1 << 52)], [page(1)]), "0x10000000000000 is of no known type"),
    "a frame beyond all": (8, page_data([(XALLOC, 1 << 40)]), "no frame has the number 0x10000000000"),
    "padding": (4, record(PV_INFO, bytes([8, 4]))[:-1] + b"\1", "X86_PV_INFO record"),
    "time": (11, record(TSC_INFO, bytes(16)), "X86_TSC_INFO"),
    "reserved in libxc's header": (3, libxc_headers(1)[:20] + b"\1" + libxc_headers(1)[21:], "reserved"),
    "reserved in its domain header": (3, libxc_headers(1)[:30] + b"\1" + libxc_headers(1)[31:], "reserved"),
    "reserved beside the width": (4, record(PV_INFO, bytes([8, 4, 0, 1]) + bytes(4)), "reserved"),
    "reserved before pages": (8, record(PAGE_DATA, struct.pack("<IIQ", 1, 1, 0xE << 60)), "reserved"),
    "reserved behind time": (11, record(TSC_INFO, bytes(20) + b"\1\0\0\0"), "reserved"),
    "reserved before a vCPU": (13, record(VCPU_BASIC, struct.pack("<II", 0, 1) + pv_context()), "reserved"),
    "half a shared info": (12, record(SHARED_INFO, bytes(100)), "100 bytes, and not 4096"),
    "a vCPU without a number": (13, record(VCPU_BASIC, bytes(4)), "too few for its header"),
    "a vCPU too far": (13, record(VCPU_BASIC, struct.pack("<II", 1 << 20, 0)), "no guest has a vCPU 1048576"),
    "no HVM context": (12, record(HVM_CONTEXT), "it is empty"),
    "parameters miscounted": (12, record(HVM_PARAMS, struct.pack("<IIQQ", 2, 0, 1, 2)), "2 parameters"),
    "a policy in part": (5, record(0x11, bytes(25)), "X86_CPUID_POLICY"),
    "no libxc stream": (3, bytes(40), "ff ff ff ff"),
    "a page shift of 16": (3, libxc_headers(1)[:28] + b"\x10" + libxc_headers(1)[29:], "page shift is 16"),
    "no libxl stream": (1, bytes(16), "LibxlFmt"),
    "an end with a body": (-1, record(END, bytes(8)), "END record"),
    "half a device model": (-1, record(3, bytes(4)), "EMULATOR_CONTEXT record: it has 4 bytes"),
    "two contexts": (-1, record(LIBXC_CONTEXT), "there is one before it"),
    "a length beyond xl's data": (
        0,
        xl_header(b"")[:48] + struct.pack("<I", 9) + b"\0",
        "configuration of 9",
    ),
}


@pytest.mark.parametrize(("index", "piece", "said"), DAMAGES.values(), ids=DAMAGES.keys())
def test_what_breaks_a_rule_is_named(tmp_path: Path, index: int, piece: bytes, said: str) -> None:
    pieces = pv_pieces()
    pieces[index] = piece
    error = refusal(tmp_path, pieces)
    assert error.code == "save-invalid"
    assert said in str(error.cause)
    begin = len(save_file(pieces[:index]))
    assert error.where.offset is not None
    assert begin <= error.where.offset < begin + len(piece)


FORMS: dict[str, tuple[int, bytes, str]] = {
    "legacy": (0, xl_header(None, flags=0), "before Xen 4.6"),
    "flags to come": (0, xl_header(None, flags=7), "flags that are not known: 0x4"),
    "xl's other byte order": (0, xl_header(None)[:32] + b"\1\2\3\4" + xl_header(None)[36:], "little-endian"),
    "libxl 3": (1, libxl_header(version=3), "version 3"),
    "libxl, big-endian": (1, libxl_header(options=1), "big-endian"),
    "libxc 4": (3, libxc_headers(1, version=4), "version 4"),
    "libxc, big-endian": (3, libxc_headers(1, options=1), "big-endian"),
    "another guest": (3, libxc_headers(3), "type 3"),
    "checkpoints": (11, record(0xE), "checkpoints"),
}


@pytest.mark.parametrize(("index", "piece", "said"), FORMS.values(), ids=FORMS.keys())
def test_forms_that_are_not_read_are_refused(tmp_path: Path, index: int, piece: bytes, said: str) -> None:
    error = refusal(tmp_path, with_piece(pv_pieces(), index, piece))
    assert (error.code, said in str(error.cause)) == ("save-version", True)


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = save_file(pv_pieces())
    ends = {len(save_file(pv_pieces()[:count])) + more for count in range(16) for more in (0, 4, 20)}
    for end in sorted(end for end in ends if 32 < end < len(whole)):
        error = refusal(tmp_path, [whole[:end]])
        assert error.code == "save-truncated", end
        assert f"the file ends at {end:#x}" in str(error.cause)


@pytest.mark.parametrize(
    ("start", "said"),
    [(b"", "empty"), (b"\x1f\x8b\x08\0", "packed with gzip"), (b"\x7fELF\2\1\1\0", "7f 45 4c 46")],
    ids=["empty", "packed", "another"],
)
def test_what_is_no_save_file_is_refused(tmp_path: Path, start: bytes, said: str) -> None:
    error = refusal(tmp_path, [start])
    assert (error.code, said in str(error.cause)) == ("save-not-one", True)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FilesError) as refused:
        read_save(tmp_path / "pipe")
    assert refused.value.code == "file-not-regular"


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "guest.save"
    for index, head in ((0, xl_header(None)[:44] + struct.pack("<I", 1 << 31)), (5, b"\x77\0\0\0\0\0\0\x40")):
        with file.open("wb") as out:
            out.write(save_file([*pv_pieces()[:index], head]))
            out.truncate(3 << 30)
        tracemalloc.start()
        with pytest.raises(RefusedError) as refused:
            read_save(file)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
        tracemalloc.stop()
        assert refused.value.code == "save-too-large"


def test_records_without_end_are_refused(tmp_path: Path) -> None:
    body = record(0x77, bytes(8 << 20))
    error = refusal(tmp_path, [*pv_pieces()[:5], *[body] * 9])
    assert (error.code, "64 MiB, pages left out" in str(error.cause)) == ("save-too-large", True)


def test_a_guest_of_many_gigabytes_is_indexed_by_runs(tmp_path: Path) -> None:
    records = (page_data([(XALLOC, pfn) for pfn in range(at, at + 1024)]) for at in range(0, 1 << 18, 1024))
    save = read_pages(tmp_path, *records, page_data([(NOTAB, 1 << 18)], [page(1)]))
    assert save.memory.populated == (FrameRange.of(0, (1 << 18) + 1),)
    assert list(save.memory.pages()) == [(Pfn(1 << 18), page(1))]


def test_a_file_that_changes_afterwards_is_not_read_on(tmp_path: Path) -> None:
    save = read(tmp_path, pvh_pieces())
    with (tmp_path / "guest.save").open("ab") as file:
        file.write(b"more")
    with pytest.raises(FilesError) as refused:
        save.memory.read(PhysAddr(0), 16)
    assert refused.value.code == "file-changed"
