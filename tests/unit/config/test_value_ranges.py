from xlbuild.config.keys import BY_NAME
from xlbuild.config.value_ranges import VALUES, unknown_values
from xlbuild.profiles import PROFILES


def test_every_row_is_of_a_key_and_says_where_it_is_known_from() -> None:
    assert len({(row.key, row.value) for row in VALUES}) == len(VALUES)
    for row in VALUES:
        assert row.key in BY_NAME
        assert row.source
        assert (row.since is None) is not (row.until is None)


def test_a_release_does_not_take_what_came_later_or_went_before() -> None:
    unknown = {profile.name: unknown_values(profile.name) for profile in PROFILES}
    assert ("tee", "ffa") in unknown["4.17"]
    assert ("tee", "ffa") not in unknown["4.18"]
    assert ("bios", "rombios") not in unknown["4.20"]
    assert ("bios", "rombios") in unknown["4.21"]
    assert all(("builder", "linux") in values for values in unknown.values())


def test_the_profiles_say_the_same_of_the_old_device_model() -> None:
    for profile in PROFILES:
        gone = ("device_model_version", "qemu-xen-traditional") in unknown_values(profile.name)
        assert gone is not profile.traditional_device_model
