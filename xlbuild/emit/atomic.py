"""Putting a file or a directory in its place: whole or not at all, whatever becomes of the program.

What is to have a name is made in a directory beside it, `.xlbuild-XXXXXXXX.partial`, and moved in one step:

    lock      held by the build that lives; the kernel lets go of it when the process ends, in whatever way
    new       what is being made; once it has changed places with what had the name, that
    old/NAME  what had the name, only where the file system cannot let two names change places

A build that is killed leaves that directory. The next build beside it removes it, unless its lock is held.
"""

import ctypes
import errno
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

CheckPlace = Callable[[Path], None]
"""Raises the error for what is at a path and may not be replaced; nothing happens where nothing is."""

_LOCK, _NEW, _OLD = "lock", "new", "old"
_SCRATCH = re.compile(r"\.xlbuild-[0-9a-f]{8}\.partial")

_AT_FDCWD = -100
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EXDEV)
"""What renameat2(2) says where the C library, the kernel or the file system does not know a flag."""
_CANNOT_SYNC = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.EROFS)


def settled(target: Path) -> Path:
    """Return a target without `..` and links on the way to it, which may lead elsewhere once it is renamed.

    What the target's own name stands for is left alone. Raises OSError when the way is none.
    """
    if target.name in ("", ".."):
        return Path(os.path.realpath(target, strict=True))
    return Path(os.path.realpath(target.parent, strict=True)) / target.name


@contextmanager
def put_in_place(place: Path, check: CheckPlace) -> Iterator[Path]:
    """Give a path to make a file or a directory at, and move it to `place` when all went well.

    place  a settled path: at each moment it stands for what it did before, or for all that is new
    check  says of what is there, more than once, whether it may be replaced; it is told whatever else builds there

    What is left of builds that were killed is removed from the directory first. Raises OSError.
    """
    clean_up(place.parent)
    check(place)
    with _scratch_directory(place.parent) as scratch:
        yield scratch / _NEW
        _flush(scratch / _NEW)
        _move_into_place(scratch, place, check)


def clean_up(parent: Path) -> None:
    """Remove what killed builds have left in a directory, and put back what they had set aside.

    A directory is taken for one only if it is this user's and nothing holds its lock.
    """
    for scratch in _scratch_directories(parent):
        with suppress(OSError):  # a build goes on in it, or another one is faster
            _clean_up_one(scratch)


def _scratch_directories(parent: Path) -> list[Path]:
    try:
        with os.scandir(parent) as entries:
            return [
                parent / entry.name
                for entry in entries
                if _SCRATCH.fullmatch(entry.name)
                and entry.is_dir(follow_symlinks=False)
                and entry.stat(follow_symlinks=False).st_uid == os.geteuid()
            ]
    except OSError:  # nothing to be seen: whether anything can be written is another question
        return []


def _clean_up_one(scratch: Path) -> None:
    lock = _open_lock(scratch)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A build that has just made it, and has no lock yet, must not find it half removed and make a lock anew.
        scratch = scratch.rename(_scratch_name(scratch.parent))
        _put_back(scratch)
        _remove(scratch)
    finally:
        os.close(lock)
    _remove(scratch)


def _scratch_name(parent: Path) -> Path:
    return parent / f".xlbuild-{token_hex(4)}.partial"


def _open_lock(scratch: Path) -> int:
    return os.open(scratch / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


@contextmanager
def _scratch_directory(parent: Path) -> Iterator[Path]:
    """Give a new directory that nobody else removes while this process lives."""
    scratch, lock = parent, None
    try:
        while lock is None:
            scratch = _scratch_name(parent)
            scratch.mkdir(mode=0o700)
            lock = _taken_lock(scratch)
        yield scratch
    finally:
        if scratch != parent:
            _remove(scratch)
        if lock is not None:
            os.close(lock)
            _remove(scratch)


def _taken_lock(scratch: Path) -> int | None:
    """Take a new directory's lock; None when a build that cleans up has been faster, and removes it."""
    try:
        lock = _open_lock(scratch)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError:  # a file system without locks: nobody else gets this one either, and so nobody removes it
        return lock
    if os.fstat(lock).st_nlink == 0:
        os.close(lock)
        return None
    return lock


def _remove(scratch: Path) -> None:
    """Remove a directory, even when the first interrupt comes in the middle of it.

    Once more after its lock is closed: until then NFS keeps the lock's file, under another name.
    """
    try:
        shutil.rmtree(scratch, ignore_errors=True)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _flush(new: Path) -> None:
    """Have all that is written reach the disk before it gets its name: that there is no room may show only now."""
    for directory, _, names in os.walk(new):
        for name in (*names, "."):
            _flush_one(Path(directory, name))
    if not new.is_dir():
        _flush_one(new)


def _flush_one(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(fd)


def _move_into_place(scratch: Path, place: Path, check: CheckPlace) -> None:
    """Give what is new its name; what others do there meanwhile is seen, and asked about again."""
    new = scratch / _NEW
    while os.path.lexists(new):
        if not os.path.lexists(place):
            with suppress(FileExistsError):
                _rename_to_free_name(new, place)
                return
        check(place)
        with suppress(FileExistsError, FileNotFoundError):
            _replace(scratch, place, check)
            return
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), new)


def _rename_to_free_name(new: Path, place: Path) -> None:
    """Rename; FileExistsError when something has the name."""
    try:
        _renameat2(new, place, _RENAME_NOREPLACE)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        _rename_plainly_to_free_name(new, place)


def _rename_plainly_to_free_name(new: Path, place: Path) -> None:
    """Do so with link(2) and rename(2), which replaces an empty directory, but nothing that was built."""
    if os.path.lexists(place):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), place)
    try:
        if new.is_dir():
            new.rename(place)
        else:
            os.link(new, place)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), place) from error
        raise


def _replace(scratch: Path, place: Path, check: CheckPlace) -> None:
    """Have what is new and what is there change places; back again, if that is not what was asked about."""
    new = scratch / _NEW
    try:
        _renameat2(new, place, _RENAME_EXCHANGE)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        _replace_in_two_steps(scratch, place, check)
        return
    try:
        check(new)
    except BaseException:
        _renameat2(new, place, _RENAME_EXCHANGE)
        raise


def _replace_in_two_steps(scratch: Path, place: Path, check: CheckPlace) -> None:
    """Do so where names cannot change places: for a moment the name stands for nothing."""
    old = scratch / _OLD
    shutil.rmtree(old, ignore_errors=True)
    old.mkdir()
    try:
        place.rename(old / place.name)
        check(old / place.name)
        _rename_to_free_name(scratch / _NEW, place)
    except BaseException:
        _put_back(scratch)
        raise


def _put_back(scratch: Path) -> None:
    """Give what was set aside its name back, unless something has it."""
    with suppress(FileNotFoundError, FileExistsError):
        for aside in (scratch / _OLD).iterdir():
            _rename_to_free_name(aside, scratch.parent / aside.name)


def _renameat2(source: Path, target: Path, flags: int) -> None:
    """Call renameat2(2), which Python has not; OSError, ENOSYS where the C library has it not either."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    ends = (_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target))
    if libc.renameat2(*ends, ctypes.c_uint(flags)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), source)
