"""The command line: one module a command, each imported when it is called.

Nothing here may import construct, elftools or rich, not even indirectly: `--help` answers at once.
"""

import importlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from xlbuild.errors import ExitStatus, XlbuildError
from xlbuild.profiles import NEWEST, PROFILES
from xlbuild.version import VERSION

COMMANDS: dict[str, tuple[str, str]] = {
    "create": ("xlbuild.cli.create", "Build a domain from an xl configuration."),
    "check": ("xlbuild.cli.check", "Tell what is wrong with xl configurations."),
    "inspect": ("xlbuild.cli.inspect", "Tell what a file is, where it boots, and what lies where."),
    "diff": ("xlbuild.cli.diff", "Tell what changes in a guest from one to another."),
    "export": ("xlbuild.cli.export", "Make a save file or a dump-core of a built domain."),
    "extract": ("xlbuild.cli.extract", "Take a part out of a kernel or a built domain."),
    "digest": ("xlbuild.cli.digest", "Print the digest by which a domain is known."),
}
"""Every command: the module that has it, and its line in the list."""


class LazyGroup(click.Group):
    """A group that imports a command's module only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _version_text() -> str:
    releases = ", ".join(profile.name for profile in PROFILES)
    return f"xlbuild {VERSION}\nbuilds as Xen {releases} (default: {NEWEST.name})"


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(message=_version_text())
def cli() -> None:
    """Build Xen guests offline, byte for byte as Xen's own toolstack builds them.

    No hypervisor and no root are needed. Exit status: 0 done, 1 the configuration is wrong, 2 usage, 3 the build was
    refused, 4 a file is missing, unreadable or unwritable, or the target exists, 130 interrupted, 70 a bug of ours.
    """


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit status; no end has a traceback."""
    _open_streams()
    try:
        result = cli.main(arguments, prog_name="xlbuild", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("xlbuild: interrupted", err=True)
        return ExitStatus.INTERRUPTED
    except SystemExit:  # click's own end, status 1, where nobody reads the output any more
        return output_failed(BrokenPipeError())
    except OSError as error:
        return output_failed(error)
    except XlbuildError as error:
        from xlbuild.cli.complain import complain

        complain(error)
        return error.exit_status
    except Exception as error:  # whatever it is, it is ours to mend, and no user is to read a traceback
        return _bug(error)
    return result if isinstance(result, int) else ExitStatus.OK


def _open_streams() -> None:
    """Stand in for streams that the caller has closed, and show what an encoding lacks as escapes."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 (it stays open to the end)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (likewise)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def printed(say: Callable[[], None]) -> ExitStatus:
    """Print something, and return the status of just that: a command that has another to tell must not lose it."""
    try:
        say()
        sys.stdout.flush()
    except OSError as error:
        return output_failed(error)
    return ExitStatus.OK


def output_failed(error: OSError) -> ExitStatus:
    """Say that the output could not be written; that a reader has had enough is no failure of ours."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
    if isinstance(error, BrokenPipeError):
        return ExitStatus.OK
    click.echo(f"xlbuild: error: the output cannot be written: {error.strerror or error}", err=True)
    return ExitStatus.FILES


def _bug(error: Exception) -> int:
    if os.environ.get("XLBUILD_TRACEBACK"):
        raise error
    click.echo(f"xlbuild: internal error: {type(error).__name__}: {error}", err=True)
    click.echo("  This is a bug in xlbuild. Please report it with the output that", err=True)
    click.echo("  XLBUILD_TRACEBACK=1 gives, and the files it was given.", err=True)
    return ExitStatus.INTERNAL
