"""The fuzzer itself: what fails is found, whatever way it fails, with its input; and inputs repeat."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dice import Dice
from fuzz import execute, main, workers
from fuzz.bytemutations import CHANGES, MOST_BYTES, mutated
from fuzz.elffields import seed
from fuzz.execute import input_of
from fuzz.explore import explore, read_corpus
from fuzz.findings import distinct, save
from fuzz.jsonmutations import json_mutation
from fuzz.minimise import minimised
from fuzz.model import Failure, Field, Seed, Target, promise
from fuzz.targets import BY_NAME, TARGETS
from fuzz.workers import Crew, Finding, Job, Results, run_apart
from kernels import packed

from xlbuild.image.notes import c_number


def target_of(run: Callable[[bytes], str]) -> Target:
    """A target whose input N is the byte N."""
    return Target("t", "", lambda: (Seed(b""),), lambda dice, seeds: b"", run, 1)


def results_of(run: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch, count: int = 10) -> Results:
    monkeypatch.setattr(workers, "input_of", lambda target, seeds, seed, case: bytes([case]))
    crew = Crew([Job(target_of(run), (), 0, 0, count)], 1)
    while crew.step():
        pass
    return crew.results


def broken(data: bytes) -> str:
    promise(data != b"\3", "three is not given", "but it is")
    return "fine"


def raises(data: bytes) -> str:
    return "fine" if data != b"\3" else str(data[7])


def recurses(data: bytes) -> str:
    return "fine" if data != b"\3" else recurses(data)


def ends(data: bytes) -> str:
    if data == b"\3":
        raise SystemExit(0)
    return "fine"


def dies(data: bytes) -> str:
    if data == b"\3":
        os.abort()
    return "fine"


def spins(data: bytes) -> str:
    while data == b"\3":
        pass
    return "fine"


def sleeps(data: bytes) -> str:
    if data == b"\3":
        time.sleep(600)
    return "fine"


def dawdles(data: bytes) -> str:
    until = time.process_time() + (0.3 if data == b"\3" else 0)
    while time.process_time() < until:
        pass
    return "fine"


def takes_memory(data: bytes) -> str:
    return f"fine{bytearray(120 << 20)[-1]}" if data == b"\3" else "fine"


def takes_addresses(data: bytes) -> str:
    return f"fine{len(bytearray(5 << 30))}" if data == b"\3" else "fine"


@pytest.mark.parametrize(
    ("run", "kind", "signature"),
    [
        (broken, "promise", "three is not given"),
        (raises, "exception", "IndexError in raises"),
        (recurses, "exception", "RecursionError in recurses"),
        (ends, "exception", "SystemExit in ends"),
        (takes_addresses, "exception", "MemoryError in takes_addresses"),
        (dies, "died", "its process ends with -6"),
        (spins, "died", "it does not end"),
        (sleeps, "died", "it waits for something, or was killed"),
        (dawdles, "slow", "it takes too long"),
        (takes_memory, "memory", "it takes too much memory"),
    ],
)
def test_whatever_way_an_input_fails_it_is_found_and_the_others_are_run(
    run: Callable[[bytes], str], kind: str, signature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "KILLED_AFTER", 1.0)
    monkeypatch.setattr(execute, "MOST_SECONDS", 0.2)
    monkeypatch.setattr(execute, "MOST_MEMORY", _resident() + (60 << 20))
    if run is sleeps:
        monkeypatch.setattr(workers, "STUCK_AFTER", 0.5)
    results = results_of(run, monkeypatch)
    (finding,) = results.findings
    assert (finding.case, finding.data) == (3, b"\3")
    assert (finding.failure.kind, finding.failure.signature) == (kind, signature)
    tally = results.tallies["t"]
    assert tally.executions == 10
    assert tally.outcomes["failed"] == 1


def _resident() -> int:
    """Memory that this process has in use now: what a fork of it starts with."""
    return int(Path("/proc/self/statm").read_text().split()[1]) << 12


def test_an_exception_is_known_by_the_function_of_ours_in_which_it_comes_up() -> None:
    def run(data: bytes) -> str:
        return str(c_number(data))  # type: ignore[arg-type]  # so that it fails in there

    failure = execute.execute(target_of(run), b"x")
    assert isinstance(failure, Failure)
    assert failure.signature == "TypeError in image/notes.py:c_number"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_an_input_is_the_same_in_every_run_and_another_one_for_another_number_or_seed(target: Target) -> None:
    seeds = target.seeds()
    inputs = [input_of(target, seeds, 0, case) for case in range(12)]
    assert inputs == [input_of(target, seeds, 0, case) for case in range(12)]
    assert len(set(inputs)) > 6
    assert inputs != [input_of(target, seeds, 1, case) for case in range(12)]
    assert max(map(len, inputs)) < MOST_BYTES + (1 << 12)


def test_every_kind_of_change_changes_something() -> None:
    seeds = (seed(packed()), Seed(bytes(range(256)) * 8, (Field(0, 8),)))
    for _, change in CHANGES:
        changed = 0
        for number in range(40):
            data = bytearray(seeds[0].data)
            change(Dice(number), data, seeds[0], seeds)
            changed += bytes(data) != seeds[0].data
        assert changed > 10, change.__name__


def test_changes_of_json_leave_what_they_are_made_from_alone() -> None:
    mutate = json_mutation((b"x",), 9)
    seeds = (Seed(b'{"a": [{"b": 1, "c": []}, 2], "d": {"e": "0x10"}}'),)
    first = [mutate(Dice(number), seeds) for number in range(2000)]
    assert first == [mutate(Dice(number), seeds) for number in range(2000)]
    assert len(set(first)) > 1000


def test_changes_of_nothing_do_no_harm() -> None:
    for number in range(300):
        mutated(Dice(number), (Seed(b""), Seed(b"x", (Field(0, 8),))))


def test_the_fields_of_a_kernel_are_where_its_numbers_are() -> None:
    fields = seed(packed()).fields
    assert Field(0x18, 8) in fields  # e_entry
    assert Field(64 + 8, 8) in fields  # p_offset of the first program header
    note = packed().index(b"Xen\0")
    assert Field(note - 4, 4) in fields  # its type


def test_an_input_is_made_as_small_as_it_can_be_and_still_fail() -> None:
    data = b"a" * 1000 + b"<" + b"b" * 500 + b">" + b"c" * 777
    smaller = minimised(data, lambda data: data.find(b"<") < data.find(b">") and b"<" in data, 400)
    assert smaller == b"<>"


def test_of_inputs_that_fail_alike_the_shortest_is_kept(tmp_path: Path) -> None:
    failure = Failure("exception", "IndexError in image/elf.py:open_elf", "")
    findings = [Finding("elf", case, b"x" * size, failure) for case, size in ((4, 9), (5, 3), (6, 5))]
    ((finding, count),) = distinct(findings)
    assert (finding.case, count) == (5, 3)
    path = save(finding, tmp_path)
    assert path.parent == tmp_path / "elf"
    assert path.name.startswith("indexerror-in-image-elf-py-open-elf-")
    assert path.read_bytes() == b"xxx"


def test_one_input_can_be_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "input").write_bytes(packed())
    assert main.main(["--replay", str(tmp_path / "input"), "elf"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "pv loaded, pvh kernel-not-pvh"


@pytest.mark.parametrize(
    ("file", "target", "why"), [("/nonexistent", "elf", "no such file"), (__file__, "nonsense", "no target")]
)
def test_what_cannot_be_run_again_is_told(file: str, target: str, why: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["--replay", file, target])
    assert why in str(caught.value).lower()


def test_a_run_for_some_time_ends_then(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--minutes", "0.005", "--jobs", "1", "--keep", str(tmp_path), "--target", "gzip-file"]
    assert main.main(arguments) == 0
    assert int(capsys.readouterr().out.split()[-3].replace(",", "")) > 0


def test_a_run_tells_what_each_target_came_to_and_its_status_whether_anything_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--count", "40", "--jobs", "1", "--keep", str(tmp_path)]
    assert main.main([*arguments, "--target", "gzip-file", "--target", "recognise"]) == 0
    rows = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines() if line}
    assert int(rows["gzip-file"]) + int(rows["recognise"]) == int(rows["all"]) >= 40
    monkeypatch.setitem(BY_NAME, "bad", Target("bad", "", lambda: (Seed(b"abc"),), mutated, _never, 1))
    assert main.main([*arguments, "--target", "bad"]) == 1
    out = capsys.readouterr().out
    (kept,) = (tmp_path / "bad").iterdir()
    assert f"again: scripts/fuzz --replay {kept} bad" in out
    assert kept.read_bytes() == b""


def _never(data: bytes) -> str:
    raise KeyError


def test_inputs_that_reach_new_code_become_seeds(tmp_path: Path) -> None:
    target = BY_NAME["recognise"]
    blank = Target(target.name, "", lambda: (Seed(b"\0" * 8),), lambda dice, seeds: b"BZh9", target.run, 1)
    explored = explore(blank, 3, 0, tmp_path / "corpus")
    assert explored.new == 1
    assert len(explored.steps) > 10
    assert explored.findings == []
    assert read_corpus(tmp_path / "corpus") == (Seed(b"BZh9"),)


def test_a_process_that_fails_leaves_the_others_alone() -> None:
    assert run_apart(target_of(broken), b"\3") == Failure(
        "promise", "three is not given", "three is not given: but it is"
    )
    assert run_apart(target_of(broken), b"\4") is None


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_all_jobs_are_done_however_many_processes_there_are(processes: int) -> None:
    jobs = [Job(target_of(broken), (), 0, first, first + 10) for first in range(0, 70, 10)]
    crew = Crew(jobs, processes)
    while crew.step():
        pass
    assert crew.results.executions == 70


def test_an_input_that_cannot_be_made_is_told_and_ends_nothing() -> None:
    target = Target("t", "", lambda: (Seed(b""),), lambda dice, seeds: b"x" * (1 // 0), broken, 1)
    crew = Crew([Job(target, (), 0, 0, 3)], 1)
    while crew.step():
        pass
    assert [finding.failure.signature for finding in crew.results.findings] == ["no input can be made"] * 3
    assert crew.results.tallies["t"].executions == 3


def test_what_fails_while_exploring_is_found(tmp_path: Path) -> None:
    target = Target("t", "", lambda: (Seed(b""),), lambda dice, seeds: b"\3", broken, 1)
    found = explore(target, 1, 0, tmp_path).findings
    assert [(finding.data, finding.failure.signature) for finding in found] == [(b"\3", "three is not given")]
    assert read_corpus(tmp_path) == ()
