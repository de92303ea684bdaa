"""What the real `xl create -p` builds is what xlbuild builds, but for what the hypervisor and its daemons write."""

import pytest
from xenlab.hostbuilt import HOST_BUILT, STOCK, Comparison, compare, take_cores
from xenlab.model import Lab, LabError

pytestmark = pytest.mark.xen


@pytest.fixture(scope="session")
def comparisons(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Comparison]:
    """Each guest that the host built and dumped, compared; by guest and how it was dumped."""
    lab, place = Lab(), tmp_path_factory.mktemp("host-built")
    try:
        cores = take_cores(lab, place / "dumps", slow=False)
    except LabError as error:
        pytest.skip(f"the lab did not come up: {error}")
    compared = [compare(lab, core, place / f"{core.guest.name} {core.how}") for core in cores]
    return {(done.core.guest.name, done.core.how): done for done in compared}


@pytest.mark.parametrize("name", [guest.name for guest in HOST_BUILT])
def test_only_what_the_host_itself_writes_differs(
    name: str, comparisons: dict[tuple[str, str], Comparison]
) -> None:
    compared = [done for (guest, _), done in comparisons.items() if guest == name]
    assert compared
    for done in compared:
        assert done.status == 0, done.text
        assert "same guest" in done.text
        print(f"{done.core.how}:\n{done.text}")


def test_the_stock_tool_dumps_a_pv_guest_that_never_ran(
    comparisons: dict[tuple[str, str], Comparison],
) -> None:
    assert ("pv", STOCK) in comparisons
