"""The library's functions: the command line uses nothing else.

What a function needs is imported when it is called: a check must not wait for the builder.
"""

from xlbuild.api.building import begin, build, build_each, digests, files_read, finish, manifest
from xlbuild.api.comparing import compare, expected, identify, known_from, open_domain, side, side_of
from xlbuild.api.looking import check, examine, xl_json
from xlbuild.api.options import find_profile
from xlbuild.api.writing import write, write_depfile, write_map, write_page, write_part

__all__ = [
    "begin",
    "build",
    "build_each",
    "check",
    "compare",
    "digests",
    "examine",
    "expected",
    "files_read",
    "find_profile",
    "finish",
    "identify",
    "known_from",
    "manifest",
    "open_domain",
    "side",
    "side_of",
    "write",
    "write_depfile",
    "write_map",
    "write_page",
    "write_part",
    "xl_json",
]
