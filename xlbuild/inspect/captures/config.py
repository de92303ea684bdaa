"""The configuration that a save file carries along, in short."""

from collections.abc import Mapping

from xlbuild.captured.model import SavedConfig, SaveFile
from xlbuild.inspect.config import describe_config
from xlbuild.inspect.tree import Branch, Tree
from xlbuild.profiles import NEWEST
from xlbuild.visible import visible

_LONGEST = 1024
"""Characters of a value that are shown."""

_MEMBERS = (
    ("c_info", ("name", "uuid", "type")),
    ("b_info", ("max_vcpus", "max_memkb", "target_memkb", "kernel", "ramdisk", "cmdline", "bootloader")),
)
"""What is told of a libxl_domain_config, by the structures that have it."""


def describe_saved_config(config: SavedConfig) -> Branch:
    """Return a configuration in short: libxl's names, and how many devices of each kind there are."""
    if not config.is_json:
        told = describe_config(config.text, "the configuration", (), NEWEST)
        return {
            "form": "xl's configuration, a text",
            "size": len(config.text),
            **{name: told[name] for name in ("container", "guest", "errors") if name in told},
        }
    document = config.document()
    if document is None:
        return {"form": "JSON, which cannot be read", "size": len(config.text)}
    described: dict[str, Tree] = {"form": "JSON: libxl_domain_config", "size": len(config.text)}
    for structure, members in _MEMBERS:
        described |= {name: _shown(value) for name, value in _of(document, structure, members)}
    described["devices"] = [
        {"kind": visible(name)[:_LONGEST], "count": len(value)}
        for name, value in list(document.items())[:_LONGEST]
        if isinstance(value, list)
    ]
    return described


def saved_type(save: SaveFile) -> str | None:
    """Return what the configuration says that the guest is: `pv`, `pvh` or `hvm`; None where it does not say so."""
    document = save.config.document() if save.config is not None else None
    info = document.get("c_info") if document is not None else None
    kind = info.get("type") if isinstance(info, dict) else None
    return kind if isinstance(kind, str) else None


def _of(
    document: Mapping[str, object], structure: str, members: tuple[str, ...]
) -> list[tuple[str, str | int]]:
    info = document.get(structure)
    if not isinstance(info, dict):
        return []
    values = ((name, info.get(name)) for name in members)
    return [(name, value) for name, value in values if isinstance(value, str | int)]


def _shown(value: str | int) -> str | int:
    return value[:_LONGEST] if isinstance(value, str) else value
