"""One device of `vsnd`, as xl reads it: a list of items CARD, PCM and STREAM (upstream: parse_vsnd_item)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from xlbuild.cnumbers import strtoul, uint32
from xlbuild.config.devices.fields import fields
from xlbuild.config.devices.options import Option, bad_device, name_in, options, told
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.suggest import did_you_mean
from xlbuild.libxl.devices import DeviceVsnd, VsndParams, VsndPcm, VsndStream
from xlbuild.libxl.enums import VsndPcmFormat, VsndStreamType

_TEXTS = {
    "backend": "backend_domname",
    "short-name": "short_name",
    "long-name": "long_name",
    "name": "name",
    "unique-id": "unique_id",
}
"""Keys whose value is text, and their members in libxl."""
_NUMBERS = {"channels-min": "channels_min", "channels-max": "channels_max", "buffer-size": "buffer_size"}
_PARAMS = ("sample-rates", "sample-formats", *_NUMBERS)
_KEYS = {
    "card": ("backend", "short-name", "long-name", *_PARAMS),
    "pcm": ("name", *_PARAMS),
    "stream": ("unique-id", "type", *_PARAMS),
}
"""What each kind of item can have."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A card, PCM or stream in the making: what its items have set so far, and what belongs to it."""

    members: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    parts: "list[_Part]" = field(default_factory=list)


def vsnd(items: tuple[Element, ...], problems: Problems, release: str) -> DeviceVsnd:
    """Return the sound card; ConfigError where xl stops, or crashes."""
    card = _Part()
    for item in items:
        kind = _kind(item)
        if kind is None:
            continue
        part = _part(card, kind)
        for option in options(item, _KEYS[kind], skip=1):
            _set(part, item, option, problems)
    pcms = tuple(
        VsndPcm(
            **pcm.members,
            params=VsndParams(**pcm.params),
            streams=tuple(
                VsndStream(**stream.members, params=VsndParams(**stream.params)) for stream in pcm.parts
            ),
        )
        for pcm in card.parts
    )
    return DeviceVsnd(**card.members, params=VsndParams(**card.params), pcms=pcms)


def _kind(item: Element) -> str | None:
    """Return what an item begins with; None for an item without fields."""
    first = next(fields(item.text), None)
    if first is None:
        return None
    if first.text.lower() in _KEYS:
        return first.text.lower()
    cause = "an item begins with CARD, PCM or STREAM, in any case of letters, and a comma right behind it"
    hint = did_you_mean(first.text.strip(), _KEYS, 'write "CARD, short-name=NAME"')
    raise bad_device(item, first.index, f"vsnd has no item {first.text!r}", cause, hint)


def _part(card: _Part, kind: str) -> _Part:
    """Return what an item speaks of: the card, a new PCM, or a new stream of the last PCM."""
    if kind == "card":
        return card
    if kind == "pcm" or not card.parts:
        card.parts.append(_Part())
    pcm = card.parts[-1]
    if kind == "pcm":
        return pcm
    pcm.parts.append(_Part())
    return pcm.parts[-1]


def _set(part: _Part, item: Element, option: Option, problems: Problems) -> None:
    """Set one member; a later value replaces an earlier one."""
    match option.key:
        case "type":
            part.members["type"] = name_in(VsndStreamType, item, option)
        case "sample-rates":
            rates = _list(item, option)
            part.params["sample_rates"] = tuple(
                told(item, rate, uint32(strtoul(rate.value)), 0, problems) for rate in rates
            )
        case "sample-formats":
            formats = _list(item, option)
            part.params["sample_formats"] = tuple(name_in(VsndPcmFormat, item, name) for name in formats)
        case key if key in _NUMBERS:
            part.params[_NUMBERS[key]] = told(item, option, uint32(strtoul(option.value)), 0, problems)
        case key:
            part.members[_TEXTS[key]] = option.value


def _list(item: Element, option: Option) -> Iterator[Option]:
    """Yield the parts of a value between semicolons."""
    matches = list(re.finditer("[^;]+", option.value))
    if not matches:
        message = f"vsnd has {option.key} that name none"
        raise bad_device(item, option.value_index, message, "xl crashes on that", f"remove {option.key}=")
    for match in matches:
        yield Option(option.key, match[0], option.index, option.value_index + match.start())
