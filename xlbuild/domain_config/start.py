"""What a domain starts with: its kernel, or the program that finds one (upstream: xl's parse_config_data)."""

import re
from dataclasses import replace

from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.model import Kind
from xlbuild.domain_config.kernel import kernel_of
from xlbuild.errors import ConfigError, Diagnostic
from xlbuild.libxl.domain import DomainBuildInfo


def with_start(values: Values, guest: GuestConfig, kind: Kind, info: DomainBuildInfo) -> DomainBuildInfo:
    """Return the build info with kernel, ramdisk, command line and bootloader; libxl decides between them."""
    attempt = values.problems.attempt
    return replace(
        info,
        kernel=attempt(lambda: kernel_of(guest, kind, values.release), None),
        ramdisk=guest.ramdisk,
        cmdline=guest.command_line,
        device_tree=values.string("device_tree"),
        bootloader=guest.bootloader,
        bootloader_args=attempt(lambda: _bootloader_args(values), None),
        bootloader_restrict=values.boolean("bootloader_restrict"),
        bootloader_user=values.string("bootloader_user"),
    )


def _bootloader_args(values: Values) -> tuple[str, ...] | None:
    """Return the bootloader's arguments; a string is cut at blanks, and xl crashes on one with nothing in it."""
    args = values.string_or_strings("bootloader_args")
    if not isinstance(args, str):
        return args or None
    where = values.settings["bootloader_args"].where
    words = tuple(word for word in re.split("[ \t\n]", args) if word)
    hint = f"write it as a list: bootloader_args = {list(words)}"
    if not words:
        cause = "xl crashes on a string without a word in it"
        raise ConfigError(
            "config-bad-bootloader-args", "bootloader_args has no words", cause=cause, hint=hint, where=where
        )
    message = "bootloader_args is a string, which xl cuts at blanks"
    values.problems.warn(Diagnostic("config-bootloader-args", message, where, hint))
    return words
