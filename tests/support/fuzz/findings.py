"""What a run found: one input for each way to fail, made small, and kept."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from fuzz.minimise import minimised
from fuzz.model import Failure
from fuzz.targets import BY_NAME
from fuzz.workers import Finding, run_apart

SEEDS = Path(__file__).parents[2] / "fuzz_seeds"
"""Inputs that once showed something: a directory for each target."""


def distinct(findings: Iterable[Finding]) -> list[tuple[Finding, int]]:
    """Return the shortest input of each way to fail, and how many inputs failed that way."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.target, finding.failure.signature), []).append(finding)
    return [(min(group, key=lambda finding: len(finding.data)), len(group)) for group in groups.values()]


def smaller(finding: Finding) -> Finding:
    """Return a finding with a smaller input that fails in the same way."""
    target, signature = BY_NAME[finding.target], finding.failure.signature

    def shows(data: bytes) -> bool:
        failure = run_apart(target, data)
        return failure is not None and failure.signature == signature

    return replace(finding, data=minimised(finding.data, shows))


def save(finding: Finding, directory: Path) -> Path:
    """Write a finding's input below a directory, named after what it shows, and return its path."""
    words = re.sub("[^a-z0-9]+", "-", finding.failure.signature.lower()).strip("-")[:60]
    digest = hashlib.sha256(finding.data).hexdigest()[:8]
    path = directory / finding.target / f"{words}-{digest}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(finding.data)
    return path


def describe(finding: Finding, count: int, path: Path) -> str:
    """Return what was found, and how to see it again."""
    failure: Failure = finding.failure
    detail = "\n".join(f"    {line}" for line in failure.detail.rstrip().splitlines())
    return (
        f"{finding.target}: {failure.kind}: {failure.signature} ({count} inputs, the first is case {finding.case})\n"
        f"{detail}\n    again: scripts/fuzz --replay {path} {finding.target}"
    )


def kept() -> Iterator[tuple[str, Path]]:
    """Yield every input that is kept with the tests, and its target."""
    for path in sorted(SEEDS.glob("*/*")):
        yield path.parent.name, path
