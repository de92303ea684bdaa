"""Text that others wrote: nothing of it drives a terminal, or shows it as another text."""

import sys
import unicodedata

from xlbuild.visible import visible


def test_what_drives_a_terminal_is_shown_as_escapes() -> None:
    assert visible("a\x1b[31m\n\x9b\x7f") == "a\\x1b[31m\\x0a\\x9b\\x7f"
    assert visible("caf\udce9") == "caf\\xe9"
    assert visible("/dev/\u202esda\u2028") == "/dev/\\u202esda\\u2028"


def test_every_character_that_may_stand_in_a_name_stands_there_as_it_is() -> None:
    text = "naïve – Ω ☃ 日本 \u05d0\u0628 \U0001f600 \u200d"
    assert visible(text) == text


def test_what_unicode_calls_a_control_character_an_end_of_line_or_a_mark_of_direction_is_escaped() -> None:
    hidden = {
        character for character in map(chr, range(sys.maxunicode + 1)) if visible(character) != character
    }
    controls = {
        c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")
    }
    named = (unicodedata.name(character, "") for character in hidden - controls)
    assert controls <= hidden
    assert all(
        " MARK" in name or name.split()[0] in ("LEFT-TO-RIGHT", "RIGHT-TO-LEFT", "POP", "FIRST")
        for name in named
    )
