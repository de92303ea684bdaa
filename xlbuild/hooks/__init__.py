"""The shared builder hooks: one skeleton, one set of hooks for each guest type."""

from xlbuild.hooks.base import BuilderHooks
from xlbuild.hooks.hvm import HvmHooks
from xlbuild.hooks.pv import PvHooks
from xlbuild.hooks.pv32 import PV32PAE
from xlbuild.hooks.pv64 import PV64
from xlbuild.image.model import GuestType

HOOKS: tuple[BuilderHooks, ...] = (
    PvHooks(PV64),
    PvHooks(PV32PAE),
    HvmHooks(),
)
"""Every guest type that a supported Xen offers."""


def hooks_for(guest_type: GuestType) -> BuilderHooks:
    """Return the hooks of a guest type."""
    return next(hooks for hooks in HOOKS if hooks.guest_type is guest_type)
