"""A save file or a dump-core that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from xlbuild.captured.model import Capture, DumpCore, SaveFile
from xlbuild.errors import RefusedError, UsageError
from xlbuild.image.recognise import FileKind
from xlbuild.inspect.captures.core import core_parts, core_space, describe_core
from xlbuild.inspect.captures.save import describe_save, save_parts, save_space
from xlbuild.inspect.domains.parts import domain_parts
from xlbuild.inspect.domains.subject import describe_whole_domain, domain_space
from xlbuild.inspect.memory.address import describe_address
from xlbuild.inspect.memory.hexdump import DUMP_LENGTH
from xlbuild.inspect.memory.place import AddressSpace
from xlbuild.inspect.subject import SCHEMA
from xlbuild.inspect.tree import Branch, Part, Tree

if TYPE_CHECKING:
    from xlbuild.built import BuiltDomain
    from xlbuild.inspect.kernels.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class _Answers:
    """Who answers for a kind of capture."""

    kind: FileKind
    what: str
    describe: Callable[[Any], Branch]
    space: Callable[[Any], AddressSpace]
    parts: Callable[[Any], tuple[Part, ...]]


_ANSWERS: Mapping[type, _Answers] = MappingProxyType(
    {
        SaveFile: _Answers(FileKind.SAVE, "a guest saved by xl", describe_save, save_space, save_parts),
        DumpCore: _Answers(
            FileKind.CORE, "a dump of a guest (xl dump-core)", describe_core, core_space, core_parts
        ),
    }
)


@dataclass(frozen=True)  # without slots: the domain that was recovered for one question is kept for the next
class CaptureSubject:
    """A save file or a dump-core, which was read; of a guest that has not run, the domain that it is."""

    capture: Capture
    recover: Callable[[], BuiltDomain]
    """Returns the domain; RefusedError for a guest that has run, and for what cannot be recovered."""

    def describe(self) -> Branch:
        """Return everything there is to say of it, the domain's own description behind it."""
        answers = _ANSWERS[type(self.capture)]
        head: dict[str, Tree] = {
            "schema": SCHEMA,
            "file": self.capture.source,
            "kind": answers.kind.value,
            "what": answers.what,
            "size": self.capture.size,
        }
        return {**head, **answers.describe(self.capture), **self._describe_domain()}

    def describe_address(self, address: str, length: int = DUMP_LENGTH) -> Branch:
        """Return what lies at an address of the guest, in words and as a dump."""
        domain, _ = self._recovered
        answers = _ANSWERS[type(self.capture)]
        space = answers.space(self.capture) if domain is None else domain_space(domain)
        return describe_address(space, address, length)

    def parts(self) -> tuple[Part, ...]:
        """Return what can be taken out of it: the file's own, and of a guest that has not run the domain's."""
        own = _ANSWERS[type(self.capture)].parts(self.capture)
        domain, _ = self._recovered
        named = {part.name: part for part in (*(domain_parts(domain) if domain is not None else ()), *own)}
        return tuple(named[name] for name in sorted(named))

    def verdicts(self) -> tuple[Verdict, ...]:
        """Refuse: it is a guest."""
        raise UsageError(
            "no-kernel",
            f"{self.capture.source} is a guest, and kernels are what boots or not",
            hint="name the kernel's file",
        )

    @cached_property
    def _recovered(self) -> tuple[BuiltDomain | None, str | None]:
        """The domain, or why there is none."""
        try:
            return self.recover(), None
        except RefusedError as error:
            return None, f"{error.message}: {error.cause}" if error.cause else error.message

    def _describe_domain(self) -> Branch:
        domain, why_not = self._recovered
        if domain is None:
            return {"domain": None, "no_domain": why_not}
        return {"domain": describe_whole_domain(domain)}
