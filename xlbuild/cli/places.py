"""Where the command line says that things are: firmware, and what describes the host."""

import os

from xlbuild.errors import UsageError


def check_places(firmware_dirs: tuple[str, ...], host: str | None) -> None:
    """Refuse `--firmware-dir` and `--host` with nothing behind them (UsageError)."""
    if "" in firmware_dirs:
        raise UsageError("firmware-dir-empty", "--firmware-dir needs a directory", hint="give a path")
    if host == "":
        raise UsageError("host-empty", "--host needs a file", hint="give a path, or leave --host out")


def searched(firmware_dirs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the directories to look for firmware in: those given, then XLBUILD_FIRMWARE_PATH's."""
    environment = os.environ.get("XLBUILD_FIRMWARE_PATH", "").split(":")
    return (*firmware_dirs, *(entry for entry in environment if entry))
