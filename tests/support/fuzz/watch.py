"""Watching a run: what it comes to is told as it goes on."""

import time

from fuzz.workers import Crew, Results

_TOLD_EVERY = 30.0


def watched(crew: Crew, minutes: float | None) -> Results:
    """Run jobs to their end or for so long, and tell how it goes."""
    started = told = time.monotonic()
    ways: set[tuple[str, str]] = set()
    try:
        while crew.step():
            now = time.monotonic()
            _tell_news(crew.results, ways)
            if minutes and now - started > 60 * minutes:
                crew.give_up()
            if now - told > _TOLD_EVERY:
                told, done = now, crew.results.executions
                found = len(crew.results.findings)
                print(
                    f"{done:,} executions, {done / (now - started):,.0f} a second, {found} failed", flush=True
                )
    except KeyboardInterrupt:
        crew.stop()
    except SystemExit:
        crew.stop()
        raise
    return crew.results


def _tell_news(results: Results, ways: set[tuple[str, str]]) -> None:
    """Tell of each new way to fail as soon as it is seen; more is told at the end."""
    for finding in results.findings:
        way = (finding.target, finding.failure.signature)
        if way not in ways:
            ways.add(way)
            print(f"found: {finding.target}, case {finding.case}: {finding.failure.signature}", flush=True)
