"""tier [--all]: set the lab up, build guests, start them on its Xen, and tell what came of it (scripts/xen-tests).

Without --all the guests of continuous integration alone. Where the lab cannot come up it says `xen: not run: WHY`,
and the status is 0: nothing was found out. A guest that does not come up is a failure, status 1.
"""

import sys
from collections.abc import Sequence

import pytest
import toolstack

from xenlab.guests import EVERY_TIME
from xenlab.model import Lab, LabError
from xenlab.setup import set_up


class _Watch:
    """What became of the tests."""

    def __init__(self) -> None:
        self.passed = 0
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            self.skipped.append(str(report.longrepr[2]).removeprefix("Skipped: "))
        elif report.when == "call" and report.passed:
            self.passed += 1


def main(arguments: Sequence[str]) -> int:
    """Run the tier; return the exit status."""
    lab = Lab()
    try:
        with lab.locked(alone=True):
            set_up(lab)
    except (LabError, OSError) as error:
        return _not_run(str(error))
    watch = _Watch()
    chosen = [] if "--all" in arguments else ["-k", " or ".join(EVERY_TIME)]
    where = str(toolstack.ROOT / "tests" / "xen")
    status = int(
        pytest.main(["-m", "xen", "-q", "-rP", "-p", "no:cacheprovider", *chosen, where], plugins=[watch])
    )
    if status:
        return status
    if watch.skipped:
        return _not_run(watch.skipped[0])
    print(f"xen: passed: {watch.passed} tests on a real Xen")
    return 0


def _not_run(why: str) -> int:
    print(f"xen: not run: {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
