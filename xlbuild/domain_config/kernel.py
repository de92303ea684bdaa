"""What a guest starts with, as xl hands it to libxl (upstream: xl's parse_config_data)."""

from xlbuild.config.model import GuestConfig
from xlbuild.container.files import check_start, is_hvmloader, named_pvgrub
from xlbuild.container.model import Kind
from xlbuild.profiles import FIRMWARE_DIRECTORY


def kernel_of(guest: GuestConfig, kind: Kind, release: str) -> str | None:
    """Return the kernel's path: for HVM a hvmloader is dropped, for the others `firmware` names a pvgrub.

    ConfigError where a PV or PVH guest has nothing to start with, or more than one thing.
    """
    if kind is Kind.HVM:
        return None if is_hvmloader(guest) else guest.kernel
    pvgrub = named_pvgrub(guest)
    if pvgrub is not None:
        return f"{FIRMWARE_DIRECTORY.format(release=release)}/{pvgrub}.bin"
    check_start(guest)
    return guest.kernel
