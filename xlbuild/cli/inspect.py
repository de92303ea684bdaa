"""`xlbuild inspect`: what a file is, where it boots, and what lies where in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from xlbuild.cli import printed
from xlbuild.cli.arguments import refuse_setting
from xlbuild.cli.looking import examine, looking_options, show_tree
from xlbuild.errors import ExitStatus, RefusedError, UsageError, Where
from xlbuild.inspect.memory.hexdump import DUMP_LENGTH, MOST_DUMPED

if TYPE_CHECKING:
    from xlbuild.inspect.kernels.verdicts import Verdict
    from xlbuild.inspect.subject import Subject
    from xlbuild.inspect.tree import Branch

_CONTAINERS = ("pv64", "pv32", "pv", "pvh", "hvm")


@click.command(name="inspect", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@looking_options
@click.option("--json", "as_json", is_flag=True, help="Print the description as JSON (docs/inspect.md).")
@click.option(
    "--at",
    "addresses",
    multiple=True,
    metavar="ADDR",
    help="Say what lies at an address: 0x…, or with virt:, phys:, frame: or file: before it. May be given again.",
)
@click.option(
    "--length",
    type=click.IntRange(1, MOST_DUMPED),
    default=DUMP_LENGTH,
    show_default=True,
    help="Bytes that --at dumps.",
)
@click.option(
    "--require",
    "required",
    multiple=True,
    type=click.Choice(_CONTAINERS),
    help="Say just whether the kernel boots there; status 3 if it does not. May be given again.",
)
def command(
    file: str,
    settings: tuple[str, ...],
    xen: str | None,
    as_json: bool,
    addresses: tuple[str, ...],
    length: int,
    required: tuple[str, ...],
    kind: str | None,
    max_kernel_size: int | None,
) -> ExitStatus:
    """Say what FILE is (`-`: standard input), and whether and where it boots.

    FILE is a kernel, firmware, a ramdisk, an xl configuration (then KEY=VALUE settings may follow), a built
    domain's directory, or a save file or dump-core of a guest.
    """
    if addresses and required:
        raise UsageError("at-and-require", "--at and --require ask for different things", hint="ask twice")
    refuse_setting(file, "FILE", "name a file or a built domain's directory (`-`: standard input)")
    subject = examine(file, settings, xen, kind, max_kernel_size)
    if required:
        return _gate(subject, file, xen, required, as_json=as_json)
    trees = [subject.describe_address(address, length) for address in addresses] or [subject.describe()]
    if as_json:
        _print_json(trees[0] if not addresses else {"addresses": trees})
        return ExitStatus.OK
    for number, tree in enumerate(trees):
        if number:
            click.echo()
        show_tree(tree)
    return ExitStatus.OK


def _print_json(tree: Branch) -> None:
    click.echo(json.dumps(tree, indent=2))


def _gate(
    subject: Subject, file: str, xen: str | None, required: Sequence[str], *, as_json: bool
) -> ExitStatus:
    """Say whether a kernel boots where it has to; RefusedError if it does not, whoever reads that."""
    from xlbuild.inspect.releases import CONTAINER_NAMES, RELEASES

    release = xen or RELEASES[-1]
    found = {CONTAINER_NAMES[verdict.target]: verdict for verdict in subject.verdicts()}
    asked = {name: _closest(found, name) for name in dict.fromkeys(required)}
    unwritable = printed(lambda: _show_answers(asked, file, release, as_json=as_json))
    failed = [(name, verdict) for name, verdict in asked.items() if not verdict.boots]
    if failed:
        raise _unmet(file, release, failed)
    return unwritable


def _show_answers(asked: Mapping[str, Verdict], file: str, release: str, *, as_json: bool) -> None:
    """Print whether a kernel boots where it has to; what is against it is for the error to say, but in JSON."""
    if as_json:
        rows = [
            {
                "container": name,
                "boots": verdict.boots,
                "rule": verdict.rule,
                "because": verdict.because,
                "mend": verdict.mend,
                "depends_on": list(verdict.conditions),
            }
            for name, verdict in asked.items()
        ]
        _print_json({"file": file, "release": release, "required": rows})
        return
    for name, verdict in asked.items():
        if verdict.boots:
            click.echo(f"{file}: boots as {name} on Xen {release}: {verdict.because}")
            for condition in verdict.conditions:
                click.echo(f"  depends: {condition}")


def _closest(found: dict[str, Verdict], name: str) -> Verdict:
    """Return the verdict for a container; `pv` is the width that boots if one does, else the file's own."""
    if name != "pv":
        return found[name]
    widths = (found["pv64"], found["pv32"])
    return min(widths, key=lambda verdict: (not verdict.boots, verdict.is_other_width, not verdict.mend))


def _unmet(file: str, release: str, failed: list[tuple[str, Verdict]]) -> RefusedError:
    verdict = failed[0][1]
    names = " or ".join(name for name, _ in failed)
    return RefusedError(
        "require-unmet",
        f"it does not boot as {names} on Xen {release}",
        cause="\n".join(f"{name}: {verdict.rule}: {verdict.because}" for name, verdict in failed),
        hint=verdict.mend,
        where=Where(file, offset=verdict.where.offset, note=verdict.where.note),
    )
