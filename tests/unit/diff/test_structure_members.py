"""The bytes of structures in memory: each is of one member, which the description has under the same path."""

import re
from dataclasses import replace

import pytest
from builtdomains import HELLO
from diffguests import build
from fakememory import PatchedMemory
from hypothesis import given, settings
from hypothesis import strategies as st

from xlbuild.built import BuiltDomain
from xlbuild.diff.memory.places import locate
from xlbuild.diff.memory.structures import Structure, structures_of
from xlbuild.inspect.domains.subject import describe_whole_domain
from xlbuild.inspect.tree import Tree

GUESTS = {name: build(config, 'ramdisk="xlbuild:hello-pv"') for name, config in HELLO.items()}
NOT_TOLD = re.compile(
    r"acpi_info\.|start_info\.(modlist|memmap)\[.*\]\.reserved$|\.entries\.\w+\[\d+\]\.(type|length)$"
)
"""Members that are not in the description: the block for Xen's own AML, and what goes without saying."""


def structures(built: BuiltDomain) -> tuple[Structure, ...]:
    return structures_of(built, locate(built))


def look_up(told: Tree, path: str) -> Tree:
    """Return what a description has under a path; entries of a memory map are named by their address."""
    for step in re.findall(r"[^.\[\]]+", path):
        if isinstance(told, list):
            named = {entry.get("addr"): entry for entry in told if isinstance(entry, dict)}
            told = named[step] if step.startswith("0x") else told[int(step)]
        else:
            assert isinstance(told, dict), path
            told = told[step]
    return told


def number_of(value: Tree) -> int | None:
    if isinstance(value, str) and re.fullmatch("0x[0-9a-f]+", value):
        return int(value, 16)
    return value if isinstance(value, int) else None


@pytest.mark.parametrize("built", GUESTS.values(), ids=GUESTS)
def test_a_members_bytes_are_the_value_that_the_description_has(built: BuiltDomain) -> None:
    told, compared = describe_whole_domain(built), 0
    for structure in structures(built):
        data = built.memory.read(structure.region.first, structure.region.size)
        for member in structure.members:
            if member.is_described and not NOT_TOLD.search(member.path):
                number = number_of(look_up(told, member.path))
                if number is not None:
                    assert number == int.from_bytes(data[member.first : member.end], "little"), member.path
                    compared += 1
    assert compared > 10


@pytest.mark.parametrize("guest", GUESTS)
@settings(max_examples=30)
@given(data=st.data())
def test_each_byte_is_of_one_member_whatever_memory_holds(guest: str, data: st.DataObject) -> None:
    built = GUESTS[guest]
    victim = data.draw(st.sampled_from(structures(built)))
    at = data.draw(st.integers(victim.region.first, victim.region.end - 1))
    damage = data.draw(
        st.one_of(st.binary(max_size=64), st.sampled_from([b"\0" * 64, b"\1" * 64, b"\xff" * 64]))
    )
    patches = {at: damage[: victim.region.end - at]}
    damaged = replace(built, memory=PatchedMemory(built.memory, patches))
    assert [each.region for each in structures(damaged)] == [each.region for each in structures(built)]
    for structure in structures(damaged):
        ends = [0, *(member.end for member in structure.members)]
        assert [member.first for member in structure.members] == ends[:-1]
        assert ends[-1] == structure.region.size
        paths = [member.path for member in structure.members]
        assert len(set(paths)) == len(paths)


def test_a_byte_is_told_in_words() -> None:
    rsdp = next(each for each in structures(GUESTS["pvh"]) if each.region.name == "RSDP")
    words = {member.first: (member.words(0), member.words(3)) for member in rsdp.members}
    assert words[16] == ("rsdp.rsdt_address", "rsdp.rsdt_address + 3")
    assert words[33] == ("rsdp: no field", "rsdp: no field + 3")
