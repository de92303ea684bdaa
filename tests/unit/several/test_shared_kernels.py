"""Kernels that several guests start: what is done once for all of them, and what is not kept."""

import gc
import lzma
import shutil
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

import pytest

from xlbuild import api
from xlbuild.errors import XlbuildError
from xlbuild.image.model import KernelImage
from xlbuild.pipeline import Guest, Kernel, finish_guest
from xlbuild.several.kernels import with_kernels


class Unpackings:
    """Counts how often xz is undone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr(lzma, "LZMADecompressor", self._decompressor)

    def _decompressor(self, form: int, memlimit: int) -> lzma.LZMADecompressor:
        self.count += 1
        return _REAL(form, memlimit=memlimit)


_REAL = lzma.LZMADecompressor


@pytest.fixture
def unpackings(monkeypatch: pytest.MonkeyPatch) -> Unpackings:
    return Unpackings(monkeypatch)


@pytest.fixture
def packed(synthetic_kernels: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(synthetic_kernels / "bz-xz", tmp_path / "kernel"))


def guest(kernel: Path | str, *settings: str, xen: str | None = None) -> Guest:
    config = f'name="g"\nkernel="{kernel}"\nmemory=64\n'.encode()
    return api.begin(config, overrides=settings, xen=xen)


def order_of(guests: Sequence[Guest]) -> list[int]:
    return [number for number, _ in with_kernels(guests)]


def test_a_kernel_is_unpacked_once_for_all_its_guests(packed: Path, unpackings: Unpackings) -> None:
    guests = [guest(packed, f"memory={memory}") for memory in (64, 65, 66)]
    domains = [finish_guest(guests[number], kernel) for number, kernel in with_kernels(guests)]
    assert unpackings.count == 1
    alone = [api.finish(each) for each in guests]
    assert unpackings.count == 4
    assert [api.manifest(one) for one in domains] == [api.manifest(one) for one in alone]


def test_a_copy_of_it_is_the_same_kernel_under_its_own_name(packed: Path, unpackings: Unpackings) -> None:
    other = Path(shutil.copy(packed, packed.with_name("copy")))
    guests = [guest(packed), guest(other)]
    domains = [finish_guest(guests[number], kernel) for number, kernel in with_kernels(guests)]
    assert unpackings.count == 1
    assert [domain.inputs[0].path for domain in domains] == [str(packed), str(other)]


def test_the_only_guest_of_a_kernel_loads_it_itself(packed: Path, unpackings: Unpackings) -> None:
    assert [kernel for _, kernel in with_kernels([guest(packed), guest("xlbuild:hello-pv")])] == [None, None]
    assert unpackings.count == 0


def test_guests_of_one_kernel_come_behind_one_another(packed: Path) -> None:
    hello = "xlbuild:hello-pv"
    guests = [
        guest(hello),
        guest(packed),
        guest("/no/kernel"),
        guest(hello),
        guest("/no/kernel"),
        guest(packed),
    ]
    assert order_of(guests) == [0, 3, 1, 5, 2, 4]


def test_containers_and_releases_share_no_more_than_they_may(packed: Path, unpackings: Unpackings) -> None:
    guests = [
        *(guest(packed, kind) for kind in ('type="pv"', 'type="pvh"', 'type="pvh"')),
        *(guest(packed, xen="4.17") for _ in range(2)),
    ]
    ends = [end_of(guests[number], kernel) for number, kernel in with_kernels(guests)]
    assert unpackings.count <= 4  # of each release one, and each refused PVH guest's own
    assert ends == [end_of(each) for each in guests]


def end_of(guest: Guest, kernel: Kernel | None = None) -> object:
    """Return the manifest, or the error."""
    try:
        return api.manifest(finish_guest(guest, kernel))
    except XlbuildError as error:
        return str(error)


@pytest.mark.parametrize("content", [None, b"no kernel", b""])
def test_a_kernel_that_is_refused_is_each_guests_own_trouble(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "kernel").write_bytes(content)
    guests = [guest(tmp_path / "kernel"), guest(tmp_path / "kernel", "gic_version='v3'")]
    codes = []
    for number, kernel in with_kernels(guests):
        assert kernel is None
        with pytest.raises(XlbuildError) as caught:
            finish_guest(guests[number], kernel)
        codes.append(caught.value.code)
    assert codes[1] == "config-for-arm" != codes[0]


def test_only_the_kernel_whose_turn_it_is_is_kept(packed: Path) -> None:
    before = images_alive()
    # A map holds nothing back of what it was given.
    guests = [guest(packed), guest(packed), guest("xlbuild:hello-pv"), guest("xlbuild:hello-pv")]
    alive = [images_alive() - before for _ in map(itemgetter(0), with_kernels(guests))]
    assert alive == [1, 1, 1, 1]
    assert images_alive() == before


def images_alive() -> int:
    return sum(type(one) is KernelImage for one in gc.get_objects())


def test_firmware_that_is_looked_for_is_found_anew_for_each(tmp_path: Path, small_hvm: str) -> None:
    guests = [api.begin(small_hvm.encode(), firmware_dirs=[str(tmp_path)]) for _ in range(2)]
    kernels = [kernel for _, kernel in with_kernels(guests)]
    assert [kernel and kernel[0].path for kernel in kernels] == [str(tmp_path / "hvmloader")] * 2
