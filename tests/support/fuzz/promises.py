"""What must hold of every result, whatever the input is."""

from collections.abc import Iterable, Iterator

from fuzz.model import promise
from xlbuild.checking.model import CheckReport
from xlbuild.errors import (
    ConfigProblemsError,
    ConfigSyntaxError,
    Diagnostic,
    RefusedError,
    Where,
    XlbuildError,
)
from xlbuild.image import KernelImage
from xlbuild.image.model import GuestType
from xlbuild.units import bytes_of, pages_for
from xlbuild.visible import visible


def check_error(error: XlbuildError, size: int | None = None) -> str:
    """Check an error, its place in a file of `size` bytes among it, and return its code."""
    for each in _errors(error):
        promise(each.code, "an error has a code", repr(each))
        promise(each.message.strip(), "an error has a message", each.code)
        if isinstance(each, RefusedError):
            promise(each.cause and each.cause.strip(), "a refusal has a cause", each.code)
        promise((each.hint or each.cause or "").strip(), "an error says what to do, or why", each.code)
        if isinstance(each, RefusedError):
            promise(each.hint and each.hint.strip(), "a refusal has a mend", each.code)
        for text in (str(each), each.cause or "", each.hint or ""):
            _check_text(text, each.code)
        check_offset(each.where, size, each.code)
    return error.code


def _errors(error: XlbuildError) -> Iterator[XlbuildError]:
    yield error
    if isinstance(error, ConfigProblemsError):
        yield from error.errors


def _check_text(text: str, code: str) -> None:
    promise(len(text) < 64 << 10, "a text can be read to its end", f"{code}: {len(text)} characters")
    visible(text).encode()


def check_offset(where: Where, size: int | None, code: str) -> None:
    """Check that an offset lies in the file."""
    if size is not None and where.offset is not None:
        promise(
            0 <= where.offset < size, "a place lies in the file", f"{code}: {where.offset:#x} of {size:#x}"
        )


def check_warnings(warnings: Iterable[Diagnostic], size: int | None = None, *, mends: bool = True) -> None:
    """Check warnings as errors are checked; those of a configuration may be without a mend (docs/check.md has it)."""
    for warning in warnings:
        promise(warning.message.strip(), "a warning has a message", warning.code)
        if mends:
            promise((warning.hint or "").strip(), "a warning has a mend", warning.code)
        check_offset(warning.where, size, warning.code)
        _check_text(warning.message, warning.code)


def check_image(image: KernelImage, size: int | None = None) -> None:
    """Check that a kernel's pieces lie in its pages and in order, and that it is entered where it may be."""
    promise(image.start < image.end, "a kernel ends behind its start", f"{image.start:#x} to {image.end:#x}")
    room = bytes_of(pages_for(image.end - image.start))
    painted = 0
    for piece in image.pieces:
        end = piece.offset + len(piece.data)
        promise(painted <= piece.offset < end <= room, "pieces are in order and within the kernel's pages")
        painted = end
    addresses = (image.start, image.end - 1, image.entry)
    promise(all(0 <= address < 1 << 64 for address in addresses), "addresses have 64 bits")
    if image.guest_type is GuestType.HVM:
        promise(image.entry < 1 << 32, "an HVM guest starts below 4 GiB", f"{image.entry:#x}")
    for note in image.parameters.notes:
        promise(note.name, "a note has a name", str(note.type))
        promise(isinstance(note.value, int | str), "a note has a value", note.name)
    check_warnings(image.warnings, size)


def check_report(report: CheckReport, data: bytes | None) -> str:
    """Check a report's findings, their places in the configuration where it is given, and return how it ends."""
    lines = None if data is None else data.split(b"\n")
    for finding in report.findings:
        promise(finding.message.strip(), "a finding has a message", finding.code)
        promise(
            finding.cause or finding.hint or finding.severity != "error",
            "an error explains itself",
            finding.code,
        )
        if lines is not None:
            _check_place(finding.where, lines, finding.code)
        for text in (finding.message, finding.cause or "", finding.hint or ""):
            _check_text(text, finding.code)
    return "errors" if report.exit_status else "no errors"


def check_syntax_error(error: ConfigSyntaxError, data: bytes) -> None:
    """Check the places of what is not in xl's language."""
    lines = data.split(b"\n")
    promise(error.problems, "a syntax error has a place")
    for problem in error.problems:
        promise(problem.where.line is not None, "a syntax error has a line", problem.message)
        _check_place(problem.where, lines, problem.code)


def _check_place(where: Where, lines: list[bytes], code: str) -> None:
    if where.line is None:
        return
    promise(1 <= where.line <= len(lines), "a line is one of the file", f"{code}: {where}")
    width = len(lines[where.line - 1])
    promise(1 <= (where.column or 1) <= width + 1, "a column is one of the line", f"{code}: {where}")
