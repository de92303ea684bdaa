"""Sides made to take time and memory, or much to read: a comparison ends soon, in bounded memory, in a few lines."""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import smallprocess
from builtdomains import HELLO, Document, change_manifest, write
from kernels import Load, Section, elf_file
from symboltables import PV_NOTES

MIB = 1 << 20
MOST_MEMORY = 256 * MIB
"""Bytes that a run may have at its peak, measured by the kernel."""
SECONDS = 5
"""Some five times what the slowest takes on an idle machine: a machine that runs tests is busy."""
MOST_TEXT, MOST_PAGE = 64 << 10, 16 * MIB
MARKUP = "<script>x\x1b[2J</script>\" onload='x"


@dataclass(frozen=True)
class Sides:
    """Two domains that differ in this."""

    guest: str
    change: Callable[[int, Document], None]
    """Changes the manifest of the first (0) or of the second (1)."""
    image: Callable[[int], dict[int, bytes]] = lambda which: {}
    """What their memory has in addition, by addresses."""

    def make(self, directory: Path) -> None:
        for which, name in enumerate("ab"):
            write(HELLO[self.guest], directory / name)
            change_manifest(directory / name, partial(self.change, which))
            size = (
                int(json.loads((directory / name / "domain.json").read_text())["populated"][-1][1], 16) << 12
            )
            with (directory / name / "memory.img").open("r+b") as image:
                image.truncate(size)
                for address, data in self.image(which).items():
                    image.seek(address)
                    image.write(data)


@dataclass(frozen=True)
class Kernels:
    """Two kernels."""

    kernel: Callable[[int], bytes]

    def make(self, directory: Path) -> None:
        for which, name in enumerate("ab"):
            (directory / name).write_bytes(self.kernel(which))


def long_texts(which: int, document: Document) -> None:
    document["command_line"] = f"{MARKUP * 20_000}{'x' * 14 * MIB}{which}{MARKUP * 20_000}"
    document["name"] = MARKUP * 1000 * (1 + which)
    document["reason"] = f"0x{'f' * 5000}{which}"


def as_much_as_there_may_be(which: int, document: Document) -> None:
    counted = range(1024)
    document |= {
        "grants": [{"index": n, "flags": which, "domid": which, "frame": hex(n + which)} for n in counted],
        "event_channels": [{"port": n, "remote_domid": which} for n in counted],
        "hvm_params": [{"index": n, "name": f"P{n}", "value": hex(n * which)} for n in counted],
        "inputs": [
            {"role": "kernel", "path": f"{which}{MARKUP}" * 200, "size": n, "sha256": f"{which}" * 64}
            for n in counted
        ],
        "memory_map": [
            {"addr": hex((1 << 64) - MIB + n), "size": hex(which + n), "type": which} for n in range(128)
        ],
        "vnuma": {
            "vnode_to_pnode": [which] * 64,
            "vcpu_to_vnode": [which] * 128,
            "vdistance": [[which] * 64] * 64,
            "vmemranges": [{"start": "0x0", "end": hex(n + which), "vnode": n} for n in counted],
        },
    }


_RANGES = 1000
_TABLES = 800
_TABLES_AT = 0x2000


def tables_in_many_ranges(which: int, document: Document) -> None:
    """As many ranges as there may be, and behind them page tables."""
    ranges = [[hex(0x10_0000 + 2 * n), hex(0x10_0001 + 2 * n)] for n in range(_RANGES)]
    document["populated"] = [*document["populated"], [hex(_TABLES_AT), "0x4000"], *ranges]
    document["vcpus"][0]["registers"]["ctrlreg"][3] = hex(_TABLES_AT << 12)


def page_tables(which: int) -> dict[int, bytes]:
    """Tables of which each maps other pages, no two of them alike on both sides."""
    level_2 = range(-(-_TABLES // 512))
    first = _TABLES_AT + 2 + len(level_2)
    frames = [[_TABLES_AT + 1], [_TABLES_AT + 2 + n for n in level_2]]
    frames += [[first + n for n in range(512 * table, min(512 * (table + 1), _TABLES))] for table in level_2]
    frames += [[0x100 + (7 * n + which + page) % 0xF00 for page in range(512)] for n in range(_TABLES)]
    entries = ([frame << 12 | 0x67 for frame in table] for table in frames)
    return {
        (_TABLES_AT + n) << 12: struct.pack("<512Q", *table, *[0] * (512 - len(table)))
        for n, table in enumerate(entries)
    }


_MADT_AT, _MADT_SIZE = 0x300_0000, 128 << 10


def a_table_of_tiny_entries(which: int, document: Document) -> None:
    document["populated"].insert(1, [hex(_MADT_AT >> 12), hex((_MADT_AT + MIB) >> 12)])
    table = next(table for table in document["acpi"]["tables"] if table["name"] == "MADT")
    table |= {"addr": hex(_MADT_AT), "size": _MADT_SIZE - which}


def many_sections(which: int) -> bytes:
    same = [Section(MARKUP, 1, bytes([which]), align=1)] * 65_000
    return elf_file([Load(0x10_0000, b"\xf4" * 64)], PV_NOTES, sections=same)


HOSTILE: dict[str, Sides | Kernels] = {
    "texts of 15 MiB": Sides("pv", long_texts),
    "as much as there may be": Sides("pvh", as_much_as_there_may_be),
    "page tables, memory in 1,000 ranges": Sides("pv", tables_in_many_ranges, page_tables),
    "a MADT of 65,000 entries": Sides(
        "pvh", a_table_of_tiny_entries, lambda which: {_MADT_AT: bytes([7 + which, 2]) * (_MADT_SIZE // 2)}
    ),
    "sections, 65,000": Kernels(many_sections),
}


def compare(directory: Path, what: str, *options: str) -> str:
    """Compare the two sides, and return what is printed."""
    HOSTILE[what].make(directory)
    done = smallprocess.run(directory, "diff", *options, "a", "b")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.peak_memory < MOST_MEMORY
    assert done.seconds < SECONDS
    return done.stdout


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_side_is_compared_soon_in_bounded_memory_and_told_in_short(
    tmp_path: Path, what: str
) -> None:
    text = compare(tmp_path, what)
    assert text.startswith("different: ")
    assert text.replace("\n", "").isprintable()
    assert len(text) < MOST_TEXT


def test_a_page_about_it_is_one_that_a_browser_can_hold(tmp_path: Path) -> None:
    compare(tmp_path, "as much as there may be", "--html", "page.html")
    page = (tmp_path / "page.html").read_text()
    assert len(page) < MOST_PAGE
    assert "<script" not in page
