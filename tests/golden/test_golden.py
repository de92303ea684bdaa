"""Builds synthetic guests and compares them with what the real toolstack was recorded to build (mkgolden.py)."""

import hashlib
import json
from pathlib import Path

import pytest
from compare import Document, compare_documents, memory_digest, read_document
from golden import DIRECTORY, GUESTS, KERNELS, compare_image

from xlbuild.cli import run

RECORDED = sorted(file.stem for file in DIRECTORY.glob("*.json"))


def golden(name: str) -> Document:
    document: Document = json.loads((DIRECTORY / f"{name}.json").read_text())
    return document


def test_every_golden_guest_is_recorded_as_it_is_described() -> None:
    assert {name: golden(name)["config"] for name in RECORDED} == {
        name: guest.config() for name, guest in GUESTS.items()
    }


@pytest.mark.parametrize("name", RECORDED)
def test_the_synthetic_files_are_those_of_the_recording(name: str, synthetic_kernels: Path) -> None:
    files = golden(name)["files"]
    assert files == {
        file: hashlib.sha256((synthetic_kernels / file).read_bytes()).hexdigest() for file in files
    }


@pytest.mark.parametrize(
    ("name", "kernel"),
    [(name, kernel) for name, guest in GUESTS.items() for kernel in (guest.kernel, *guest.also)],
)
def test_a_synthetic_guest_is_built_as_recorded(
    name: str, kernel: str, synthetic_kernels: Path, tmp_path: Path
) -> None:
    recorded = golden(name)
    (tmp_path / "guest.cfg").write_text(GUESTS[name].config(synthetic_kernels, kernel))
    target = tmp_path / "guest"
    options = ["--xen", "4.17", "--no-hypercall-page", "-q", "-o", str(target)]
    assert run(["create", *options, str(tmp_path / "guest.cfg")]) == 0
    document = read_document(target)
    differences = list(compare_documents(document, recorded["expected"]))
    differences += compare_image(target / "memory.img", recorded["image"])
    assert not differences, "\n".join(["", *differences])
    assert document["digests"]["memory"] == memory_digest(target / "memory.img")
    assert document["digests"]["domain"] == domain_digest(document)


def domain_digest(document: Document) -> str:
    """The domain digest from its definition."""
    members = (
        "container", "guest_type", "populated", "vcpus", "hvm_params", "memory_map", "grants", "event_channels",
        "hypercall_page",
    )  # fmt: skip
    parts = {name: document[name] for name in members} | {"memory": document["digests"]["memory"]}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def test_placeholders_stand_for_every_path() -> None:
    for guest in GUESTS.values():
        paths = [line.partition("=")[2].strip('"') for line in guest.settings.splitlines() if "/" in line]
        assert paths
        assert all(path.startswith(KERNELS) for path in paths)
