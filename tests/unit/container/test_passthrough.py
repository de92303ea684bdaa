"""Which guests can have devices of their host, and what does not go with them."""

import pytest
from decisions import HVM, PV, PVH, decided

from xlbuild.errors import ConfigError

PCI = 'pci = ["00:1a.0"]\n'


@pytest.mark.parametrize(
    ("text", "key", "mend"),
    [
        (HVM + 'memory = 64; passthrough = "on"', "passthrough", "use one of these"),
        (PV + 'memory = 64; passthrough = ""', "passthrough", "use one of these"),
        (PV + 'memory = 64; passthrough = "share_pt"', "passthrough", "sync_pt"),
        (PVH + 'memory = 64; passthrough = "enabled"', "passthrough", 'type = "hvm"'),
        (PVH + "memory = 64\n" + PCI, "pci", 'type = "hvm"'),
        (HVM + 'memory = 64; passthrough = "disabled"\n' + PCI, "passthrough", "remove passthrough or pci"),
        (HVM + "memory = 64; maxmem = 128\n" + PCI, "maxmem", "remove maxmem or pci"),
        (
            HVM + 'memory = 64; maxmem = 128; passthrough = "sync_pt"',
            "maxmem",
            "remove maxmem or passthrough",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_its_key(text: str, key: str, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        decided(text)
    assert (caught.value.code, caught.value.where.key) == ("config-passthrough", key)
    assert mend in (caught.value.hint or "")


@pytest.mark.parametrize("mode", ["default", "Disabled", "enabled", "SYNC_PT", "share_pt"])
def test_a_mode_is_known_in_any_case_of_letters_and_changes_nothing(mode: str) -> None:
    assert decided(f'{HVM}memory = 64; passthrough = "{mode}"') == decided(HVM + "memory = 64")
