"""The shared builder hooks: one skeleton, one set of hooks for each guest type."""

from xlbuild.errors import RefusedError
from xlbuild.hooks.base import BuilderHooks
from xlbuild.hooks.hvm import HvmHooks
from xlbuild.hooks.pv64 import Pv64Hooks
from xlbuild.image.model import GuestType

HOOKS: tuple[BuilderHooks, ...] = (
    Pv64Hooks(),
    HvmHooks(),
)
"""Every guest type this program builds."""


def hooks_for(guest_type: GuestType) -> BuilderHooks:
    """Return the hooks of a guest type, or raise RefusedError."""
    for hooks in HOOKS:
        if hooks.guest_type is guest_type:
            return hooks
    raise RefusedError(
        "guest-type-unsupported",
        f"guests of type {guest_type.value} are not built yet",
        cause="the kernel is a 32-bit PAE PV kernel",
        hint='use a 64-bit kernel; a 32-bit kernel with a PHYS32_ENTRY note boots with type="pvh"',
    )
