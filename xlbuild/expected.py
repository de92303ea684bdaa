"""The digest that a build is expected to come to, however it is given (`create --expect`)."""

import re
from dataclasses import dataclass

from xlbuild.built import Origin
from xlbuild.diff.given import GivenDomain
from xlbuild.emit.readback import is_directory, may_be_manifest, read_directory, read_manifest_file
from xlbuild.emit.readfile import read_head
from xlbuild.errors import NOWHERE, FilesError, RefusedError, UsageError, XlbuildError
from xlbuild.fromhost import captured_as, read_capture
from xlbuild.identity import part_words, untold_parts
from xlbuild.inspect.recognise import recognise
from xlbuild.plan.model import PlanFor
from xlbuild.units import KIB

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_HEAD = 4 * KIB


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a build."""

    digest: str
    domain: GivenDomain | None
    """The domain that has this digest, where it is known: its manifest at least."""

    def unmet(self, name: str, digest: str, plan_for: PlanFor) -> RefusedError:
        """Return the error for a guest with another digest; it is another by what the guest is laid out for."""
        hint = f"if the change is wanted, expect {digest}"
        if self.domain is not None and self.domain.built.plan_for is not plan_for:
            expected = self.domain.built.plan_for
            how = _HOW_TO_BUILD[self.domain.built.is_pv, expected]
            hint = (
                f"the expected guest is laid out for `xl {expected.value}`, and this one for `xl {plan_for.value}`: "
                f"{how}; {hint}"
            )
        return RefusedError(
            "digest-unexpected",
            f"{name} is not the guest that is expected",
            cause=f"expected  {self.digest}\nbuilt     {digest}",
            hint=hint,
        )


def read_expected(what: str) -> Expected:
    """Return what is expected: 64 hex digits, a file that has them, or what is built: directory, manifest, save file.

    A manifest's word is taken for its digest. Raises UsageError for a file without a digest or a dump-core, which
    tells not all that a digest is of, and what reading the others does.
    """
    if _DIGEST.fullmatch(what):
        return Expected(what.lower(), None)
    if is_directory(what):
        return _of_domain(GivenDomain(what, read_directory(what)))
    head = _head(what)
    if may_be_manifest(head):
        return _of_domain(GivenDomain(what, read_manifest_file(what)))
    if (origin := captured_as(head)) is not None:
        return _of_capture(what, origin)
    first_line = head.decode(errors="replace").partition("\n")[0]
    digest = next((word for word in first_line.split() if _DIGEST.fullmatch(word)), None)
    if digest is None:
        cause = "its first line has no word of 64 hex digits, and it is no manifest"
        hint = recognise(head).unpacking or _HINT
        raise UsageError("expected-no-digest", f"{what} holds no digest", cause=cause, hint=hint)
    return Expected(digest.lower(), None)


def _head(what: str) -> bytes:
    try:
        return read_head(what, "expected digest", NOWHERE, _HEAD)
    except FilesError as error:
        if not _HEX.fullmatch(what):
            raise
        cause = f"it has {len(what)} hex digits, and a digest has 64"
        raise UsageError("expected-no-digest", f"{what} is no digest", cause=cause, hint=_HINT) from error


def _of_capture(what: str, origin: Origin) -> Expected:
    domain = GivenDomain(what, read_capture(what, what, origin))
    if untold := untold_parts(domain.built.untold):
        lacking = part_words(untold)
        raise UsageError(
            "expected-not-whole",
            f"{what} is a {origin.value}, and the digest of all of a guest is expected",
            cause=f"it does not tell all that the digest is of: {lacking}",
            hint="compare it with the configuration: `xlbuild diff`",
        )
    return _of_domain(domain)


_HOW_TO_BUILD = {
    (True, PlanFor.RESTORE): "build it with --format save",
    (True, PlanFor.CREATE): "build it without a save file",
    (False, PlanFor.RESTORE): "build it with --format save --set-memory-map",
    (False, PlanFor.CREATE): "build it without --set-memory-map",
}
"""By whether the expected guest is a PV guest, and what it is laid out for."""

_HINT = (
    "give a digest, a file with the output of `xlbuild digest`, a domain.json, a built domain's directory, "
    "or a save file"
)


def _of_domain(domain: GivenDomain) -> Expected:
    return Expected(domain.built.digests.domain, domain)


def known_from(expected: Expected, place: str) -> Expected:
    """Return what is expected with the domain that is at a place, if it is of just that digest."""
    if expected.domain is not None:
        return expected
    try:
        found = read_expected(place)
    except XlbuildError:  # none is there, or none that could be compared with
        return expected
    return found if found.domain is not None and found.digest == expected.digest else expected
