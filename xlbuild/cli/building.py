"""What the commands that build domains have in common: what a build depends on beside the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from xlbuild.cli.sizes import kernel_size_option
from xlbuild.profiles import PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., Any]")

firmware_option = click.option(
    "--firmware-dir",
    "firmware_dirs",
    multiple=True,
    metavar="DIR",
    help="Look for hvmloader, SeaBIOS, OVMF and the shim here first: a flat directory or a root tree. "
    "May be given several times; then XLBUILD_FIRMWARE_PATH (colon-separated) is searched.",
)
host_option = click.option(
    "--host", metavar="FILE", help="What the guest's memory map takes from its host (docs/host.md)."
)

_OPTIONS = (
    click.option(
        "--xen",
        type=click.Choice([profile.name for profile in PROFILES]),
        envvar="XLBUILD_XEN",
        help="Build as this Xen release does (XLBUILD_XEN; default: the newest).",
    ),
    firmware_option,
    host_option,
    click.option(
        "--hypercall-page/--no-hypercall-page",
        default=True,
        help="Fill a PV kernel's hypercall page, as the hypervisor does (default), or leave it zero.",
    ),
    kernel_size_option,
)
"""In the order in which help lists them: xen, firmware_dirs, host, hypercall_page, max_kernel_size."""


def building_options(command: _Command) -> _Command:
    """Add the options that say how a domain is built."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
