"""Imports run one way, and only emit/, boot/ and cli/ touch the outside world."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "xlbuild"

GROUND = (
    "version",
    "units",
    "cnumbers",
    "errors",
    "profiles",
    "abi",
    "host",
    "x86",
    "libxl",
    "rules",
    "visible",
)

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "units": (),
    "cnumbers": ("units",),
    "errors": (),
    "profiles": ("units",),
    "abi": ("units",),
    "host": (),
    "interrupts": (),
    "version": (),
    "x86": (),
    "libxl": (),
    "rules": (),
    "visible": (),
    "vcpu_checks": GROUND,
    "vcpus": (*GROUND, "vcpu_checks"),
    "hello": GROUND,
    "config": GROUND,
    "container": (*GROUND, "config.model", "config.problems", "config.suggest"),
    "domain_config": (*GROUND, "config", "container"),
    "lints": (*GROUND, "config", "container.model"),
    "reading": (*GROUND, "config", "container", "domain_config", "lints"),
    "image": GROUND,
    "acpi": (*GROUND, "image.model"),
    "memory": ("units",),
    "plan": (*GROUND, "container", "image.model", "image.modules", "acpi.build"),
    "hooks": (
        *GROUND,
        "container",
        "hello.assembler",
        "hello.xen",
        "image.model",
        "acpi.build",
        "plan",
        "memory",
    ),
    "domain": (*GROUND, "container", "memory", "plan.model"),
    "built": (*GROUND, "container.model", "domain", "image.model", "plan.model"),
    "identity": (*GROUND, "built", "domain"),
    "captured": ("units", "abi", "built", "x86"),
    "travel": (*GROUND, "built", "container.model"),
    "pipeline": (
        *GROUND,
        "config.model",
        "container",
        "reading",
        "image",
        "plan",
        "hooks",
        "domain",
        "travel",
    ),
    "several": (*GROUND, "image.unpackonce", "domain", "pipeline", "interrupts"),
    "checking": (*GROUND, "config.model", "config.overrides", "container", "reading", "domain", "pipeline"),
    "inspect": (
        *GROUND,
        "config.keys",
        "config.model",
        "container",
        "reading",
        "image",
        "acpi.layouts",
        "plan.model",
        "plan.pagetables",
        "hooks",
        "checking",
        "built",
        "captured",
    ),
    "diff": (
        *GROUND,
        "acpi.layouts",
        "built",
        "identity",
        "inspect",
        "plan.model",
        "plan.pagetables",
    ),
    "emit": (
        *GROUND,
        "built",
        "captured",
        "container",
        "domain",
        "hello",
        "image.features",
        "identity",
        "image.firmware",
        "image.model",
        "image.notes",
        "inspect.domains.files",
        "inspect.domains.subject",
        "inspect.memory.page_walk",
        "inspect.tree",
        "memory",
        "plan.model",
        "plan.memmap",
        "travel",
    ),
    "recovery": (
        *GROUND,
        "acpi.build",
        "built",
        "captured",
        "container.model",
        "domain",
        "emit.digest",
        "emit.manifest",
        "emit.members",
        "hooks.base",
        "hooks.start_stub",
        "image.model",
        "inspect.domains.hvm_context",
        "inspect.memory",
        "inspect.tree",
        "memory",
        "plan",
    ),
    "fromhost": (*GROUND, "built", "captured", "emit.core", "emit.save", "recovery"),
    "expected": (
        *GROUND,
        "built",
        "diff.given",
        "emit.readback",
        "emit.readfile",
        "fromhost",
        "identity",
        "inspect.recognise",
        "plan.model",
    ),
    "opening": (
        *GROUND,
        "built",
        "config.hints",
        "container.model",
        "diff.given",
        "domain",
        "emit.inputs",
        "emit.readback",
        "emit.readfile",
        "fromhost",
        "identity",
        "image.recognise",
        "inspect.kernels.facts",
        "inspect.recognise",
        "pipeline",
        "plan.model",
        "several.kernels",
    ),
    "api": (
        *GROUND,
        "built",
        "checking",
        "container.model",
        "diff.compare",
        "diff.given",
        "diff.model",
        "domain",
        "emit",
        "identity",
        "inspect.captures.subject",
        "inspect.domains.subject",
        "inspect.kernels.release_verdicts",
        "inspect.releases",
        "inspect.subject",
        "inspect.tree",
        "expected",
        "fromhost",
        "opening",
        "pipeline",
        "plan.model",
        "reading",
        "several",
    ),
    "cli": (
        *GROUND,
        "api",
        "built",
        "checking",
        "diff",
        "domain",
        "expected",
        "emit.digest",
        "emit.depfile",
        "emit.formats",
        "emit.manifest",
        "emit.readfile",
        "identity",
        "image.model",
        "inspect.kernels.verdicts",
        "inspect.memory.hexdump",
        "inspect.releases",
        "inspect.subject",
        "inspect.tree",
        "pipeline",
        "opening",
        "plan.model",
    ),
}
"""Each room of the house, and what it may import besides itself: earlier stages' values, and the ground floor."""

OUTSIDE_WORLD = {
    *("os", "io", "pathlib", "glob", "shutil", "tempfile", "mmap"),
    *("subprocess", "signal", "socket", "urllib", "ctypes", "threading", "multiprocessing"),
    *("time", "datetime", "random", "secrets", "uuid", "locale", "platform", "getpass"),
}
"""Files, other programs, and whatever is not the same in every run."""

MAY_TOUCH_IT = {
    "emit": "reads inputs and writes results",
    "boot": "runs guests",
    "cli": "is the command line",
    "interrupts": "heeds signals",
    "several.processes": "builds side by side",
    "__main__": "is the command line",
    "hello.__main__": "prints a kernel",
    "api": "takes paths, which it hands to emit",
}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts).removesuffix(".__init__") if parts != ("__init__",) else "", path


MODULES = [item for item in modules() if item[0]]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            if node.module == "xlbuild":
                yield from (f"xlbuild.{alias.name}" for alias in node.names)
            else:
                yield node.module


def is_within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_a_module_imports_only_from_earlier_stages(module: str, path: Path) -> None:
    room = module.split(".")[0]
    if room == "__main__":
        return
    allowed = (room, *MAY_IMPORT[room])
    for name in imported(path):
        if name.startswith("xlbuild."):
            inner = name.removeprefix("xlbuild.")
            assert any(is_within(inner, place) for place in allowed), f"{module} imports {inner}"


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_only_the_outer_stages_touch_the_outside_world(module: str, path: Path) -> None:
    if any(is_within(module, place) for place in MAY_TOUCH_IT):
        return
    assert not OUTSIDE_WORLD & {name.split(".")[0] for name in imported(path)}
    assert "sys.std" not in path.read_text()
    calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    assert "open" not in {call.id for call in calls if isinstance(call, ast.Name)}


def test_no_room_may_import_what_it_does_not() -> None:
    imports: dict[str, set[str]] = {room: set() for room in MAY_IMPORT}
    for module, path in MODULES:
        imports.get(module.split(".")[0], set()).update(
            name.removeprefix("xlbuild.") for name in imported(path)
        )
    unused = {
        (room, place)
        for room, places in MAY_IMPORT.items()
        for place in set(places) - set(GROUND)
        if not any(is_within(name, place) for name in imports[room])
    }
    assert not unused


def test_what_is_compared_knows_nothing_of_how_it_is_shown() -> None:
    for module, path in MODULES:
        if is_within(module, "diff") and not is_within(module, "diff.show"):
            shown = [name for name in imported(path) if is_within(name, "xlbuild.diff.show")]
            assert not shown, f"{module} imports {shown}"


def test_every_room_is_on_the_map() -> None:
    assert {name.split(".")[0] for name, _ in MODULES} - {"__main__"} <= set(MAY_IMPORT)


def test_shifting_by_twelve_happens_in_one_place() -> None:
    for module, path in MODULES:
        shifts = (
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.LShift | ast.RShift)
        )
        for node in shifts:
            by_twelve = isinstance(node.right, ast.Constant) and node.right.value == 12
            named = isinstance(node.right, ast.Name) and node.right.id == "PAGE_SHIFT"
            assert module == "units" or not (by_twelve or named), f"{module}:{node.lineno}"
