"""differential.py [OPTION]... [CASE]...: random guests, built by xlbuild and by Xen's own toolstack, and compared.

scripts/differential calls it. Case N is the same everywhere; the cases are --seed and those behind it, or those
named. Status 1 when any is not the same.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import toolstack
from sidebyside import DIFFERENT, EXCEPTIONS, Result, safely_side_by_side


def main(arguments: Sequence[str]) -> int:
    """Compare cases; return the exit status."""
    options = _options().parse_args(arguments)
    missing = toolstack.why_no_toolstack()
    if missing:
        sys.exit(f"differential: {missing}")
    cases = options.case or range(options.seed, options.seed + options.count)
    started, results = time.monotonic(), []
    with closing(compare(cases, options.jobs, options.keep)) as comparing:
        for result in comparing:
            results.append(result)
            if result.verdict == DIFFERENT or options.case:
                print(f"{describe(result)}\n", flush=True)
            if len(results) % 100 == 0:
                print(f"{len(results)} of {len(cases)}", flush=True)
    print(f"\n{len(results)} cases in {time.monotonic() - started:.0f} s\n\n{summary(results)}")
    return int(any(result.verdict == DIFFERENT for result in results))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="differential", description=__doc__, formatter_class=_Raw)
    parser.add_argument("case", nargs="*", type=int, metavar="CASE", help="cases by their numbers")
    parser.add_argument("--count", type=int, default=1000, help="how many cases (default: 1000)")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="the first case's number (default: 0)"
    )
    parser.add_argument(
        "--jobs", type=int, default=2, metavar="N", help="processes at the same time (default: 2)"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="leave what differs below DIR, a directory a case"
    )
    return parser


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Keeps the description's lines."""


def compare(cases: Sequence[int], jobs: int, keep: Path | None) -> Generator[Result, None, None]:
    """Compare cases in several processes and yield the results in the cases' order."""
    with tempfile.TemporaryDirectory(prefix="differential.") as scratch, ProcessPoolExecutor(jobs) as pool:
        place = Path(scratch) if keep is None else keep.resolve()
        try:
            yield from pool.map(partial(compare_one, place, keep is not None), cases)
        finally:
            pool.shutdown(cancel_futures=True)


def compare_one(place: Path, keep: bool, number: int) -> Result:
    """Compare a case in a directory of its own; it stays there if it shows a difference that is to be kept."""
    directory = place / f"case{number}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    result = safely_side_by_side(number, directory)
    if not keep or result.verdict != DIFFERENT:
        shutil.rmtree(directory)
    return result


def describe(result: Result) -> str:
    """Return a case, what came of it and how to see it again."""
    lines = [f"case {result.case}: {result.verdict} {result.kind}".rstrip(), *result.about.splitlines()]
    if result.differences:
        lines += [*result.differences, f"again: scripts/differential --keep DIR {result.case}"]
    return "\n    ".join(lines)


def summary(results: Sequence[Result]) -> str:
    """Return how the cases ended: verdicts, exceptions with their reasons, refusals by xlbuild's error codes."""
    verdicts = Counter(result.verdict for result in results)
    labels = {"built": "built, the same", "refused": "refused by both", DIFFERENT: "different"}
    lines = [f"{verdicts[verdict]:6}  {label}" for verdict, label in labels.items()]
    excused = [exemption for exemption in EXCEPTIONS if verdicts[exemption.name]]
    if excused:
        lines += ["", "the real one differs, on purpose (docs/differences.md):"]
        lines += [f"{verdicts[e.name]:6}  {e.name}: {e.reason}" for e in excused]
    lines += ["", "xlbuild's refusals:"]
    kinds = Counter(result.kind for result in results if result.kind)
    lines += [f"{count:6}  {kind}" for kind, count in kinds.most_common()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
