"""Odd and damaged kernels: what `load_kernel` makes of them is what Xen's own library made of them.

The real library's answers are in tests/golden/image/kernels.json, which says how they were recorded.
"""

import hashlib
import json

import pytest
from kernel_answers import GOLDEN, agree, our_answer
from kernel_cases import CASES

XENS = json.loads(GOLDEN.read_text())["cases"]


def test_every_case_has_a_recorded_answer() -> None:
    assert XENS.keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_a_kernel_is_taken_or_refused_as_xen_does(name: str) -> None:
    kind, file = CASES[name]
    xens = dict(XENS[name])
    assert xens.pop("sha256") == hashlib.sha256(file).hexdigest(), "the case changed: record its answer anew"
    ours = our_answer(kind, file)
    assert agree(ours, xens), (ours, xens)
