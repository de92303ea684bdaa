"""The Bazel rule of docs/ci.md does what it should, as far as that shows without Bazel: Starlark is Python here."""

import ast
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from recipes import xlbuild_command
from toolstack import ROOT

from xlbuild import build, digests
from xlbuild.hello import pv

CONFIG = 'name = "web"\ntype = "pv"\nkernel = "/no/such/kernel"\nmemory = 16\n'


def rule_text() -> str:
    (text,) = re.findall(
        r"^```python\n(\"\"\"xen_guest: .*?)^```$", (ROOT / "docs/ci.md").read_text(), re.M | re.S
    )
    return str(text)


@dataclass(frozen=True)
class File:
    """A file as a rule sees it."""

    path: str


@dataclass
class Actions:
    """What a rule asks for."""

    asked: dict[str, Any] = field(default_factory=dict)

    def declare_file(self, name: str) -> File:
        """Return an output."""
        return File(f"out/{name}")

    def run_shell(self, **asked: Any) -> None:
        """Take an action."""
        assert not self.asked
        self.asked = asked


@pytest.mark.shipping
def test_its_action_builds_the_guest_from_its_inputs_alone(tmp_path: Path) -> None:
    names: dict[str, Any] = {"rule": lambda **given: given, "depset": list, "DefaultInfo": SimpleNamespace}
    names["attr"] = SimpleNamespace(label=dict, string=dict)
    exec(rule_text(), names)  # noqa: S102 (it is our own page)
    files = {
        "config": File("guests/web.cfg"),
        "kernel": File("kernels/vmlinuz"),
        "ramdisk": File("kernels/rd"),
    }
    contents = {"config": CONFIG.encode(), "kernel": pv.kernel(), "ramdisk": b"ramdisk"}
    actions = Actions()
    with xlbuild_command(tmp_path / "tools") as command:
        context = SimpleNamespace(
            actions=actions,
            attr=SimpleNamespace(xen="4.17"),
            executable=SimpleNamespace(_xlbuild=File(f"{tmp_path}/tools/xlbuild")),
            file=SimpleNamespace(**files),
            label=SimpleNamespace(name="web"),
        )
        (provided,) = names["xen_guest"]["implementation"](context)
        sandbox = tmp_path / "sandbox"
        (sandbox / "out").mkdir(parents=True)
        for name, file in files.items():
            assert file in actions.asked["inputs"]
            (sandbox / file.path).parent.mkdir(exist_ok=True)
            (sandbox / file.path).write_bytes(contents[name])
        shell = ["bash", "-c", actions.asked["command"], "", *actions.asked["arguments"]]
        subprocess.run(shell, cwd=sandbox, check=True, env={"PATH": os.environ["PATH"]})
        assert [call[0] for call in command.calls()] == ["create", "digest"]
    assert provided.files == actions.asked["outputs"]
    settings = [f'kernel="{sandbox}/kernels/vmlinuz"', f'ramdisk="{sandbox}/kernels/rd"']
    expected = digests(build(CONFIG.encode(), overrides=settings, xen="4.17")).domain
    assert (sandbox / "out" / "web.digest").read_text() == f"{expected}\n"
    subprocess.run(["tar", "-I", "zstd", "-xf", "out/web.tar.zst"], cwd=sandbox, check=True)
    assert (sandbox / "web" / "memory.img").stat().st_blocks * 512 < 1 << 20
    assert sorted(path.name for path in sandbox.iterdir()) == ["guests", "kernels", "out", "web"]


def test_it_keeps_to_what_starlark_has_of_python() -> None:
    lacks = (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.ClassDef, ast.Try, ast.With, ast.While, ast.Raise)
    assert [node for node in ast.walk(ast.parse(rule_text())) if isinstance(node, lacks)] == []
