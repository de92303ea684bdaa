"""Where a kernel lies of which nothing says so."""

from collections.abc import Collection

from xlbuild.built import MemoryReader
from xlbuild.units import FrameRange, Pfn, common_ranges


def kernel_frames(memory: MemoryReader, end: Pfn, others: Collection[Pfn] = ()) -> FrameRange:
    """Return the frames below `end`, where something else begins, from the first one that holds anything.

    others  frames whose contents are known to be no kernel's

    They exist all of them: with a hole below, it is the ones behind it. Where nothing holds anything, there are none.
    """
    for frames in reversed(tuple(common_ranges(memory.populated, FrameRange(Pfn(0), end)))):
        for pfn, _ in memory.pages_in(frames):
            if pfn not in others:
                return FrameRange(pfn, frames.end)
    return FrameRange(end, end)
