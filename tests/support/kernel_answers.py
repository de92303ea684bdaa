"""What Xen's own library, and xlbuild, make of a kernel file, in the same words.

`xens_answer` runs the real library and `our_answer` runs `load_kernel`. tests/golden/image/kernels.json holds the
real library's answers to the cases of kernel_cases.py, so that the comparison needs no library; running this file
records them anew.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from kernel_cases import CASES
from toolstack import Toolstack

from xlbuild.errors import RefusedError
from xlbuild.image import KernelImage, load_kernel
from xlbuild.profiles import PROFILES
from xlbuild.units import bytes_of, pages_for

GOLDEN = Path(__file__).parents[1] / "golden" / "image" / "kernels.json"
MEMORY = 64
UNSET = (1 << 64) - 1
UNSET_32 = (1 << 32) - 1

_NO_SENSE = (
    "segment boundary too low",
    "no block found, no size given",
    "mapped region is too small for image",
    "x86_compat: warning: failed",
)
"""What the library says of kernels that are empty, whose bytes exceed them, or that are for another container."""

Answer = dict[str, Any]


def our_answer(kind: str, file: bytes) -> Answer:
    """What `load_kernel` makes of a kernel, as Xen 4.17 does it."""
    try:
        image = load_kernel(file, name="kernel", hvm_container=kind != "pv", profile=PROFILES[0])
    except RefusedError:
        return {"accepted": False}
    parameters = image.parameters
    numbers = {
        name: getattr(parameters, name)
        for name in (
            "virt_base",
            "virt_entry",
            "virt_hypercall",
            "virt_hv_start_low",
            "elf_paddr_offset",
            "phys_entry",
        )
    }
    numbers |= {"virt_kstart": parameters.virt_kstart, "virt_kend": parameters.virt_kend}
    return {
        "accepted": True,
        "guest_type": image.guest_type.value,
        "texts": [parameters.guest_os, parameters.guest_version, parameters.xen_version, parameters.loader],
        "pae": int(parameters.pae),
        "flags": [parameters.bsd_symtab, parameters.unmapped_initrd],
        "numbers": {name: hex(value) for name, value in numbers.items() if value is not None},
        "features": [
            hex(n)
            for n in (parameters.features_supported, parameters.features_required, image.features_active)
        ],
        "segment": [hex(image.start), hex(image.end)],
        "pages": hashlib.sha256(segment_bytes(image)).hexdigest(),
    }


def segment_bytes(image: KernelImage) -> bytes:
    """The kernel segment's pages, made of its pieces; pieces must ascend, not overlap and not leave the pages."""
    pages = bytearray(bytes_of(pages_for(image.end - image.start)))
    painted = 0
    for piece in image.pieces:
        end = piece.offset + len(piece.data)
        assert painted <= piece.offset < end <= len(pages)
        pages[piece.offset : end] = piece.data
        painted = end
    return bytes(pages)


def xens_answer(toolstack: Toolstack, kind: str, file: bytes, scratch: Path, memory: int = MEMORY) -> Answer:
    """What the real library makes of a kernel; only `accepted` when it gives up later, for lack of room say."""
    kernel = scratch / "kernel"
    kernel.write_bytes(file)
    status, directory = toolstack.xcbuild("--type", kind, "--kernel", kernel, "--memory", str(memory))
    log = (directory / "log.txt").read_text(errors="replace") if (directory / "log.txt").exists() else ""
    try:
        if status == 0:
            return _answer(json.loads((directory / "domain.json").read_text()), directory / "memory.img")
        return {
            "accepted": status > 0 and "xc_dom_mem_init" in log and not any(text in log for text in _NO_SENSE)
        }
    finally:
        toolstack.discard(directory)


def _answer(domain: dict[str, Any], memory: Path) -> Answer:
    parms = domain["parms"]
    (segment,) = [segment for segment in domain["segments"] if segment["name"] == "kernel"]
    names = (
        "virt_base",
        "virt_entry",
        "virt_hypercall",
        "virt_hv_start_low",
        "elf_paddr_offset",
        "phys_entry",
    )
    numbers = {name: int(parms[name], 16) for name in (*names, "virt_kstart", "virt_kend")}
    unset = {name: UNSET_32 if name == "phys_entry" else UNSET for name in names}
    with memory.open("rb") as image:
        image.seek(bytes_of(int(segment["pfn"], 16)))
        size = bytes_of(segment["pages"])
        pages = image.read(size).ljust(size, b"\0")
    return {
        "accepted": True,
        "guest_type": domain["guest_type"],
        "texts": [parms[name] for name in ("guest_os", "guest_ver", "xen_ver", "loader")],
        "pae": parms["pae"],
        "flags": [parms["bsd_symtab"], parms["unmapped_initrd"]],
        "numbers": {name: hex(value) for name, value in numbers.items() if value != unset.get(name)},
        "features": [parms["f_supported[0]"], parms["f_required[0]"], domain["f_active"]],
        "segment": [segment["vstart"], segment["vend"]],
        "pages": hashlib.sha256(pages).hexdigest(),
    }


def agree(ours: Answer, xens: Answer) -> bool:
    """Whether both answers say the same, as far as the real library got."""
    return ours == xens if "guest_type" in xens else ours["accepted"] == xens["accepted"]


def record(release: str) -> None:
    """Run the real library on every case and write down its answers."""
    with tempfile.TemporaryDirectory() as scratch:
        toolstack = Toolstack(Path(scratch))
        answers = {
            name: {
                "sha256": hashlib.sha256(file).hexdigest(),
                **xens_answer(toolstack, kind, file, Path(scratch)),
            }
            for name, (kind, file) in CASES.items()
        }
    provenance = {
        "toolstack": release,
        "command": f"xcbuild --type TYPE --kernel FILE --memory {MEMORY} (tests/oracle)",
        "recorded by": "tests/support/kernel_answers.py PACKAGE-AND-VERSION",
    }
    document = json.dumps({"provenance": provenance, "cases": answers}, indent=1)
    GOLDEN.write_text(document + "\n")


if __name__ == "__main__":
    record(sys.argv[1])
