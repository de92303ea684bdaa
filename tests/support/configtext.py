"""How settings are written as the text of a configuration: in all ways that the language leaves, and damaged."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dice import Dice
from randomvalues import Value

_NUMBER = re.compile(r"[0-9][0-9a-fx]*\Z")
_ESCAPES = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v", "\\": "\\"}
_COMMENTS = ("#", "# a comment", "#'", '# "x" = [', "#\xc3\xa4\xff", "# x\r", "##", "#\t;")


@dataclass(frozen=True)
class Setting:
    """A key and its value."""

    key: str
    value: Value


def written_file(dice: Dice, settings: Sequence[Setting]) -> bytes:
    """Return the settings as a text in a style of its own."""
    plain = dice.chance(55)
    text = "" if plain else _lines_between(dice)
    for number, setting in enumerate(settings):
        last = number == len(settings) - 1
        statements = _assignments(dice, setting)
        for key, operator, value in statements:
            start = "" if plain else dice.weighted(((80, ""), (10, " "), (10, "\t")))
            gap = " " if plain else dice.pick("", " ", " ", "\t", "  ")
            written = _written(dice, value, plain, 0)
            end = _end(dice, plain)
            text += f"{start}{key}{gap}{operator}{gap}{written}{end}"
        if last and dice.chance(8):
            text = text.rstrip("\n")
    return text.encode("latin-1")


def _assignments(dice: Dice, setting: Setting) -> list[tuple[str, str, Value]]:
    """Return the assignments that give a key its value: one mostly, or several."""
    key, value = setting.key, setting.value
    kind = dice.weighted(((88, "one"), (5, "twice"), (5, "added"), (2, "first")))
    if kind == "twice":
        others: tuple[Value, ...] = ("x", "0", [], ["x"], value)
        before = dice.choice(others)
        return [(key, "=", before), (key, "=", value)]
    if kind == "added":
        cut = dice.randrange(len(value) + 1)
        first, second = value[:cut], value[cut:]
        return [(key, dice.pick("=", "=", "+="), first), (key, "+=", second)]
    return [(key, "+=" if kind == "first" else "=", value)]


def _end(dice: Dice, plain: bool) -> str:
    if plain or dice.chance(60):
        return "\n"
    return dice.pick(
        ";", " ; ", ";;", ";\n", "\n\n", f" {dice.choice(_COMMENTS)}\n", "\t\n", "\n" + _lines_between(dice)
    )


def _lines_between(dice: Dice) -> str:
    return "".join(
        dice.pick("\n", " \n", "\t\n", ";\n", f"{dice.choice(_COMMENTS)}\n", f"  {dice.choice(_COMMENTS)}\n")
        for _ in range(dice.pick(0, 0, 1, 2))
    )


def _written(dice: Dice, value: Value, plain: bool, depth: int) -> str:
    if isinstance(value, str):
        bare = _NUMBER.match(value) is not None and dice.chance(75)
        return value if bare else _quoted(dice, value, plain)
    gap = _gap(dice, plain)
    inside = ""
    for number, element in enumerate(value):
        inside += f",{_gap(dice, plain)}" if number else ""
        inside += _written(dice, element, plain, depth + 1) + ("" if plain else _gap(dice, plain))
    comma = "," if value and dice.chance(12) else ""
    return f"[{gap}{inside}{comma}{gap if plain else _gap(dice, plain)}]"


def _gap(dice: Dice, plain: bool) -> str:
    """Return what may stand between the parts of a list: newlines and comments, too."""
    if plain:
        return dice.weighted(((80, ""), (10, " "), (10, "\n  ")))
    return dice.weighted(
        ((40, ""), (30, " "), (10, "\n"), (5, "\t"), (5, "\n\n "), (8, f" {dice.choice(_COMMENTS)}\n"))
    )


def _quoted(dice: Dice, value: str, plain: bool) -> str:
    quote = dice.pick("'", '"')
    if quote in value and dice.chance(70):
        quote = "'" if quote == '"' else '"'
    return quote + "".join(_character(dice, c, quote, plain) for c in value) + quote


def _character(dice: Dice, character: str, quote: str, plain: bool) -> str:
    must = character in ("\\", "\n", quote)
    may = not plain and (character in _ESCAPES or character in "'\"") and dice.chance(50)
    return "\\" + _ESCAPES.get(character, character) if must or may else character


# Damage

_JUNK = (
    *(
        b"\r",
        b"\0",
        b"\\",
        b"'",
        b'"',
        b"[",
        b"]",
        b",",
        b";",
        b"=",
        b"+",
        b"#",
        b"\n",
        b" ",
        b"\xff",
        b"\xc2\xa0",
    ),
    *(
        b"\\x41",
        b"\\101",
        b"\\1",
        b"\\q",
        b"\\0",
        b"\\\n",
        b"A",
        b"_",
        b"-1",
        b"1.5",
        b"()",
        b"%s",
        b"{}",
        b"\x0c",
    ),
    *(
        b"0x1F",
        b"1g",
        b"True",
        b"a=abc\n",
        b"import os\n",
        b"a=1 b=2\n",
        b"a+='x'\n",
        b"+=",
        b"a=\n",
        b"a\n",
        b"=1\n",
    ),
    *(
        b"\\\\",
        b"\\'",
        b'\\"',
        b"\\n",
        b"\\\t",
        b"\\8",
        b"\\012345",
        b"# x\n",
        b",,",
        b"[[",
        b"]]",
        b"[],",
        b"['',",
    ),
    *(
        b'"""',
        b"x='\\1012z'\n",
        b"x=[1,[2,[3,],],]\n",
        b"x=[,]\n",
        b"x=[1,,2]\n",
        b"x='a' 'b'\n",
        b"=\n",
        b"a==1\n",
    ),
)


def damaged(dice: Dice, data: bytes) -> bytes:
    """Return a text with one thing wrong in it; xl may take it all the same."""
    at = dice.randrange(len(data) + 1)
    line = data.rfind(b"\n", 0, at) + 1
    junk = dice.choice(_JUNK)
    return dice.weighted(
        (
            (30, data[:at] + junk + data[at:]),
            (20, data[:line] + junk + data[line:]),
            (14, data[:at] + data[at + 1 :]),
            (8, data[:at] + junk + data[at + 1 :]),
            (6, data[:at]),
            (4, data.replace(b"\n", b"\r\n")),
            (2, b"\xef\xbb\xbf" + data),
            (
                4,
                data.rstrip(b"\n")
                + dice.pick(b"#", b"\n#", b"\n# x", b" # x", b"\n\r", b"\n\\", b";", b"\0"),
            ),
            (3, data + data[line:]),
            (2, b""),
            (3, data.replace(b"=", dice.pick(b":", b" ", b"==", b" = ", b"+="), dice.pick(1, 1, -1))),
            (4, data.replace(dice.pick(b"'", b'"', b",", b"]", b"["), dice.pick(b"", b"'", b" "), 1)),
        )
    )
