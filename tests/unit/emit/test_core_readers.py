"""What reads the dump-cores of Xen's own tool reads ours: volatility3's layer for them (PyPI: volatility3)."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from builtdomains import HELLO
from realcores import unpack, write_core

import xlbuild
from xlbuild.emit.readback import in_memory

pytestmark = pytest.mark.volatility

PAGE = 4096


def layer(file: Path) -> Any:
    """Return a dump as volatility3 has it: physical memory."""
    contexts = importlib.import_module("volatility3.framework.contexts")
    physical = importlib.import_module("volatility3.framework.layers.physical")
    xen = importlib.import_module("volatility3.framework.layers.xen")
    context = contexts.Context()
    context.config["file.location"] = file.as_uri()
    context.config["dump.base_layer"] = "file"
    context.add_layer(physical.FileLayer(context, "file", "file"))
    dump = xen.XenCoreDumpLayer(context, "dump", "dump")
    context.add_layer(dump)
    return dump


@pytest.fixture
def pairs_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have volatility3 take .xen_p2m for what the format's document says: pairs of frames.

    Its own table of Xen's structures has single numbers there, and its layer then opens no PV guest's dump at all.
    """
    symbols = importlib.import_module("volatility3.symbols")
    own = next(
        Path(place) / "linux" / "xen.json"
        for place in symbols.__path__
        if Path(place, "linux/xen.json").exists()
    )
    table = json.loads(own.read_text())
    table["user_types"]["xen_p2m"]["fields"]["entries"]["type"]["subtype"] = {
        "kind": "struct",
        "name": "xen_pfn_entry",
    }
    (tmp_path / "linux").mkdir()
    (tmp_path / "linux" / "xen.json").write_text(json.dumps(table))
    monkeypatch.setattr(symbols, "__path__", [str(tmp_path), *symbols.__path__])


def test_a_pvh_guest_s_pages_are_what_was_built(tmp_path: Path) -> None:
    domain = in_memory(xlbuild.build(HELLO["pvh"]), "g")
    write_core(domain, tmp_path / "g.core")
    dump = layer(tmp_path / "g.core")
    assert dump.maximum_address == domain.memory.end * PAGE - 1
    for pfn, page in domain.memory.pages():
        assert dump.read(pfn * PAGE, PAGE) == page


@pytest.mark.usefixtures("pairs_in_the_table")
def test_a_pv_guest_s_pages_are_what_was_built_once_the_table_is_taken_for_pairs(tmp_path: Path) -> None:
    domain = in_memory(xlbuild.build(HELLO["pv"]), "g")
    write_core(domain, tmp_path / "g.core")
    dump = layer(tmp_path / "g.core")
    for pfn, page in domain.memory.pages():
        assert dump.read(pfn * PAGE, PAGE) == page


def test_a_pv_guest_s_dump_fails_there_as_a_real_one_does(tmp_path: Path) -> None:
    write_core(in_memory(xlbuild.build(HELLO["pv"]), "g"), tmp_path / "g.core")
    said = []
    for file in (tmp_path / "g.core", unpack("pv", tmp_path)):
        try:
            layer(file)
        except AttributeError as error:
            said.append(str(error))
        else:
            said.append("opened")
    assert said[0] == said[1]
