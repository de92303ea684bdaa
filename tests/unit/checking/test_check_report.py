"""The way of a check: everything in one run, sorted, each once, and never a traceback."""

import pytest

import xlbuild
from xlbuild.errors import ExitStatus, UsageError
from xlbuild.rules import Severity

HVM = b'name = "g"\ntype = "hvm"\nmemory = 64\n'


def codes(report: xlbuild.CheckReport) -> list[str]:
    return [finding.code for finding in report.findings]


def test_all_stages_tell_in_one_run_sorted_by_place() -> None:
    config = (
        b'memroy = 64\nkernel = "/no/such/kernel"\nramdisk = "/no/such/ramdisk"\nmemory = 64\nuuid = "x"\n'
    )
    report = xlbuild.check(config, source="g.cfg")
    assert codes(report) == [
        "key-unknown",
        "file-missing",
        "file-missing",
        "config-bad-uuid",
        "config-no-name",
        "type-default",
    ]
    assert [finding.where.line for finding in report.findings] == [1, 2, 3, 5, None, None]
    assert [finding.where.key for finding in report.findings[1:3]] == ["kernel", "ramdisk"]


def test_every_syntax_error_is_told() -> None:
    report = xlbuild.check(b"a = = 1\nb = 1\nc = True\r\n")
    assert [(finding.where.line, finding.code) for finding in report.findings] == [
        (1, "config-syntax"),
        (3, "config-not-evaluated"),
    ]


def test_several_things_wrong_with_the_container_are_told_together() -> None:
    config = (
        b'name = "g"\ntype = "pvh"\nvcpus = 200\nmax_event_channels = 1\npci = [ "01:00.0" ]\nmemory = 0\n'
    )
    found = set(codes(xlbuild.check(config)))
    expected = {
        "config-bad-vcpus",
        "config-event-channels",
        "config-passthrough",
        "config-no-memory",
        "config-no-kernel",
    }
    assert expected <= found


def test_without_files_nothing_is_looked_at() -> None:
    config = HVM + b'acpi_firmware = "/no/such/file"\ndisk = [ "/no/such/disk,raw,xvda,rw" ]\n'
    assert codes(xlbuild.check(config, files=False)) == []
    assert {"file-missing", "disk-missing"} <= set(codes(xlbuild.check(config)))


def test_a_kernel_that_does_not_fit_is_told_at_its_key_with_its_reason() -> None:
    report = xlbuild.check(b'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pv"\nmemory = 64\n')
    (finding,) = report.findings
    assert (finding.code, finding.where.line, finding.where.key) == ("kernel-not-pvh", 3, "kernel")
    assert "it has no note PHYS32_ENTRY" in (finding.cause or "")


def test_too_little_memory_is_told_at_memory() -> None:
    report = xlbuild.check(b'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 1\n')
    (finding,) = report.findings
    assert (finding.code, finding.where.line) == ("memory-too-small", 4)
    assert "memory =" in (finding.hint or "")


@pytest.mark.parametrize("xen", ["4.17", "4.22"])
def test_a_good_guest_is_clean(xen: str) -> None:
    report = xlbuild.check(b'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 64\n', xen=xen)
    assert report.findings == ()
    assert report.exit_status is ExitStatus.OK


def test_strict_takes_warnings_for_errors_and_leaves_notes() -> None:
    report = xlbuild.check(HVM.replace(b"type", b"builder") + b"vcpu = 1\n", files=False)
    assert report.exit_status is ExitStatus.OK
    strict = report.strict()
    assert strict.exit_status is ExitStatus.CONFIG
    assert (strict.count(Severity.ERROR), strict.count(Severity.WARNING)) == (1, 0)
    assert strict.count(Severity.NOTE) == report.count(Severity.NOTE) == 1
    assert codes(strict.only_errors()) == ["key-unknown"]


def test_a_release_that_is_not_known_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        xlbuild.check(HVM, xen="3.0")


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 4096, b"\xff\xfe" * 100, b"[" * 10_000, b"a = " + b"[" * 10_000]
)
def test_whatever_the_bytes_there_is_a_report(data: bytes) -> None:
    assert xlbuild.check(data).exit_status is ExitStatus.CONFIG
