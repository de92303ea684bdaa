"""The library's functions: the command line uses nothing else.

What a function needs is imported when it is called: a check must not wait for the builder.
"""

from xlbuild.api.building import begin, build, build_each, digests, files_read, finish, manifest
from xlbuild.api.comparing import (
    compare,
    expected,
    identify,
    is_of_host,
    known_from,
    open_domain,
    release_of_host,
    side,
    side_of,
)
from xlbuild.api.exporting import export, export_domain, open_directory
from xlbuild.api.looking import check, examine, xl_json
from xlbuild.api.options import find_profile
from xlbuild.api.writing import (
    load_writers,
    write,
    write_as,
    write_core,
    write_depfile,
    write_map,
    write_page,
    write_part,
    write_save,
)

__all__ = [
    "begin",
    "build",
    "build_each",
    "check",
    "compare",
    "digests",
    "examine",
    "expected",
    "export",
    "export_domain",
    "files_read",
    "find_profile",
    "finish",
    "identify",
    "is_of_host",
    "known_from",
    "load_writers",
    "manifest",
    "open_directory",
    "open_domain",
    "release_of_host",
    "side",
    "side_of",
    "write",
    "write_as",
    "write_core",
    "write_depfile",
    "write_map",
    "write_page",
    "write_part",
    "write_save",
    "xl_json",
]
