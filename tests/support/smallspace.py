"""A file system as small as one likes, in a mount namespace of one's own; where users may make such, without root."""

import ctypes
import os
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_CLONE_NEWNS, _CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096


def inside(work: Callable[[], T]) -> T:
    """Do something in a process that may mount things, which nobody else sees; OSError where there is no such."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        answer: T | BaseException
        try:
            _become_root_of_a_namespace()
            answer = work()
        except BaseException as error:
            answer = error
        with os.fdopen(into, "wb") as stream:
            pickle.dump(answer, stream)
        os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as stream:
        pickled = stream.read()
    os.waitpid(child, 0)
    answer = pickle.loads(pickled)  # noqa: S301 (a child of ours has written it)
    if isinstance(answer, BaseException):
        raise answer
    return answer


@cache
def why_none() -> str | None:
    """Return why there can be no small file systems here, or None."""
    try:
        inside(lambda: None)
    except OSError as error:
        return f"this user may not make namespaces here: {error}"
    return None


def _become_root_of_a_namespace() -> None:
    user, group = os.getuid(), os.getgid()
    _call("unshare", _CLONE_NEWUSER | _CLONE_NEWNS)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        Path("/proc/self", name).write_text(text)


def mount(
    place: Path, options: str = "", flags: int = 0, source: Path | None = None, kind: str = "tmpfs"
) -> None:
    """Mount a tmpfs, or another kind, at a place, or with MS_BIND what is at `source`."""
    what = b"none" if source is None else os.fsencode(source)
    _call("mount", what, os.fsencode(place), kind.encode(), ctypes.c_ulong(flags), options.encode())


def resize(place: Path, room: int | None) -> None:
    """Leave so many free bytes in a tmpfs, rounded up to pages, or, for None, half of the machine's memory."""
    status = os.statvfs(place)
    used = (status.f_blocks - status.f_bfree) * status.f_frsize
    mount(place, "size=50%" if room is None else f"size={used + room}", MS_REMOUNT)


def _call(function: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), function)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{function}: {os.strerror(ctypes.get_errno())}")
