"""How much memory a guest would need: what to say when it has too little."""

from dataclasses import replace

from xlbuild.hooks.base import BuilderHooks, make_plan
from xlbuild.plan.layout import LayoutError
from xlbuild.plan.model import BuildRequest, Plan
from xlbuild.units import GIB, KIB, MIB, bytes_of, human_size

_MOST_MIB = 4096 * GIB // MIB
_TOO_SMALL = "memory-too-small"


def plan_or_budget(request: BuildRequest, hooks: BuilderHooks) -> Plan:
    """Return the plan; when the guest is too small, raise LayoutError with the memory it would need."""
    try:
        return make_plan(request, hooks)
    except LayoutError as error:
        if error.code != _TOO_SMALL:
            raise
        needed = smallest_memory_mib(request, hooks)
        if needed is not None:
            error.hint = f"give the guest at least memory = {needed}"
        error.cause = f"{error.cause}; " + ", ".join(
            f"{segment.name} {human_size(bytes_of(segment.pages))}" for segment in error.so_far
        )
        raise


def smallest_memory_mib(request: BuildRequest, hooks: BuilderHooks) -> int | None:
    """Return the least `memory=` in MiB that the guest can be planned with; None if there is none.

    A plan costs no memory, and one that fits in n MiB fits in more: double until it fits, then bisect.
    """
    low, high = 0, 1
    while not _fits(request, hooks, high):
        low, high = high, high * 2
        if high > _MOST_MIB:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _fits(request, hooks, middle) else (middle, high)
    return high


def _fits(request: BuildRequest, hooks: BuilderHooks, mib: int) -> bool:
    memory = request.container.memory
    kib = mib * MIB // KIB
    sizes = replace(memory, max_kib=kib, target_kib=kib)
    if kib <= memory.video_kib:
        return False
    try:
        make_plan(replace(request, container=replace(request.container, memory=sizes)), hooks)
    except LayoutError:
        return False
    return True
