"""The documentation of keys, made from their table: docs/xl-cfg.md (`scripts/docs` writes it)."""

from collections.abc import Iterable, Iterator

from xlbuild.config.keys import BY_NAME, SECTIONS, Form, Key, known_in
from xlbuild.config.keys.model import ALL
from xlbuild.config.suggest import EXPLAINED, OTHER_NAMES
from xlbuild.config.value_ranges import VALUES
from xlbuild.profiles import NEWEST, PROFILES

_OLDEST = PROFILES[0].name

_INTRODUCTION = f"""\
# The configuration language

xlbuild reads a guest's configuration as `xl` does: the same grammar, the same keys, the same values. This page lists
every key. It is made from the tables in [`xlbuild/config`](../xlbuild/config/keys/__init__.py) by `scripts/docs`; do
not edit it.

`--xen RELEASE` reads as that release's xl: {_OLDEST} has {len(known_in(_OLDEST))} keys,
{NEWEST.name} has {len(known_in(NEWEST.name))}. What is said of {_OLDEST} is compared with the real xl; what came or
went later is from Xen's change log and commits, which are cited.

## How a file is read

* A file is a sequence of `KEY = VALUE`, each ended by the end of its line or `;`. A key is of lower-case letters,
  digits, `_` and `.`; a value is a string in single or double quotes, a number, or a list `[VALUE, VALUE, …]`. Lists
  may nest, and they alone may go on over several lines. `#` starts a comment.
* Numbers are decimal, octal (`010` is 8) or hexadecimal (`0x1f`), without sign or unit outside quotes. Strings and
  numbers are the same to xl: `memory = "512"` is a number, `name = 7` a string.
* The last setting of a key wins. `KEY += VALUE` appends to a string or a list; a number made so counts as unset.
* `KEY=VALUE` arguments of the command line are read as if they stood at the end of the file.
* **A key that xl does not know is ignored without a word**, and so is, for most keys, one that means nothing for the
  container. A value in another form than the key's counts as unset, with a warning.

| form | what xl takes |
| --- | --- |
| {Form.STRING} | a string or a number |
| {Form.NUMBER} | a number of 64 bits, as C reads it |
| {Form.BOUNDED} | the same, within bounds; xl stops at anything else |
| {Form.BOOLEAN} | a number, true unless it is 0; `"yes"` and the like count as unset |
| {Form.NUMBER_OR_NAME} | a number, else one of the key's names; xl stops at another name |
| {Form.BOOLEAN_OR_NAMES} | a number, else a list of the key's names |
| {Form.STRING_OR_LIST} | either |
| {Form.NAMES} | a list of the key's names; xl stops at anything else |
| {Form.LIST} | a list, up to the first element that is a list itself |
| {Form.LIST_OR_STOP} | the same; xl stops at a single value |
| {Form.LISTS} | a list of lists of strings |
"""

_KEY_HEAD = ("key", "form", "containers", "default", "what it does", "notes")
_VALUE_HEAD = ("key", "value", "taken", "source")
_NAME_HEAD = ("name", "what to do")


def page() -> str:
    """Return the page, in Markdown."""
    parts = [_INTRODUCTION]
    for section in SECTIONS:
        parts.append(f"## {section.title}\n\n" + _table(_KEY_HEAD, map(_key_row, section.keys)))
    parts.append("## Values that came and went\n\n" + _table(_VALUE_HEAD, _value_rows()))
    parts.append(
        "## Names that are no keys of xl\n\nxl ignores them. `xlbuild check` says what to do:\n\n"
        + _table(_NAME_HEAD, _name_rows())
    )
    return "\n".join(parts)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def _key_row(key: Key) -> tuple[str, ...]:
    kinds = "all" if key.kinds == ALL else key.kinds.replace(" ", ", ")
    return f"`{key.name}`", str(key.form), kinds, key.default, key.meaning, "; ".join(_notes(key))


def _notes(key: Key) -> Iterator[str]:
    if key.since:
        yield f"from Xen {key.since} ({key.source})"
    if key.until:
        yield f"to Xen {key.until} ({key.source})"
    if key.arm:
        yield "Arm only"
    if key.instead:
        yield f"deprecated: use `{key.instead}`" if key.instead in BY_NAME else f"deprecated: {key.instead}"
    if key.silent:
        yield "a value in another form is dropped without a warning"


def _value_rows() -> Iterator[tuple[str, ...]]:
    for row in VALUES:
        taken = f"from Xen {row.since}" if row.since else f"to Xen {row.until}"
        yield f"`{row.key}`", f"`{row.value}`", taken, row.source


def _name_rows() -> Iterator[tuple[str, ...]]:
    texts = {name: f"write `{key}`" for name, key in OTHER_NAMES.items()}
    texts |= {name: suggestion.text for name, suggestion in EXPLAINED.items()}
    for name in sorted(texts):
        yield f"`{name}`", texts[name]
