"""Two files of one kind compared: kernels, ramdisks, firmware."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from xlbuild.diff.facts import Reading, compare_facts
from xlbuild.diff.given import GivenFile
from xlbuild.diff.kernels.compare import KernelDifferences, compare_kernels
from xlbuild.diff.model import Comparison, Section, Side
from xlbuild.errors import UsageError
from xlbuild.inspect.recognise import FileKind
from xlbuild.inspect.tree import Branch

_HEAD = frozenset({"schema", "file", "kind", "why"})
"""Members of every description that are not about what is in the file."""

_OF_KERNELS = frozenset(
    {"packing", "program", "problem", "release", "containers", "releases", "warnings", "loaders", "notes"}
    | {"bzimage", "features", "elf", "loaded"}
)
"""Members of a kernel's description, which an ELF file that is firmware has, too."""

_READINGS: Mapping[FileKind, Reading] = MappingProxyType(
    {
        FileKind.RAMDISK: Reading(
            MappingProxyType({"in_guest": "xen"}), skipped=_HEAD | {"members.offset", "problems.offset"}
        ),
        FileKind.DISK: Reading(MappingProxyType({}), skipped=_HEAD),
        FileKind.FIRMWARE: Reading(
            MappingProxyType({"volumes": "offset", "tables": "signature", "structures": "handle"}),
            skipped=_HEAD | {"version_offset", "images.offset", "tables.offset", "structures.offset"},
        ),
        FileKind.SAVE: Reading(MappingProxyType({}), skipped=_HEAD),
        FileKind.CORE: Reading(MappingProxyType({}), skipped=_HEAD),
    }
)
"""How the descriptions of files that are no kernels are read; all others are compared as kernels."""


def compare_files(a: GivenFile, b: GivenFile) -> Comparison:
    """Return what differs between two files; UsageError where they are of different kinds."""
    kind = a.file.recognition.kind
    if kind is not b.file.recognition.kind:
        raise UsageError(
            "nothing-in-common",
            f"{a.label} is {a.file.recognition.what}, and {b.label} is {b.file.recognition.what}",
            cause="files are compared by what they are",
            hint="give two files of one kind",
        )
    found = _described(a, b, _READINGS[kind]) if kind in _READINGS else _kernels(a, b)
    return Comparison(_side(a), _side(b), found.sections, remarks=found.remarks)


def _kernels(a: GivenFile, b: GivenFile) -> KernelDifferences:
    """Return what differs between two kernels; of other files, how they are packed counts, as no Xen unpacks them."""
    found = compare_kernels(a.file.kernel, b.file.kernel, (a.file.release, b.file.release))
    is_kernel = a.file.recognition.kind is FileKind.KERNEL
    sections = (replace(each, counts=each.counts or not is_kernel) for each in found.sections)
    return replace(found, sections=tuple(sections))


def _described(a: GivenFile, b: GivenFile, reading: Reading) -> KernelDifferences:
    """Return what differs in what is said of two files; of firmware that is an ELF file, also what of two kernels."""
    kind = a.file.recognition.kind
    found = tuple(compare_facts(_own(a), _own(b), reading))
    sections = (Section(kind.value, f"the {kind.value}", found),) if found else ()
    if kind is not FileKind.FIRMWARE or a.file.kernel.elf is None or b.file.kernel.elf is None:
        return KernelDifferences(sections, ())
    kernels = _kernels(a, b)
    return KernelDifferences((*sections, *kernels.sections), kernels.remarks)


def _own(given: GivenFile) -> Branch:
    """Return what is said of a file as one of its kind."""
    told = given.file.describe()
    return {name: value for name, value in told.items() if name not in _OF_KERNELS}


def _side(given: GivenFile) -> Side:
    return Side(given.label, given.file.recognition.kind.value)
