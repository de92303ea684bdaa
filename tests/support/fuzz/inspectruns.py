"""Running inputs through what describes files."""

import json
from collections.abc import Iterator, Mapping, Sequence

from acpimemory import RSDP_AT
from fakememory import FakeMemory

from fuzz.kernelruns import MOST_OUTPUT, OLDEST
from fuzz.model import promise
from fuzz.promises import check_error
from xlbuild.api import examine
from xlbuild.cli.tree import plain_text
from xlbuild.errors import FilesError, RefusedError, UsageError
from xlbuild.image import load_kernel
from xlbuild.image.elf import ADDRESS_MASK
from xlbuild.inspect.config import describe_config
from xlbuild.inspect.firmware.describe import describe_firmware, title_of_kernel
from xlbuild.inspect.kernels.address import describe_kernel_address
from xlbuild.inspect.kernels.describe import describe_kernel
from xlbuild.inspect.kernels.file import KernelFile, take_apart
from xlbuild.inspect.kernels.parts import kernel_parts
from xlbuild.inspect.memory.acpi import acpi_regions, describe_acpi
from xlbuild.inspect.memory.aml import describe_aml
from xlbuild.inspect.ramdisks.describe import describe_ramdisk, ramdisk_parts
from xlbuild.inspect.recognise import recognise
from xlbuild.inspect.tree import Branch, Part, Tree
from xlbuild.units import MIB
from xlbuild.visible import visible

_MOST_TEXT = 4 * MIB
_MOST_READ = 16 * MIB
"""Bytes that are read of a part; the rest of a larger one is zeros."""
_DEEPEST = 40
_VERDICTS = {True: "boots", False: "does not"}


def run_kernel_description(data: bytes) -> str:
    """Describe a file as a kernel: packing, notes, verdicts of every release; and read its parts."""
    file = take_apart(data, "kernel", OLDEST)
    tree = describe_kernel(file, OLDEST.name)
    check_tree(tree)
    check_parts(kernel_parts(file, OLDEST.name))
    containers = tree["containers"]
    assert isinstance(containers, Sequence)
    said = [_verdict(container) for container in containers]
    for hvm_container, names in ((False, ("pv64", "pv32")), (True, ("pvh", "hvm"))):
        if any(f"{name} boots" in said for name in names):
            promise(_loads(data, hvm_container), "what is said to boot is loaded", ", ".join(said))
    return ", ".join(said)


def _loads(data: bytes, hvm_container: bool) -> bool:
    try:
        load_kernel(data, name="kernel", hvm_container=hvm_container, profile=OLDEST)
    except RefusedError:
        return False
    return True


def run_kernel_address(data: bytes) -> str:
    """Say what lies at an address of a kernel: at several that its headers name, and at others."""
    file = take_apart(data, "kernel", OLDEST)
    said: set[str] = set()
    for address in ("0", "file:0x40", "18446744073709551615", *_addresses(file)):
        try:
            check_tree(describe_kernel_address(file, address, 64))
            said.add("described")
        except (RefusedError, UsageError) as error:
            said.add(check_error(error))
    return ", ".join(sorted(said))


def _addresses(file: KernelFile) -> Iterator[str]:
    if file.elf is None:
        return
    yield f"{file.elf.header.entry:#x}"
    for segment in file.elf.loadable[:3]:
        yield f"virt:{segment.vaddr:#x}"
        yield f"phys:{(segment.paddr + segment.memsz) & ADDRESS_MASK:#x}"


def _described(tree: Branch | None) -> str:
    if tree is None:
        return "nothing of the kind"
    check_tree(tree)
    return str(tree.get("contents") or tree["what"])[:40]


def run_ramdisk(data: bytes) -> str:
    """Describe a file as a ramdisk, a file system or a disk, and take out what is in it."""
    check_parts(ramdisk_parts(data, MOST_OUTPUT))
    return _described(describe_ramdisk(data, MOST_OUTPUT))


def run_firmware(data: bytes) -> str:
    """Describe a file as firmware, and as what program a kernel is."""
    title_of_kernel(data)
    return _described(describe_firmware(data))


def run_config_description(data: bytes) -> str:
    """Describe a configuration as xl and libxl resolve it."""
    tree = describe_config(data, "guest.cfg", (), OLDEST)
    check_tree(tree)
    return "without errors" if tree["errors"] == 0 else "with errors"


def run_acpi(data: bytes) -> str:
    """Describe the ACPI tables that lie in a guest's memory, from the RSDP at the start of the data on."""
    memory = FakeMemory({RSDP_AT: data} if data else {}, (0, 0x200))
    check_tree(describe_acpi(memory, RSDP_AT))
    regions = acpi_regions(memory, RSDP_AT)
    for region in regions:
        promise(0 <= region.first <= region.end <= 0x200000, "a region lies in the memory", region.name)
    return f"{len(regions)} regions"


def run_aml(data: bytes) -> str:
    """Say what AML declares."""
    tree = describe_aml(data)
    check_tree(tree)
    return "all of it" if tree["understood"] == "all of it" else "a part of it"


def run_recognise(data: bytes) -> str:
    """Say what a file is, and why."""
    found = recognise(data)
    promise(found.what.strip() and found.why.strip(), "what a file is has words, and a reason", found.kind)
    visible(f"{found.what}{found.why}").encode()
    return found.kind.value


def run_inspect(data: bytes) -> str:
    """Ask everything of a file that `xlbuild inspect` and `extract` ask, whatever it is."""
    try:
        subject = examine(data, source="file", max_kernel_size=MOST_OUTPUT)
        tree = subject.describe()
    except (FilesError, RefusedError) as error:
        return check_error(error)
    check_tree(tree)
    check_parts(subject.parts())
    try:
        for verdict in subject.verdicts():
            promise(
                verdict.rule and verdict.because, "a verdict has a rule and a reason", verdict.target.value
            )
        check_tree(subject.describe_address("0x100000", 64))
    except (RefusedError, UsageError) as error:
        check_error(error)
    return str(tree["kind"])


def _verdict(container: Tree) -> str:
    assert isinstance(container, Mapping)
    promise(container["rule"], "a verdict names the rule that decides", str(container["container"]))
    promise(container["because"], "a verdict says why", str(container["container"]))
    return f"{container['container']} {_VERDICTS[bool(container['boots'])]}"


def check_tree(tree: Branch) -> None:
    """Check that a description can be printed, as JSON and for people, and is not endless."""
    for depth, value in _values(tree, 0):
        promise(depth < _DEEPEST, "a description is not deeply nested")
        allowed = value is None or isinstance(value, str | int | bool | Mapping | Sequence)
        promise(allowed and not isinstance(value, bytes), "a description has only what JSON has", repr(value))
    promise(len(json.dumps(tree)) < _MOST_TEXT, "a description can be read to its end")
    shown = plain_text(tree).encode()
    promise(b"\x1b" not in shown, "a description drives no terminal")


def _values(tree: Tree, depth: int) -> Iterator[tuple[int, Tree]]:
    yield depth, tree
    if depth >= _DEEPEST or isinstance(tree, str):
        return
    if isinstance(tree, Mapping):
        for value in tree.values():
            yield from _values(value, depth + 1)
    elif isinstance(tree, Sequence):
        for value in tree:
            yield from _values(value, depth + 1)


def check_parts(parts: Sequence[Part]) -> None:
    """Check that parts have names of their own, and as many bytes as they say."""
    names = [part.name for part in parts]
    promise(len(set(names)) == len(names), "no two parts have the same name", str(sorted(names)))
    for part in parts:
        promise(part.title and part.size >= 0, "a part has a title and a size", part.name)
        length = 0
        for piece in part.read():
            length += len(piece)
            if length > min(part.size, _MOST_READ):
                break
        whole = length == part.size or (part.size > _MOST_READ and length > _MOST_READ)
        promise(whole, "a part has as many bytes as it says", f"{part.name}: {length} of {part.size}")
