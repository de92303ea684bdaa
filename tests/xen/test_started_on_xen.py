"""Guests that xlbuild built run on a real Xen: started by stock `xl restore`, they say so themselves.

`scripts/xen-tests` runs these; each guest's words are in tests/support/xenlab/guests.py.
"""

from collections.abc import Iterator, Sequence

import pytest
from xenlab.guests import BY_NAME
from xenlab.model import Lab, LabError
from xenlab.starting import Started, fell_short, start, write_save

pytestmark = pytest.mark.xen


def _guests_asked_about(items: Sequence[pytest.Item]) -> Iterator[str]:
    for item in items:
        if isinstance(item, pytest.Function) and "started" in item.fixturenames:
            yield str(item.callspec.params["guest"])


@pytest.fixture(scope="session")
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Started]:
    """What came of each guest that a selected test asks about, all in one run of the lab."""
    lab, place = Lab(), tmp_path_factory.mktemp("xen")
    guests = [BY_NAME[name] for name in dict.fromkeys(_guests_asked_about(request.session.items))]
    try:
        saves = {guest: write_save(guest.config(lab), place, guest.name, guest.options) for guest in guests}
        return start(lab, saves, place, created=[guest for guest in guests if guest.compared])
    except LabError as error:
        pytest.skip(f"the lab did not come up: {error}")


def _restored(guest: str, started: list[Started]) -> Started:
    return next(answer for answer in started if (answer.name, answer.command) == (guest, "restore"))


@pytest.mark.parametrize("guest", BY_NAME)
def test_a_guest_restored_by_xl_says_its_own_words(guest: str, started: list[Started]) -> None:
    answer = _restored(guest, started)
    print(
        f"{guest}: {answer.seconds} s, try {answer.tries}, {answer.end}; it says:\n{answer.console[-1500:]}"
    )
    assert answer.status == 0, answer.xl
    assert answer not in fell_short(started)


@pytest.mark.parametrize("guest", BY_NAME)
def test_libxcs_own_verifier_accepts_its_save_file(guest: str, started: list[Started]) -> None:
    assert _restored(guest, started).verified == ""
