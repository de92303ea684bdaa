"""Reading host files: what they say, and where they are wrong."""

import json
from typing import Any

import jsonschema
import pytest
from hosts import HOSTS, HostFacts
from hypothesis import given
from hypothesis import strategies as st
from toolstack import ROOT

from xlbuild.emit.hostfile import SCHEMA, parse_host
from xlbuild.errors import ConfigError
from xlbuild.host import Host, HostRegion, PciAddress, ReservedRegion

VALIDATOR = jsonschema.Draft202012Validator(
    json.loads((ROOT / "xlbuild" / "emit" / "host.schema.json").read_text())
)
REGION = {"addr": 0, "size": 4096, "type": 1}
RESERVED = {"addr": 0, "size": 4096, "devices": []}


def parsed(document: object) -> Host:
    return parse_host(json.dumps(document).encode(), "host.json")


def host(**members: Any) -> dict[str, Any]:
    return {"schema": SCHEMA, **members}


def complaint(data: bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_host(data, "host.json")
    assert caught.value.where.file == "host.json"
    assert caught.value.cause
    assert caught.value.hint
    return caught.value


def test_numbers_are_integers_or_hexadecimal_and_the_order_is_kept() -> None:
    regions = [{"addr": "0x100000", "size": "0xFFF", "type": 1}, {"addr": 0, "size": 16, "type": "0x2"}]
    reserved = [{"addr": "0xad000000", "size": 4096, "devices": ["0000:00:1A.0", "ffff:ff:1f.7"]}]
    assert parsed(host(comment="x", memory_map=regions, reserved_device_memory=reserved)) == Host(
        (HostRegion(0x100000, 0x100FFF, 1), HostRegion(0, 16, 2)),
        (
            ReservedRegion(
                0xAD000000, 0xAD001000, (PciAddress(0, 0, 0x1A, 0), PciAddress(0xFFFF, 0xFF, 0x1F, 7))
            ),
        ),
    )


def test_the_schema_is_one() -> None:
    VALIDATOR.check_schema(VALIDATOR.schema)


def test_what_is_not_there_is_not_known() -> None:
    assert parsed(host()) == Host(None, None)
    assert parsed(host(reserved_device_memory=[])) == Host(None, ())


@pytest.mark.parametrize("facts", HOSTS.values(), ids=HOSTS)
def test_the_hosts_of_the_tests_fit_the_schema(facts: HostFacts) -> None:
    VALIDATOR.validate(facts.document())
    assert parsed(facts.document()).memory_map == tuple(
        HostRegion(addr, addr + size, kind) for addr, size, kind in facts.memory_map
    )


def test_the_example_of_the_documentation_is_a_host_file() -> None:
    example = (ROOT / "docs" / "host-example.json").read_bytes()
    VALIDATOR.validate(json.loads(example))
    described = parse_host(example, "host-example.json")
    assert described.memory_map
    assert described.reserved_device_memory


@pytest.mark.parametrize(
    ("document", "key", "cause"),
    [
        ([], None, "an array is no object"),
        ({}, None, "'schema'"),
        ({"schema": "xlbuild.host/2"}, "schema", "xlbuild.host/1"),
        (host(memory=[]), None, '"memory"'),
        (host(memory_map={}), "memory_map", "no array"),
        (host(memory_map=None), "memory_map", "null is no array"),
        (host(memory_map=[]), "memory_map", "0 elements"),
        (host(memory_map=[REGION] * 129), "memory_map", "129 elements"),
        (host(memory_map=[REGION, 1]), "memory_map[1]", "1 is no object"),
        (host(memory_map=[REGION, {"addr": 0}]), "memory_map[1]", "'size'"),
        (host(memory_map=[REGION | {"end": 1}]), "memory_map[0]", '"end"'),
        (host(memory_map=[REGION | {"addr": "1000"}]), "memory_map[0].addr", '"0x1000"'),
        (host(memory_map=[REGION | {"addr": True}]), "memory_map[0].addr", "true"),
        (host(memory_map=[REGION | {"addr": 1.5}]), "memory_map[0].addr", "1.5"),
        (host(memory_map=[REGION | {"addr": -1}]), "memory_map[0].addr", "-1"),
        (host(memory_map=[REGION | {"addr": "0x10000000000001"}]), "memory_map[0].addr", "within"),
        (host(memory_map=[REGION | {"size": 1 << 53}]), "memory_map[0].size", "within"),
        (host(memory_map=[REGION | {"type": 0}]), "memory_map[0].type", "within"),
        (host(memory_map=[REGION | {"type": "RAM"}]), "memory_map[0].type", '"RAM"'),
        (host(reserved_device_memory=[RESERVED | {"size": 0}]), "reserved_device_memory[0]", "whole pages"),
        (host(reserved_device_memory=[RESERVED | {"addr": 1}]), "reserved_device_memory[0]", "whole pages"),
        (
            host(reserved_device_memory=[RESERVED | {"devices": ["1a.0"]}]),
            "reserved_device_memory[0].devices[0]",
            "PCI address",
        ),
        (
            host(reserved_device_memory=[RESERVED | {"devices": "0000:00:1a.0"}]),
            "reserved_device_memory[0].devices",
            "no array",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(document: object, key: str | None, cause: str) -> None:
    error = complaint(json.dumps(document).encode())
    assert (error.code, error.where.key) == ("host-file-invalid", key)
    assert cause in (error.cause or "")


@pytest.mark.parametrize(
    ("data", "line", "cause"),
    [
        (b"", 1, "expecting value"),
        (b'{\n "schema": xlbuild\n}', 2, "expecting value"),
        (b"\xff\xfe\xfd", None, "can't decode"),
        (b"[" * 100_000, None, "nested too deeply"),
        (b"1" * 5000, None, "5000 digits"),
        (b'{"schema": "xlbuild.host/1", "schema": "xlbuild.host/1"}', None, "twice"),
    ],
)
def test_what_is_no_json_is_refused(data: bytes, line: int | None, cause: str) -> None:
    error = complaint(data)
    assert cause in str(error.cause)
    assert (error.code, error.where.line) == ("host-file-syntax", line)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_ADDRESS = st.integers(0, 1 << 52) | st.integers(0, 1 << 60).map(hex) | _JSON


def _entries(third: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    entry = st.fixed_dictionaries({"addr": _ADDRESS, "size": _ADDRESS, third: values})
    return st.lists(entry | _JSON, max_size=4) | _JSON


_DOCUMENTS = st.fixed_dictionaries(
    {"schema": st.just(SCHEMA) | _JSON},
    optional={
        "memory_map": _entries("type", st.integers(0, 6) | _JSON),
        "reserved_device_memory": _entries("devices", st.lists(st.just("0000:00:1a.0")) | _JSON),
        "x": _JSON,
    },
)


@given(_DOCUMENTS)
def test_any_document_is_a_host_or_an_error_and_fits_the_schema_if_it_is_one(document: Any) -> None:
    try:
        parsed(document)
    except ConfigError as error:
        assert error.code == "host-file-invalid"  # noqa: PT017  # most documents raise nothing else
    else:
        VALIDATOR.validate(document)


@given(st.binary(max_size=40) | st.text('{}[]",:0x1"schema', max_size=30).map(str.encode))
def test_any_bytes_are_a_host_or_an_error(data: bytes) -> None:
    try:
        parse_host(data, "host.json")
    except ConfigError as error:
        assert error.where.file == "host.json"  # noqa: PT017  # as above


def test_a_long_value_is_shown_in_part() -> None:
    error = complaint(json.dumps(host(memory_map="x" * 1000)).encode())
    assert len(error.cause or "") < 100
