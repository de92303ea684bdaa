"""The comparison with the reference must see every difference: each recorded value, changed, is one."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from compare import Document, compare_documents, compare_images
from golden import DIRECTORY

Path_ = tuple[str | int, ...]


def expected(name: str) -> Document:
    document: Document = json.loads((DIRECTORY / f"{name}.json").read_text())["expected"]
    return document


def leaves(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [(key, item) for key, item in items]
    for key, item in below:
        yield from leaves(item, (*path, key))
    if not below:
        yield path


def with_change(document: Document, path: Path_) -> Document:
    changed = copy.deepcopy(document)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = "something else"
    return changed


@pytest.mark.parametrize("name", ["pv64-p2m-modpfn", "pvh32-5g", "hvm-5g"])
def test_every_changed_value_is_a_difference(name: str) -> None:
    document = expected(name)
    assert list(compare_documents(document, document)) == []
    for path in leaves(document):
        found = list(compare_documents(with_change(document, path), document))
        assert len(found) == 1, path
        assert found[0].startswith(str(path[0]))


@pytest.mark.parametrize("name", ["pv64-p2m-modpfn", "pvh32-5g", "hvm-5g"])
def test_everything_left_out_is_a_difference(name: str) -> None:
    document = expected(name)
    for member, value in document.items():
        without = {key: item for key, item in document.items() if key != member}
        assert (list(compare_documents(without, document)) != []) == (value is not None), member


def test_a_number_may_be_written_either_way() -> None:
    assert list(compare_documents({"size": 4096}, {"size": "0x1000"})) == []


def test_an_entry_too_many_is_a_difference() -> None:
    assert list(compare_documents({"grants": [1, 2]}, {"grants": [1]}))


def test_text_is_compared_byte_by_byte() -> None:
    ours = b"na\xc3\xafve \xff".decode(errors="surrogateescape")
    assert list(compare_documents({"command_line": ours}, {"command_line": "na\u00c3\u00afve \u00ff"})) == []
    assert list(compare_documents({"command_line": ours}, {"command_line": "naive"}))


def write_image(path: Path, pages: dict[int, bytes], size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
        for pfn, content in pages.items():
            file.seek(pfn * 4096)
            file.write(content)
    return path


def test_one_byte_of_an_image_is_a_difference(tmp_path: Path) -> None:
    one = write_image(tmp_path / "one", {3: b"same", 700: b"\0" * 17 + b"x"}, 1 << 30)
    other = write_image(tmp_path / "other", {3: b"same"}, 1 << 30)
    found = compare_images(one, other, names=[(range(699, 701), "page tables")])
    assert found.pages == 2
    assert len(found.differences) == 1
    assert "0x2bc..0x2bd (page tables) differ, first at 0x2bc+0x11" in found.differences[0]


def test_holes_and_written_zeros_are_the_same(tmp_path: Path) -> None:
    one = write_image(tmp_path / "one", {5: bytes(8192)}, 1 << 24)
    other = write_image(tmp_path / "other", {}, 1 << 24)
    assert compare_images(one, other).differences == []


def test_another_size_is_a_difference(tmp_path: Path) -> None:
    one = write_image(tmp_path / "one", {}, 8192)
    other = write_image(tmp_path / "other", {}, 4096)
    assert compare_images(one, other).differences == ["memory.img: 8192 bytes, not 4096"]


def test_masked_bytes_are_counted_but_no_difference(tmp_path: Path) -> None:
    one = write_image(tmp_path / "one", {1: b"\1\2\3\4"}, 8192)
    other = write_image(tmp_path / "other", {1: b"\1\7\7\4"}, 8192)
    assert compare_images(one, other, [range(4097, 4099)]).dsdt_bytes_differing == 2
    assert compare_images(one, other, [range(4097, 4099)]).differences == []
    assert len(compare_images(one, other, [range(4097, 4098)]).differences) == 1
