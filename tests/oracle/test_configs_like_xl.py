"""Configurations, people's own and random ones: xlbuild reads each as the real xl does.

`scripts/config-differential` does this with as many random ones as one likes.
"""

from collections import Counter
from pathlib import Path

import pytest
from configdiff import DIFFERENT, EXCEPTIONS, compare
from configdifferential import describe_result, load
from randomconfig import Config, make_config
from randomkeys import MAKERS, UNKNOWN
from xlparse import XlParse

from xlbuild.config.keys import KEYS

CORPUS = Path(__file__).parents[1] / "corpus"


@pytest.fixture(scope="module")
def xlparse(tmp_path_factory: pytest.TempPathFactory) -> XlParse:
    return XlParse(tmp_path_factory.mktemp("xlparse"))


@pytest.mark.oracle
@pytest.mark.parametrize(
    "case", [str(path) for path in sorted(CORPUS.glob("*.cfg"))], ids=lambda case: Path(case).stem
)
def test_a_file_of_the_corpus_is_read_as_xl_reads_it(xlparse: XlParse, case: str) -> None:
    result = compare(load(case), xlparse)
    assert result.verdict != DIFFERENT, describe_result(case, result)


@pytest.mark.oracle
@pytest.mark.parametrize("case", [str(number) for number in range(100)])
def test_a_random_configuration_is_read_as_xl_reads_it(xlparse: XlParse, case: str) -> None:
    result = compare(load(case), xlparse)
    assert result.verdict != DIFFERENT, describe_result(case, result)


# What makes xl crash, each by the name of its exception
CRASHES = {
    "NUL in a string": b"extra='a\0b'",
    "bootloader_args without a word": b"bootloader_args=' '",
    "viridian with a list in it": b"type='hvm'; viridian=[[]]",
    "mca_caps with a list in it": b"type='hvm'; mca_caps=['lmce',[]]",
    "channel without any field": b"channel=['']",
    "vsnd with an empty list of rates or formats": b"vsnd=[['CARD, sample-rates=']]",
    "vdispl with a connector that lacks its id or size": b"vdispl=['connectors=0']",
}
TOO_MANY_VCPUS = "very many vCPUs"


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "text"), CRASHES.items(), ids=str)
def test_what_makes_xl_crash_is_refused(xlparse: XlParse, name: str, text: bytes) -> None:
    result = compare(Config(b'name="n"; kernel="/k"\n' + text + b"\n"), xlparse)
    assert result.verdict == name, describe_result("0", result)


def test_every_exception_but_the_slow_one_has_an_example() -> None:
    assert {*CRASHES, TOO_MANY_VCPUS} == {exemption.name for exemption in EXCEPTIONS}


def test_random_configurations_have_every_key_and_only_known_ones() -> None:
    assert set(MAKERS) == {key.name for key in KEYS} - {*UNKNOWN}


def test_a_case_is_the_same_everywhere() -> None:
    assert make_config(7) == make_config(7)


@pytest.mark.oracle
def test_most_random_configurations_are_such_as_xl_takes(xlparse: XlParse) -> None:
    taken = Counter(xlparse(*_parts(make_config(number))).accepted for number in range(1000, 1100))
    assert 50 <= taken[True] <= 75


def _parts(config: Config) -> tuple[bytes, tuple[str, ...]]:
    return config.data, config.overrides
