"""The kernel file formats, in the order in which Xen tries them, and `load_kernel`, which goes through them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from xlbuild.errors import Diagnostic, RefusedError, Where
from xlbuild.image import bzimage, elfkernel, hvmfirmware, multiboot
from xlbuild.image.blob import Blob
from xlbuild.image.features import requested_features
from xlbuild.image.gunzip import gunzip, too_large, unpacked_room
from xlbuild.image.model import GuestType, KernelImage
from xlbuild.image.recognise import refuse_foreign, what_it_is
from xlbuild.image.verdict import Candidate, Match, Reject, Unpack, unpack
from xlbuild.profiles import Profile


@dataclass(frozen=True, slots=True)
class Loader:
    """One kernel file format."""

    name: str
    probe: Callable[[Candidate], Match | Reject]


LOADERS: tuple[Loader, ...] = (
    Loader(multiboot.NAME, multiboot.probe),
    Loader(hvmfirmware.NAME, hvmfirmware.probe),
    Loader(bzimage.NAME, bzimage.probe),
    Loader(elfkernel.NAME, elfkernel.probe),
)
"""Every format, in order: the first whose probe matches takes the file, finally."""


def load_kernel(
    data: bytes,
    *,
    name: str,
    hvm_container: bool,
    profile: Profile,
    firmware: bool = False,
    features: str | None = None,
    unpack: Unpack = unpack,
) -> KernelImage:
    """Load a kernel, or firmware, for a PV (`hvm_container` false) or an HVM container (PVH and HVM).

    `name` is the file's name for messages, and `firmware` says that the user knows it as firmware. `features`, names
    joined by `|`, is what a PV guest is to have on request (xc_dom_allocate's features; libxl has none for HVM
    containers, and xl none at all). `unpack` undoes a payload's compression, unless that was done before. Raises
    RefusedError with each loader's reason.
    """
    requested = 0 if hvm_container or features is None else requested_features(features)
    blob = Blob.of(data)
    return load_file(
        open_file(Candidate(name, blob, (), hvm_container, profile, firmware, requested, unpack))
    )


def load_file(file: Candidate) -> KernelImage:
    """Load a file that is open. Raises RefusedError with each loader's reason."""
    return load_as_answered(file, ask_loaders(file))


def load_as_answered(file: Candidate, answers: tuple[Answer, ...]) -> KernelImage:
    """Load a file of which the loaders have been asked. Raises RefusedError with each one's reason."""
    refuse_foreign(file)
    if isinstance(match := answers[-1].answer, Match):
        return _with_host_warning(match.load(), file.name)
    rejects = [(each.loader.name, each.answer) for each in answers if isinstance(each.answer, Reject)]
    raise _refusal(file, rejects)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a loader says of a file."""

    loader: Loader
    answer: Match | Reject


def ask_loaders(file: Candidate) -> tuple[Answer, ...]:
    """Return what each loader says, in the table's order, up to the first that takes the file."""
    answers: list[Answer] = []
    for loader in LOADERS:
        answer = loader.probe(file)
        answers.append(Answer(loader, answer))
        if isinstance(answer, Match):
            break
        file = answer.leaves or file
    return tuple(answers)


def _with_host_warning(image: KernelImage, name: str) -> KernelImage:
    """Add what the image's guest type asks of a host that not every one has."""
    if image.guest_type is not GuestType.PV32PAE:
        return image
    warning = Diagnostic(
        "kernel-pv32-host",
        "this is a 32-bit PV guest, and not every Xen runs those: some distributions build it without CONFIG_PV32",
        Where(name),
        'on such a host the PV shim runs it: type = "pvh" and pvshim = 1',
    )
    return replace(image, warnings=(*image.warnings, warning))


def open_file(candidate: Candidate) -> Candidate:
    """Return a file as the loaders see it: gzip of the whole file is undone.

    Raises RefusedError for an empty file, one whose gzip stream is broken, and for sizes over the limit.
    """
    blob = candidate.blob
    if not blob.size:
        raise RefusedError(
            "kernel-empty",
            f"the {candidate.noun} file is empty",
            cause="it has no bytes that could be loaded",
            hint=candidate.mend,
            where=Where(candidate.name),
        )
    limit = candidate.profile.kernel_max_size
    if blob.size > limit:
        raise too_large("kernel-too-large", candidate.noun, candidate.name, blob.size, limit=limit)
    room = unpacked_room(blob)
    if room is None:
        return candidate
    if room > limit:
        raise too_large("kernel-too-large", candidate.noun, candidate.name, room, claimed=True, limit=limit)
    data = gunzip(blob, room)
    if data is None:
        raise RefusedError(
            "kernel-bad-gzip",
            f"the {candidate.noun} file is a gzip file that cannot be unpacked",
            cause="the stream is damaged, cut short, or unpacks to more than its last four bytes say",
            hint="unpack it with gunzip to see what is wrong, or give the unpacked file",
            where=Where(candidate.name),
        )
    return replace(candidate, blob=Blob.of(data, room), packing=("gzip",))


def _refusal(file: Candidate, rejects: list[tuple[str, Reject]]) -> RefusedError:
    """Return the error that lists every loader's reason, with a hint, and the last place that one gave."""
    container = "an HVM container (PVH or HVM)" if file.hvm_container else "PV"
    guess = what_it_is(file.blob, zipped=bool(file.packing))
    lines = ["it is a gzip file; of what is in it:"] if file.packing else []
    lines += [] if guess is None else [guess.sentence]
    lines += [f"{name}: {reject.reason}" for name, reject in rejects]
    hints = [file.mend, *(reject.hint for _, reject in rejects if reject.hint)]
    if not file.firmware and guess is not None and guess.hint is not None:
        hints.append(guess.hint)
    places = [reject.where for _, reject in rejects if str(reject.where)]
    place = places[-1] if places else Where()
    return RefusedError(
        "kernel-not-recognised",
        f"no loader for {container} takes the {file.noun}",
        cause="\n".join(lines),
        hint=hints[0 if file.firmware else -1],
        where=replace(place, file=file.name),
    )
