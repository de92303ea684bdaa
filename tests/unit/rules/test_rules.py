"""The table of rules: whole, documented, and each rule finds something in its example."""

import ast
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kernels import EM_AARCH64, LOAD_ADDRESS, Load, Notes, elf_file, pattern

import xlbuild
from xlbuild.emit.disks import missing_disks
from xlbuild.errors import ExitStatus
from xlbuild.libxl.devices import DeviceDisk
from xlbuild.libxl.domain import DomainConfig
from xlbuild.rules import BY_ID, FAMILIES, OTHER, RULES, Rule, Severity, rule_of
from xlbuild.rules.page import page

_ROOT = Path(__file__).parents[3]
_PACKAGE = _ROOT / "xlbuild"
_PAGE = _ROOT / "docs" / "check.md"

_SOURCES = (
    *("config", "container", "domain_config", "lints", "checking", "image", "plan", "hooks", "acpi"),
    *("pipeline.py", "travel.py", "emit"),
)
"""What a configuration goes through."""

_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")

_MAKES_PROBLEMS = re.compile(r"(Error|Diagnostic|_warning|_error|_tell|_refused|_warn|problem)$")

_OTHER_CAUSES = {
    "config-not-regular",
    "config-too-large",
    *(
        "domain-not-a-directory",
        "domain-manifest-missing",
        "domain-manifest-syntax",
        "domain-manifest-invalid",
    ),
    *("domain-image-missing", "domain-image-length", "domain-changed"),
    *("target-exists", "target-not-a-domain", "target-unwritable", "target-no-space", "target-not-a-file"),
    *("core-invalid", "core-not-xen", "core-scattered", "core-truncated"),
    *("save-invalid", "save-not-one", "save-too-large", "save-truncated", "save-version"),
    *("target-other-file", "domain-damaged", "config-other-guest", "format-not-exported"),
    "depfile-name",
    *("domain-config-missing", "domain-config-syntax", "domain-config-invalid"),
    *("save-without-memory", "save-untold", "save-unmapped-ramdisk", "save-hypercall-page-empty"),
    *("domain-structure-damaged", "save-page-tables", "save-not-as-built"),
    "core-without-memory",
    *("host-file-invalid", "host-file-syntax", "setting-without-equals", "name-no-file-name"),
    "no-memory-map-to-set",
}
"""Codes of what is no fault of a configuration."""


def codes_of_the_source() -> Iterator[tuple[str, str]]:
    """Yield every code of an error or warning, with the file; `*` stands for what is computed."""
    for source in _SOURCES:
        place = _PACKAGE / source
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                parts = told(node) if isinstance(node, ast.Call) else [node]
                for code in filter(None, map(code_of, parts)):
                    if isinstance(node, ast.Call) or code.startswith("config-"):
                        yield code, str(path.relative_to(_ROOT))


def told(call: ast.Call) -> list[ast.AST]:
    """Return what may be the code in a call that makes an error or a warning."""
    name = ast.unparse(call.func)
    return [part for arg in call.args[:2] for part in ast.walk(arg)] if _MAKES_PROBLEMS.search(name) else []


def code_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and _CODE.fullmatch(str(node.value)):
        return str(node.value)
    if not isinstance(node, ast.JoinedStr) or not isinstance(node.values[0], ast.Constant):
        return None
    start = str(node.values[0].value)
    return f"{start}*" if re.fullmatch(r"[a-z]+-[a-z-]*", start) else None


def test_every_code_that_a_configuration_can_cause_has_a_rule() -> None:
    found = {code: path for code, path in codes_of_the_source() if code not in _OTHER_CAUSES}
    assert len(found) > 60
    assert {code: path for code, path in found.items() if rule_of(code) is OTHER} == {}


def test_every_code_of_a_rule_is_in_the_source() -> None:
    source = "".join(path.read_text() for path in _PACKAGE.rglob("*.py") if path.parent.name != "rules")
    computed = {"config-unknown-type", "config-unknown-builder", "config-bad-llc-colors"}
    for code in {code for rule in RULES for code in rule.codes if not code.endswith("*")} - computed:
        assert f'"{code}"' in source


def test_ids_and_codes_are_unique_and_in_order() -> None:
    ids = [rule.id for rule in RULES]
    assert ids == sorted(set(ids))
    codes = [code for rule in RULES for code in rule.codes]
    assert len(codes) == len(set(codes))
    for family in FAMILIES:
        assert all(re.fullmatch(rf"XLB{family.digit}[0-9][0-9]", rule.id) for rule in family.rules)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_all_its_texts_and_a_place_in_the_documentation(rule: Rule) -> None:
    assert rule.codes
    for text in (rule.title, rule.explanation, rule.mend):
        assert text.strip() == text != ""
    assert rule.explanation.endswith((".", ".)"))
    assert rule.mend.endswith((".", ")."))
    assert f"#### {rule.id}: {rule.title}\n" in _PAGE.read_text()


def test_the_page_is_what_the_table_makes() -> None:
    assert _PAGE.read_text() == page(), "run scripts/docs"


def findings_of(rule: Rule, report: xlbuild.CheckReport) -> list[xlbuild.Finding]:
    found = [finding for finding in report.findings if finding.rule is rule]
    assert found, report.findings
    assert {finding.severity for finding in found} == {rule.severity}
    assert report.exit_status is ExitStatus.CONFIG or rule.severity is not Severity.ERROR
    return found


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.example], ids=lambda rule: rule.id)
def test_a_rule_finds_something_in_its_example(rule: Rule) -> None:
    for finding in findings_of(rule, xlbuild.check(rule.example.encode(), source="example")):
        assert finding.where.file == "example"


def test_a_disk_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    paths = ("/no/such/disk", str(tmp_path / "there"), "relative", None)
    disks = tuple(DeviceDisk(pdev_path=path) for path in paths)
    ((number, problem),) = missing_disks(DomainConfig(disks=disks))
    assert (number, problem.message) == (0, "the disk /no/such/disk is not there")
    assert rule_of(problem.code).id == "XLB504"


@dataclass(frozen=True)
class Case:
    """What a rule finds something in that has no example in the table."""

    config: str
    kernel: bytes = b""
    xen: str | None = None
    host: str | None = None


_PV = 'name = "g"\ntype = "pv"\nkernel = "kernel"\nmemory = 64\n'
_PVH = 'name = "g"\ntype = "pvh"\nkernel = "kernel"\nmemory = 4096\n'
_HVM = 'name = "g"\ntype = "hvm"\nmemory = 64\nfirmware_override = "kernel"\nbios_path_override = "kernel"\n'
_SEGMENT = Load(LOAD_ADDRESS, pattern(0x100))
_ELSEWHERE = Load(LOAD_ADDRESS + 0x1000, b"x", header={"p_offset": 1 << 20})
_TOO_HIGH = Load(0xFE000000, pattern(0x100))
_NOTES: Notes = (("XEN_VERSION", "xen-3.0"), ("LOADER", "generic"))
_LOADER = elf_file([_SEGMENT], bits=32, header={"e_entry": LOAD_ADDRESS})
_DEVICE = '{"addr": "0x100000", "size": "0x1000", "devices": ["0000:00:1a.0"]}'
_HOST = f'{{"schema": "xlbuild.host/1", "reserved_device_memory": [{_DEVICE}]}}'

_CASES: dict[str, Case] = {
    "XLB321": Case(_PV, b"no kernel"),
    "XLB322": Case(_PV, elf_file([_SEGMENT], _NOTES, header={"e_machine": EM_AARCH64})),
    "XLB323": Case(_PVH, elf_file([_SEGMENT, _ELSEWHERE], [("PHYS32_ENTRY", LOAD_ADDRESS)])),
    "XLB324": Case(
        _PV,
        elf_file([_SEGMENT], [*_NOTES, ("PAE_MODE", "yes")], bits=32, header={"e_entry": LOAD_ADDRESS}),
    ),
    "XLB325": Case(_PVH, elf_file([_TOO_HIGH], [("PHYS32_ENTRY", _TOO_HIGH.vaddr)], bits=32)),
    "XLB326": Case(_PVH, _LOADER),
    "XLB403": Case(_HVM + 'rdm = "strategy=host"\n', host='{"schema": "xlbuild.host/1"}'),
    "XLB405": Case(_HVM + 'videoram = 16\ndevice_model_version = "qemu-xen-traditional"\n', xen="4.20"),
    "XLB505": Case(_PV, gzip.compress(b"kernel")[:-4] + (1 << 30).to_bytes(4, "little")),
    "XLB608": Case(_HVM + 'pci = [ "00:1a.0" ]\n', _LOADER, host=_HOST),
    "XLB609": Case(_HVM + 'pci = [ "00:1a.0,rdm_policy=relaxed" ]\n', _LOADER, host=_HOST),
}


_SAVED = {
    "XLB360": 'name = "g"\ntype = "hvm"\nmemory = 64\n',
    "XLB361": 'name = "g"\ntype = "pvh"\nkernel = "/k"\nmemory = 64\nmaxmem = 128\n',
}
"""What is refused as a save file alone; a check finds nothing in it."""


@pytest.mark.parametrize(("rule", "config"), _SAVED.items(), ids=list(_SAVED))
def test_a_rule_about_save_files_refuses_its_guest_as_one(rule: str, config: str) -> None:
    with pytest.raises(xlbuild.RefusedError) as refused:
        xlbuild.build(config.encode(), source="guest.cfg", restorable=True)
    assert rule_of(refused.value.code).id == rule
    assert (refused.value.where.file, bool(refused.value.where.line)) == ("guest.cfg", True)
    report = xlbuild.check(config.encode(), files=False)
    assert {finding.severity for finding in report.findings} <= {Severity.NOTE}


@pytest.mark.parametrize(
    "rule",
    [rule for rule in RULES if not rule.example and rule.id not in _SAVED],
    ids=lambda rule: rule.id,
)
def test_a_rule_without_example_finds_something_in_a_guest_of_its_own(
    rule: Rule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = _CASES[rule.id]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernel").write_bytes(case.kernel)
    if case.host is not None:
        (tmp_path / "host").write_text(case.host)
    report = xlbuild.check(
        case.config.encode(),
        xen=case.xen,
        host="host" if case.host is not None else None,
        firmware_dirs=[str(tmp_path)],
    )
    assert all(finding.where.line for finding in findings_of(rule, report))


def test_what_has_no_rule_is_still_told() -> None:
    assert rule_of("made-up") is OTHER
    assert rule_of("config-unknown-colour").id == "XLB214"
    assert rule_of("config-unknown-type").id == "XLB302"
    assert BY_ID["XLB101"].codes == ("key-unknown",)
