"""How much memory a guest would need: what to say when it has too little."""

from dataclasses import replace

from xlbuild.container import Container
from xlbuild.errors import RefusedError
from xlbuild.hooks.base import BuilderHooks, make_plan
from xlbuild.plan.layout import LayoutError
from xlbuild.plan.model import BuildRequest, Plan
from xlbuild.units import GIB, KIB, MIB, bytes_of, human_size

_MOST_MIB = 4096 * GIB // MIB
_TOO_SMALL = "memory-too-small"


def plan_or_budget(request: BuildRequest, hooks: BuilderHooks) -> Plan:
    """Return the plan; when the guest is too small, raise LayoutError with the memory it would need and for what."""
    try:
        return make_plan(request, hooks)
    except LayoutError as error:
        if error.code != _TOO_SMALL:
            raise
        needed = smallest_memory_mib(request, hooks)
        if needed is not None:
            error.hint = _hint(request.container, needed)
            error.cause = f"{error.cause}\nneeded: {_budget(make_plan(_with_memory(request, needed), hooks))}"
        raise


def _hint(container: Container, needed: int) -> str:
    if container.vnuma is not None:
        return f"give vnuma's nodes at least {needed} MiB together"
    by_maxmem = container.is_hvm_container and container.memory.max_kib != container.memory.target_kib
    return f"give the guest at least {'maxmem' if by_maxmem else 'memory'} = {needed}"


def smallest_memory_mib(request: BuildRequest, hooks: BuilderHooks) -> int | None:
    """Return the least memory in MiB that the guest can be planned with; None if there is none.

    It is `memory=`, or `maxmem=` where that is set for an HVM container. A plan costs nothing, and one that fits
    in n MiB fits in more: double until it fits, then bisect.
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
    if mib * MIB <= request.container.memory.video_kib * KIB:
        return False
    try:
        make_plan(_with_memory(request, mib), hooks)
    except RefusedError:
        return False
    return True


def _with_memory(request: BuildRequest, mib: int) -> BuildRequest:
    kib = mib * MIB // KIB
    memory = replace(request.container.memory, max_kib=kib, target_kib=kib)
    return replace(request, container=replace(request.container, memory=memory))


def _budget(plan: Plan) -> str:
    """Return what takes the memory, in the order of frames, gaps included."""
    parts = []
    end = 0
    for segment in sorted((*plan.segments, *plan.firmware), key=lambda segment: segment.pfn):
        if segment.pfn > end:
            parts.append(f"{human_size(bytes_of(segment.pfn - end))} before {segment.name}")
        parts.append(f"{segment.name} {human_size(bytes_of(segment.pages))}")
        end = segment.pfn + segment.pages
    return ", ".join(parts)
