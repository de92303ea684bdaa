"""Comparing whatever two sides are given."""

from collections.abc import Sequence

from xlbuild.diff.domains import compare_domains
from xlbuild.diff.files import compare_files
from xlbuild.diff.given import Given, GivenDomain, GivenFile
from xlbuild.diff.ignore import Pattern, without
from xlbuild.diff.model import Comparison
from xlbuild.errors import UsageError


def compare(a: Given, b: Given, ignore: Sequence[str] = ()) -> Comparison:
    """Return all that differs between two sides, but for paths that are to be ignored.

    Raises UsageError for a domain and a file that is none, for two files of different kinds, and for what is no path;
    FilesError where an image cannot be read.
    """
    patterns = [Pattern.of(text) for text in ignore]
    if isinstance(a, GivenDomain) and isinstance(b, GivenDomain):
        return without(compare_domains(a, b), patterns)
    if isinstance(a, GivenFile) and isinstance(b, GivenFile):
        return without(compare_files(a, b), patterns)
    file, domain = (a, b) if isinstance(a, GivenFile) else (b, a)
    assert isinstance(file, GivenFile)
    found = file.file.recognition
    raise UsageError(
        "nothing-in-common",
        f"{domain.label} is a domain, and {file.label} is {found.what}: they cannot be compared",
        hint=found.unpacking
        or "compare two domains (directories, configurations, manifests, save files, dump-cores), or two files of "
        "one kind",
    )
