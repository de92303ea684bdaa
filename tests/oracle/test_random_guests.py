"""Random guests, the same ones each time: xlbuild and Xen's own toolstack must do the same with each.

`scripts/differential` does this with as many as one likes.
"""

from pathlib import Path

import pytest
import sidebyside
from differential import describe
from sidebyside import DIFFERENT, side_by_side

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("number", range(50))
def test_a_random_guest_is_built_or_refused_as_xen_does_it(number: int, tmp_path: Path) -> None:
    result = side_by_side(number, tmp_path)
    assert result.verdict != DIFFERENT, describe(result)


def test_a_guest_that_is_built_as_another_release_does_it_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("as 4.17", "as 4.22"):
        (tmp_path / name).mkdir()
    assert side_by_side(BUILT, tmp_path / "as 4.17").verdict == "built"
    monkeypatch.setattr(sidebyside, "RELEASE", "4.22")
    result = side_by_side(BUILT, tmp_path / "as 4.22")
    assert result.verdict == DIFFERENT
    assert result.differences


BUILT = 6
"""A case that both build."""
