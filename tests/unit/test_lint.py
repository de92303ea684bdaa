"""Linters and the type checker, as tests: the settings are in pyproject.toml."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from toolstack import ROOT

SHELL_SCRIPTS = [
    path
    for directory in ("scripts", "scripts/recipes", ".ci", "tests/oracle")
    for path in sorted((ROOT / directory).glob("*"))
    if path.is_file() and path.read_bytes().startswith((b"#!/bin/sh", b"#!/usr/bin/env bash"))
]


@pytest.mark.parametrize("command", ["ruff check", "ruff format --check", "mypy"])
def test_the_python_code_has_no_complaint_against_it(command: str) -> None:
    tool, *arguments = command.split()
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed (pip install '.[dev]')")
    done = subprocess.run(
        [sys.executable, "-m", tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("script", SHELL_SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_shell_script_parses(script: Path) -> None:
    shell = "bash" if b"bash" in script.read_bytes().split(b"\n", 1)[0] else "sh"
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
