"""config-differential [OPTION]... [CASE|FILE]...: configurations, read by xlbuild and by the real xl, and compared.

Case N is the same random configuration everywhere; the cases are --seed and those behind it. Otherwise cases by
their numbers, or files. Status 1 when any is not read as xl reads it.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import toolstack
from configdiff import DIFFERENT, EXCEPTIONS, Result, compare
from randomconfig import Config, describe, make_config
from xlparse import XlParse


def main(arguments: Sequence[str]) -> int:
    """Compare configurations; return the exit status."""
    options = _options().parse_args(arguments)
    missing = toolstack.why_no_toolstack()
    if missing:
        sys.exit(f"config-differential: {missing}")
    cases = options.case or [str(number) for number in range(options.seed, options.seed + options.count)]
    started, results = time.monotonic(), []
    for case, result in compare_all(cases, options.jobs, options.keep):
        results.append(result)
        if result.verdict == DIFFERENT or options.case:
            print(f"{describe_result(case, result)}\n", flush=True)
    print(f"{len(results)} cases in {time.monotonic() - started:.0f} s\n\n{summary(results)}")
    return int(any(result.verdict == DIFFERENT for result in results))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="config-differential",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("case", nargs="*", metavar="CASE|FILE", help="cases by their numbers, or files")
    parser.add_argument("--count", type=int, default=2000, help="how many cases (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the first case (default: 0)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes at a time (default: 2)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write what differs to DIR/caseN.cfg")
    return parser


def compare_all(cases: Sequence[str], jobs: int, keep: Path | None = None) -> Iterator[tuple[str, Result]]:
    """Compare cases in several processes and yield the results in the cases' order."""
    with (
        tempfile.TemporaryDirectory(prefix="config-differential.") as scratch,
        ProcessPoolExecutor(jobs) as pool,
    ):
        yield from zip(cases, pool.map(partial(_compare_one, scratch, keep), cases), strict=True)


def _compare_one(scratch: str, keep: Path | None, case: str) -> Result:
    config = load(case)
    directory = Path(tempfile.mkdtemp(dir=scratch))
    result = compare(config, XlParse(directory))
    shutil.rmtree(directory)
    if keep is not None and result.verdict == DIFFERENT:
        keep.mkdir(parents=True, exist_ok=True)
        kept = keep / f"case{case}.cfg" if case.isdecimal() else keep / Path(case).name
        kept.write_bytes(config.data)
    return result


def load(case: str) -> Config:
    """Return a case by its number, or a file."""
    return make_config(int(case)) if case.isdecimal() else Config(Path(case).read_bytes())


def describe_result(case: str, result: Result) -> str:
    """Return what came of a case and, where it differs, what it is."""
    lines = [f"case {case}: {result.verdict} {result.code}".rstrip()]
    if result.differences:
        lines += [*result.differences, "of", *describe(load(case))]
    return "\n    ".join(lines)


def summary(results: Sequence[Result]) -> str:
    """Return how the cases ended: verdicts, exceptions with their reasons, refusals by xlbuild's error codes."""
    verdicts = Counter(result.verdict for result in results)
    labels = {"accepted": "accepted, the same", "refused": "refused by both", DIFFERENT: "different"}
    lines = [f"{verdicts[verdict]:6}  {label}" for verdict, label in labels.items()]
    died = [exemption for exemption in EXCEPTIONS if verdicts[exemption.name]]
    if died:
        lines += ["", "refused by xlbuild, where xl dies:"]
        lines += [f"{verdicts[exemption.name]:6}  {exemption.name}: {exemption.reason}" for exemption in died]
    codes = Counter(result.code for result in results if result.code)
    lines += ["", "xlbuild's refusals:", *(f"{count:6}  {code}" for code, count in codes.most_common())]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
