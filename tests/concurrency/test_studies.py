"""Studies and registries that are written, read, killed and gone on with at once."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from citygrid.registry import Registry
from citygrid.registry.check import check
from citygrid.study.conduct import stored

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")

#: Seconds for which somebody writes while others read.
LONG = 20.0
#: Carbon prices of the studies.
PRICES = ["0", "0.1", "0.2", "0.3"]


def write_study(town: Path, name: str = "study", prices: list[str] = PRICES) -> str:
    varied = ", ".join(f"{each} EUR/kg" for each in prices)
    (town / f"{name}.yaml").write_text(
        f"name: {name}\ndistrict: models/one.yaml\nroutes: [lp]\n"
        f"vary:\n  - grid: {{carbon_price: [{varied}]}}\n"
    )
    return f"{name}.yaml"


def sent(folder: Path) -> list[str]:
    """Keys of the tasks that were given to somebody to compute, in their order."""
    path = folder / "sent.log"
    return [line.split()[1] for line in path.read_text().splitlines()] if path.exists() else []


def assert_sound(registry: Path, studies: int, parts: int) -> None:
    with Registry(registry) as opened:
        report = check(opened)
        assert report.ok, report.faults
        counts = Counter(entry.record.body["command"] for entry in opened.entries() if entry.record)
    assert counts == {"study": studies, "study part": parts}


def test_two_studies_in_one_folder_compute_nothing_twice(stage, town):
    study = write_study(town)
    both = [stage.start("study", study, "--out", "out", "--workers", 0, folder=town)
            for _ in range(2)]  # fmt: skip
    ended = [stage.wait(each) for each in both]
    assert all(each.fine() for each in ended), ended
    assert 0 in [each.code for each in ended]
    for each in ended:
        assert each.code == 0 or "another study is being run in this folder" in each.err
    assert max(Counter(sent(town / "out")).values()) == 1
    _, rows, _ = stored(town / "out")
    assert [row["status"] for row in rows] == ["relaxed"] * len(PRICES)


@pytest.mark.slow
def test_two_studies_share_a_registry(stage, town):
    studies = [write_study(town, "first"), write_study(town, "second", PRICES[1:])]
    both = [stage.start("study", each, "--workers", 1, folder=town, registry="registry")
            for each in studies]  # fmt: skip
    ended = [stage.wait(each) for each in both]
    assert all(each.code == 0 and each.fine() for each in ended), ended
    assert_sound(town / "registry", 2, 2 * len(PRICES) - 1)


@pytest.mark.slow
def test_a_study_that_is_killed_beside_another_goes_on_and_loses_nothing(stage, town):
    many = [f"{i / 10}" for i in range(40)]
    first, second = write_study(town, "first", many), write_study(town, "second")
    words = ("--workers", 1)
    alone = stage.run("study", first, "--out", "alone", *words, "--json", folder=town)
    assert alone.code == 0, alone
    dying = stage.start("study", first, *words, folder=town, registry="registry")
    living = stage.start("study", second, *words, folder=town, registry="registry")
    folder = town / "out" / "first"
    while len(sent(folder)) < 5:
        assert stage.is_at_work(dying)
        time.sleep(0.01)
    # While it is at work, nobody else may: not in this folder.
    refused = stage.run("study", first, *words, folder=town, registry="registry")
    os.kill(dying, signal.SIGKILL)
    assert stage.wait(dying).code == -signal.SIGKILL
    assert refused.code == 2 and refused.fine(), refused
    assert "another study is being run in this folder" in refused.err
    known = {row["key"] for row in stored(folder)[1] if row["status"] != "open"}
    before = len(sent(folder))
    again = stage.run("study", first, *words, "--resume", "--json", folder=town,
                      registry="registry")  # fmt: skip
    assert again.code == 0 and again.fine(), again
    assert again.said["digest"] == alone.said["digest"]
    assert not known & set(sent(folder)[before:]), "what was acknowledged was computed again"
    lived = stage.wait(living)
    assert lived.code == 0 and lived.fine(), lived
    with Registry(town / "registry") as opened:
        assert [entry.state for entry in opened.unfinished()] == ["killed"]
    # The study that was refused is a run, too: it has failed.
    assert_sound(town / "registry", 3, len(many) + len(PRICES))


@pytest.mark.slow
def test_who_reads_a_registry_that_is_written_over_and_over_reads_a_whole_one(stage, town):
    writers = [stage.start("!", "registry", folder, LONG, folder=town)
               for folder in ("registry", "other")]  # fmt: skip
    while not (town / "registry" / "runs.db").exists():
        assert stage.is_at_work(writers[0])
    reads = Counter[str]()
    while stage.is_at_work(writers[0]):
        for words in (["list"], ["show", "last"], ["check"], ["gc", "--keep", "5", "--apply"],
                      ["export", "--all", "--out", "runs.zip"]):  # fmt: skip
            told = stage.run("runs", *words, "--json", "--registry", "registry", folder=town)
            assert told.fine(), (words, told)
            if told.code == 2:  # before there is any run
                assert "no run" in told.err or "no such run" in told.err, (words, told)
            elif words == ["list"]:
                ids = [each["id"] for each in told.said["runs"]]
                assert len(ids) == len(set(ids))
            elif words == ["check"]:
                assert told.said["ok"], told.said
            reads[words[0]] += 1
    assert [stage.wait(each).code for each in writers] == [0, 0]
    print(dict(reads))


@pytest.mark.slow
def test_who_reads_a_study_that_is_conducted_over_and_over_reads_a_whole_one(stage, town):
    writing = stage.start("!", "study", "out", LONG, folder=town)
    while not (town / "out" / "results" / "route=lp").exists():
        assert stage.is_at_work(writing)
    reads = 0
    ask = "select count(*) as rows, min(objective_eur), max(objective_eur) from study"
    while stage.is_at_work(writing):
        shown = stage.run("study", "show", "out", "--json", folder=town)
        assert shown.code == 0 and shown.fine(), shown
        told = {row["objective_eur"] for row in shown.said["rows"]}
        assert told in ({len(shown.said["rows"])}, {None}), told  # all of them, or none as yet
        asked = stage.run("study", "show", "out", "--query", ask, "--json", folder=town)
        assert asked.code == 0 and asked.fine(), asked
        (row,) = asked.said["rows"]
        assert row[0] == row[1] == row[2], row
        page = stage.run("study", "report", "out", "--out", "page.html", folder=town)
        assert page.code == 0 and page.fine(), page
        reads += 1
    assert stage.wait(writing).code == 0
    print(f"{reads} times read")
