"""Runs the steps of a GitHub workflow as GitHub's runner would, as far as the recipe needs it: those with `run`."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


@dataclass(frozen=True)
class Run:
    """What came of a job."""

    failed: str | None
    """Name of the step that failed."""
    log: str
    summary: str

    def annotations(self) -> list[str]:
        """Return the lines that GitHub takes for annotations."""
        return [
            line for line in self.log.splitlines() if line.startswith(("::error", "::warning", "::notice"))
        ]


def load(path: Path) -> Any:
    """Return a workflow as data."""
    return YAML(typ="safe").load(path)


def run_job(
    workflow: Any, name: str, repository: Path, temporary: Path, environment: Mapping[str, str]
) -> Run:
    """Run a job's steps in a checkout until one fails; those that use an action do nothing."""
    summary = temporary / "summary"
    summary.touch()
    job = workflow["jobs"][name]
    variables = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_WORKSPACE": str(repository),
        "RUNNER_TEMP": str(temporary),
        **workflow.get("env", {}),
        **job.get("env", {}),
        **environment,
    }
    assert job["defaults"]["run"] == {"shell": "bash"}
    log = ""
    for step in job["steps"]:
        assert set(step) <= {"name", "uses", "with", "run"}, "what this runner does not know"
        if "run" not in step:
            continue
        script = temporary / "step.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=repository,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        log += done.stdout
        if done.returncode != 0:
            return Run(step["name"], log, summary.read_text())
    return Run(None, log, summary.read_text())
