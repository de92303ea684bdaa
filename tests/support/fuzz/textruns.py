"""Running inputs that are texts: configurations, host files; and what guests' vCPUs are started from."""

from collections.abc import Sequence

from fuzz.model import promise
from fuzz.promises import check_error, check_report, check_syntax_error, check_warnings
from xlbuild import vcpus
from xlbuild.checking import check_config
from xlbuild.checking.formats import as_github, as_json, as_sarif
from xlbuild.checking.model import CheckReport
from xlbuild.checking.text import text
from xlbuild.config import read_settings
from xlbuild.container import decide
from xlbuild.emit.hostfile import parse_host
from xlbuild.errors import ConfigError, ConfigSyntaxError, RefusedError, UsageError, raise_all
from xlbuild.libxl.json import json_text
from xlbuild.profiles import NEWEST, PROFILES
from xlbuild.reading import read_config

OLDEST = PROFILES[0]
_FILE = "guest.cfg"


def run_language(data: bytes) -> str:
    """Read a configuration's text alone, as xl's scanner and parser do."""
    try:
        settings = read_settings(data, _FILE, ())
    except ConfigSyntaxError as error:
        check_syntax_error(error, data)
        return check_error(error)
    promise(all(place.line is not None for place in settings.places.values()), "every setting has a line")
    return "read"


def run_config(data: bytes) -> str:
    """Read a configuration whole, decide the container, and make the JSON that xl prints."""
    try:
        reading = read_config(data, _FILE, (), OLDEST)
        check_warnings(reading.warnings, mends=False)
        raise_all(reading.errors)
        decide(reading.guest, OLDEST)
    except ConfigError as error:
        return check_error(error)
    promise(reading.domain_config is not None, "without errors there is a libxl_domain_config")
    assert reading.domain_config is not None
    json_text(reading.domain_config)
    return "read"


def run_overrides(data: bytes) -> str:
    """Read the lines as settings of the command line."""
    arguments = data.decode(errors="surrogateescape").replace("\0", "").split("\n")
    try:
        report = check_config(b'name="g"\nkernel="/k"\n', _FILE, arguments, NEWEST)
    except UsageError as error:
        return check_error(error)
    return _shown(report, None, arguments)


def run_check(data: bytes) -> str:
    """Check a configuration, write the report in all formats, and see whether it tells what would stop a build."""
    report = check_config(data, _FILE, (), NEWEST)
    stop = _what_stops(data)
    if stop is None:
        promise(not report.exit_status, "what check calls an error stops a build")
    else:
        promise(
            stop in {finding.code for finding in report.findings}, "what stops a build is told by check", stop
        )
    return _shown(report, data, ())


def _what_stops(data: bytes) -> str | None:
    """Return the code of what stops a build before its files are looked at; None where nothing does."""
    try:
        reading = read_config(data, _FILE, (), NEWEST)
        raise_all(reading.errors)
        decide(reading.guest, NEWEST)
    except ConfigError as error:
        return error.code
    return None


def _shown(report: CheckReport, data: bytes | None, arguments: Sequence[str]) -> str:
    for write in (text, as_json, as_sarif, as_github):
        written = write((report,)).encode()
        promise(b"\x1b" not in written, "a report drives no terminal", write.__name__)
    return check_report(report, data)


def run_host(data: bytes) -> str:
    """Read a host file."""
    try:
        host = parse_host(data, "host.json")
    except ConfigError as error:
        return check_error(error)
    regions = [(region.start, region.end) for region in host.memory_map or ()]
    regions += [(region.start, region.end) for region in host.reserved_device_memory or ()]
    promise(all(0 <= start <= end for start, end in regions), "a region ends behind its start")
    return "read"


def run_vcpu_context(data: bytes) -> str:
    """Decode what a guest hands to VCPUOP_initialise, and encode it again."""
    try:
        context = vcpus.decode(data)
        again = context.encode()
    except RefusedError as error:
        return check_error(error)
    promise(vcpus.decode(again) == context, "a context stays the same when it is encoded and decoded")
    return context.kind.name
