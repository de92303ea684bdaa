"""Kernels that several guests start: read and unpacked once, and kept no longer than one of the guests is to come."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from xlbuild.errors import XlbuildError
from xlbuild.image.unpackonce import UnpackOnce
from xlbuild.pipeline import Guest, Kernel, load_kernel_file


def with_kernels(guests: Sequence[Guest]) -> Iterator[tuple[int, Kernel | None]]:
    """Yield each guest's number and its kernel, those with the same one behind one another.

    A kernel is loaded when the first of its guests is asked for, and forgotten behind the last. None: the guest is
    the only one that has it, or it is refused; then the guest's own build loads it, and says why not.
    """
    for numbers in _by_kernel(guests):
        shared = _SharedKernel()
        for number in numbers:
            yield number, shared.load(guests[number]) if len(numbers) > 1 else None


def _by_kernel(guests: Sequence[Guest]) -> list[list[int]]:
    """Return the guests' numbers in groups: those whose kernels have the same bytes, in the order of their first."""
    digests: dict[Hashable, str | None] = {}
    groups: dict[Hashable, list[int]] = {}
    for number, guest in enumerate(guests):
        file = _file_of(guest)
        if file not in digests:
            digests[file] = _digest(guest)
        digest = digests[file]
        groups.setdefault(number if digest is None else (digest, guest.options.profile), []).append(number)
    return list(groups.values())


def _file_of(guest: Guest) -> Hashable:
    """Return what says which file a guest's kernel is: its path, but for what has to be looked for."""
    wanted = guest.container.kernel
    return wanted.path if wanted.firmware is None else (wanted.path, wanted.firmware, guest.files)


def _digest(guest: Guest) -> str | None:
    """Return the digest of a guest's kernel; None where it cannot be read."""
    try:
        return sha256(guest.files.read(guest.container.kernel).data).hexdigest()
    except XlbuildError:
        return None


@dataclass(slots=True)
class _SharedKernel:
    """Files with the same bytes, of which the loaders of one release are asked."""

    _unpack: UnpackOnce = field(default_factory=UnpackOnce)
    _loaded: dict[Hashable, Kernel | None] = field(default_factory=dict)

    def load(self, guest: Guest) -> Kernel | None:
        """Return a guest's kernel as it is loaded for its container; None where it is refused."""
        container = guest.container
        key = (
            _file_of(guest),
            container.is_hvm_container,
            container.has_device_model,
            guest.options.features,
        )
        if key not in self._loaded:
            self._loaded[key] = self._load(guest)
        return self._loaded[key]

    def _load(self, guest: Guest) -> Kernel | None:
        try:
            return load_kernel_file(guest.config, guest.container, guest.options, guest.files, self._unpack)
        except XlbuildError:
            return None
