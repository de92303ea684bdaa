"""Page-table entries of a PV guest, less what the hypervisor has made of them."""

from xlbuild.plan.pagetables import PAGE_PRESENT, PAGE_USER, X86_64, Paging, span_of_entry

_GUEST_KERNEL = 1 << 52
"""A bit that software may use: Xen sets it, and USER, in a leaf that a 64-bit guest has made for its kernel alone.

That kernel runs in ring 3, where it could not use the leaf else. It was seen so on Xen 4.17; no public header has it.
"""
_XENS_SLOTS = range(256, 272)
"""Entries of a four-level top table that are Xen's own (public arch-x86/xen-x86_64.h, HYPERVISOR_VIRT_START)."""
_XEN_FROM_PAE = 0xF5800000
"""HYPERVISOR_VIRT_START_PAE (public arch-x86/xen-x86_32.h): what an entry maps behind it is Xen's."""


def is_xens(paging: Paging, level: int, first: int, index: int) -> bool:
    """Return whether an entry of a table, which maps from `first` on, is one that Xen fills with its own."""
    if paging is X86_64:
        return level == paging.levels and index in _XENS_SLOTS
    return level == 2 and first + index * span_of_entry(level) >= _XEN_FROM_PAE


def as_guest_made(paging: Paging, level: int, entry: int) -> int:
    """Return an entry as the guest's builder has made it, but for the frame in it."""
    marked = PAGE_PRESENT | PAGE_USER | _GUEST_KERNEL
    if paging is X86_64 and level == 1 and entry & marked == marked:
        return entry & ~(PAGE_USER | _GUEST_KERNEL)
    return entry
