"""Reads a configuration with xlbuild and with the real xl, and says whether both did the same.

Both refuse it, or both take it and print the same JSON, to the letter. Where they may differ, `EXCEPTIONS` and
`RANDOM` say so, with the reason.
"""

import difflib
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from randomconfig import Config
from xlparse import Parsed, XlParse

from xlbuild import api
from xlbuild.errors import XlbuildError
from xlbuild.host import HostTopology

RELEASE = "4.17"
"""The release whose xl is here."""

HOST = HostTopology(128, (range(128),))
"""The fake host's CPUs, in one node."""

DIFFERENT = "DIFFERENT"


@dataclass(frozen=True)
class Ours:
    """How xlbuild ended: with the JSON, an error, or a bug."""

    text: str | None = None
    error: XlbuildError | None = None
    bug: str = ""

    @property
    def code(self) -> str:
        """The error's code; nothing when there is none."""
        return "" if self.error is None else self.error.code


def read_ours(config: Config) -> Ours:
    """Return what xlbuild makes of a configuration."""
    try:
        text = api.xl_json(
            config.data, overrides=config.overrides, xen=RELEASE, source="guest.cfg", topology=HOST
        )
    except XlbuildError as error:
        return Ours(error=error)
    except Exception:
        return Ours(bug=traceback.format_exc())
    return Ours(text)


# What may differ


@dataclass(frozen=True)
class Exemption:
    """Inputs at which xl crashes; xlbuild must refuse them."""

    name: str
    applies: Callable[[str, Parsed], bool]
    """Whether the text of a configuration and xl's end are such."""
    reason: str


def _crash(key: str, status: int, *, message: str = "") -> Callable[[str, Parsed], bool]:
    """Return whether xl ended by a signal, with such a last message, over a configuration that sets a key."""
    return lambda text, theirs: (
        theirs.status == -status and key in text and message in "".join(theirs.messages[-1:])
    )


_SEGV, _ABRT, _KILL = 11, 6, 9

EXCEPTIONS: tuple[Exemption, ...] = (
    Exemption(
        "NUL in a string",
        _crash("\0", _ABRT, message="xlu__cfgl_dequote"),
        "an assertion of xl's parser fails",
    ),
    Exemption(
        "bootloader_args without a word",
        _crash("bootloader_args", _SEGV, message="bootloader_args"),
        "xl splits the string into no pieces and follows a null pointer",
    ),
    Exemption("viridian with a list in it", _crash("viridian", _SEGV), "xl takes the list for a name"),
    Exemption("mca_caps with a list in it", _crash("mca_caps", _SEGV), "xl takes the list for a name"),
    Exemption("channel without any field", _crash("channel", _SEGV), "xl reads the first of no fields"),
    Exemption(
        "vsnd with an empty list of rates or formats",
        _crash("sample-", _SEGV),
        "xl reads the first of no parts",
    ),
    Exemption(
        "vdispl with a connector that lacks its id or size",
        lambda text, theirs: "connectors" in text and theirs.status in (-_SEGV, -_ABRT),
        "xl frees the connectors twice",
    ),
    Exemption("very many vCPUs", _crash("vcpus", _KILL), "xl prints each of up to two milliards"),
)
"""Every way in which xl may crash or not come to an end, in the order in which they are tried."""

RANDOM: tuple[tuple[str, str, str], ...] = (
    (r'(?m)^        "uuid": "[0-9a-f-]{36}",\n', "uuid", "xl makes one up where there is none"),
    (r'(?m)^ *"ms_vm_genid": \[[^]]*\],\n', "generate", "xl makes it up where `ms_vm_genid` asks for it"),
)
"""What xl prints otherwise each time, and xlbuild leaves out: pattern, what asks for it, reason."""


@dataclass(frozen=True)
class Result:
    """What came of a configuration."""

    verdict: str
    """accepted, refused, an exception's name, or DIFFERENT."""
    code: str
    """Of xlbuild's error."""
    differences: tuple[str, ...] = ()


def compare(config: Config, xlparse: XlParse) -> Result:
    """Read a configuration both ways."""
    theirs, ours = xlparse(config.data, config.overrides), read_ours(config)
    differences = _differences(ours, theirs)
    if not differences:
        return Result("accepted" if theirs.accepted else "refused", ours.code)
    text = "\n".join((config.data.decode("latin-1"), *config.overrides))
    if ours.error is not None and theirs.died:
        for exemption in EXCEPTIONS:
            if exemption.applies(text, theirs):
                return Result(exemption.name, ours.code)
    return Result(DIFFERENT, ours.code, differences)


def _differences(ours: Ours, theirs: Parsed) -> tuple[str, ...]:
    if ours.bug:
        return (f"xlbuild has a bug, and xl ends with status {theirs.status}:", *ours.bug.splitlines())
    if theirs.died:
        return (f"xl dies of signal {-theirs.status}, and xlbuild {_end(ours)}", *theirs.messages)
    if ours.error is not None:
        return () if not theirs.accepted else (f"xl takes it, and xlbuild {_end(ours)}", *theirs.messages)
    if not theirs.accepted:
        return (f"xlbuild takes it, and xl ends with status {theirs.status}:", *theirs.messages)
    assert ours.text is not None
    return _text_differences(ours.text, theirs.text)


def _end(ours: Ours) -> str:
    return "takes it" if ours.error is None else f"refuses it ({ours.code}): {ours.error}"


def _text_differences(ours: str, theirs: str) -> tuple[str, ...]:
    """Return how the documents differ, apart from what xl makes up: as a diff, `-` is xl's."""
    ours, theirs = ours.rstrip("\n"), theirs.rstrip("\n")  # xl ends it with two newlines
    uuid, vm_genid = (pattern for pattern, _, _ in RANDOM)
    if re.search(uuid, ours) is None:
        theirs = re.sub(uuid, "", theirs, count=1)
    theirs = re.sub(vm_genid, "", theirs)
    if ours == theirs:
        return ()
    lines = difflib.unified_diff(theirs.split("\n"), ours.split("\n"), "xl", "xlbuild", lineterm="", n=2)
    return tuple(line.encode(errors="backslashreplace").decode() for line in lines)
