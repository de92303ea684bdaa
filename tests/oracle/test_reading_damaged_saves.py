"""Damaged save files: what Xen's own verifier says of them, and what the reader says."""

import importlib
import io
import struct
from collections import Counter

import pytest
from dice import Dice
from fuzz.saveruns import save_files, save_mutation
from toolstack import XEN_ROOT, Material

from xlbuild.emit.save.read import read_save_data, starts_save_file
from xlbuild.errors import RefusedError

XENS_PYTHON = XEN_ROOT / "usr/lib/xen-4.17/lib/python"

ONLY_READ = (
    "Unrecognised record type",
    "Unrecognised emulator id",
    "heckpoint",
    "Verify record",
    "Found Toolstack record",
)
"""What Xen's verifier refuses and the reader tells: records that are kept, and not looked into."""

ONLY_REFUSED = (
    "no frame has the number",
    "no X86_PV_INFO record comes before it",
    "no LIBXC_CONTEXT record comes before it",
    "libxl stream has options",
    "frames for the entries",
    "of which the second comes first",
    "too few for a configuration",
    "no header of",
)
"""What the reader refuses and Xen's verifier does not look at."""


@pytest.fixture
def verifier(material: Material, monkeypatch: pytest.MonkeyPatch) -> type:
    """Import the module that verify-stream-v2 runs."""
    if not XENS_PYTHON.is_dir():
        pytest.skip("xen-utils are not unpacked: scripts/oracle-material fetches them")
    monkeypatch.syspath_prepend(str(XENS_PYTHON))
    module = importlib.import_module("xen.migration.libxl")
    verify = module.VerifyLibxl
    assert isinstance(verify, type)
    return verify


def verdict_of_xen(verifier: type, data: bytes) -> str | None:
    """Return what Xen's verifier says against a file, None for nothing; what it does with xl's header is repeated."""
    stream = io.BytesIO(data)

    def read(size: int) -> bytes:
        found = stream.read(size)
        if len(found) != size:
            raise OSError("stream truncated")
        return found

    try:
        if data.startswith(b"Xen"):
            *_, size = struct.unpack("<4I", read(48)[32:])
            read(size)
        verifier(lambda _: None, read).verify()
    except Exception as error:  # its own, and what Python raises in it for what it does not expect
        return str(error) or repr(error)
    return None


def verdict_of_reader(data: bytes) -> tuple[str, str] | None:
    try:
        read_save_data(data, "guest.save")
    except RefusedError as error:
        return error.code, str(error.cause)
    return None


def test_the_reader_refuses_what_xens_verifier_refuses(verifier: type) -> None:
    agreed: Counter[bool] = Counter()
    for number in range(600):
        data = save_mutation(Dice(f"beside Xen {number}"), save_files())
        if not starts_save_file(data) or data.startswith(b"\xff"):
            continue
        ours = verdict_of_reader(data)
        if ours is not None and ours[0] in ("save-too-large", "save-version"):
            continue
        theirs = verdict_of_xen(verifier, data)
        if theirs is not None and ours is None:
            assert any(reason in theirs for reason in ONLY_READ), (number, theirs)
        elif theirs is None and ours is not None:
            assert any(reason in ours[1] for reason in ONLY_REFUSED), (number, ours)
        else:
            agreed[theirs is None] += 1
    assert min(agreed.values()) > 100
