"""Keys that xl does not know, or that do nothing where they stand."""

from collections.abc import Iterator, Mapping

from xlbuild.config.keys import BY_NAME, Effect, Key, known_in
from xlbuild.config.overrides import COMMAND_LINE
from xlbuild.config.settings import Setting, Settings
from xlbuild.config.suggest import EXPLAINED, suggest
from xlbuild.config.values import number_of
from xlbuild.container.model import Kind
from xlbuild.errors import Diagnostic
from xlbuild.lints.needs import unmet_need
from xlbuild.profiles import in_releases

_TOLD_ELSEWHERE = {"timer_mode"}
"""Without effect for some kinds, but there an error besides."""

_ARTICLE = {Kind.PV: "a PV", Kind.PVH: "a PVH", Kind.HVM: "an HVM"}

_MOST_UNREAD = 25
"""So many keys that xl does not read are told one by one."""

_STILL_USUAL = {"root", "extra"}
"""Another key says the same, but nobody calls these deprecated."""


def unknown_lints(settings: Settings, release: str) -> Iterator[Diagnostic]:
    """Yield keys that a release's xl does not read, and settings that a later one replaces."""
    known = known_in(release)
    unread = [name for name in settings if name not in known]
    for name in unread[:_MOST_UNREAD]:
        yield _unread(name, settings[name], release, known)
    if more := unread[_MOST_UNREAD:]:
        message = f"xl has no key {more[0]}, nor {len(more) - 1} more behind it, and takes no notice of them"
        hint = "see whether this is a configuration of xl at all"
        yield Diagnostic("key-unknown", message, settings[more[0]].key_where, hint)
    for lost in settings.overwritten:
        if lost.by.file != COMMAND_LINE or lost.where.file == COMMAND_LINE:
            again = f"again in line {lost.by.line}" if lost.by.line else "again later"
            message = f"{lost.key} is set {again}, and that is what counts"
            hint = "remove one of them; to add to a list or text, use +="
            yield Diagnostic("key-overwritten", message, lost.where, hint)


def _unread(name: str, setting: Setting, release: str, known: Mapping[str, Key]) -> Diagnostic:
    if name == "pvh" and number_of(setting) != 0:
        message = (
            "pvh asks for the PVH of Xen 4.4 to 4.9, which no xl reads any more: this is a plain PV guest"
        )
        return Diagnostic("key-pvh", message, setting.key_where, 'write type = "pvh"')
    if key := BY_NAME.get(name):
        since = key.since and not in_releases(release, key.since, None)
        when = f"is read since Xen {key.since}" if since else f"was read up to Xen {key.until}"
        message = f"{name} {when}: xl {release} takes no notice of it"
        return Diagnostic("key-release", message, setting.key_where, key.instead and _mend(key))
    suggestion = suggest(name, known)
    message = f"xl has no key {name}, and takes no notice of it"
    hint = suggestion.text if suggestion else "remove it; docs/xl-cfg.md has every key"
    return Diagnostic("key-unknown", message, setting.key_where, hint)


def key_lints(settings: Settings, kind: Kind | None, release: str) -> Iterator[Diagnostic]:
    """Yield keys that xl reads though nothing comes of it, and those that others have replaced."""
    known = known_in(release)
    read = [(known[name], settings[name]) for name in settings if name in known]
    if arm := [(key, setting) for key, setting in read if key.arm]:
        yield _for_arm([key.name for key, _ in arm], arm[0][1])
    for key, setting in read:
        if not key.arm:
            yield from _idle(key, setting, settings, kind)


def _idle(key: Key, setting: Setting, settings: Settings, kind: Kind | None) -> Iterator[Diagnostic]:
    """Yield why a key does nothing, or nothing that another would not do better; one reason is enough."""
    if key.effect is Effect.NONE:
        message = f"{key.name} does nothing ({key.meaning})"
        yield Diagnostic("key-dead", message, setting.key_where, _mend(key))
    elif asks_for_nothing(setting):
        return
    elif kind is not None and kind.value.upper() not in key.kinds.split() and key.name not in _TOLD_ELSEWHERE:
        kinds = " and ".join(key.kinds.split())
        message = f"{key.name} has no effect for {_ARTICLE[kind]} guest: it is for {kinds}"
        yield Diagnostic("key-no-effect", message, setting.key_where, f"remove {key.name}")
    elif need := unmet_need(key.name, settings, kind):
        message = f"{key.name} has no effect {need.why}"
        yield Diagnostic("key-needs-another", message, setting.key_where, need.mend)
    elif key.instead is not None and key.name not in _STILL_USUAL:
        message = f"{key.name} is an old key, which {key.instead} has replaced"
        if key.instead not in BY_NAME:
            message = f"{key.name} is on its way out"
        yield Diagnostic("key-deprecated", message, setting.key_where, _newer(key, setting))


def asks_for_nothing(setting: Setting) -> bool:
    """Return whether a value turns off what would be off without it: 0, empty text, an empty list."""
    return not setting.value or number_of(setting) == 0


def _mend(key: Key) -> str:
    if key.instead is None:
        return f"remove {key.name}"
    return f"write {key.instead}" if key.instead in BY_NAME else key.instead


def _newer(key: Key, setting: Setting) -> str:
    """Return what to write in place of a deprecated key."""
    if key.name == "builder":
        return f'write type = "{"hvm" if "hvm".startswith(str(setting.value)) else "pv"}"'
    return EXPLAINED[key.name].text if key.name in EXPLAINED else _mend(key)


def _for_arm(names: list[str], first: Setting) -> Diagnostic:
    listed = ", ".join(names)
    verb, pronoun = ("has", "it") if len(names) == 1 else ("have", "them")
    message = f"{listed} {verb} an effect for Arm guests only, and xlbuild knows x86 guests"
    return Diagnostic("key-arm", message, first.key_where, f"for an x86 guest, remove {pronoun}")
