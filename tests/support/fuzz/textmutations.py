"""Changes to texts, word by word: of xl's language, of JSON, of `__xen_guest` strings."""

import re
from collections.abc import Callable, Sequence
from functools import partial

from dice import Dice

from fuzz.bytemutations import MOST_BYTES, mutated
from fuzz.model import Mutate, Seeds

_WORDS = re.compile(rb"[A-Za-z0-9_.]+|\s+|[^A-Za-z0-9_.\s]")
_NUMBERS = (
    *(b"0", b"1", b"-1", b"00", b"010", b"0x10", b"1e9", b"1.5", b"07", b"08", b"4096", b"65536"),
    *(b"2147483647", b"2147483648", b"4294967295", b"4294967296", b"9223372036854775808"),
    *(b"18446744073709551615", b"18446744073709551616", b"-9223372036854775809", b"9" * 400),
)
_ODD = (
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xb2\x80",
    b"\x1b[31m",
    b"\r",
    b"\x0b",
    b"\\",
    b"\xef\xbb\xbf",
    b"\\x41",
)
_PAIRS = (b"[]", b"{}", b"()", b"''", b'""')

Change = Callable[[Dice, list[bytes], Sequence[bytes], Sequence[bytes]], None]


def text_mutation(words: Sequence[bytes], most_changes: int = 8) -> Mutate:
    """Return a mutation of texts of a language with these words; one in twenty inputs is changed as bytes are."""
    return partial(_mutated_text, tuple(words), most_changes)


def _mutated_text(words: Sequence[bytes], most_changes: int, dice: Dice, seeds: Seeds) -> bytes:
    if dice.chance(5):
        return mutated(dice, seeds, 3)
    tokens = _WORDS.findall(dice.choice(seeds).data)
    other = _WORDS.findall(dice.choice(seeds).data)
    for _ in range(1 + dice.place(most_changes, towards_the_start=2)):
        dice.weighted(CHANGES)(dice, tokens, other, words)
    return b"".join(tokens)[:MOST_BYTES]


def _replace(dice: Dice, tokens: list[bytes], other: Sequence[bytes], words: Sequence[bytes]) -> None:
    """Put another word in the place of one, mostly one of its kind, so that the text stays one of the language."""
    if not tokens:
        return
    index, word = dice.randrange(len(tokens)), _word(dice, words)
    for _ in range(dice.pick(0, 20, 20, 20)):
        if word[:1].isalnum() == tokens[index][:1].isalnum():
            break
        word = _word(dice, words)
    tokens[index] = word


def _lines(dice: Dice, tokens: list[bytes], other: Sequence[bytes], words: Sequence[bytes]) -> None:
    """Put lines of another text between those of this one."""
    others = b"".join(other).split(b"\n")
    start = dice.randrange(len(others))
    lines = b"".join(tokens).split(b"\n")
    at = dice.randrange(len(lines) + 1)
    lines[at:at] = others[start : start + dice.pick(1, 1, 2, 5)]
    tokens[:] = _WORDS.findall(b"\n".join(lines))


def _insert(dice: Dice, tokens: list[bytes], other: Sequence[bytes], words: Sequence[bytes]) -> None:
    tokens.insert(dice.place(len(tokens) + 1), _word(dice, words))


def _delete(dice: Dice, tokens: list[bytes], other: Sequence[bytes], words: Sequence[bytes]) -> None:
    start = dice.place(len(tokens) + 1)
    del tokens[start : start + dice.pick(1, 1, 1, 2, 5, 20)]


def _move(dice: Dice, tokens: list[bytes], other: Sequence[bytes], words: Sequence[bytes]) -> None:
    """Repeat some words in another place, or take them there."""
    start, size = dice.place(len(tokens) + 1), dice.pick(1, 2, 3, 8, 20)
    piece = tokens[start : start + size]
    if dice.chance(50):
        del tokens[start : start + size]
    at = dice.place(len(tokens) + 1)
    tokens[at:at] = piece


def _graft(dice: Dice, tokens: list[bytes], other: Sequence[bytes], words: Sequence[bytes]) -> None:
    start, size = dice.place(len(other) + 1), dice.pick(1, 3, 8, 20, 60)
    at = dice.place(len(tokens) + 1)
    tokens[at : at + dice.pick(0, 0, 1, 5)] = other[start : start + size]


def _number(dice: Dice, tokens: list[bytes], other: Sequence[bytes], words: Sequence[bytes]) -> None:
    """Change a number, if there is one."""
    places = [index for index, token in enumerate(tokens) if token[:1].isdigit()]
    if places:
        tokens[dice.choice(places)] = dice.choice(_NUMBERS)


def _case(dice: Dice, tokens: list[bytes], other: Sequence[bytes], words: Sequence[bytes]) -> None:
    """Misspell a word."""
    index = dice.place(len(tokens))
    if any(tokens[index : index + 1]):
        word = bytearray(tokens[index])
        word[dice.randrange(len(word))] = dice.randrange(32, 127)
        tokens[index] = bytes(word)


def _odd(dice: Dice, tokens: list[bytes], other: Sequence[bytes], words: Sequence[bytes]) -> None:
    tokens.insert(dice.place(len(tokens) + 1), dice.choice(_ODD))


def _nest(dice: Dice, tokens: list[bytes], other: Sequence[bytes], words: Sequence[bytes]) -> None:
    """Put brackets around something, few or very many."""
    pair, depth = dice.choice(_PAIRS), dice.pick(1, 1, 2, 30, 3000)
    at = dice.place(len(tokens) + 1)
    behind = at + dice.pick(0, 1, 3)
    tokens[behind:behind] = [pair[1:] * (depth if dice.chance(80) else 1)]
    tokens[at:at] = [pair[:1] * depth]


def _repeat(dice: Dice, tokens: list[bytes], other: Sequence[bytes], words: Sequence[bytes]) -> None:
    """Repeat a few words many times."""
    start, size = dice.place(len(tokens) + 1), dice.pick(1, 2, 4, 10)
    piece = b"".join(tokens[start : start + size])
    times = min(dice.pick(2, 10, 300, 5000), MOST_BYTES // max(len(piece), 1))
    tokens[start : start + size] = [piece * times]


CHANGES: tuple[tuple[float, Change], ...] = (
    (24, _replace),
    (16, _lines),
    (16, _number),
    (10, _insert),
    (10, _delete),
    (8, _move),
    (8, _graft),
    (8, _case),
    (4, _odd),
    (2, _nest),
    (1, _repeat),
)
"""Every kind of change, with its weight."""


def _word(dice: Dice, words: Sequence[bytes]) -> bytes:
    return dice.choice(words) if dice.chance(75) else dice.choice(_NUMBERS)
