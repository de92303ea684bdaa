"""The configuration that a directory keeps for save files: config.json, as xl embeds it."""

from pathlib import Path

from xlbuild.built import CONFIG_FILE, BuiltDomain
from xlbuild.container.model import Kind
from xlbuild.container.sizes import DEFAULT_PV_MIB
from xlbuild.emit.jsonplace import DocumentKind, Place, parse_document
from xlbuild.emit.readfile import read_file
from xlbuild.errors import ConfigError, FilesError, RefusedError, Where
from xlbuild.profiles import MOST_CONFIG
from xlbuild.units import KIB, MIB, UINT64, bytes_of, human_size

_KIND = DocumentKind(
    "domain's configuration",
    RefusedError,
    no_json="domain-config-syntax",
    invalid="domain-config-invalid",
    hint="it is libxl_domain_config as `xl list -l` prints it; build the domain again to have it anew",
)


def read_config(built: BuiltDomain) -> bytes:
    """Return the configuration beside a domain that was read back from a directory, a final newline.

    Its user may have changed it, the name say. Raises FilesError (domain-config-missing, and as `read_file`) and
    RefusedError (domain-config-syntax, domain-config-invalid) for what xl could not read; ConfigError as
    `check_config_of`.
    """
    path = str(Path(built.source) / CONFIG_FILE)
    try:
        data = read_file(path, _KIND.what, Where(path), MOST_CONFIG)
    except FilesError as error:
        if error.code != "file-missing":
            raise
        raise FilesError(
            "domain-config-missing",
            f"the {_KIND.what} {path} is missing",
            cause="a save file carries it, and directories have had it since they can be exported",
            hint="give its xl configuration with --config FILE, or build the domain again",
            where=error.where,
        ) from error
    check_config_of(built, data, path)
    return data.rstrip() + b"\n"


def check_config_of(built: BuiltDomain, config: bytes, source: str) -> None:
    """Refuse a configuration that is not the domain's, for a save file: xl would make another domain of it.

    config   libxl_domain_config in JSON
    source   what it is, or is made of

    Raises ConfigError (config-other-guest) for another type, and for less memory, and RefusedError as `read_config`.
    """
    top = parse_document(config.decode(errors="replace").encode(), _KIND, source)
    create, build = _object(top, "c_info"), _object(top, "b_info")
    kind = create.required("type").text()
    most = build.member("max_memkb")
    memory = DEFAULT_PV_MIB * MIB if most is None else most.number(0, UINT64) * KIB
    needed = bytes_of(built.total_pages)
    if kind != built.kind.value or memory < needed:
        raise ConfigError(
            "config-other-guest",
            "it is another guest's configuration",
            cause=f"it is one of {_guest(kind, memory)}, and the domain is {_guest(built.kind.value, needed)}",
            hint="take the one that the domain was built of; its name, its disks and the like may differ",
            where=Where(source),
        )


def _guest(kind: str, memory: int) -> str:
    return f"{'an' if kind == Kind.HVM.value else 'a'} {kind.upper()} guest with {human_size(memory)}"


def _object(top: Place, name: str) -> Place:
    """Return a member of a document that is an object."""
    if not isinstance(top.value, dict) or name not in top.value:
        top.wrong(f"it is no object with a member {name!r}")
    member = top.required(name)
    if not isinstance(member.value, dict):
        member.wrong("it is no object")
    return member
