"""What runs in dom0: guests are started until they speak, and a complete dump is laid out as xl's."""

import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from xenlab.dom0 import fullcore, starts
from xenlab.dom0.labxen import PAGE

from xlbuild.emit.core.read import read_core

_XL = """\
#!/bin/sh
# restore: dies at the first try, speaks at the second; the domain is there while it speaks
case $1 in
restore) echo x >>{place}/tries; printf 'Linux ' >{place}/guest-g.log
  [ $(wc -l <{place}/tries) -ge {speaks_at} ] && printf 'GUEST-BYE\\r\\n' >>{place}/guest-g.log; true ;;
domid) false ;;
esac
"""


def _started(place: Path, monkeypatch: pytest.MonkeyPatch, *, speaks_at: int) -> dict[str, Any]:
    xl = place / "xl"
    xl.write_text(_XL.format(place=place, speaks_at=speaks_at))
    xl.chmod(0o755)
    monkeypatch.setenv("PATH", str(place), prepend=":")
    monkeypatch.setattr(starts, "_CONSOLES", place)
    monkeypatch.setattr(starts, "_PAUSE", 0)
    monkeypatch.setattr(starts, "_xl_log", lambda _: place / "xl-g.log")
    monkeypatch.setattr(starts, "_VERIFIER", ("echo", "not a save file:"))
    task = {"name": "g", "arguments": ["restore", "g.save"], "words": ["GUEST-BYE"], "seconds": 5, "tries": 3}
    (place / "tasks.json").write_text(json.dumps([task]))
    starts.main(str(place / "tasks.json"), str(place / "answers.json"))
    (answer,) = json.loads((place / "answers.json").read_text())
    assert isinstance(answer, dict)
    return answer


def test_a_guest_that_dies_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _started(tmp_path, monkeypatch, speaks_at=2)
    assert (answer["came_up"], answer["tries_taken"], answer["status"]) == (True, 2, 0)
    assert answer["console"] == "Linux GUEST-BYE\n"
    assert answer["verified"] == {"status": 0, "said": "not a save file: g.save"}


def test_a_guest_that_never_speaks_did_not_come_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _started(tmp_path, monkeypatch, speaks_at=9)
    assert (answer["came_up"], answer["tries_taken"]) == (False, 3)


VERSION_COMMANDS = {1: 16, 2: 32, 3: 176, 4: 1200, 5: 1264}
"""XENVER_extraversion, _compile_info, _capabilities, _changeset, _platform_parameters: offsets in the note's body."""


class _FakeDomain:
    """A domain of three frames, one of them absent, one blank."""

    pages = 2
    shared_info_frame = 7

    def __init__(self, hvm: bool) -> None:
        self.hvm = hvm

    def contexts(self) -> list[bytes]:
        return [bytes(5168)]

    def version_number(self) -> int:
        return 4 << 16 | 17

    def version(self, command: int, size: int) -> bytes:
        return f"answer {command}".encode().ljust(size, b"\0")

    def page(self, frame: int) -> bytes:
        return bytes([frame]) * PAGE

    def frames(self) -> Sequence[int]:
        return range(3)

    def p2m(self) -> list[int]:
        return [0x100, 0x200, 0x300]

    def read(self, frames: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        assert len(frames) == 3
        yield from ((0, bytes(PAGE)), (2, b"x" * PAGE))


@pytest.mark.parametrize("hvm", [False, True])
def test_a_complete_dump_is_read_as_one_of_xls(
    hvm: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fullcore, "Domain", lambda _: _FakeDomain(hvm))
    fullcore.main("1", str(tmp_path / "g.core"))
    core = read_core(tmp_path / "g.core")
    table = ".xen_pfn" if hvm else ".xen_p2m"
    shared = [] if hvm else [".xen_shared_info"]
    order = [section.name for section in sorted(core.sections, key=lambda section: section.offset)]
    assert order == [".note.Xen", ".xen_prstatus", *shared, ".xen_pages", table, ".shstrtab"]
    assert (core.is_pv, core.pages) == (not hvm, 2)
    assert (core.xen_version, core.xen_extra) == ((4, 17), "answer 1")
    content = (tmp_path / "g.core").read_bytes()
    for command, offset in VERSION_COMMANDS.items():
        assert content.index(f"answer {command}".encode()) == content.index(b"answer 1") - 16 + offset
    (entries,) = (section for section in core.sections if section.name == table)
    words = (0, 2) if hvm else (0, 0x100, 2, 0x300)
    assert struct.unpack_from(f"<{len(words)}Q", content, entries.offset) == words
    (pages,) = (section for section in core.sections if section.name == ".xen_pages")
    assert content[pages.offset : pages.offset + 2 * PAGE] == bytes(PAGE) + b"x" * PAGE
