"""faults.py [KILLS [CUTS [INTERRUPTS]]]: builds that are killed, run out of space, or are interrupted.

scripts/faults calls it. After each, the domain's name must stand for nothing, for all of the old domain, or for all
of the new one; the exit status must be as documented; and the next build must leave no trace of it. Status 1 when
anything is not so.
"""

import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import smallspace
from dice import Dice
from workshop import GUESTS, NOTHING, Build, Workshop, know, start

SEED = 1
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL = 0.0002
_IN_ALL = "in all"


@dataclass
class Tally:
    """What has come of faults."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many of a kind of fault there were that had an outcome, in words."""
    trouble: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the summary, in one line."""
        parts = []
        for kind in dict.fromkeys(kind for kind, _ in self.counts):
            outcomes = {outcome: number for (of, outcome), number in self.counts.items() if of == kind}
            total = outcomes.pop(_IN_ALL)
            shown = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
            parts.append(f"{total} {kind} ({shown})")
        return "; ".join([*parts, f"{len(self.trouble)} violations"])


@dataclass(frozen=True)
class Length:
    """How long a build takes, in seconds."""

    whole: float
    writing: float
    """How long something of it is beside its place."""


@dataclass
class Faults:
    """Builds that go wrong in a directory of their own, and what comes of it."""

    directory: Path
    known: Path
    real: bool
    """Whether they are processes of their own from the interpreter's start on, or forks of this one."""
    dice: Dice = field(default_factory=partial(Dice, SEED))
    tally: Tally = field(default_factory=Tally)

    def workshops(self, count: int) -> Iterator[Workshop]:
        """Yield so many, furnished: of each guest in turn, every other pair with a domain to replace."""
        for number in range(count):
            guest = list(GUESTS)[number % len(GUESTS)]
            shop = Workshop(self.directory / "place", self.known, guest, number // len(GUESTS) % 2 == 1)
            shop.furnish()
            yield shop

    def lengths(self) -> Mapping[str, Length]:
        """Return how long a build of each guest takes that nothing happens to."""
        return {shop.guest: self._length(shop) for shop in self.workshops(len(GUESTS))}

    def _length(self, shop: Workshop) -> Length:
        started = time.monotonic()
        build = start(shop, real=self.real)
        wait_for_writing(shop, build)
        begun = time.monotonic()
        while shop.others():
            time.sleep(_POLL)
        done = time.monotonic()
        status, said = build.end()
        assert status == 0, said
        return Length(time.monotonic() - started, done - begun)

    def kill(self, shop: Workshop, length: Length) -> bool:
        """Kill a build: the name has what it had, or what is new; the next build clears up what is left.

        Return whether the build still ran.
        """
        status, _ = self._struck(shop, length, signal.SIGKILL)
        kind = "kills" if status else "kills too late"
        self._look(kind, "SIGKILL", shop, status, {-signal.SIGKILL: (shop.before, "new"), 0: ("new",)})
        return status != 0

    def interrupt(self, shop: Workshop, length: Length) -> bool:
        """Interrupt a build, which has to clear up itself; return whether it has not come to its end."""
        number = self.dice.pick(*INTERRUPTS)
        status, said = self._struck(shop, length, number)
        allowed: dict[int, tuple[str, ...]] = {130: (shop.before, "new"), 0: ("new",)}
        if status not in allowed and "xlbuild: " not in said:  # it has not come to a line of xlbuild's yet
            allowed[status] = (shop.before,)
        kind = "interrupts" if status else "interrupts too late"
        self._look(kind, number.name, shop, status, allowed, leaves_nothing=True)
        return status != 0

    def _struck(self, shop: Workshop, length: Length, number: signal.Signals) -> tuple[int, str]:
        """Send a build a signal at a random moment of its life or, every other time, of its writing."""
        build = start(shop, real=self.real)
        if self.dice.chance(50):
            time.sleep(self.dice.random() * length.whole * 1.05)
        else:
            wait_for_writing(shop, build)
            time.sleep(self.dice.random() * length.writing * 1.05)
        os.kill(build.pid, number)
        return build.end()

    def cut_by_limit(self, shop: Workshop) -> None:
        """Let a build's files have no more than a random number of bytes."""
        image = shop.known / f"{shop.guest}-new" / "memory.img"
        most = self.dice.place(int(image.stat().st_size * 1.1), towards_the_start=2)
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
        status, said = start(shop, limit, real=self.real).end()
        self._look_at_cut(f"files of {most} bytes", shop, status, said, "file too large")

    def cut_by_space(self, shop: Workshop) -> None:
        """Leave a build a random part of the room that it needs, and a little more at the most, in a tmpfs."""
        files = (shop.known / f"{shop.guest}-new").iterdir()
        room = self.dice.place(int(sum(file.stat().st_blocks * 512 for file in files) * 1.1))
        smallspace.resize(shop.place, room)
        status, said = start(shop, real=self.real).end()
        smallspace.resize(shop.place, None)
        self._look_at_cut(f"{room} bytes free", shop, status, said, "no space left on device")

    def _look_at_cut(self, about: str, shop: Workshop, status: int, said: str, complaint: str) -> None:
        if status == 4 and (complaint not in said or "cannot be written" not in said):
            self.tally.trouble.append(f"cuts, {shop}, {about}: it says {said!r}")
        allowed = {0: ("new",), 4: (shop.before,)}
        self._look("cuts", about, shop, status, allowed, leaves_nothing=True)

    def in_small_space(self, cuts: int) -> Tally:
        """Cut builds by space, in this process, which may mount things; return what came of it."""
        place = self.directory / "place"
        place.mkdir(parents=True, exist_ok=True)
        smallspace.mount(place)
        for shop in self.workshops(cuts):
            self.cut_by_space(shop)
        return self.tally

    def _look(
        self,
        kind: str,
        about: str,
        shop: Workshop,
        status: int,
        allowed: Mapping[int, tuple[str, ...]],
        *,
        leaves_nothing: bool = False,
    ) -> None:
        """Take down what a build has left; `allowed` has what the name may stand for, by exit status."""
        found, left = shop.found(), shop.others()
        trouble = [] if found in allowed.get(status, ()) else [f"status {status}, and the name has {found}"]
        if left and leaves_nothing:
            trouble.append(f"it leaves {left}")
        trouble += shop.trouble_with_the_next_build()
        self.tally.trouble += [f"{kind}, {shop}, {about}: {what}" for what in trouble]
        words = {NOTHING: "left no domain", "old": "left the old one", "new": "left the new one"}
        outcomes = [_IN_ALL, words.get(found, "left half of one")]
        outcomes.append(f"with status {status}")
        outcomes += ["left something to clear up"] if left else []
        self.tally.counts.update((kind, outcome) for outcome in outcomes)


def wait_for_writing(shop: Workshop, build: Build) -> None:
    """Wait until a build has put something beside its target, or has ended."""
    while not shop.others() and not build.has_ended():
        time.sleep(_POLL)


def main(kills: int, cuts: int, interrupts: int, *, real: bool = True) -> Tally:
    """Have so many builds go wrong; return what came of it."""
    with tempfile.TemporaryDirectory(prefix="faults.") as scratch:
        known = know(Path(scratch) / "known")
        faults = Faults(Path(scratch) / "shop", known, real)
        lengths = faults.lengths()
        for strike, count in ((faults.kill, kills), (faults.interrupt, interrupts)):
            for shop in faults.workshops(count):
                while not strike(shop, lengths[shop.guest]):
                    shop.furnish()
        in_small_space = 0 if smallspace.why_none() else cuts // 2
        for shop in faults.workshops(cuts - in_small_space):
            faults.cut_by_limit(shop)
        if in_small_space:
            faults.tally = smallspace.inside(partial(faults.in_small_space, in_small_space))
        return faults.tally


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    result = main(*given, *(200, 50, 100)[len(given) :])
    print(*result.trouble, result, sep="\n")
    sys.exit(bool(result.trouble))
