"""report [--quick]: start every guest on the lab's Xen, compare what the host builds, record it all in docs/xen.md.

With --quick stock `xl dump-core` makes no dump of PVH and HVM guests, which takes it many minutes. Status 1 when a
guest did not come up, 3 when the lab did not.
"""

import datetime
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import toolstack

from xenlab.guests import BY_NAME, GUESTS
from xenlab.hostbuilt import Comparison, compare, take_cores
from xenlab.model import Lab, LabError
from xenlab.packages import versions
from xenlab.setup import set_up
from xenlab.starting import Started, fell_short, start, write_save

PAGE = toolstack.ROOT / "docs" / "xen.md"
BEGIN = "<!-- scripts/xen-report writes what follows -->"
END = "<!-- scripts/xen-report wrote what precedes -->"
_SHOWN = r"GUEST-(?:KERNEL|HYP|MEM)"
"""Lines of a console that are shown besides those with a guest's words."""


def main(arguments: Sequence[str]) -> int:
    """Make the report; return the exit status."""
    lab = Lab()
    try:
        with lab.locked(alone=True):
            set_up(lab)
        with tempfile.TemporaryDirectory(prefix="xen-report.") as scratch:
            started = _start(lab, Path(scratch) / "starts")
            comparisons = _compare(lab, Path(scratch) / "cores", slow="--quick" not in arguments)
    except LabError as error:
        print(f"xen-report: {error}", file=sys.stderr)
        return 3
    _record("\n".join((*_versions(lab), *_starts(started), *_comparisons(comparisons))))
    failed = fell_short(started)
    for answer in failed:
        print(f"xen-report: {answer.name} did not come up", file=sys.stderr)
    return 1 if failed else 0


def _start(lab: Lab, place: Path) -> list[Started]:
    place.mkdir()
    saves = {guest: write_save(guest.config(lab), place, guest.name, guest.options) for guest in GUESTS}
    return start(lab, saves, place, created=[guest for guest in GUESTS if guest.compared])


def _compare(lab: Lab, place: Path, *, slow: bool) -> list[Comparison]:
    cores = take_cores(lab, place, slow=slow)
    return [compare(lab, core, place / f"{core.guest.name} {core.how}") for core in cores]


def _record(text: str) -> None:
    """Put the result between the markers of the page."""
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


def _versions(lab: Lab) -> Iterator[str]:
    today = datetime.datetime.now(datetime.UTC).date()
    yield f"### The machine ({today})\n"
    yield from _table(
        ("package", "version"), ((f"`{name}`", version) for name, version in versions(lab).items())
    )


def _starts(started: Sequence[Started]) -> Iterator[str]:
    yield "\n### Started\n"
    heads = ("guest", "by", "came up", "after", "tries", "`verify-stream-v2`")
    yield from _table(heads, (_row(answer) for answer in started))
    for answer in started:
        words = "|".join((*BY_NAME[answer.name].words, _SHOWN))
        lines = answer.lines(words) or answer.console.splitlines()[-10:] or ["(its console says nothing)"]
        yield f"\n{answer.name}, `xl {answer.command}`:\n\n```\n{chr(10).join(map(_printable, lines))}\n```"


def _row(answer: Started) -> tuple[str, ...]:
    came_up = "yes" if answer.came_up else f"no ({answer.end or f'xl: status {answer.status}'})"
    verified = "" if answer.command != "restore" else answer.verified or "accepts it"
    what = BY_NAME[answer.name].what
    return what, f"`xl {answer.command}`", came_up, f"{answer.seconds:.0f} s", str(answer.tries), verified


def _comparisons(comparisons: Iterable[Comparison]) -> Iterator[str]:
    yield "\n### Compared with what the host built"
    for done in comparisons:
        yield f"\n{done.core.guest.what}, dumped by `{done.core.how}`:\n"
        yield f"```console\n$ {done.command}\n{done.text.rstrip()}\n```\n\nIts status is {done.status}."


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _printable(line: str) -> str:
    """Return a console's line without what moves a terminal's cursor."""
    return "".join(character if character.isprintable() else " " for character in line).rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
