"""Where the command line says that things are, or are to be."""

import os

from xlbuild.errors import UsageError


def check_places(firmware_dirs: tuple[str, ...], host: str | None) -> None:
    """Refuse `--firmware-dir` and `--host` with nothing behind them (UsageError)."""
    if "" in firmware_dirs:
        raise UsageError("firmware-dir-empty", "--firmware-dir needs a directory", hint="give a path")
    check_given("--host", host)


def check_given(option: str, path: str | None, what: str = "file") -> None:
    """Refuse an option for a file, or a directory, with nothing behind it (UsageError)."""
    if path == "":
        raise UsageError(
            "option-empty", f"{option} needs a {what}", hint=f"give a path, or leave {option} out"
        )


def check_output(output: str | None, what: str) -> None:
    """Refuse `-o` with nothing behind it, and standard output (UsageError): a domain has to have a place."""
    check_given("-o", output, what)
    if output == "-":
        raise UsageError(
            "output-stream",
            "-o - would be standard output, and no domain is written there",
            cause="it is made beside its place, and gets its name when it is whole",
            hint=f"name a {what}; one that is called - is ./-",
        )


def searched(firmware_dirs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the directories to look for firmware in: those given, then XLBUILD_FIRMWARE_PATH's."""
    environment = os.environ.get("XLBUILD_FIRMWARE_PATH", "").split(":")
    return (*firmware_dirs, *(entry for entry in environment if entry))
