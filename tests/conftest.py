"""What all tests share: an environment that is always the same, and the means that only some machines have.

A test that needs such means has a marker, or uses the fixture of one; where the means are missing it is skipped, and
one line at the end says how many were and why. With XLBUILD_REQUIRE_ORACLE=1 (continuous integration sets it) such
a test fails instead.
"""

import gc
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))  # tests import its modules by their plain names

import archivers
import browser
import bytecode  # noqa: F401 (what follows is compiled once)
import headers
import hypothesis
import mksynth
import pytest
import shipping
import toolstack
import xenlab.model
from kernels import LOAD_ADDRESS, Load, elf_file, pattern

# The same examples in every run, and none fails because the machine is busy.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

REQUIRED = os.environ.get("XLBUILD_REQUIRE_ORACLE") == "1"


@cache
def why_no_iasl() -> str | None:
    return None if shutil.which("iasl") else "iasl is not installed (Debian: acpica-tools)"


@cache
def why_no_engines() -> str | None:
    missing = [name for name in ("make", "ninja") if not shutil.which(name)]
    return f"{' and '.join(missing)} not installed (Debian: make, ninja-build)" if missing else None


@cache
def why_no_kvm() -> str | None:
    return None if os.access("/dev/kvm", os.R_OK | os.W_OK) else "/dev/kvm cannot be used here"


@cache
def why_no_atheris() -> str | None:
    return None if importlib.util.find_spec("atheris") else "atheris is not installed (pip install '.[fuzz]')"


@cache
def why_no_volatility() -> str | None:
    found = importlib.util.find_spec("volatility3")
    return None if found else "volatility3 is not installed (pip install '.[dev]')"


@cache
def why_no_lab() -> str | None:
    return (
        None if xenlab.model.Lab().ready else "the lab with a real Xen is not set up (scripts/xenlab setup)"
    )


MEANS: dict[str, Callable[[], str | None]] = {
    "oracle": toolstack.why_no_toolstack,
    "kernels": toolstack.why_no_material,
    "headers": headers.why_no_headers,
    "iasl": why_no_iasl,
    "archivers": archivers.why_no_archivers,
    "shipping": shipping.why_no_shippers,
    "engines": why_no_engines,
    "browser": browser.why_no_browser,
    "kvm": why_no_kvm,
    "atheris": why_no_atheris,
    "volatility": why_no_volatility,
    "xen": why_no_lab,
}
"""For each marker: why its means are missing, or None."""

FIXTURE_MARKERS = {"oracle": "oracle", "material": "kernels"}
"""Fixtures that need the means of a marker."""

OPTIONAL = {"kvm", "atheris", "browser", "xen"}
"""Means that are not required even in continuous integration."""

ON_REQUEST = "xen"
"""Tests with this marker take minutes of a machine to themselves, and run only when `-m` names it."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if ON_REQUEST not in config.getoption("markexpr"):
        unasked = [item for item in items if item.get_closest_marker(ON_REQUEST)]
        items[:] = [item for item in items if item not in unasked]
        config.hook.pytest_deselected(items=unasked)
    for item in items:
        for fixture, marker in FIXTURE_MARKERS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.freeze()  # what there is stays: neither a collection nor a fork's copy of the pages need look at it


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, why_not in MEANS.items():
        if item.get_closest_marker(marker) is None:
            continue
        reason = why_not()
        if reason and REQUIRED and marker not in OPTIONAL:
            pytest.fail(f"{reason}, and XLBUILD_REQUIRE_ORACLE is set", pytrace=False)
        if reason:
            pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report.longrepr for report in terminalreporter.stats.get("skipped", [])]
    reasons = [str(longrepr[2]) for longrepr in skipped if isinstance(longrepr, tuple)]
    missing = []
    for marker, why_not in MEANS.items() if reasons else ():
        count = reasons.count(f"Skipped: {why_not()}")
        if count:
            missing.append(f"{count} {marker} test{'' if count == 1 else 's'}: {why_not()}")
    if missing:
        terminalreporter.write_line("skipped " + "; ".join(missing))


@pytest.fixture(autouse=True)
def _same_environment_everywhere(monkeypatch: pytest.MonkeyPatch, _empty_home: Path) -> None:
    for name in os.environ:
        if name.startswith(("XLBUILD_", "XDG_", "CLICOLOR", "LC_")):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "LINES", "LANGUAGE", "PAGER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(_empty_home))
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture(scope="session")
def _empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[toolstack.Toolstack]:
    """Xen's own toolstack; what it builds is removed at the end of the session."""
    outputs = tmp_path_factory.mktemp("oracle")
    yield toolstack.Toolstack(outputs)
    shutil.rmtree(outputs, ignore_errors=True)


@pytest.fixture(scope="session")
def material() -> toolstack.Material:
    """Real kernels and firmware, by what they are."""
    return toolstack.load_material()


@pytest.fixture(scope="session")
def synthetic_kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the synthetic kernels of mksynth.py; it needs nothing."""
    directory = tmp_path_factory.mktemp("synthetic-kernels")
    mksynth.write_files(directory)
    return directory


@pytest.fixture
def small_hvm(tmp_path: Path) -> str:
    """An HVM guest's settings with an hvmloader and a SeaBIOS that are nothing but ELF file and bytes."""
    (tmp_path / "hvmloader").write_bytes(
        elf_file([Load(LOAD_ADDRESS, pattern(0x3000))], bits=32, header={"e_entry": LOAD_ADDRESS})
    )
    (tmp_path / "bios").write_bytes(pattern(0x20000))
    return (
        f'name="g"\ntype="hvm"\nmemory=64\nfirmware_override="{tmp_path}/hvmloader"\n'
        f'bios_path_override="{tmp_path}/bios"\n'
    )
