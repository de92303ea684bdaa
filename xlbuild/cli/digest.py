"""`xlbuild digest`: the digest by which a domain is known, and those of its parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from xlbuild.cli.arguments import refuse_setting
from xlbuild.cli.building import building_options
from xlbuild.cli.looking import file_on_stdin
from xlbuild.cli.places import check_places, searched
from xlbuild.cli.text import STDIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xlbuild.identity import Identity


@click.command(name="digest", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("domain", metavar="DOMAIN")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@building_options
@click.option("--parts", is_flag=True, help="Print a line for each thing that enters the digest, too.")
@click.option("--json", "as_json", is_flag=True, help="Print all of them as JSON (docs/digest.md).")
@click.option("-q", "--quiet", is_flag=True, help="Print no warnings.")
def command(
    domain: str,
    settings: tuple[str, ...],
    xen: str | None,
    firmware_dirs: tuple[str, ...],
    host: str | None,
    hypercall_page: bool,
    max_kernel_size: int | None,
    parts: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print the digest of what DOMAIN's guest finds when it starts, which moves when that moves, and only then.

    DOMAIN is a built domain's directory, whose memory is read for that; a domain.json alone, whose record of the
    memory is taken on trust; what a host wrote of a guest that has not run yet (xl save, xl dump-core); or an xl
    configuration (`-`: standard input), which is built in memory as `create` would build it, with KEY=VALUE settings
    behind it: nothing is written.
    """
    from xlbuild import api
    from xlbuild.cli.complain import say_nothing, warn
    from xlbuild.cli.progress import Progress
    from xlbuild.emit.digest import digest_document

    refuse_setting(domain, "DOMAIN", _NAMED)
    check_places(firmware_dirs, host)
    on_warning = say_nothing if quiet else warn
    with Progress(verbose=False, quiet=quiet) as progress:
        opened = api.open_domain(
            file_on_stdin() if domain == "-" else domain,
            overrides=settings,
            xen=xen,
            firmware_dirs=searched(firmware_dirs),
            hypercall_page=hypercall_page,
            host=host,
            max_kernel_size=max_kernel_size,
            source=STDIN,
            on_stage=progress.stage,
            on_warning=on_warning,
        )
        progress.stage("digest", opened.source)
        identity = api.identify(opened, on_warning=on_warning)
    if as_json:
        click.echo(json.dumps(digest_document(identity), indent=2))
    elif parts:
        click.echo("\n".join(_lines(identity)))
    else:
        click.echo(identity.digests.domain)


_NAMED = (
    "name a built domain's directory, its domain.json, a save file, a dump-core, "
    "or a configuration (`-`: standard input)"
)


def _lines(identity: Identity) -> Iterator[str]:
    """Yield a name and a digest a line; names have no blanks, so that a script may split it there."""
    named = {
        "domain": identity.digests.domain,
        **identity.parts,
        **{f"segment:{name}": digest for name, digest in identity.digests.segments.items()},
    }
    width = max(map(len, named))
    for name, digest in named.items():
        yield f"{name.replace(' ', '-'):{width}}  {digest}"
