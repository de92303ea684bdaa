"""Changes to JSON documents: members and values that are missing, more, or something else."""

import json
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from typing import TypeAlias

from dice import Dice

from fuzz.model import Mutate, Seeds
from fuzz.textmutations import text_mutation

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_EMPTY: tuple[Json, ...] = ([], {}, [[]], [None], {"": None})
_VALUES: tuple[Json, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        4096,
        4095,
        1 << 31,
        1 << 32,
        1 << 52,
        1 << 63,
        1 << 64,
        10**400,
        1.5,
        -0.0,
    ),
    *(
        "",
        "x",
        "0x0",
        "0x1000",
        "0xfff",
        "0x",
        "0x1_0",
        "0X10",
        "-0x1",
        "0xffffffffffffffff",
        "0x1" + "0" * 40,
    ),
    *("../x", "/etc/passwd", "a\x00b", "\ud800", "\x1b[2J", "x" * 5000),
    *("<script>x</script>", '" onload="x', "]]>-->&lt;", "\u202ex\u2028", "0x" + "f" * 5000),
    *_EMPTY,
)
_HEX = re.compile("0x[0-9a-f]+")
_WHOLE_TEXT = 12
"""Of a hundred inputs so many are changed as texts, which leaves few that are JSON."""


def json_mutation(words: Sequence[bytes], most_changes: int = 4) -> Mutate:
    """Return a mutation of JSON documents; `words` is what their texts are changed with."""
    return partial(_mutated, text_mutation(words, 3), most_changes)


def _mutated(as_text: Mutate, most_changes: int, dice: Dice, seeds: Seeds) -> bytes:
    if dice.chance(_WHOLE_TEXT):
        return as_text(dice, seeds)
    try:
        document: Json = json.loads(dice.choice(seeds).data)
    except (ValueError, RecursionError):  # a seed that once reached new code need not be JSON
        return as_text(dice, seeds)
    for _ in range(1 + dice.place(most_changes, towards_the_start=2)):
        place = _place(dice, document)
        if place is None:
            return json.dumps(dice.choice(_VALUES)).encode()
        dice.weighted(CHANGES)(dice, *place)
    return json.dumps(document).encode()


Branch: TypeAlias = dict[str, Json] | list[Json]
Change = Callable[[Dice, "Branch", "str | int"], None]


def _place(dice: Dice, document: Json) -> tuple[Branch, str | int] | None:
    """Return an object or array that is not empty, and a key or an index of it, at any depth."""
    found: tuple[Branch, str | int] | None = None
    node: Json = document
    while isinstance(node, dict | list) and node and not (found and dice.chance(25)):
        key: str | int = dice.choice(list(node)) if isinstance(node, dict) else dice.randrange(len(node))
        found = (node, key)
        node = node[key]  # type: ignore[index]  # a dict's key is a text, a list's an index
    return found


def _set(node: Branch, key: str | int, value: Json) -> None:
    node[key] = value  # type: ignore[index]  # as above


def _replace(dice: Dice, node: Branch, key: str | int) -> None:
    _set(node, key, deepcopy(dice.choice(_VALUES)))


def _step(dice: Dice, node: Branch, key: str | int) -> None:
    """Change a number by little, however it is written."""
    value = node[key]  # type: ignore[index]  # as above
    step = dice.pick(1, -1, 4096, -4096, 1 << 32, 8)
    if isinstance(value, str) and _HEX.fullmatch(value):
        _set(node, key, f"{int(value, 16) + step:#x}")
    elif isinstance(value, int) and not isinstance(value, bool):
        _set(node, key, value + step)
    else:
        _replace(dice, node, key)


def _remove(dice: Dice, node: Branch, key: str | int) -> None:
    del node[key]  # type: ignore[arg-type]  # as above


def _repeat(dice: Dice, node: Branch, key: str | int) -> None:
    """Have an element twice or very often, or a member under another name."""
    if isinstance(node, list):
        assert isinstance(key, int)
        node[key:key] = [deepcopy(node[key]) for _ in range(dice.pick(1, 1, 3, 200))]
    else:
        node[dice.pick("x", "", f"{key}s", str(key).upper())] = deepcopy(node[str(key)])


def _swap(dice: Dice, node: Branch, key: str | int) -> None:
    """Give a value to another member or element, too."""
    other: str | int = dice.choice(list(node)) if isinstance(node, dict) else dice.randrange(len(node))
    _set(node, key, deepcopy(node[other]))  # type: ignore[index]  # as above


def _wrap(dice: Dice, node: Branch, key: str | int) -> None:
    value: Json = node[key]  # type: ignore[index]  # as above
    for _ in range(dice.pick(1, 1, 1, 300)):
        value = [value]
    _set(node, key, value)


CHANGES: tuple[tuple[float, Change], ...] = (
    (10, _replace),
    (8, _step),
    (5, _remove),
    (4, _repeat),
    (4, _swap),
    (1, _wrap),
)
"""Every kind of change, with its weight."""
