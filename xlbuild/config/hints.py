"""What to say about text that is not the configuration language: how it came about, and the mend."""

import re

PYTHON_HINT = (
    "the file looks like Python, which xl has not run since Xen 4.2: write plain `key = value` lines "
    "(https://wiki.xenproject.org/wiki/PythonInXlConfig)"
)

BINARY = "the file is no text file"
_BINARY_HINT = "give the guest's configuration, as plain text (UTF-8)"
_SAVE_FILE = b"Xen saved domain"
_SAVE_FILE_HINT = "it is a save file: `xl restore` starts it, and `xlbuild inspect` looks into it"

UNIT_HINT = "sizes have no unit: write the number of MiB"

_ILLEGAL: tuple[tuple[bytes, str, str, str], ...] = (
    (
        rb"\r",
        "config-carriage-return",
        "a carriage return stands outside a string",
        "the lines end in CR LF, and xl takes LF only: convert the file with dos2unix",
    ),
    (
        rb"\xef\xbb\xbf",
        "config-byte-order-mark",
        "a byte order mark stands outside a string",
        "save the file as UTF-8 without a byte order mark",
    ),
    (
        rb"\xff\xfe|\xfe\xff|\0",
        "config-not-text",
        "there are bytes that are no text",
        "save the file as plain text (UTF-8)",
    ),
    (rb"\#", "config-comment-end", "no newline ends this comment", "end the file with a newline"),
    (
        rb"'|\"",
        "config-string-end",
        "the string {0} does not end on its line",
        "close it with the same quote; a string cannot span lines, a list can",
    ),
    (
        rb"\\",
        "config-line-join",
        "a backslash stands outside a string",
        "remove it: lines cannot be joined, but a list may span lines",
    ),
    (
        rb"[-+]?[0-9]*\.?[0-9]+\Z",
        "config-number-form",
        "{0} has a sign or a point, which a number cannot have",
        "write a whole number without a sign; where text belongs, put it in quotes",
    ),
    (
        rb"[-+]?\.?[0-9]",
        "config-number-form",
        "{0} has a sign or a point, which a number cannot have",
        "put it in quotes",
    ),
    (
        rb"[-+.(){}%*]",
        "config-not-evaluated",
        "{0} is not in xl's language",
        "xl evaluates nothing: write the value itself, text in quotes",
    ),
    (rb"True\b|False\b", "config-not-evaluated", "{0} is not in xl's language", "write 1 or 0"),
    (rb"None\b", "config-not-evaluated", "{0} is not in xl's language", "remove the setting"),
    (rb"[KMGT][iI]?[bB]?\Z", "config-unit", "{0} is not in xl's language", UNIT_HINT),
    (
        rb"[A-Z_]",
        "config-illegal-text",
        "{0} is not in xl's language",
        "keys are in lower case and start with a letter; text needs quotes",
    ),
    (rb"", "config-illegal-text", "{0} is not in xl's language", "text needs quotes"),
)
"""By how the text starts: the code, what is wrong, and the mend."""

PYTHON_WORDS = (b"class", b"def", b"for", b"from", b"if", b"import", b"print", b"try", b"while")
"""With one of these, and no `=` behind it, a line of Python starts."""

_ESCAPES: tuple[tuple[bytes, str], ...] = (
    (rb"\\[x0-7]", "write the character itself: xl's numeric escapes do not work"),
    (rb"\\", r"write \\ for a backslash; xl knows \a \b \f \n \r \t \v \\ \' and \" only"),
)


_TEXT_SAMPLE = 4096
_CONTROLS = bytes({*range(9), *range(14, 27), *range(28, 32), 127})


def is_binary(data: bytes) -> bool:
    """Tell whether a file is no text: its start holds NUL bytes, or much of it is no character at all."""
    sample = data[:_TEXT_SAMPLE]
    odd = (
        len(sample) - len(sample.translate(None, _CONTROLS)) + sample.decode(errors="replace").count("\ufffd")
    )
    return sample.count(0) > 1 or odd * 10 > len(sample) * 3


def binary_hint(data: bytes) -> str:
    """Return the mend for a file that is no text."""
    return _SAVE_FILE_HINT if data.startswith(_SAVE_FILE) else _BINARY_HINT


def shown(text: bytes) -> str:
    """Return text of the file as a message quotes it: short, on one line."""
    cut = text if len(text) <= 40 else text[:37] + b"..."
    return "`" + "".join(c if c.isprintable() else repr(c)[1:-1] for c in cut.decode(errors="replace")) + "`"


def illegal_text(text: bytes, before: bytes = b"") -> tuple[str, str, str]:
    """Return the code for an illegal text, what it is, and the mend; `before` is the word directly before it."""
    whole = before + text
    if re.fullmatch(rb"0[xX][0-9a-fA-F]+", whole):
        message = f"{shown(whole)} has upper-case letters, which a number cannot have"
        return "config-hex-case", message, f"write {whole.lower().decode()}, or put it in quotes"
    if re.fullmatch(rb"[a-z][a-z0-9_.]*-[a-zA-Z0-9_.-]*", whole):
        message, hint = f"{shown(whole)} is not in xl's language", "keys have no hyphens; text needs quotes"
        return "config-illegal-text", message, hint
    for pattern, code, what, hint in _ILLEGAL:
        if re.match(pattern, text):
            return code, what.format(shown(text)), hint
    raise AssertionError(text)


def escape_hint(escape: bytes) -> str:
    """Return the mend for an escape that does not work."""
    return next(hint for pattern, hint in _ESCAPES if re.match(pattern, escape))


def unexpected_hint(expected: str, kind: str, text: bytes, *, in_shell: bool = False) -> str | None:
    """Return the mend for a token in the wrong place, where one is likely; `in_shell`: it is a shell's argument."""
    word = kind == "IDENT"
    match expected:
        case "a value" if kind in ("NEWLINE", "END", ";"):
            return "write a value behind the `=`, text in quotes, or remove the setting"
        case "a value" | "a value or `]`" if not word:
            return "a value is a number, text in quotes, or a list: [ ..., ... ]"
        case "a setting" | "`=`":
            return "a line has the form key = value"
        case "a value" | "a value or `]`" if word and in_shell:
            return f"text needs quotes inside the shell's: '\"{text.decode()}\"'"
        case "a value" | "a value or `]`" if word:
            return f"put text in quotes: '{text.decode()}'"
        case "the end of the setting" if word and re.fullmatch(rb"[kmgt]i?b?", text):
            return UNIT_HINT
        case "the end of the setting" if text == b",":
            return "several values make a list: key = [ ..., ... ]"
        case "the end of the setting":
            return "put the next setting on a line of its own, or a semicolon before it"
        case "`,` or `]`":
            return "put a comma between the elements of a list"
    return None
