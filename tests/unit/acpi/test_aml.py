"""The AML encoder against what iasl makes of the same source."""

import shutil
import subprocess
from pathlib import Path

import pytest

from xlbuild.acpi import aml

# Each: ASL, our term, and the bytes that iasl makes of it. They come from `iasl -on` 20200925 (Debian's
# acpica-tools 20200925-8), from the AML behind the header of `DefinitionBlock ("", "SSDT", 2, "XEN", "AML", 0)`.
# (-on keeps names as they are written.)
GOLDEN = (
    ("Name (A000, 0)", aml.name("A000", aml.integer(0)), "08 41303030 00"),
    ("Name (A001, 1)", aml.name("A001", aml.integer(1)), "08 41303031 01"),
    ("Name (A002, 2)", aml.name("A002", aml.integer(2)), "08 41303032 0a02"),
    ("Name (A003, 0xFF)", aml.name("A003", aml.integer(0xFF)), "08 41303033 0aff"),
    ("Name (A004, 0x100)", aml.name("A004", aml.integer(0x100)), "08 41303034 0b0001"),
    ("Name (A005, 0xFFFF)", aml.name("A005", aml.integer(0xFFFF)), "08 41303035 0bffff"),
    ("Name (A006, 0x10000)", aml.name("A006", aml.integer(1 << 16)), "08 41303036 0c00000100"),
    ("Name (A007, 0xFFFFFFFF)", aml.name("A007", aml.integer((1 << 32) - 1)), "08 41303037 0cffffffff"),
    ("Name (A008, 0x100000000)", aml.name("A008", aml.integer(1 << 32)), "08 41303038 0e0000000001000000"),
    (
        "Name (A009, 0xFFFFFFFFFFFFFFFE)",
        aml.name("A009", aml.integer((1 << 64) - 2)),
        "08 41303039 0efeffffffffffffff",
    ),
    ('Name (S, "ACPI0007")', aml.name("S", aml.string("ACPI0007")), "08 535f5f5f 0d414350493030303700"),
    ('Name (\\_SB.B, "")', aml.name("\\_SB.B", aml.string("")), "08 5c2e5f53425f425f5f5f 0d00"),
    (
        'Name (\\_SB.B.C, "x")',
        aml.name("\\_SB.B.C", aml.string("x")),
        "08 5c2f035f53425f425f5f5f435f5f5f 0d7800",
    ),
    (
        "Scope (\\_SB) { Device (D) { Name (_UID, 7) } }",
        aml.scope("\\_SB", aml.device("D", aml.name("_UID", aml.integer(7)))),
        "10 14 5c5f53425f 5b82 0c 445f5f5f 085f554944 0a07",
    ),
    (
        "Scope (\\) { Name (E, 5) }",
        aml.scope("\\", aml.name("E", aml.integer(5))),
        "10 0a 5c00 08455f5f5f 0a05",
    ),
)

# Bytes of a scope's contents and the package length in front of them, from the same iasl: the last that one, two
# and three bytes hold, and the first behind.
GOLDEN_LENGTHS = (
    (5, "06"),
    (62, "3f"),
    (63, "4104"),
    (4093, "4fff"),
    (4094, "810001"),
    ((1 << 20) - 4, "8fffff"),
    ((1 << 20) - 3, "c1000001"),
)


@pytest.mark.parametrize(("term", "encoded"), [g[1:] for g in GOLDEN], ids=[g[0] for g in GOLDEN])
def test_a_term_is_encoded_as_iasl_encodes_it(term: aml.Term, encoded: str) -> None:
    assert term.hex() == encoded.replace(" ", "")


@pytest.mark.parametrize(("size", "encoded"), GOLDEN_LENGTHS)
def test_a_package_length_takes_the_fewest_bytes(size: int, encoded: str) -> None:
    assert aml.package_length(size).hex() == encoded


def test_the_longest_package_has_a_28_bit_length() -> None:
    assert aml.package_length((1 << 28) - 1 - 4) == b"\xcf\xff\xff\xff"
    with pytest.raises(ValueError, match="do not fit"):
        aml.package_length((1 << 28) - 4)


@pytest.mark.parametrize("value", [-1, 1 << 64])
def test_an_integer_that_does_not_fit_64_bits_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="64-bit"):
        aml.integer(value)


@pytest.mark.parametrize("text", ["é", "a\0b"])
def test_a_string_of_other_than_ascii_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="AML string"):
        aml.string(text)


@pytest.mark.parametrize(
    "path", ["", ".", "TOOLONG", "low", "0ABC", "A..B", "A.", "\\\\A", "A B", ".".join(["A"] * 256)]
)
def test_what_is_no_name_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="ACPI name"):
        aml.name_string(path)


@pytest.mark.iasl
@pytest.mark.skipif(not shutil.which("iasl"), reason="iasl is not installed (acpica-tools)")
def test_the_installed_iasl_makes_the_same_of_it(tmp_path: Path) -> None:
    body = "\n".join(asl for asl, _, _ in GOLDEN)
    source = tmp_path / "terms.asl"
    source.write_text('DefinitionBlock ("", "SSDT", 2, "XEN", "AML", 0) {\n' + body + "\n}\n")
    subprocess.run(["iasl", "-on", "-p", tmp_path / "terms", source], check=True, capture_output=True)
    assert (tmp_path / "terms.aml").read_bytes()[36:] == b"".join(term for _, term, _ in GOLDEN)
