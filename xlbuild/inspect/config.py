"""A configuration, resolved: what each setting does, what libxl makes of all of them, and what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from xlbuild.checking import check_config
from xlbuild.checking.formats import finding_member
from xlbuild.checking.model import CheckReport, Finding
from xlbuild.config.keys import BY_NAME
from xlbuild.config.model import Value
from xlbuild.container import Container, FileRequest, Kind, decide
from xlbuild.container.kind import choose_kind
from xlbuild.errors import ConfigError, ConfigSyntaxError, Where
from xlbuild.host import Host
from xlbuild.image.firmware import FIRMWARE
from xlbuild.inspect.tree import Branch, Tree
from xlbuild.libxl.domain import DomainConfig
from xlbuild.libxl.enums import Nameless
from xlbuild.libxl.json import json_text
from xlbuild.profiles import Profile
from xlbuild.reading import Reading, read_config
from xlbuild.rules import Severity
from xlbuild.units import KIB, MIB
from xlbuild.visible import visible

_MOST_SETTINGS = 1000
_MOST_ELEMENTS = 64
_LONGEST_VALUE = 1024
_DEEPEST_VALUE = 3
_LARGEST_MENDED = MIB
_MOST_ROUNDS = 8
"""Of leaving out the lines that are not in xl's language."""
_SETTING = re.compile(rb"[ \t]*[a-z0-9_.]+[ \t]*\+?=")
"""A line with which a setting starts."""

_STATES = {
    "key-unknown": "unknown to xl",
    "key-pvh": "unknown to xl",
    "key-release": "not read by this release",
    "key-dead": "does nothing",
    "key-no-effect": "does nothing here",
    "key-needs-another": "does nothing here",
    "key-arm": "for Arm only",
    "key-deprecated": "deprecated",
}
"""What becomes of a key, by what a check says of it."""

_ANOTHER_PLACE = "key-overwritten"
"""Speaks of a setting that a later one replaces: the later one is told."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What could be read."""

    reading: Reading
    left_out: tuple[int, ...]
    """Lines that are not in xl's language."""


def describe_config(
    data: bytes,
    source: str,
    overrides: Sequence[str],
    profile: Profile,
    host: Host | None = None,
) -> Branch:
    """Return what a configuration says to a release's xl and libxl; no file that it names is looked at.

    data        the file's bytes
    source      what messages call the file
    overrides   `key=value` arguments, which come after the file's settings
    host        the host that the guest is to run on, where it is known

    What is wrong is among the `findings`, and does not keep the rest from being told: lines that are not in xl's
    language are left out then. Raises UsageError for an override without `=`.
    """
    report = check_config(data, source, overrides, profile, host)
    read = _read(data, source, overrides, profile)
    head: dict[str, Tree] = {
        "kind": "configuration",
        "what": "a configuration of xl",
        "size": len(data),
        "read_as": f"Xen {profile.name}",
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
    }
    told = _told(read, report, profile, host) if read else {}
    return {**head, **told, "findings": [finding_member(report, finding) for finding in report.findings]}


def _read(data: bytes, source: str, overrides: Sequence[str], profile: Profile) -> _Read | None:
    """Read a configuration, without the lines that keep it from being read; None where that does not help."""
    left_out: set[int] = set()
    for _ in range(_MOST_ROUNDS if len(data) <= _LARGEST_MENDED else 1):
        try:
            reading = read_config(_without(data, left_out), source, overrides, profile)
        except ConfigSyntaxError as error:
            lines = {problem.where.line for problem in error.problems if problem.where.line is not None}
            more = lines - left_out - {data.count(b"\n") + 1} or _unfinished(data, lines, left_out)
            if not more:
                return None
            left_out |= more
        else:
            return _Read(reading, tuple(sorted(left_out)))
    return None


def _unfinished(data: bytes, lines: set[int], left_out: set[int]) -> set[int]:
    """Return the lines of the setting that is unfinished where the last problem is."""
    last = max(lines, default=0)
    starts = [
        number
        for number, line in enumerate(data.split(b"\n")[:last], start=1)
        if number not in left_out and _SETTING.match(line)
    ]
    return set(range(starts[-1], last + 1)) if starts else set()


def _without(data: bytes, lines: set[int]) -> bytes:
    """Return a text with some of its lines empty, so that the others keep their numbers."""
    if not lines:
        return data
    return b"\n".join(
        b"" if number in lines else line for number, line in enumerate(data.split(b"\n"), start=1)
    )


def _told(read: _Read, report: CheckReport, profile: Profile, host: Host | None) -> dict[str, Tree]:
    reading = read.reading
    container = _container(reading, profile, host)
    bootloader = None if reading.kind is Kind.HVM else reading.guest.bootloader
    return {
        "lines_left_out": list(read.left_out),
        "container": _decision(reading, container),
        "guest": None if container is None else _guest(container),
        "bootloader": _text(bootloader),
        "files": [] if container is None or bootloader is not None else list(_files(container)),
        "disks": _disks(reading.domain_config),
        "network": _network(reading.domain_config),
        "settings": list(_settings(reading, report)),
        "settings_left_out": max(0, len(reading.settings) - _MOST_SETTINGS),
        "replaced": [
            {"key": lost.key, "at": _at(lost.where), "replaced_at": _at(lost.by)}
            for lost in reading.settings.overwritten
        ],
        "libxl_domain_config_is_whole": not (
            read.left_out or reading.errors or reading.domain_config is None
        ),
        "libxl_domain_config": _as_json(reading.domain_config),
    }


def _container(reading: Reading, profile: Profile, host: Host | None) -> Container | None:
    """Return the decision; where a bootloader is to find the kernel, as if it had been found."""
    guest = reading.guest
    if guest.bootloader is not None and reading.kind is not Kind.HVM:
        guest = replace(guest, bootloader=None, firmware=None, kernel=guest.kernel or guest.bootloader)
    try:
        return None if reading.kind is None else decide(guest, profile, host)
    except ConfigError:
        return None  # the check has told why


def _decision(reading: Reading, container: Container | None) -> Tree:
    """Return which container the guest gets, and why."""
    if reading.kind is None:
        return None
    reason = container.reason if container else choose_kind(reading.guest)[1]
    return {"type": reading.kind.value, "reason": reason}


def _guest(container: Container) -> dict[str, Tree]:
    return {
        "name": visible(container.name),
        "uuid": container.uuid,
        "memory_size": container.memory.max_kib * KIB,
        "memory_at_start_size": container.memory.target_kib * KIB,
        "video_memory_size": container.memory.video_kib * KIB,
        "vcpus": container.vcpus,
        "max_vcpus": container.max_vcpus,
        "command_line": _text(container.command_line),
    }


def _files(container: Container) -> Iterator[dict[str, Tree]]:
    """Yield the files that the guest is built from, in the order in which they are loaded."""
    yield _file(container.kernel, None if container.kind is Kind.HVM else container.command_line)
    for module in container.modules:
        yield _file(module.file, module.command_line)
    for _, request in container.firmware_modules:
        if request is not None:
            yield _file(request, None)


def _file(request: FileRequest, command_line: str | None) -> dict[str, Tree]:
    firmware = FIRMWARE[request.firmware].title if request.firmware else None
    looked_for = None if request.path or firmware is None else f"{firmware}, as the system has it"
    return {
        "role": request.role.value,
        "path": _text(request.path),
        "looked_for": looked_for,
        "asked_for_at": _at(request.where),
        "command_line": _text(command_line),
    }


def _disks(config: DomainConfig | None) -> list[Tree]:
    return [
        {
            "vdev": _text(disk.vdev),
            "target": _text(disk.pdev_path),
            "format": _name(disk.format),
            "access": "read and write" if disk.readwrite else "read only",
            "cdrom": bool(disk.is_cdrom),
            "script": _text(disk.script),
        }
        for disk in (config.disks if config else ())
    ]


def _network(config: DomainConfig | None) -> list[Tree]:
    return [
        {
            "number": nic.devid,
            "mac": _text(nic.mac),
            "bridge": _text(nic.bridge),
            "model": _text(nic.model),
            "type": _name(nic.nictype),
            "ip": _text(nic.ip),
            "script": _text(nic.script),
        }
        for nic in (config.nics if config else ())
    ]


def _settings(reading: Reading, report: CheckReport) -> Iterator[dict[str, Tree]]:
    decisive: dict[str, Finding] = {}
    for finding in report.findings:
        key = finding.where.key
        if key is not None and finding.code != _ANOTHER_PLACE and _rank(finding) > _rank(decisive.get(key)):
            decisive[key] = finding
    for name in list(reading.settings)[:_MOST_SETTINGS]:
        setting = reading.settings[name]
        key_row = BY_NAME.get(name)
        yield {
            "key": visible(name),
            "value": _value(setting.value),
            "at": _at(setting.key_where),
            "does": key_row.meaning if key_row else None,
            "state": _state(decisive.get(name)),
        }


def _rank(finding: Finding | None) -> int:
    """Return how much a finding says of what becomes of a setting."""
    if finding is None:
        return 0
    return 3 if finding.severity is Severity.ERROR else 2 if finding.code in _STATES else 1


def _state(finding: Finding | None) -> str:
    """Return what becomes of a setting, in a few words."""
    if finding is None or finding.severity is Severity.NOTE:
        return "used"
    known = _STATES.get(finding.code, "used, with a warning")
    return "wrong" if finding.severity is Severity.ERROR else known


def _value(value: Value, depth: int = 0) -> str:
    """Return a value as text, lists as a configuration has them; what is long or deep is cut."""
    if isinstance(value, str):
        text = visible(value[:_LONGEST_VALUE])
        text = f'"{text}"' if depth else text
    elif depth == _DEEPEST_VALUE:
        text = "[…]"
    else:
        shown = [_value(element, depth + 1) for element in value[:_MOST_ELEMENTS]]
        text = f"[{', '.join([*shown, '…'] if len(value) > _MOST_ELEMENTS else shown)}]"
    return text if len(text) < _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def _at(where: Where) -> str | None:
    """Return a place in the configuration, or on the command line."""
    if where.argument is not None:
        return f"{where.file}, setting {where.argument}"
    return None if where.line is None else f"line {where.line}"


def _text(text: str | None) -> str | None:
    return None if text is None else visible(text)


def _name(value: StrEnum | Nameless) -> str | None:
    """Return the name that a configuration has for a value; None: libxl chooses."""
    return None if isinstance(value, Nameless) or value.value == "unknown" else value.value


def _as_json(config: DomainConfig | None) -> Tree:
    """Return the document that xl hands to libxl, as `xl -N create` prints it."""
    if config is None:
        return None
    document: Tree = json.loads(json_text(config))
    return document
