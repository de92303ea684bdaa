"""A kernel image described: what is packed in what, its notes and features, and where it boots."""

from __future__ import annotations

from collections.abc import Iterator

from xlbuild.errors import Diagnostic
from xlbuild.image.model import KernelImage, XenParameters
from xlbuild.image.parameters import parse_kernel
from xlbuild.image.verdict import Reject
from xlbuild.inspect.firmware.describe import title_of_kernel
from xlbuild.inspect.kernels.bzimage import describe_bzimage
from xlbuild.inspect.kernels.elf import MOST_SHOWN, describe_elf
from xlbuild.inspect.kernels.features import FEATURES
from xlbuild.inspect.kernels.file import KernelFile
from xlbuild.inspect.kernels.names import SymbolPlaces
from xlbuild.inspect.kernels.notes import build_id, describe_notes
from xlbuild.inspect.kernels.release_verdicts import Span, release_verdicts, spans
from xlbuild.inspect.kernels.symbols import describe_symbols
from xlbuild.inspect.kernels.verdicts import Verdict
from xlbuild.inspect.releases import CONTAINER_NAMES, Target
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.inspect.words import set_bits

_NO_PVH_KERNEL = "kernel-as-firmware"


def describe_kernel(file: KernelFile, release: str) -> Branch:
    """Return everything there is to say of a kernel; `release` is the one whose verdicts are given in full."""
    found = release_verdicts(file, release)
    tree: dict[str, Tree] = {"packing": list(packing_of(file))}
    if (program := _program(file)) is not None:
        tree["program"] = program
    if file.refusal is not None:
        tree["problem"] = f"{file.refusal.message}: {file.refusal.cause}"
    tree["release"] = release
    tree["containers"] = [_container(verdict) for verdict in found]
    tree["releases"] = [_span(span) for span in spans(file)]
    tree["warnings"] = [_warning(warning) for warning in _warnings(found)]
    tree["loaders"] = list(_loaders(file))
    if file.is_bzimage:
        tree["bzimage"] = describe_bzimage(file)
    if file.elf is not None:
        tree["notes"] = describe_notes(file.elf)
        tree["features"] = feature_rows(file)
        tree["elf"] = {
            **describe_elf(file.elf),
            "build_id": build_id(file.elf),
            "symbols": describe_symbols(file.elf),
        }
    elif file.elf_error is not None:
        tree["elf"] = {"problem": file.elf_error}
    places = SymbolPlaces(file.elf) if file.elf is not None else None
    tree["loaded"] = [
        _loaded(verdict.target, verdict.image, places) for verdict in found if verdict.image is not None
    ]
    return tree


def packing_of(file: KernelFile) -> Iterator[str]:
    """Yield what the kernel is packed in, outermost first."""
    if file.opened is not None:
        yield from file.opened.packing
    if file.is_bzimage:
        yield "bzImage"
    if file.codec is not None:
        yield file.codec.name
    if file.elf is not None:
        yield "ELF"


def _program(file: KernelFile) -> str | None:
    """Return which program the kernel is, with its version where that is known, by the texts in it."""
    blob = file.unpacked or (file.opened.blob if file.opened else None)
    found = title_of_kernel(blob.data) if blob else None
    if found is None:
        return None
    title, version = found
    return f"{title}, {version.text} (at {hexadecimal(version.offset)})" if version else title


def feature_rows(file: KernelFile) -> list[Tree]:
    """Return the features that the notes name, each as required, supported or neither."""
    assert file.elf is not None
    parameters = parse_kernel(file.elf, hvm_container=False, profile=file.given.profile).parameters
    supported, required = parameters.features_supported, parameters.features_required
    rows: list[Tree] = []
    for bit in set_bits(supported | required):
        name, meaning = FEATURES.get(bit, (f"bit {bit}", "no feature that is known"))
        rows.append({"feature": name, "bit": bit, "required": bool(required >> bit & 1), "meaning": meaning})
    return rows


def _container(verdict: Verdict) -> Branch:
    return {
        "container": CONTAINER_NAMES[verdict.target],
        "boots": verdict.boots,
        "rule": verdict.rule,
        "because": verdict.because,
        "mend": verdict.mend,
        "depends_on": list(verdict.conditions),
        "least_memory_mib": verdict.least_memory_mib,
    }


def _loaded(target: Target, image: KernelImage, places: SymbolPlaces | None) -> Branch:
    """Return where a kernel goes in its container, and in what pieces."""
    entry_symbol = places.at(image.entry) if places is not None else None
    return {
        "container": CONTAINER_NAMES[target],
        "guest_type": image.guest_type.value,
        "loader": image.format,
        "start": hexadecimal(image.start),
        "end": hexadecimal(image.end),
        "size": image.end - image.start,
        "entry": hexadecimal(image.entry),
        "entry_symbol": None if entry_symbol is None else str(entry_symbol),
        **_addresses(image.parameters),
        "pieces": [
            {
                "start": hexadecimal(image.start + piece.offset),
                "end": hexadecimal(image.start + piece.offset + len(piece.data)),
                "size": len(piece.data),
            }
            for piece in image.pieces[:MOST_SHOWN]
        ],
        "pieces_left_out": max(0, len(image.pieces) - MOST_SHOWN) or None,
    }


def _addresses(parameters: XenParameters) -> dict[str, Tree]:
    """Return the addresses that the notes or their defaults settle."""
    values = {
        "virt_base": parameters.virt_base,
        "elf_paddr_offset": parameters.elf_paddr_offset,
        "hypercall_page": parameters.virt_hypercall,
        "init_p2m": parameters.p2m_base,
    }
    return {name: None if value is None else hexadecimal(value) for name, value in values.items()}


def _loaders(file: KernelFile) -> Iterator[Branch]:
    """Yield what each loader says, for both kinds of container."""
    for container, hvm_container in (("pv", False), ("hvm", True)):
        for each in file.ask(file.given.profile, hvm_container=hvm_container).answers:
            reject = each.answer if isinstance(each.answer, Reject) else None
            yield {
                "container_kind": container,
                "loader": each.loader.name,
                "takes_it": reject is None,
                "reason": reject.reason if reject else "it takes the file, finally",
            }


def _span(span: Span) -> Branch:
    answers = {CONTAINER_NAMES[verdict.target]: answer_of(verdict) for verdict in span.verdicts}
    reasons: dict[str, list[str]] = {}
    for verdict in span.verdicts:
        for text in verdict.conditions if verdict.boots else (verdict.because,) * verdict.is_history:
            reasons.setdefault(text.removesuffix("."), []).append(verdict.target.value)
    because = [f"{', '.join(targets)}: {text}" for text, targets in reasons.items()]
    return {"from": span.first, "to": span.last, **answers, "because": because}


def answer_of(verdict: Verdict) -> str:
    """Return in a word whether a file boots: `yes`, `no`, or `depends`."""
    if not verdict.boots:
        return "no"
    return "depends" if verdict.conditions else "yes"


def _warnings(found: tuple[Verdict, ...]) -> list[Diagnostic]:
    """Return the warnings of all images, each once.

    That firmware is no PVH kernel a build with type="pvh" warns of, whose verdict says the same; one of HVM does not.
    """
    images = (verdict.image for verdict in found if verdict.image is not None)
    warnings = dict.fromkeys(warning for image in images for warning in image.warnings)
    return [warning for warning in warnings if warning.code != _NO_PVH_KERNEL]


def _warning(warning: Diagnostic) -> Branch:
    return {"code": warning.code, "message": warning.message, "mend": warning.hint}
