"""Arguments that are files and settings, as `xl create` tells them apart."""

from xlbuild.errors import UsageError


def is_setting(argument: str) -> bool:
    """Return whether an argument is a `key=value` setting and no file; a path with a `=` needs a `/` before that."""
    key, equals, _ = argument.partition("=")
    return bool(equals) and "/" not in key


def files_and_settings(arguments: tuple[str, ...]) -> tuple[list[str], tuple[str, ...]]:
    """Return the files, at least one, and the settings; `-` may be given once (UsageError)."""
    files = [argument for argument in arguments if not is_setting(argument)]
    if not files:
        raise UsageError(
            "no-file",
            "no FILE is given",
            cause="as for `xl create`, an argument with a `=` is a setting",
            hint="name a configuration, `-` for standard input, or /dev/null for none",
        )
    if files.count("-") > 1:
        raise UsageError("stdin-twice", "standard input is given twice", hint="give `-` once")
    return files, tuple(argument for argument in arguments if is_setting(argument))


def refuse_setting(file: str, what: str, hint: str) -> None:
    """Refuse a setting in the place of a file that settings come behind (UsageError); `what` the file is called."""
    if is_setting(file):
        raise UsageError(
            "no-file",
            f"no {what} is given: {file} is a setting",
            cause=f"settings come behind {what}, and a path with a `=` in it needs a `/` before that",
            hint=hint,
        )
