"""Random values as a configuration holds them: texts, numbers, names, lists; right ones, and what goes wrong in them.

A character is a byte (latin-1): any byte can stand in a string.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from dice import Dice

Value: TypeAlias = str | list["Value"]
"""Numbers are strings, too: whether one gets quotes is decided when it is written."""

Maker = Callable[[Dice], Value]
TextMaker = Callable[[Dice], str]

_PATHS = ("/k", "/boot/vmlinuz", "/usr/lib/xen/boot/x.gz", "relative/file", "vmlinuz-6.1.0", "/a b/c", "./x")
_WORDS = ("a", "guest", "xen br 0", "0", "-1", "x=y", "a,b", "system_u:system_r:domU_t", "root=/dev/xvda1 ro")
_ODD_TEXTS = (
    "",
    " ",
    "\t",
    " x",
    "x ",
    "'",
    '"',
    "\\",
    "#",
    "a#b",
    "a;b",
    "[1]",
    "a\nb",
    "\a\b\f\r\v",
    "\x01\x1b\x7f",
    "\xff\xfe",
    "\xc3\xa4",
    "\xe2\x82\xac",
    "\xed\xa0\x80",
    "/",
    "</script>",
    "%s%n",
    "\\x41",
    "x" * 1100,
)
_ODD_NUMBERS = (
    "00",
    "08",
    "09",
    "007",
    "0x",
    "0xg",
    "0X1F",
    "0x1F",
    "1F",
    "1f",
    "1x",
    "-1",
    "-0",
    "- 1",
    "+5",
    "+-5",
    " 12",
    "\t12",
    "\n12",
    "\v\f\r 12",
    "12 ",
    "12\n",
    "",
    " ",
    "1k",
    "1.5",
    "1e3",
    "1,2",
    "0b1",
    "0o7",
    "True",
    "true",
    "yes",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "0x7fffffffffffffff",
    "0x8000000000000000",
    "-0x10",
    "0777",
    "\xb2",
)
_ODD_LISTS: tuple[Value, ...] = (
    [],
    [[]],
    [""],
    [["x"]],
    ["x", ["y"]],
    [["x"], "y"],
    ["1", "2"],
    [[], []],
    [[[["x"]]]],
)


def path(dice: Dice) -> str:
    """Return a file's name."""
    return dice.choice(_PATHS)


def text(dice: Dice) -> str:
    """Return any text, now and then an odd one."""
    return dice.choice(_ODD_TEXTS if dice.chance(15) else _WORDS)


def boolean(dice: Dice) -> str:
    """Return a truth value as xl takes it: any number."""
    return dice.weighted(((45, "1"), (45, "0"), (4, "2"), (3, "-1"), (3, "0x100000000")))


def names(*known: str) -> TextMaker:
    """Return a maker of names whose case does not matter, or so one hopes."""
    return lambda dice: _other_case(dice, dice.choice(known)) if dice.chance(12) else dice.choice(known)


def words(*known: str) -> TextMaker:
    """Return a maker of one of these words."""
    return lambda dice: dice.choice(known)


def mostly(right: TextMaker, *odd: str) -> TextMaker:
    """Return a maker that now and then uses one of some odd texts instead."""
    return lambda dice: dice.choice(odd) if dice.chance(4) else right(dice)


def number(low: int, high: int) -> TextMaker:
    """Return a maker of numbers from a range, in any of the ways of writing one."""
    return lambda dice: written(dice, dice.pick(low, high, dice.randint(low, high), dice.randint(low, high)))


def written(dice: Dice, value: int) -> str:
    """Return a number as decimal, mostly, or in another of C's ways."""
    forms = ((80, "{}"), (6, "{:#x}"), (2, "{:#X}"), (2, " {}"), (2, "+{}"), (2, "\t{}"))
    octal = (3, f"0{value:o}" if value >= 0 else "{}")
    return dice.weighted((*forms, octal)).format(value)


def either(*makers: tuple[float, Maker]) -> Maker:
    """Return a maker that uses one of (weight, maker)."""
    return lambda dice: dice.weighted(makers)(dice)


def several(maker: Maker, *counts: int) -> Maker:
    """Return a maker of lists, whose lengths are drawn from `counts`."""
    return lambda dice: [maker(dice) for _ in range(dice.choice(counts or (0, 1, 1, 1, 2, 3)))]


def joined(maker: TextMaker, between: str, *counts: int) -> TextMaker:
    """Return a maker of texts made of parts."""
    return lambda dice: between.join(maker(dice) for _ in range(dice.choice(counts or (1, 1, 2, 3))))


Fields = Sequence[tuple[float, str, TextMaker | None]]
"""What a specification may hold: percent, name, maker of the value (None: the name stands alone)."""


def fields(table: Fields) -> Callable[[Dice], list[str]]:
    """Return a maker of the fields of a specification, some of the table's in any order."""

    def make(dice: Dice) -> list[str]:
        chosen = [(name, maker) for percent, name, maker in table if dice.chance(percent)]
        if dice.chance(30):
            dice.shuffle(chosen)
        if chosen and dice.chance(4):
            chosen.append(dice.choice(chosen))
        return [name if maker is None else f"{name}={maker(dice)}" for name, maker in chosen]

    return make


def specification(table: Fields) -> TextMaker:
    """Return a maker of `key=value,...`, in varied spacing."""
    make = fields(table)
    return lambda dice: spaced(dice, make(dice))


def spaced(dice: Dice, parts: Sequence[str]) -> str:
    """Return fields with commas between them, and now and then blanks or a comma too many."""
    comma = dice.weighted(((78, ","), (8, ", "), (3, " ,"), (3, ",,"), (2, ",\t"), (1, " , ")))
    ends = dice.weighted(((90, ("", "")), (3, (" ", "")), (3, ("", ",")), (2, ("", " ")), (2, (",", ""))))
    return ends[0] + comma.join(parts) + ends[1]


# What goes wrong


def spoiled(dice: Dice, value: Value) -> Value:
    """Return a value with something changed in it: often, but not always, one that xl does not take."""
    if isinstance(value, str):
        return _spoiled_text(dice, value)
    kind = dice.weighted(
        ((60, "inside"), (10, "string"), (10, "odd"), (6, "nested"), (6, "more"), (4, "less"))
    )
    if not value or kind == "odd":
        return dice.choice(_ODD_LISTS)
    at = dice.randrange(len(value))
    if kind == "string":
        return value[at]
    if kind == "nested":
        return [*value[:at], [value[at]], *value[at + 1 :]]
    if kind == "more":
        return [*value[:at], dice.pick("", "x", "1", *_ODD_LISTS), *value[at:]]
    if kind == "less":
        return [*value[:at], *value[at + 1 :]]
    return [*value[:at], spoiled(dice, value[at]), *value[at + 1 :]]


def _spoiled_text(dice: Dice, value: str) -> Value:
    ways: tuple[tuple[float, Maker], ...] = (
        (12, lambda dice: [value]),
        (4, lambda dice: dice.choice(_ODD_LISTS)),
        (18, lambda dice: dice.choice(_ODD_NUMBERS)),
        (5, lambda dice: dice.choice(_ODD_TEXTS)),
        (8, lambda dice: _other_case(dice, value)),
        (45, lambda dice: _edited(dice, value)),
    )
    return dice.weighted(ways)(dice)


def _other_case(dice: Dice, value: str) -> str:
    return dice.pick(value.upper(), value.title(), value.swapcase())


def _edited(dice: Dice, value: str) -> str:
    """Return a text with a few characters gone, changed, added or doubled, or a whole field."""
    for _ in range(dice.pick(1, 1, 1, 2, 3)):
        at = dice.randrange(len(value) + 1)
        extra = dice.pick(*",=:;@|^!-+ \t.0159afgxz%/[", "\xe9", "\x7f")
        parts = value.split(",")
        part = dice.randrange(len(parts))
        value = dice.pick(
            value[:at] + extra + value[at:],
            value[:at] + extra + value[at + 1 :],
            value[:at] + value[at + 1 :],
            value[:at],
            value[at:],
            value[:at] + value,
            ",".join(
                [*parts[: part + 1], dice.pick("", parts[part], "x", "x=1", "=", "x="), *parts[part + 1 :]]
            ),
            ",".join([*parts[:part], *parts[part + 1 :]]),
            ",".join([*parts[:part], _odd_field(dice, parts[part]), *parts[part + 1 :]]),
        )
    return value


def _odd_field(dice: Dice, field: str) -> str:
    """Return a field with another value behind its `=`, or one where none belongs."""
    name = field.partition("=")[0]
    return f"{name}={dice.pick(*_ODD_NUMBERS, *_ODD_TEXTS[:13], 'none', 'auto')}"
