"""fuzz [OPTION]...: run damaged inputs through everything that reads files, and tell what must not happen.

scripts/fuzz calls it. Input N of a target and a seed is the same everywhere. Status 1 when anything was found.
"""

import argparse
import math
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from fuzz.execute import execute, peak_memory
from fuzz.explore import explore, read_corpus
from fuzz.findings import describe, distinct, save, smaller
from fuzz.guided import Guide, confirmed, guided_jobs, why_not
from fuzz.model import Failure, Seeds, Target
from fuzz.targets import BY_NAME, TARGETS
from fuzz.watch import watched
from fuzz.workers import Crew, Finding, Job, Results

_ROUND = 20_000
"""Executions of all targets together before the first has its turn again, with processes of its own each time."""
_FOREVER = 1 << 40
_OUTCOME = 40
"""Characters of an outcome that are shown."""


def main(arguments: Sequence[str]) -> int:
    """Fuzz; return the exit status."""
    options = _options().parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if options.list:
        print("\n".join(f"{target.name:19} {target.what}" for target in TARGETS))
        return 0
    if options.replay:
        return replay(*options.replay)
    targets = [BY_NAME[name] for name in options.target or BY_NAME]
    if options.explore:
        return _explore(targets, options)
    count = options.count or (_FOREVER if options.minutes else 100_000)
    if options.engine == "numbers":
        results = _run(targets, count, options)
    elif reason := why_not():
        print(f"fuzz: {reason}", file=sys.stderr)
        return 2
    else:
        results = _run_guided(targets, count, options)
    found = _tell_findings(results.findings, options.keep)
    print(summary(results))
    return int(found > 0)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__, formatter_class=_Raw)
    parser.add_argument(
        "--target", action="append", choices=tuple(BY_NAME), metavar="NAME", help="one target (default: all)"
    )
    parser.add_argument(
        "--engine",
        choices=("numbers", "atheris"),
        default="numbers",
        help="what makes inputs: their numbers (default), or atheris, guided by the code that they reach",
    )
    parser.add_argument("--list", action="store_true", help="name the targets")
    parser.add_argument("--count", type=int, metavar="N", help="executions in all (default: 100000)")
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="end after so long; without --count, only then"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="other inputs (default: 0)")
    parser.add_argument(
        "--jobs", type=int, default=2, metavar="J", help="processes at the same time (default: 2)"
    )
    parser.add_argument(
        "--keep",
        type=Path,
        default=Path("fuzz-findings"),
        metavar="DIR",
        help="where inputs are kept that show something (default: fuzz-findings)",
    )
    parser.add_argument("--replay", nargs=2, metavar=("FILE", "TARGET"), help="run one input, and tell all")
    parser.add_argument("--explore", action="store_true", help="look for inputs that reach new code; slow")
    parser.add_argument(
        "--corpus", type=Path, metavar="DIR", help="more seeds; --explore and atheris put them there"
    )
    return parser


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Keeps the description's lines."""


def _run(targets: Sequence[Target], count: int, options: argparse.Namespace) -> Results:
    """Run the targets' shares of so many executions, taking turns."""
    seeds = {target.name: _seeds(target, options.corpus) for target in targets}
    return watched(Crew(_jobs(targets, seeds, count, options.seed), options.jobs), options.minutes)


def _run_guided(targets: Sequence[Target], count: int, options: argparse.Namespace) -> Results:
    """Run the targets' shares of so many executions under atheris, or each for the same part of the time."""
    seeds = {target.name: _seeds(target, options.corpus) for target in targets}
    part = min(1, options.jobs / len(targets))
    seconds = 60 * options.minutes * part if options.minutes else math.inf
    with tempfile.TemporaryDirectory() as scratch:
        guide = Guide(Path(scratch), options.corpus)
        jobs = guided_jobs(targets, seeds, count, seconds, options.seed)
        results = watched(Crew(jobs, options.jobs, guide.start), None)
    results.findings = list(confirmed(results.findings))
    return results


def _seeds(target: Target, corpus: Path | None) -> Seeds:
    return (*target.seeds(), *(read_corpus(corpus / target.name) if corpus else ()))


def _jobs(targets: Sequence[Target], seeds: dict[str, Seeds], count: int, seed: int) -> Iterator[Job]:
    """Yield jobs in rounds, in each of which every target has its share of some executions."""
    total = sum(target.share for target in targets)
    wanted = {target.name: -(-count * target.share // total) for target in targets}
    done = dict.fromkeys(wanted, 0)
    while any(done[name] < wanted[name] for name in wanted):
        for target in targets:
            first = done[target.name]
            last = min(wanted[target.name], first + max(_ROUND * target.share // total, 1))
            if first < last:
                yield Job(target, seeds[target.name], seed, first, last)
                done[target.name] = last


def _tell_findings(findings: Sequence[Finding], keep: Path) -> int:
    """Tell of each way to fail once, with the smallest input; return how many ways there are."""
    found = distinct(findings)
    for finding, count in found:
        finding = smaller(finding)
        print(f"\n{describe(finding, count, save(finding, keep))}", flush=True)
    return len(found)


def summary(results: Results) -> str:
    """Return what each target's executions came to."""
    lines = ["", f"{'target':19} {'executions':>10} {'a second':>9} {'failed':>7}  what most come to"]
    for name, tally in results.tallies.items():
        often = "; ".join(
            f"{100 * count // max(tally.executions, 1)}% {outcome[:_OUTCOME]}"
            for outcome, count in tally.outcomes.most_common(2)
        )
        speed = tally.executions / max(tally.seconds, 0.001)
        lines.append(f"{name:19} {tally.executions:10,} {speed:9,.0f} {tally.outcomes['failed']:7}  {often}")
    failed, seconds = len(results.findings), sum(tally.seconds for tally in results.tallies.values())
    lines.append(
        f"{'all':19} {results.executions:10,} {results.executions / max(seconds, 0.001):9,.0f} {failed:7}"
    )
    return "\n".join(lines)


def replay(file: str, name: str) -> int:
    """Run one input here, and tell what came of it."""
    if name not in BY_NAME:
        sys.exit(f"fuzz: there is no target {name}: --list names them")
    try:
        target, data = BY_NAME[name], Path(file).read_bytes()
    except OSError as error:
        sys.exit(f"fuzz: {file} cannot be read: {error.strerror}")
    started = time.process_time()
    result = execute(target, data)
    seconds = time.process_time() - started
    print(f"{target.name}: {len(data)} bytes, {seconds:.3f} s, {peak_memory() >> 20} MiB at the most")
    if isinstance(result, Failure):
        print(f"{result.kind}: {result.signature}\n{result.detail}")
        return 1
    print(result)
    return 0


def _explore(targets: Sequence[Target], options: argparse.Namespace) -> int:
    corpus, found = options.corpus or Path("fuzz-corpus"), 0
    for target in targets:
        explored = explore(target, options.count or 2000, options.seed, corpus / target.name)
        steps = len(explored.steps)
        print(f"{target.name:19} {explored.new} inputs reach new code, {steps} steps in all", flush=True)
        found += _tell_findings(explored.findings, options.keep)
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
