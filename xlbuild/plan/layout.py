"""The one bump allocator: segments behind one another, virtual addresses and frames in step."""

from collections.abc import Mapping
from types import MappingProxyType

from xlbuild.errors import NOWHERE, RefusedError, Where
from xlbuild.plan.model import Segment
from xlbuild.units import MIB, PAGE_SIZE, Pfn, bytes_of, human_size, page_offset, pages_for, whole_pages

NO_NAMES: Mapping[str, str] = MappingProxyType({})


class LayoutError(RefusedError):
    """A segment does not fit; `so_far` is the map up to there, and `reason` the cause without that map."""

    def __init__(
        self,
        code: str,
        message: str,
        cause: str | None,
        hint: str | None,
        so_far: tuple[Segment, ...],
        where: Where = NOWHERE,
    ) -> None:
        """Take the error's texts and the segments that were placed before."""
        super().__init__(code, message, cause=cause, hint=hint, where=where)
        self.so_far = so_far
        self.reason = cause


class Allocator:
    """Hands out frames in order (upstream: xc_dom_alloc_segment, xc_dom_alloc_page, xc_dom_alloc_pad)."""

    def __init__(self, base: int, total_pages: int, names: Mapping[str, str] = NO_NAMES) -> None:
        """Start at address `base`, frame 0, with `total_pages` frames; `names` is what messages call segments."""
        self._names = names
        self.base = base
        self.total_pages = total_pages
        self.virt_end = base
        self.pfn_end = Pfn(0)
        self.segments: list[Segment] = []

    def segment(self, name: str, size: int, at: int | None = None) -> Segment:
        """Take whole pages for `size` bytes, at address `at` or where the last segment ended.

        Raises LayoutError when `at` is unaligned, lies behind what is taken, or the frames run out.
        """
        if at is not None:
            self._pad_to(name, at)
        start, pfn = self.virt_end, self.pfn_end
        pages = pages_for(size)
        self._take(name, pages)
        segment = Segment(name, start, start + size, pfn, pages)
        self.segments.append(segment)
        return segment

    def page(self, name: str) -> Pfn:
        """Take one page."""
        pfn = self.pfn_end
        self._take(name, 1)
        return pfn

    def pad_to(self, address: int) -> None:
        """Leave everything up to `address` unused."""
        self._pad_to("padding", address)

    def address_of(self, pfn: Pfn) -> int:
        """Return the address that goes with a frame."""
        return self.base + bytes_of(pfn)

    def called(self, name: str) -> str:
        """Return what messages call a segment."""
        return self._names.get(name, name)

    def _pad_to(self, name: str, address: int) -> None:
        name = self.called(name)
        if page_offset(address):
            raise self.error(
                "segment-unaligned",
                f"the {name} starts at {address:#x}, which is not a page boundary",
                f"segments are whole pages of {PAGE_SIZE} bytes",
                "link it at a page-aligned address",
            )
        if address < self.virt_end:
            raise self.error(
                "segment-overlap",
                f"the {name} starts at {address:#x}, but memory is taken up to {self.virt_end:#x}",
                "segments are laid out upwards only",
                "link it at a higher address",
            )
        # Whole pages: a base that is not page-aligned shifts everything behind it, as it does upstream.
        self._take(f"gap before the {name}", whole_pages(address - self.virt_end))

    def _take(self, name: str, pages: int) -> None:
        free = self.total_pages - self.pfn_end
        if pages > free:
            needed = bytes_of(self.pfn_end + pages)
            raise self.error(
                "memory-too-small",
                f"the guest's memory is too small: no room for the {self.called(name)}",
                f"it takes {human_size(bytes_of(pages))} behind the {human_size(bytes_of(self.pfn_end))} in use, "
                f"and the guest has {human_size(bytes_of(self.total_pages))}",
                f"give the guest more memory: over {-(-needed // MIB)} MiB",
            )
        self.virt_end += bytes_of(pages)
        self.pfn_end = Pfn(self.pfn_end + pages)

    def error(self, code: str, message: str, cause: str, hint: str) -> LayoutError:
        """Return a refusal that carries the map so far."""
        return LayoutError(code, message, cause, hint, tuple(self.segments))
