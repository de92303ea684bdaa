"""Save files of guests that ran on a real Xen (tests/golden/save): read as another decoder reads them."""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from xlbuild.abi.save_file import LIBXC_RECORD_NAMES, LIBXL_RECORD_NAMES, PAGE_DATA
from xlbuild.captured.model import SaveFile, StreamRecord
from xlbuild.emit.save.read import read_save
from xlbuild.inspect.captures.problems import save_problems
from xlbuild.inspect.captures.vcpus import hvm_context_of, registers_of
from xlbuild.inspect.domains.hvm_context import describe_hvm_context

_GOLDEN = Path(__file__).parents[2] / "golden" / "save"
_CHUNK = 1 << 20


@pytest.fixture(scope="module", params=["running-pv", "running-pvh"])
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[SaveFile, Any]:
    """Unpack one, zeros as holes, and give it with what is known of it."""
    file = tmp_path_factory.mktemp("save") / "guest.save"
    with lzma.open(_GOLDEN / f"{request.param}.save.xz") as packed, file.open("wb") as out:
        while chunk := packed.read(_CHUNK):
            if chunk.count(0) == len(chunk):
                out.seek(len(chunk), 1)
            else:
                out.write(chunk)
        out.truncate()
    return read_save(file), json.loads((_GOLDEN / f"{request.param}.json").read_text())


def in_short(records: tuple[StreamRecord, ...], names: dict[int, str]) -> list[dict[str, Any]]:
    """Return records as the facts have them."""
    rows: list[dict[str, Any]] = []
    for record in records:
        if record.type == PAGE_DATA and rows and rows[-1]["name"] == "PAGE_DATA":
            rows[-1]["size"] += record.size
            rows[-1]["count"] += 1
            continue
        row = {"offset": hex(record.offset), "name": names[record.type], "size": record.size}
        rows.append(row | ({"count": 1} if names is LIBXC_RECORD_NAMES and record.type == PAGE_DATA else {}))
    return rows


def test_records_are_where_another_decoder_finds_them(real: tuple[SaveFile, Any]) -> None:
    save, facts = real
    assert save.size == facts["size"]
    assert in_short(save.libxl_records, LIBXL_RECORD_NAMES) == facts["libxl_records"]
    assert in_short(save.records, LIBXC_RECORD_NAMES) == facts["records"]


def test_frames_have_the_types_that_another_decoder_finds(real: tuple[SaveFile, Any]) -> None:
    save, facts = real
    types = {int(kind): told for kind, told in facts["page_types"].items()}
    assert save.pages.by_type == {kind: told["frames"] for kind, told in types.items()}
    there = sorted(tuple(ends) for kind, told in types.items() if kind != 15 for ends in told["ranges"])
    frames = {pfn for first, last in there for pfn in range(first, last + 1)}
    assert {pfn for item in save.memory.populated for pfn in range(item.first, item.end)} == frames
    tables = {
        pfn: kind
        for kind, told in types.items()
        if 0 < kind < 13
        for first, last in told["ranges"]
        for pfn in range(first, last + 1)
    }
    assert save.page_types == tables


def test_state_is_what_another_decoder_finds(real: tuple[SaveFile, Any]) -> None:
    save, facts = real
    assert save.tsc is not None
    assert [save.tsc.mode, save.tsc.khz, save.tsc.nsec, save.tsc.incarnation] == facts["tsc"]
    assert (save.cpuid_leaves, save.msrs) == (facts["cpuid_leaves"], facts["msrs"])
    assert [[index, hex(value)] for index, value in save.hvm_params] == facts.get("hvm_params", [])
    rows = describe_hvm_context(hvm_context_of(save))
    found = [[row["record"], row["instance"], row["size"]] for row in rows if isinstance(row, dict)]
    assert found == facts.get("hvm_records", [])
    if save.is_pv:
        assert save.p2m is not None
        p2m = facts["p2m_frames"]
        assert [save.pv_width, save.pv_levels] == facts["pv_info"]
        assert (hex(save.p2m.first), hex(save.p2m.last)) == (p2m["first"], p2m["last"])
        frames = [pfn for first, last in p2m["frames"] for pfn in range(first, last + 1)]
        assert sorted(save.p2m.frames) == sorted(frames)
        assert [str(vcpu.id) for vcpu in save.pv_vcpus] == list(facts["vcpus"])


def test_what_a_host_wrote_has_no_problems(real: tuple[SaveFile, Any]) -> None:
    assert save_problems(real[0]) == []


def test_both_vcpus_run_in_the_kernel(real: tuple[SaveFile, Any]) -> None:
    save, _ = real
    pointers = [registers["rip"] for registers in registers_of(save).values()]
    assert len(pointers) == 2
    assert all(isinstance(rip, int) and rip >> 31 == 0x1_FFFF_FFFF for rip in pointers)
