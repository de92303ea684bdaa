"""Getting a key's value in the form it should have, as xl gets it (upstream: libxlu_cfg.c).

A value in another form counts as unset, with a warning; that is xl's rule, and it is not always what the author of
the file meant. Forms come from the table of keys, so that a key cannot be read in two ways.
"""

import re
from collections.abc import Iterator
from itertools import islice, takewhile

from xlbuild.cnumbers import LONG_MAX, LONG_MIN, leading_number
from xlbuild.config.keys import BY_NAME, Form, known_in
from xlbuild.config.model import Value
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element, Setting, Settings
from xlbuild.errors import ConfigError, Diagnostic, Where


class Values:
    """The settings of a file, as typed values, as one release's xl gets them."""

    def __init__(self, settings: Settings, release: str, problems: Problems) -> None:
        """Read from `settings`; what xl drops becomes a warning in `problems`."""
        self.settings = settings
        self.release = release
        self._known = known_in(release)
        self.problems = problems

    def knows(self, name: str) -> bool:
        """Return whether the release reads a key."""
        return name in self._known

    def string(self, name: str) -> str | None:
        """Return a string; a list is none."""
        return self._string(self._setting(name, Form.STRING))

    def number(self, name: str) -> int | None:
        """Return a number, any C long."""
        return self._number(self._setting(name, Form.NUMBER))

    def boolean(self, name: str) -> bool | None:
        """Return a truth value: a number, true unless it is 0."""
        value = self._number(self._setting(name, Form.BOOLEAN))
        return None if value is None else value != 0

    def number_or_name(self, name: str) -> int | str | None:
        """Return a number if the value is one, else a string."""
        setting = self._setting(name, Form.NUMBER_OR_NAME)
        if setting is None:
            return None
        value = number_of(setting)
        return self._string(setting) if isinstance(value, Diagnostic) else value

    def boolean_or_list(self, name: str) -> bool | tuple[Value, ...] | None:
        """Return a truth value if the value is a number, else a list."""
        setting = self._setting(name, Form.BOOLEAN_OR_NAMES)
        if setting is None:
            return None
        if not isinstance(setting.value, str):
            return setting.value
        value = number_of(setting)
        if isinstance(value, Diagnostic):
            self.problems.warn(_ignored(setting, "is neither a number nor a list"))
            return None
        return value != 0

    def value(self, name: str) -> Value | None:
        """Return whatever the value is, for a key that is wrong in any other form than its own."""
        setting = self._setting(name, Form.NAMES)
        return None if setting is None else setting.value

    def strings(self, name: str) -> tuple[str, ...]:
        """Return a list of strings: xl reads up to the first element that is a list itself."""
        setting = self._setting(name, Form.LIST)
        if setting is None:
            return ()
        if isinstance(setting.value, str):
            self.problems.warn(_no_list(setting))
            return ()
        return self._leading_strings(setting, setting.value)

    def string_or_strings(self, name: str) -> str | tuple[str, ...] | None:
        """Return a string, or a list of strings up to the first element that is a list itself."""
        setting = self._setting(name, Form.STRING_OR_LIST)
        if setting is None:
            return None
        if isinstance(setting.value, str):
            return setting.value
        return self._leading_strings(setting, setting.value)

    def devices(self, name: str) -> tuple[Element, ...]:
        """Return a list of strings as `strings` does, each with its place."""
        return self._placed(name, self.strings(name))

    def device_lists(self, name: str) -> tuple[Element | tuple[Element, ...], ...]:
        """Return a list of lists of strings, each string with its place; an element that is no list as it is."""
        setting = self._setting(name, Form.LISTS)
        if setting is None:
            return ()
        if isinstance(setting.value, str):
            self.problems.warn(_no_list(setting))
            return ()
        outer = self.settings.element_places(name)
        inner = self.settings.element_places(name, depth=2)
        return tuple(
            _element(value, *place) if isinstance(value, str) else self._device_list(setting, value, inner)
            for value, place in zip(setting.value, outer, strict=True)
        )

    def _device_list(
        self, setting: Setting, values: tuple[Value, ...], places: Iterator[tuple[Where, bytes]]
    ) -> tuple[Element, ...]:
        """Return the strings up to the first list, and pass the places of all."""
        placed = list(zip(values, islice(places, len(values)), strict=True))
        strings = [_element(value, *place) for value, place in placed if isinstance(value, str)]
        cut = next((number for number, value in enumerate(values) if not isinstance(value, str)), None)
        if cut is not None:
            self.problems.warn(_cut_short(setting, cut))
        return tuple(strings[:cut])

    def string_or_devices(self, name: str) -> Element | tuple[Element, ...] | None:
        """Return a string or a list of strings as `string_or_strings` does, each with its place."""
        value = self.string_or_strings(name)
        if value is None:
            return None
        if isinstance(value, str):
            return self.settings.element(name)
        return self._placed(name, value)

    def devices_or_stop(self, name: str) -> tuple[Element, ...]:
        """Return a list of strings, each with its place; ConfigError where an element is a list itself."""
        setting = self._setting(name, Form.LIST)
        value = () if setting is None or isinstance(setting.value, str) else setting.value
        for number, element in enumerate(value, 1):
            if setting is not None and not isinstance(element, str):
                raise ConfigError(
                    f"config-bad-{name.replace('_', '-')}",
                    f"{name} has a list as element {number}",
                    cause="xl stops there",
                    hint="write it as text, without brackets of its own",
                    where=setting.where,
                )
        return self.devices(name)

    def strings_or_stop(self, name: str) -> tuple[str, ...] | None:
        """Return a list of strings; ConfigError for a single value."""
        setting = self._setting(name, Form.LIST_OR_STOP)
        if setting is None:
            return None
        if isinstance(setting.value, str):
            raise ConfigError(
                "config-no-list",
                f"{name} is no list",
                cause="it is a single value, and xl stops there",
                hint=f'write {name} = [ "...", "..." ]',
                where=setting.where,
            )
        return self._leading_strings(setting, setting.value)

    def elements(self, name: str) -> tuple[Value, ...]:
        """Return the elements of a list, of any form; a single value is no list, silently."""
        setting = self._setting(name, Form.LISTS)
        return () if setting is None or isinstance(setting.value, str) else setting.value

    def bounded(self, name: str, highest: int) -> int | None:
        """Return a number from 0 to `highest`; ConfigError for anything else."""
        setting = self._setting(name, Form.BOUNDED)
        if setting is None:
            return None
        value = number_of(setting)
        if isinstance(value, Diagnostic) or not 0 <= value <= highest:
            raise ConfigError(
                "config-number-bounds",
                f"{name} is no number from 0 to {highest}",
                cause="xl stops at this key instead of leaving it out",
                hint=f"write {name} = NUMBER, or leave the key out",
                where=setting.where,
            )
        return value

    def _placed(self, name: str, strings: tuple[str, ...]) -> tuple[Element, ...]:
        """Return a list's leading strings with their places."""
        places = self.settings.element_places(name)
        return tuple(_element(text, *place) for text, place in zip(strings, places, strict=False))

    def _leading_strings(self, setting: Setting, elements: tuple[Value, ...]) -> tuple[str, ...]:
        leading = takewhile(lambda element: isinstance(element, str), elements)
        strings = tuple(element for element in leading if isinstance(element, str))
        if len(strings) < len(elements):
            self.problems.warn(_cut_short(setting, len(strings)))
        return strings

    def _setting(self, name: str, form: Form) -> Setting | None:
        key = BY_NAME[name]
        assert key.form is form
        return self.settings.get(name) if self.knows(name) else None

    def _string(self, setting: Setting | None) -> str | None:
        if setting is None:
            return None
        if isinstance(setting.value, str):
            return setting.value
        self.problems.warn(_ignored(setting, "is a list and should be a single value"))
        return None

    def _number(self, setting: Setting | None) -> int | None:
        if setting is None:
            return None
        value = number_of(setting)
        if isinstance(value, Diagnostic):
            self.problems.warn(value)
            return None
        return value


def _element(text: str, where: Where, token: bytes) -> Element:
    return Element(text, where, token[1:-1] == text.encode(errors="surrogateescape"))


def number_of(setting: Setting) -> int | Diagnostic:
    """Return a value as C's strtol reads it with base 0, or the warning that says why it is no number."""
    if not isinstance(setting.value, str):
        return _ignored(setting, "is a list and should be a number")
    if setting.by_addition:
        return _ignored(setting, "is made with +=, which makes no number")
    value, end = leading_number(setting.value, 0)
    if not end or end < len(setting.value):
        return _ignored(setting, f"is no number: {setting.value!r}", _number_hint(setting.value))
    if not LONG_MIN <= value <= LONG_MAX:
        return _ignored(setting, "is a number of more than 64 bits")
    return value


def _no_list(setting: Setting) -> Diagnostic:
    hint = f"put it in brackets: {setting.where.key} = [ ... ]"
    return _ignored(setting, "is a single value and should be a list", hint)


def _number_hint(text: str) -> str | None:
    if text.lower() in ("yes", "true", "on", "no", "false", "off"):
        return "write 1 or 0"
    if re.fullmatch(r"\s*[0-9]+\s*[kKmMgGtT][iI]?[bB]?\s*", text):
        return "sizes have no unit: write the number of MiB"
    if re.fullmatch(r"0[0-9]+", text):
        return "a number that starts with 0 is octal"
    return None


def _cut_short(setting: Setting, read: int) -> Diagnostic:
    message = f"{setting.where.key} has a list as element {read + 1}; xl ignores it and what follows"
    return Diagnostic(
        "value-ignored", message, setting.where, "write it as text, without brackets of its own"
    )


def _ignored(setting: Setting, why: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic("value-ignored", f"{setting.where.key} {why}; xl ignores it", setting.where, hint)
