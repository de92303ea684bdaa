"""Running inputs that are kernels, their payloads, or modules."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

from kernel_cases import legacy

from fuzz.model import promise
from fuzz.promises import check_error, check_image, check_offset, check_warnings
from xlbuild.container import Container, decide
from xlbuild.errors import RefusedError
from xlbuild.hooks import hooks_for
from xlbuild.hooks.base import build_memory
from xlbuild.image import KernelImage, load_kernel, prepare_module
from xlbuild.image.blob import Blob
from xlbuild.image.codecerror import CodecError
from xlbuild.image.codecs import CODECS, Codec
from xlbuild.image.elf import ElfFile, open_elf
from xlbuild.image.features import parse_features, requested_features
from xlbuild.image.gunzip import gunzip, unpacked_room
from xlbuild.image.notes import guest_string, note_bitmap, note_bytes, note_number, xen_notes
from xlbuild.image.recognise import what_it_is
from xlbuild.image.verdict import RejectedError
from xlbuild.pipeline import plan_domain
from xlbuild.plan.model import BuildRequest, Module, Plan
from xlbuild.profiles import PROFILES, Profile
from xlbuild.reading import read_config
from xlbuild.units import MIB

MOST_OUTPUT = 64 * MIB
"""Bytes that a kernel may have: what is larger is refused, as with `--max-kernel-size`."""
OLDEST, NEWEST = (replace(profile, kernel_max_size=MOST_OUTPUT) for profile in (PROFILES[0], PROFILES[-1]))
_MOST_POPULATED = 8 * MIB
_MEMORY_MIB = 64
_NAME = "kernel"


def run_kernel(data: bytes) -> str:
    """Load a file that is not packed, for PV and for PVH."""
    return _for_each_container(partial(_load, data, size=max(len(data), 1)))


def run_packed_kernel(data: bytes) -> str:
    """Load a file that is packed: offsets may be those of what is in it."""
    return _for_each_container(partial(_load, data, size=None))


def _for_each_container(load: Callable[[bool], str]) -> str:
    return f"pv {load(False)}, pvh {load(True)}"


def _load(data: bytes, hvm_container: bool, *, size: int | None) -> str:
    image = _image_or_code(data, hvm_container, size)
    return image if isinstance(image, str) else "loaded"


def _image_or_code(data: bytes, hvm_container: bool, size: int | None) -> KernelImage | str:
    profile = NEWEST if hvm_container else OLDEST
    try:
        image = load_kernel(data, name=_NAME, hvm_container=hvm_container, profile=profile)
    except RefusedError as error:
        promise(error.where.file == _NAME, "a refusal names the file", error.code)
        return check_error(error, size)
    check_image(image, size)
    return image


def run_codec(codec: Codec, data: bytes) -> str:
    """Unpack a payload that is no more than that."""
    blob = Blob.of(data)
    try:
        unpacked = codec.unpack(blob, OLDEST)
    except CodecError as error:
        promise(str(error).strip(), "a codec says why")
        return "refused"
    promise(len(unpacked.data) <= unpacked.size, "no more is unpacked than claimed")
    return "unpacked"


CODEC_RUNS: dict[str, Callable[[bytes], str]] = {codec.name: partial(run_codec, codec) for codec in CODECS}
"""How each codec's payloads are run."""


def run_gzip_file(data: bytes) -> str:
    """Unpack a gzip file as kernels and modules are unpacked."""
    blob = Blob.of(data)
    room = unpacked_room(blob)
    if room is None:
        return "left as it is"
    unpacked = gunzip(blob, room)
    promise(unpacked is None or len(unpacked) <= room, "no more is unpacked than there is room for")
    return "refused" if unpacked is None else "unpacked"


def run_module(data: bytes) -> str:
    """Prepare a module, for a release that unpacks it and for one that does not."""
    said = []
    for profile in (OLDEST, NEWEST):
        try:
            module = prepare_module(data, profile, name=_NAME, what="ramdisk")
        except RefusedError as error:
            said.append(check_error(error, len(data)))
            continue
        promise(0 < len(module.data) <= module.length, "a module's bytes fit into its segment")
        promise(module.length >= len(data), "a module's segment holds the file")
        said.append("unpacked" if module.unzipped else "as it is")
    return "; ".join(said)


def run_notes(data: bytes) -> str:
    """Read an ELF file's headers and notes, all of them."""
    try:
        elf = open_elf(Blob.of(data))
    except RejectedError as error:
        promise(error.reason.strip(), "a loader says why")
        check_offset(error.where, max(len(data), 1), error.reason)
        return "no ELF file"
    promise(
        len(list(elf.section_headers())) <= len(data), "there are no more sections than the file can hold"
    )
    for segment in elf.program_headers():
        promise(min(segment) >= 0, "numbers are not negative")
    return "notes" if _read_notes(elf) else "a __xen_guest string" if guest_string(elf) else "no notes"


def _read_notes(elf: ElfFile) -> int:
    notes = list(xen_notes(elf))
    for note in notes:
        promise(note_number(elf, note) < 1 << 64, "a note's number has 64 bits")
        promise(note_bitmap(elf, note) < 1 << 32, "a note's bitmap has 32 bits")
        promise(len(note_bytes(elf, note)) <= note.size, "a note's bytes are its own")
        text = elf.text(note.offset)
        promise(text is None or len(text) <= len(elf.blob.data), "a note's text is the file's")
    return len(notes)


def run_guest_string(data: bytes) -> str:
    """Load a kernel with a `__xen_guest` string, and read the text as features, too."""
    text = data.decode("latin-1")
    for bits in (*parse_features(text)[:2], requested_features(text)):
        promise(0 <= bits < 1 << 32, "features are 32 bits")
    file = legacy(text)
    return _load(file, False, size=len(file))


def run_recognise(data: bytes) -> str:
    """Say what a file is that is no kernel."""
    guess = what_it_is(Blob.of(data))
    promise(guess is None or guess.sentence.strip(), "a guess is a sentence")
    return "unknown" if guess is None else guess.sentence


@cache
def container_of(kind: str, profile: Profile) -> Container:
    """Return a container of a kind as a small configuration decides it."""
    text = f'name="g"\ntype="{kind}"\nkernel="{_NAME}"\nramdisk="ramdisk"\nmemory={_MEMORY_MIB}\nvcpus=2\n'
    return decide(read_config(text.encode(), "guest.cfg", (), profile).guest, profile)


def run_domain(data: bytes) -> str:
    """Plan and populate what loads; half of the file, unless it is short, is the ramdisk, too."""
    return _for_each_container(partial(_build, data))


def _build(data: bytes, hvm_container: bool) -> str:
    image = _image_or_code(data, hvm_container, max(len(data), 1))
    if isinstance(image, str):
        return image
    profile = NEWEST if hvm_container else OLDEST
    module = Module("module0", prepare_module(data[-512:], profile, name="ramdisk"), None)
    container = container_of("pvh" if hvm_container else "pv", profile)
    request = BuildRequest(container, profile, image, (module,), ())
    try:
        plan = plan_domain(request)
    except RefusedError as error:
        return check_error(error)
    _check_plan(plan)
    if image.end - image.start <= _MOST_POPULATED:
        build_memory(plan, hooks_for(image.guest_type))
    return "built"


def _check_plan(plan: Plan) -> None:
    pages = 0
    for segment in sorted(plan.segments, key=lambda segment: segment.pfn):
        promise(segment.pfn >= pages, "segments do not overlap", segment.name)
        promise(segment.vstart <= segment.vend, "a segment ends behind its start", segment.name)
        pages = segment.pfn + segment.pages
    check_warnings(plan.warnings)
