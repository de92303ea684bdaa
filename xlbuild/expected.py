"""The digest that a build is expected to come to, however it is given (`create --expect`)."""

import re
from dataclasses import dataclass

from xlbuild.diff.given import GivenDomain
from xlbuild.emit.readback import is_directory, may_be_manifest, read_directory, read_manifest_file
from xlbuild.emit.readfile import read_head
from xlbuild.errors import NOWHERE, FilesError, RefusedError, UsageError, XlbuildError
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

    def unmet(self, name: str, digest: str) -> RefusedError:
        """Return the error for a guest with another digest."""
        return RefusedError(
            "digest-unexpected",
            f"{name} is not the guest that is expected",
            cause=f"expected  {self.digest}\nbuilt     {digest}",
            hint=f"if the change is wanted, expect {digest}",
        )


def read_expected(what: str) -> Expected:
    """Return what is expected: 64 hex digits, a file that has them, a manifest, or a built domain's directory.

    A manifest's word is taken for its digest. Raises UsageError for a file without a digest, and what reading the
    others does.
    """
    if _DIGEST.fullmatch(what):
        return Expected(what.lower(), None)
    if is_directory(what):
        return _of_domain(GivenDomain(what, read_directory(what)))
    head = _head(what)
    if may_be_manifest(head):
        return _of_domain(GivenDomain(what, read_manifest_file(what)))
    first_line = head.decode(errors="replace").partition("\n")[0]
    digest = next((word for word in first_line.split() if _DIGEST.fullmatch(word)), None)
    if digest is None:
        cause = "its first line has no word of 64 hex digits, and it is no manifest"
        raise UsageError("expected-no-digest", f"{what} holds no digest", cause=cause, hint=_HINT)
    return Expected(digest.lower(), None)


def _head(what: str) -> bytes:
    try:
        return read_head(what, "expected digest", NOWHERE, _HEAD)
    except FilesError as error:
        if not _HEX.fullmatch(what):
            raise
        cause = f"it has {len(what)} hex digits, and a digest has 64"
        raise UsageError("expected-no-digest", f"{what} is no digest", cause=cause, hint=_HINT) from error


_HINT = (
    "give a digest, a file with the output of `xlbuild digest`, a domain.json, or a built domain's directory"
)


def _of_domain(domain: GivenDomain) -> Expected:
    return Expected(domain.built.digests.domain, domain)


def known_from(expected: Expected, directory: str) -> Expected:
    """Return what is expected with the domain that a directory holds, if it is of just that digest."""
    if expected.domain is not None:
        return expected
    try:
        domain = GivenDomain(directory, read_directory(directory))
    except XlbuildError:  # none is there, or none that could be compared with
        return expected
    return _of_domain(domain) if domain.built.digests.domain == expected.digest else expected
