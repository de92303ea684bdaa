"""One execution: an input is run, and what must not happen is caught."""

import faulthandler
import resource
import signal
import sys
import time
import traceback
import zlib
from pathlib import Path

from dice import Dice

from fuzz.model import BrokenPromiseError, Failure, Seeds, Target

MOST_SECONDS = 2.0
"""Processor time that an execution may take."""
KILLED_AFTER = 10.0
"""Seconds of processor time after which a process is killed that is stuck where Python does not look up."""
MOST_MEMORY = 512 << 20
"""Bytes that a process may have in use at most."""
MOST_ADDRESSES = 4 << 30
"""Bytes of address space that a process may take: reserving is not using, but a bomb is to fail early."""

ROOT = Path(__file__).parents[3] / "xlbuild"


def input_of(target: Target, seeds: Seeds, seed: int, case: int) -> bytes:
    """Return a target's input by number: the same everywhere."""
    name = zlib.crc32(target.name.encode())
    return target.mutate(Dice(seed << 96 | name << 64 | case), seeds)


def execute(target: Target, data: bytes) -> str | Failure:
    """Run an input and return what came of it, or what was wrong."""
    started = time.process_time()
    try:
        outcome = target.run(data)
    except BrokenPromiseError as error:
        return Failure("promise", error.rule, str(error))
    except (Exception, SystemExit) as error:
        detail = "".join(traceback.format_exception(error, limit=-12))
        return Failure("exception", f"{type(error).__name__} in {_innermost(error)}", detail)
    seconds, peak = time.process_time() - started, peak_memory()
    if peak > MOST_MEMORY:
        return Failure("memory", "it takes too much memory", f"{peak >> 20} MiB in use at the most")
    if seconds > MOST_SECONDS:
        return Failure("slow", "it takes too long", f"{seconds:.1f} s of processor time")
    return outcome


def _innermost(error: BaseException) -> str:
    """Return the function of ours in which an exception came up."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT)]
    if not ours:
        return frames[-1].name
    return f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].name}"


def peak_memory() -> int:
    """Return the most memory that this process has had in use, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def limit_process() -> None:
    """Limit what this process can do to the machine."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()  # a death is a finding: who looks for it has the input
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.flush()


def arm() -> None:
    """Have this process killed unless it says so again soon enough, in processor time."""
    signal.setitimer(signal.ITIMER_PROF, KILLED_AFTER)
