"""libxl's types are its own, as gcc has them: members and their order, defaults, names of enumerations."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from xlbuild.libxl import devices, domain, enums

pytestmark = pytest.mark.headers

HEADER = Path("/usr/include/_libxl_types.h")
LIBRARY = "-l:libxenlight.so.4.17"

LATER = {
    "ArchArm.arm_sci": "4.21",
    "ArchArm.nr_spis": "4.19",
    "ArchArm.sve_vl": "4.18",
    "DeviceDisk.grant_usage": "4.19",
    "DeviceNic.vlan": "4.20",
    "DeviceP9.auto_delete": "4.19",
    "DeviceP9.max_files": "4.19",
    "DeviceP9.max_open_files": "4.19",
    "DeviceP9.max_space": "4.19",
    "DeviceP9.type": "4.19",
    "DomainBuildInfo.altp2m_count": "4.21",
    "DomainBuildInfo.bootloader_restrict": "4.18",
    "DomainBuildInfo.bootloader_user": "4.18",
    "DomainBuildInfo.llc_colors": "4.20",
    "DomainBuildInfo.trap_unmapped_accesses": "4.21",
    "DomainBuildInfo.xenstore_feature_mask": "4.21",
    "DomainBuildInfo.xenstore_quota": "4.22",
    "DomainConfig.virtios": "4.18",
    "Hvm.pirq": "4.19",
    "Hvm.smbios": "4.18",
    "Hvm.xen_platform_pci_bar_uc": "4.21",
}
"""Members that came after Debian's libxl 4.17: since when."""

LATER_TYPES: frozenset[type] = frozenset(
    {
        *(domain.Smbios, domain.ArmSci, domain.XsQuotaItem, domain.XsQuotaList, devices.DeviceVirtio),
        *(enums.SmbiosType, enums.VirtioTransport, enums.P9Type, enums.SveType, enums.ArmSciType),
    }
)
"""Types that came with them."""

LATER_NAMES = {enums.TeeType.FFA: "4.18"}
"""Names that came to an enumeration later."""

PARTS: dict[type, tuple[str, str]] = {
    domain.Hvm: ("domain_build_info", "u.hvm."),
    domain.Pv: ("domain_build_info", "u.pv."),
    domain.Pvh: ("domain_build_info", "u.pvh."),
    domain.ArchArm: ("domain_build_info", "arch_arm."),
    domain.ArchX86: ("domain_build_info", "arch_x86."),
    devices.ChannelSocket: ("device_channel", "u.socket."),
    devices.UsbdevHostdev: ("device_usbdev", "u.hostdev."),
}
"""Structures that have no name of their own in C: the structure around them, and where they are in it."""

UNINITIALISED = {"ioport_range": "", "iomem_range": "x.gfn = ~0ULL;"}
"""Structures that nobody initialises but xl, and what it sets that the JSON then leaves out."""

OURS_ALONE = {domain.CpuidLeaf, domain.CpuidMsr, domain.CpuidPolicy, devices.ChannelPty}
"""libxl keeps these to itself; the JSON of real configurations shows them."""

INIT = {
    "Hvm": "libxl_domain_build_info_init_type(&x, LIBXL_DOMAIN_TYPE_HVM);",
    "Pv": "libxl_domain_build_info_init_type(&x, LIBXL_DOMAIN_TYPE_PV);",
    "Pvh": "libxl_domain_build_info_init_type(&x, LIBXL_DOMAIN_TYPE_PVH);",
    "ChannelSocket": "libxl_device_channel_init_connection(&x, LIBXL_CHANNEL_CONNECTION_SOCKET);",
    "UsbdevHostdev": "libxl_device_usbdev_init_type(&x, LIBXL_USBDEV_TYPE_HOSTDEV);",
}
"""What chooses a union's member."""


def structures() -> Iterator[type]:
    for module in (devices, domain):
        for value in vars(module).values():
            if (
                is_dataclass(value)
                and isinstance(value, type)
                and value.__module__ == module.__name__
                and value not in OURS_ALONE | LATER_TYPES
            ):
                yield value


def enumerations() -> Iterator[type[StrEnum]]:
    for value in vars(enums).values():
        if isinstance(value, type) and issubclass(value, StrEnum) and value not in {StrEnum, *LATER_TYPES}:
            yield value


def c_name(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def in_c(structure: type) -> tuple[str, str]:
    return PARTS.get(structure, (c_name(structure.__name__), ""))


@cache
def c_members(structure: type) -> dict[str, str]:
    """Return the members of a structure in C, in order, with their types; a union is its name."""
    name, path = in_c(structure)
    text = HEADER.read_text()
    match = re.search(rf"typedef struct libxl_{name} \{{\n(.*?)\n\}} libxl_{name};", text, re.DOTALL)
    assert match, name
    body = match[1]
    for part in path.split(".")[:-1]:
        body = next(inner for inner, member in blocks(body) if member == part)
    return {member: kind for kind, member in flat(body) if not member.startswith("num_")}


def blocks(body: str) -> Iterator[tuple[str, str]]:
    """Yield the structures and unions that stand directly in a body, each with its name."""
    inner: list[str] = []
    depth = 0
    for line in body.splitlines():
        if line.rstrip().endswith("{"):
            depth += 1
            if depth == 1:
                inner = []
                continue
        if line.strip().startswith("}"):
            depth -= 1
            if depth == 0:
                yield "\n".join(inner), line.strip("} ;\t")
        inner.append(line)


def flat(body: str) -> Iterator[tuple[str, str]]:
    depth = 0
    for line in body.splitlines():
        opens, closes = line.rstrip().endswith("{"), line.strip().startswith("}")
        depth += opens - closes
        if depth == 0 and closes:
            yield "block", line.strip("} ;\t")
        elif depth == 0:
            kind, member = line.strip(" ;").rsplit(" ", 1)
            yield kind.strip(), member


def ours(structure: type) -> list[str]:
    name = structure.__name__
    return [field.name for field in fields(structure) if f"{name}.{field.name}" not in LATER]


@pytest.mark.parametrize("structure", list(structures()), ids=lambda structure: structure.__name__)
def test_members_are_libxls_in_libxls_order(structure: type) -> None:
    shown = [member for member in c_members(structure) if member in ours(structure)]
    assert ours(structure) == shown
    left_out = set(c_members(structure)) - set(shown)
    assert left_out <= {"type", "connection", "rdms"}, "a selector of a union, or what xl never sets"


def test_defaults_are_libxls() -> None:
    cases = [
        (structure, field)
        for structure in structures()
        for field in fields(structure)
        if f"{structure.__name__}.{field.name}" not in LATER and c_kind(structure, field.name) is not None
    ]
    printed = run(cases)
    assert {
        f"{structure.__name__}.{field.name}": as_number(structure, field.name, field.default)
        for structure, field in cases
    } == {
        f"{structure.__name__}.{field.name}": value
        for (structure, field), value in zip(cases, printed, strict=True)
    }


def c_kind(structure: type, member: str) -> str | None:
    """Return how a member is asked in C; None for one that is a structure of its own."""
    kind = c_members(structure)[member]
    if kind == "block" or kind.removeprefix("libxl_") in {in_c(other)[0] for other in structures()}:
        return None
    if kind.endswith("*") or kind in ("libxl_string_list", "libxl_key_value_list", "libxl_cpuid_policy_list"):
        return "{0} != NULL"
    return {
        "libxl_defbool": "!libxl_defbool_is_default({0})",
        "libxl_bitmap": "{0}.size",
        "libxl_uuid": "!libxl_uuid_is_nil(&{0})",
        "libxl_mac": "{0}[0]",
        "libxl_ms_vm_genid": "{0}.bytes[0]",
    }.get(kind, "{0}")


def run(cases: list[tuple[type, Any]]) -> list[int]:
    """Return what C says of each member of a structure that libxl has just initialised."""
    lines = [
        "#include <stdio.h>",
        "#include <libxl.h>",
        "int main(void) {",
    ]
    for structure, field in cases:
        name, path = in_c(structure)
        asked = c_kind(structure, field.name)
        assert asked is not None
        init = UNINITIALISED.get(name, f"libxl_{name}_init(&x);")
        lines.append(
            f"{{ static libxl_{name} x; {init} {INIT.get(structure.__name__, '')} "
            f'printf("%lld\\n", (long long)({asked.format(f"x.{path}{field.name}")})); }}'
        )
    return [int(line) for line in compiled([*lines, "return 0; }"]).splitlines()]


def compiled(lines: list[str]) -> str:
    source = "\n".join(lines)
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "program"
        command = ["gcc", "-x", "c", "-", "-o", str(program), LIBRARY]
        made = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        return subprocess.run([program], capture_output=True, text=True, check=True).stdout


def as_number(structure: type, member: str, default: object) -> int:
    if isinstance(default, StrEnum):
        return values_of_enums()[f"{type(default).__name__}.{default.value}"]
    if default is None or default == () or default is False:
        return 0
    assert isinstance(default, int), f"{structure.__name__}.{member}"
    return default - (1 << 64) if default >= 1 << 63 else default


@cache
def values_of_enums() -> dict[str, int]:
    return {
        f"{kind.__name__}.{name}": value for kind in enumerations() for name, value in c_enum(kind).items()
    }


def c_enum(kind: type[StrEnum]) -> dict[str, int]:
    """Return an enumeration's members in C, by the last part of their names in lower case."""
    name = f"libxl_{c_name(kind.__name__)}"
    match = re.search(rf"typedef enum {name} \{{(.*?)\}}", HEADER.read_text(), re.DOTALL)
    assert match, name
    found = re.findall(rf"{name.upper()}_(\w+) = (-?\d+)", match[1])
    return {member.lower(): int(value) for member, value in found}


@pytest.mark.parametrize("kind", list(enumerations()), ids=lambda kind: kind.__name__)
def test_enumerations_have_libxls_members_in_order(kind: type[StrEnum]) -> None:
    assert [member.name.lower() for member in kind if member not in LATER_NAMES] == list(c_enum(kind))


def test_enumerations_have_libxls_names() -> None:
    members = [
        (kind, member, f"LIBXL_{c_name(kind.__name__).upper()}_{member.name}")
        for kind in enumerations()
        for member in kind
        if member not in LATER_NAMES
    ]
    lines = ["#include <stdio.h>", "#include <libxl.h>", "int main(void) {"]
    lines += [
        f'printf("%s\\n", libxl_{c_name(kind.__name__)}_to_string({constant}));'
        for kind, _, constant in members
    ]
    names = compiled([*lines, "return 0; }"]).splitlines()
    assert [member.value for _, member, _ in members] == names
