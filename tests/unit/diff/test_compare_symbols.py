"""What became of a kernel's symbols: the linker's own tables say the same."""

import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from kernels import pattern
from symboltables import BASE, LABEL, OBJECT, Part, Symbol, kernel

from xlbuild.diff.kernels import symbols as diff_symbols
from xlbuild.diff.kernels.symbols import compare_symbols
from xlbuild.diff.model import Change, Difference, Section
from xlbuild.inspect.kernels.file import take_apart
from xlbuild.inspect.kernels.symbols import MOST_NAMED, SymbolTable, named_symbols
from xlbuild.profiles import NEWEST

PARTS = [Part(".text", BASE, pattern(0x800)), Part(".data", BASE + 0x1000, pattern(0x100))]


def table(data: bytes) -> SymbolTable | None:
    elf = take_apart(data, "kernel", NEWEST).elf
    assert elf is not None
    return named_symbols(elf)


def compared(a: list[Symbol], b: list[Symbol]) -> Section | None:
    return compare_symbols(table(kernel(PARTS, a)), table(kernel(PARTS, b)))


def told(section: Section | None) -> dict[str, Difference]:
    assert section is not None
    return {difference.path: difference for difference in section.differences}


def function(name: str, at: int, size: int) -> Symbol:
    return Symbol(name, BASE + at, size)


def static(name: str, at: int, size: int) -> Symbol:
    return Symbol(name, BASE + at, size, OBJECT, is_local=True)


SOURCE = """
int data[{data}]; static int hidden(int x) {{ static int calls; return calls += x; }}
int first(int x) {{ return hidden(x) + data[0]; }}
int second(int x) {{ {more} return first(x) * 3; }}
{third}
int last(int x) {{ return second(x) - 1; }}
int _start(void) {{ return last(2); }}
"""
BEFORE = SOURCE.format(data=4, more="", third="int gone(int x) { return x; }")
AFTER = SOURCE.format(data=64, more="x += x << 3; x ^= x >> 7;", third="int fresh(int x) { return x * x; }")


def linked(source: str, program: Path) -> dict[str, tuple[int, int]]:
    """Link a program, and return addresses and sizes of its symbols as nm tells them."""
    command: list[str | Path] = ["gcc", "-O0", "-nostdlib", "-static", "-x", "c", "-", "-o", program]
    subprocess.run(command, input=source, text=True, check=True, capture_output=True)
    listed = subprocess.run(["nm", "-S", program], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return {row[3].partition(".")[0]: (int(row[0], 16), int(row[1], 16)) for row in rows if len(row) == 4}


@pytest.mark.headers
def test_what_a_linker_made_of_two_sources_is_told_as_nm_tells_it(tmp_path: Path) -> None:
    before, after = linked(BEFORE, tmp_path / "a"), linked(AFTER, tmp_path / "b")
    section = compare_symbols(table((tmp_path / "a").read_bytes()), table((tmp_path / "b").read_bytes()))
    found = told(section)
    by_change = {change: {path for path, each in found.items() if each.change is change} for change in Change}
    assert by_change[Change.ADDED] == {f"symbols[{name}]" for name in after.keys() - before.keys()}
    assert by_change[Change.REMOVED] == {f"symbols[{name}]" for name in before.keys() - after.keys()}
    both = before.keys() & after.keys()
    sizes = {name: (before[name][1], after[name][1]) for name in both if before[name][1] != after[name][1]}
    assert {path: (each.a, each.b) for path, each in found.items() if path.endswith(".size")} == {
        f"symbols[{name}].size": pair for name, pair in sizes.items()
    }
    assert set(sizes) == {"data", "second"}
    first = found["symbols.moved[.text]"]
    assert first.means_a == first.means_b == "last"
    distance = after["last"][0] - before["last"][0]
    assert (first.a, first.b) == (hex(before["last"][0]), hex(after["last"][0]))
    assert f"2 of 5 symbols moved by {distance:#x}" == first.why


def test_symbols_that_came_and_went_are_told_by_size_then_by_name() -> None:
    section = compared(
        [function("old", 0, 8), function("kept", 0x40, 8)],
        [
            function("kept", 0x40, 8),
            function("b", 0x50, 8),
            function("c", 0x60, 16),
            Symbol("a", BASE, 8, LABEL),
        ],
    )
    found = told(section)
    assert list(found) == [f"symbols[{name}]" for name in ("c", "a", "b", "old")]
    assert (found["symbols[c]"].a, found["symbols[c]"].b) == (None, hex(BASE + 0x60))
    assert found["symbols[c]"].means_b == "function of 16 bytes in .text"
    assert found["symbols[a]"].means_b == "label of 8 bytes in .text"
    assert section is not None
    assert section.title == "symbols: 3 added, 1 removed; 24 bytes more"


def test_what_grew_most_is_told_first_and_moves_are_told_by_section() -> None:
    section = compared(
        [function(f"f{n}", n * 0x40, 0x40) for n in range(8)]
        + [Symbol("d", BASE + 0x1000, 8, OBJECT, ".data")],
        [
            *(function(f"f{n}", n * 0x40, 0x40 + 0x10 * (n == 2) + 0x20 * (n == 5)) for n in range(3)),
            *(function(f"f{n}", n * 0x40 + 0x10, 0x40 + 0x20 * (n == 5)) for n in range(3, 6)),
            *(function(f"f{n}", n * 0x40 + 0x30, 0x40) for n in range(6, 8)),
            Symbol("d", BASE + 0x1000, 8, OBJECT, ".data"),
        ],
    )
    found = told(section)
    assert list(found) == ["symbols[f5].size", "symbols[f2].size", "symbols.moved[.text]"]
    assert found["symbols[f5].size"].delta == 0x20
    assert found["symbols.moved[.text]"].change is Change.SHIFTED
    assert found["symbols.moved[.text]"].why == "5 of 8 symbols moved by 0x10 to 0x30: 3 by 0x10, 2 by 0x30"
    assert section is not None
    assert section.title == "symbols: 2 larger, 5 moved; 48 bytes more"


def test_many_distances_are_told_in_short() -> None:
    before = [function(f"f{n}", n * 16, 16) for n in range(9)]
    after = [function(f"f{n}", n * 16 + min(n, 6) * 16, 16) for n in range(9)]
    why = told(compared(before, after))["symbols.moved[.text]"].why
    assert why == (
        "8 of 9 symbols moved by 0x10 to 0x60: 3 by 0x60, 1 by 0x10, 1 by 0x20, 3 by 3 other distances"
    )


def test_static_symbols_of_one_name_are_matched_by_their_sizes() -> None:
    before = [static("__func__.1", 0, 5), static("__func__.2", 8, 9), static("__func__.3", 24, 5)]
    after = [
        static("__func__.1", 0, 5),
        static("__func__.2", 8, 7),
        static("__func__.3", 16, 9),
        static("__func__.4", 32, 5),
    ]
    found = told(compared(before, after))
    assert set(found) == {"symbols[__func__#2]", "symbols.moved[.text]"}
    assert found["symbols[__func__#2]"].change is Change.ADDED
    resized = told(compared(before, [*before[:1], static("__func__.2", 8, 11), before[2]]))
    assert set(resized) == {"symbols[__func__#2].size"}


def test_a_global_symbol_is_not_taken_for_a_static_one_of_its_name() -> None:
    before = [function("init", 0, 16)]
    after = [Symbol("init.4", BASE + 64, 16, is_local=True), function("init", 0, 16)]
    found = told(compared(before, after))
    assert set(found) == {"symbols[init#2]"}
    assert found["symbols[init#2]"].b == hex(BASE + 64)


def test_a_symbol_of_another_section_is_changed_and_not_moved() -> None:
    found = told(compared([function("f", 0, 16)], [Symbol("f", BASE + 0x1000, 16, section=".data")]))
    assert set(found) == {"symbols[f].kind"}
    assert (found["symbols[f].kind"].a, found["symbols[f].kind"].b) == (
        "function in .text",
        "function in .data",
    )


def test_a_stripped_kernel_is_one_difference() -> None:
    symbols = [function("f", 0, 16), function("g", 16, 16)]
    whole, stripped = table(kernel(PARTS, symbols)), table(kernel(PARTS))
    assert stripped is None
    assert compare_symbols(None, None) is None
    for a, b, change in ((whole, None, Change.REMOVED), (None, whole, Change.ADDED)):
        section = compare_symbols(a, b)
        assert section is not None
        [difference] = section.differences
        assert (difference.path, difference.change) == ("symbols", change)
        assert "2 symbols" in (difference.means_a, difference.means_b)


def test_the_same_symbols_differ_in_nothing() -> None:
    symbols = [function("f", 0, 16), static("x.1", 16, 8), static("x.2", 24, 8)]
    assert compared(symbols, symbols) is None


def test_of_very_many_the_largest_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff_symbols, "MOST_TOLD", 3)
    section = compared([function("kept", 0, 1)], [function(f"f{n}", n, n) for n in range(9)])
    assert [path for path in told(section) if "[f" in path] == ["symbols[f8]", "symbols[f7]", "symbols[f6]"]
    assert section is not None
    assert section.title == "symbols: 9 added, 1 removed; 35 bytes more; the 3 largest of each are listed"


MOST_MEMORY = 320 << 20
"""Bytes that a comparison of the most symbols that are compared may take, beside the files."""
MEASURED = 4000


@pytest.mark.parametrize(
    "names",
    [lambda side, n: f"{side}{n:060}", lambda side, n: f"f{n:06}", lambda side, n: "same"],
    ids=["others", "the same", "one"],
)
def test_as_many_symbols_as_are_compared_fit_into_memory(names: Callable[[str, int], str]) -> None:
    rows = [
        [
            Symbol(names(side, n), BASE + n * (2 + step), n * (1 + step), is_local=True)
            for n in range(MEASURED)
        ]
        for step, side in enumerate("ab")
    ]
    files = [kernel(PARTS, symbols) for symbols in rows]
    tracemalloc.start()
    try:
        a, b = map(table, files)
        section = compare_symbols(a, b)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert section is not None
    assert MOST_NAMED > 250_000, "real kernels have 200,000"
    assert peak / MEASURED * MOST_NAMED < MOST_MEMORY
