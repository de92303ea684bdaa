"""Whether a file boots in each container, and which rule decides: the builder's own word, asked for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from xlbuild.container import Container, decide
from xlbuild.errors import NOWHERE, RefusedError, Where
from xlbuild.hooks import hooks_for
from xlbuild.hooks.base import make_plan
from xlbuild.hooks.budget import smallest_memory_mib
from xlbuild.image import bzimage
from xlbuild.image.elf import EM_386, EM_X86_64
from xlbuild.image.model import GuestType, KernelImage
from xlbuild.image.recognise import FileKind, what_it_is
from xlbuild.image.verdict import Match, Reject
from xlbuild.inspect.kernels.file import KernelFile
from xlbuild.inspect.releases import Target
from xlbuild.plan.model import BuildRequest
from xlbuild.profiles import Profile
from xlbuild.reading import read_config


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the builder takes a file for a container."""

    target: Target
    boots: bool
    rule: str
    """What decides, in a few words."""
    because: str
    """What was found, and what was needed."""
    mend: str | None = None
    where: Where = NOWHERE
    image: KernelImage | None = None
    """What the builder makes of it, where it boots."""
    least_memory_mib: int | None = None
    """`memory=` that the kernel alone needs: no ramdisk, one vCPU. None for firmware, which has modules behind it."""
    conditions: tuple[str, ...] = ()
    """What it depends on in the release that is asked for."""
    is_other_width: bool = False
    """Whether the file is for the other width of PV, whose verdict says more."""
    is_history: bool = False
    """Whether an older release does not take what the builder of today does."""


CONFIG_TYPES: Mapping[Target, str] = MappingProxyType(
    {Target.PV64: "pv", Target.PV32: "pv", Target.PVH: "pvh", Target.HVM: "hvm"}
)
"""The `type=` that asks for each container."""

_PV_WIDTH = {GuestType.PV64: Target.PV64, GuestType.PV32PAE: Target.PV32}
_MACHINE_WIDTH = {EM_X86_64: Target.PV64, EM_386: Target.PV32}
_FIRMWARE_MEND = "give firmware: hvmloader, or another 32-bit ELF file that is no Xen kernel"
_WIDTH = {Target.PV64: "64-bit", Target.PV32: "32-bit"}


def verdicts(file: KernelFile, profile: Profile) -> tuple[Verdict, ...]:
    """Return the verdict for each container, as a release's builder has it."""
    builder = _Builder(file, profile)
    return (builder.pv(Target.PV64), builder.pv(Target.PV32), builder.pvh(), builder.firmware())


@dataclass(frozen=True, slots=True)
class _Builder:
    """A release's builder and a file."""

    file: KernelFile
    profile: Profile

    def pv(self, target: Target) -> Verdict:
        """Return the verdict for one of the two widths of PV."""
        answer = self._outcome(hvm_container=False)
        other = _other_width(target, answer, self.file)
        if other is not None:
            rule = "ELF machine" if self.file.elf is not None else "multiboot table"
            starts = isinstance(answer, KernelImage)
            mend = f"give a {_WIDTH[target]} kernel" + (
                f", or start this one as {other.value}" if starts else ""
            )
            because = f"it is a {_WIDTH[other]} kernel"
            return Verdict(target, False, rule, because, mend, is_other_width=True)
        if isinstance(answer, RefusedError):
            return self._refused(target, answer)
        return _planned(Verdict(target, True, *_pv_rule(answer), image=answer), self.profile)

    def pvh(self) -> Verdict:
        """Return the verdict for PVH, where firmware gets no device model."""
        rule = "note PHYS32_ENTRY"
        answer = self._outcome(hvm_container=True)
        if isinstance(answer, RefusedError):
            return self._refused(Target.PVH, answer)
        if answer.is_firmware:
            because = "without that note Xen takes it for HVM firmware, which needs a device model"
            mend = "give a kernel with the note PHYS32_ENTRY (Linux: CONFIG_PVH)"
            return Verdict(Target.PVH, False, rule, because, mend)
        because = f"its note PHYS32_ENTRY gives the entry point {answer.entry:#x}"
        return _planned(Verdict(Target.PVH, True, rule, because, image=answer), self.profile)

    def firmware(self) -> Verdict:
        """Return the verdict for what an HVM guest starts in place of a kernel."""
        answer = self._outcome(hvm_container=True)
        if isinstance(answer, RefusedError):
            return self._refused(Target.HVM, answer)
        if not answer.is_firmware:
            because = "its notes make it a PVH kernel, and Xen places no firmware modules behind one"
            return Verdict(Target.HVM, False, "note PHYS32_ENTRY", because, 'set type="pvh"')
        because = f"Xen takes any 32-bit ELF file that is no Xen kernel, and starts it at {answer.entry:#x}"
        return Verdict(Target.HVM, True, "32-bit ELF file without a kernel's notes", because, image=answer)

    def _outcome(self, *, hvm_container: bool) -> KernelImage | RefusedError:
        return self.file.ask(self.profile, hvm_container=hvm_container).outcome

    def _refused(self, target: Target, error: RefusedError) -> Verdict:
        """Return the verdict of an error; where no loader takes the file, the reason of the one that came closest."""
        mend = _FIRMWARE_MEND if target is Target.HVM else error.hint
        answers = self.file.ask(self.profile, hvm_container=target in (Target.PVH, Target.HVM)).answers
        if not answers or isinstance(answers[-1].answer, Match):
            return replace(_of_error(target, error), mend=mend)
        unpackable = self.file.is_bzimage and self.file.elf is None
        closest = next(
            each for each in reversed(answers) if not unpackable or each.loader.name == bzimage.NAME
        )
        assert isinstance(closest.answer, Reject)
        because = closest.answer.reason
        if self.file.opened is not None and not self.file.is_bzimage:
            guess = what_it_is(self.file.opened.blob, zipped=bool(self.file.opened.packing))
            because = because if guess is None else f"{guess.sentence}; {because}"
            mend = guess.hint if guess is not None and guess.kind is FileKind.FIRMWARE else mend
        return Verdict(target, False, f"loader {closest.loader.name}", because, mend, error.where)


def _other_width(target: Target, answer: KernelImage | RefusedError, file: KernelFile) -> Target | None:
    """Return the width that a file has instead of the one that is asked for; None where it has none, or this one."""
    if isinstance(answer, KernelImage):
        width = _PV_WIDTH[answer.guest_type]
    elif file.elf is not None and file.elf.header.machine in _MACHINE_WIDTH:
        width = _MACHINE_WIDTH[file.elf.header.machine]
    else:
        return None
    return width if width is not target else None


def _pv_rule(image: KernelImage) -> tuple[str, str]:
    parameters = image.parameters
    if not parameters.notes:
        return "multiboot table", "it has a multiboot table of Xen's, which says everything"
    texts = (
        ("XEN_VERSION", parameters.xen_version),
        ("LOADER", parameters.loader),
        ("GUEST_OS", parameters.guest_os),
    )
    given = ", ".join(f"{name} `{text}`" for name, text in texts if text)
    return "notes XEN_VERSION and LOADER or GUEST_OS", f"its notes say that it is a PV kernel: {given}"


def _of_error(target: Target, error: RefusedError) -> Verdict:
    because = f"{error.message}: {error.cause}" if error.cause else error.message
    rule = f"note {error.where.note}" if error.where.note else error.code
    return Verdict(target, False, rule, because, error.hint, error.where)


def _planned(verdict: Verdict, profile: Profile) -> Verdict:
    """Add how much memory the kernel needs; a kernel that cannot be placed at all does not boot."""
    assert verdict.image is not None
    request = BuildRequest(_guest_of(verdict.target, profile), profile, verdict.image, (), ())
    hooks = hooks_for(verdict.image.guest_type)
    least = smallest_memory_mib(request, hooks)
    if least is not None:
        return replace(verdict, least_memory_mib=least)
    try:
        make_plan(request, hooks)
    except RefusedError as error:
        return _of_error(verdict.target, error)
    return verdict


@cache
def _guest_of(target: Target, profile: Profile) -> Container:
    """Return a guest with nothing but a kernel."""
    text = f'name="guest"\ntype="{CONFIG_TYPES[target]}"\nkernel="kernel"\nmemory=4096\n'
    return decide(read_config(text.encode(), "guest.cfg", (), profile).guest, profile)
