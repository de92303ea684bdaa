"""How much memory a guest would need: what to say when it has too little, and how far its layout got."""

from collections.abc import Iterator
from dataclasses import replace

from xlbuild.container import Container
from xlbuild.errors import RefusedError
from xlbuild.hooks.base import BuilderHooks, make_plan
from xlbuild.hooks.names import names_of
from xlbuild.plan.layout import LayoutError
from xlbuild.plan.model import BuildRequest, Plan, Segment
from xlbuild.units import GIB, KIB, MIB, bytes_of, human_size

_MOST_MIB = 4096 * GIB // MIB
_TOO_SMALL = "memory-too-small"


def plan_or_budget(request: BuildRequest, hooks: BuilderHooks) -> Plan:
    """Return the plan. A LayoutError comes with the map as far as it got.

    For a guest that is too small it starts with what the memory is needed for, in one sum, and the least that is
    enough: `kernel 58 MiB + ramdisk 513 MiB + … > 512 MiB: needs memory >= 576`.
    """
    try:
        return make_plan(request, hooks)
    except LayoutError as error:
        told = _explained(error, request, hooks)
        told.reason = told.cause
        told.cause = "\n".join([told.cause or "", *_placed(request, error.so_far)])
        if told is error:
            raise
        raise told from error


def _explained(error: LayoutError, request: BuildRequest, hooks: BuilderHooks) -> LayoutError:
    """Return the error, for too little memory with what would be enough; or what is in the way with any memory."""
    if error.code != _TOO_SMALL:
        return error
    needed = smallest_memory_mib(request, hooks)
    if needed is not None:
        error.hint = _hint(request.container, needed)
        budget = _budget(make_plan(_with_memory(request, needed), hooks), request, needed)
        error.cause = f"{budget}\n{error.cause}"
        return error
    try:
        make_plan(_with_memory(request, _MOST_MIB), hooks)
    except RefusedError as anyhow:
        cause = f"with {human_size(_MOST_MIB * MIB)}, more than any guest has: {anyhow.cause}"
        return LayoutError(anyhow.code, anyhow.message, cause, anyhow.hint, error.so_far, anyhow.where)
    return error


def _hint(container: Container, needed: int) -> str:
    if container.vnuma is not None:
        return f"give vnuma's nodes at least {needed} MiB together"
    return f"give the guest at least {_key(container)} = {needed}"


def _key(container: Container) -> str:
    by_maxmem = container.is_hvm_container and container.memory.max_kib != container.memory.target_kib
    return "maxmem" if by_maxmem else "memory"


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


def _budget(plan: Plan, request: BuildRequest, needed: int) -> str:
    """Return the sum that does not fit: the parts of a plan that does, and the memory that there is."""
    container = request.container
    memory = container.memory.max_kib if container.is_hvm_container else container.memory.target_kib
    parts = list(_parts(plan, names_of(request)))
    terms = " + ".join(f"{what} {human_size(size)}" for what, size in parts)
    total = human_size(sum(size for _, size in parts))
    what = "vnuma" if container.vnuma is not None else _key(container)
    return f"{terms} = {total} > {human_size(memory * KIB)}: needs {what} >= {needed}"


def _parts(plan: Plan, names: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Yield what takes the memory, in bytes: the segments in the order of frames, then what lies around them."""
    segments = sorted((*plan.segments, *plan.firmware), key=lambda segment: segment.pfn)
    first, end = segments[0].pfn, max(segment.pfn + segment.pages for segment in segments)
    if first:
        yield f"below the {names.get(segments[0].name, segments[0].name)}", bytes_of(first)
    for segment in segments:
        yield names.get(segment.name, segment.name), bytes_of(segment.pages)
    mapped = plan.page_tables[0].frames.end if plan.page_tables else 0
    rest = max(end, mapped) - first - sum(segment.pages for segment in segments)
    if rest:
        yield "stack, special pages and spare room" if plan.page_tables else "gaps", bytes_of(rest)
    if video := plan.request.container.memory.video_kib:
        yield "video memory", video * KIB


def _placed(request: BuildRequest, segments: tuple[Segment, ...]) -> Iterator[str]:
    """Yield lines with what had its place before there was none left."""
    names = names_of(request)
    if segments:
        yield "placed so far:"
    for segment in segments:
        place = f"{segment.vstart:#x}..{segment.vend:#x}"
        yield f"  {names.get(segment.name, segment.name):12} {place}  {human_size(bytes_of(segment.pages))}"
