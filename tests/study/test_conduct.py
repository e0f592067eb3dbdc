"""What is acknowledged is never computed again, and results are equal however they came about."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from citygrid.errors import InputError
from citygrid.study.conduct import stored
from citygrid.study.query import ask
from citygrid.study.table import read_results

ROOT = Path(__file__).resolve().parents[2]
KILLED = """
  - grid:
      components.heat pump.heat: [30 kW, 40 kW, 50 kW, 60 kW, 80 kW, 100 kW, 110 kW, 120 kW]
      carbon_price: [0 EUR/kg, 0.05 EUR/kg, 0.10 EUR/kg, 0.20 EUR/kg, 0.30 EUR/kg]
"""


def test_rows_say_what_was_varied_and_what_came_out(write, run):
    done = run(write(routes="[lp, milp]"))
    assert len(done.rows) == 12 and done.counts == {"relaxed": 6, "optimal": 6}
    for row in done.rows:
        if row["route"] == "lp":
            assert (row["objective_eur"], row["verified"], row["gap"]) == (None, None, None)
            assert row["kpis_of"] == "relaxation" and row["kpis"]["co2_kg"] >= 0
        else:
            assert row["verified"] is True and row["kpis_of"] == "plan"
            assert row["bound_eur"] <= row["objective_eur"] + 1e-6
    for relaxed, plan in zip(done.rows[::2], done.rows[1::2], strict=True):
        assert relaxed["bound_eur"] <= plan["objective_eur"] + 1e-6
    base = [r for r in done.rows if r["varied"] == {"components.heat pump.heat": "120 kW",
                                                    "carbon_price": "0.10 EUR/kg"}]  # fmt: skip
    assert base[1]["objective_eur"] == pytest.approx(56.0)


def test_a_study_of_a_plan_says_what_the_plan_command_says(write, run, repository):
    import citygrid as cg

    row = run(write(vary="", routes="[milp]")).rows[0]
    alone = cg.plan_model(repository / "models" / "tiny.yaml")
    assert row["objective_eur"] == alone.plan.objective
    assert row["kpis"] == alone.verdict.kpis
    assert row["case_hash"] == alone.case.hash and row["form_hash"] == alone.form.hash


def test_reused_parts_change_no_result(write, run, repository):
    """Whatever is kept from scenario to scenario, each is as if it had been planned alone."""
    path = write("""
        - scenarios:
            dear: {components.grid.import.price.plus: 20 EUR/MWh}
            later: {horizon.length: 2 h, components.jobs: null}
            warmer: {components.heat pump.cop: 3}
            other series: {components.houses.load: 50 kW}
            as is: {}
            cold start: {carbon_price: 0.3 EUR/kg}
    """)  # fmt: skip
    together = run(path, out="together")
    for row in together.rows:
        changes = json.dumps(row["varied"])
        alone = run(write(f"- scenarios: {{one: {changes}}}", name="one.yaml"),
                    out=f"alone-{row['number']}").rows[0]  # fmt: skip
        for name in ("key", "status", "objective_eur", "case_hash", "form_hash", "kpis"):
            assert alone[name] == row[name], (row["scenario"], name)


def test_a_second_run_computes_nothing_and_a_larger_study_only_what_is_new(write, run):
    first = run(write("- grid: {carbon_price: [0 EUR/kg, 0.1 EUR/kg]}"))
    assert (first.computed, first.known) == (2, 0)
    again = run(write("- grid: {carbon_price: [0 EUR/kg, 0.1 EUR/kg]}"), resume=True)
    assert (again.computed, again.known, again.digest) == (0, 2, first.digest)
    more = run(write("- grid: {carbon_price: [0.1 EUR/kg, 0 EUR/kg, 0.2 EUR/kg]}"))
    assert (more.computed, more.known) == (1, 2)
    fewer = run(write("- grid: {carbon_price: [0.2 EUR/kg]}"))
    assert (fewer.computed, len(fewer.rows)) == (0, 1)
    assert len(read_results(fewer.folder)) == 1


def test_processes_and_one_process_find_the_same(write, run):
    path = write(routes="[lp, milp]")
    assert run(path, out="a").digest == run(path, workers=2, out="b").digest


def test_plans_and_tables_are_written_where_they_are_asked_for(write, run):
    from citygrid.plan.plan import Plan

    done = run(write("- grid: {carbon_price: [0 EUR/kg, 0.1 EUR/kg]}", routes="[lp, milp]",
                     more="outputs: {plans: true, tables: [dispatch, jobs]}"))  # fmt: skip
    plans = sorted((done.folder / "plans").iterdir())
    keys = {row["key"]: row for row in done.rows if row["route"] == "milp"}
    assert {path.stem for path in plans} == set(keys)  # a relaxation is no plan
    for path in plans:
        assert Plan.load(path).objective == keys[path.stem]["objective_eur"]
    for table in ("dispatch", "jobs"):
        assert {p.stem for p in (done.folder / "tables" / table).iterdir()} == set(keys)


# Parquet and questions --------------------------------------------------------------------------


def test_results_are_partitioned_parquet_with_a_column_for_everything(write, run):
    done = run(write(routes="[lp, {route: milp, gap: 0.01}, milp]"))
    parts = sorted((done.folder / "results").rglob("*.parquet"))
    assert [p.parent.name for p in parts] == ["route=lp", "route=milp%20%231", "route=milp%20%232"]
    metadata = pq.ParquetFile(parts[0]).metadata
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    table = read_results(done.folder)
    assert len(table) == 18 and set(table["route"].to_pylist()) == {"lp", "milp #1", "milp #2"}
    for name in ("scenario", "components.heat pump.heat", "components.heat pump.heat [kW]",
                 "carbon_price [EUR/kg]", "status", "verified", "objective_eur", "bound_eur", "gap",
                 "cost_eur", "co2_kg", "solve_seconds", "seed", "key", "error"):  # fmt: skip
        assert name in table.column_names, name
    assert str(table.schema.field("objective_eur").type) == "double"
    found = duckdb.sql(
        f'select count(*), sum("components.heat pump.heat [kW]") from read_parquet('
        f"'{done.folder}/results/*/*.parquet', hive_partitioning=true)"
    ).fetchall()
    assert found == [(18, 3 * 2 * 240.0)]


def test_a_question_in_sql_is_answered_and_sees_nothing_else(write, run, tmp_path):
    done = run(write())
    names, rows = ask(done.folder, "select carbon_price, min(objective_eur) as least from study "
                      "group by carbon_price order by carbon_price")  # fmt: skip
    assert names == ["carbon_price", "least"] and len(rows) == 2 and rows[0][1] < rows[1][1]
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    target = tmp_path / "stolen.csv"
    for question in (
        f"select * from read_csv('{secret}')", f"select * from '{secret}'",
        f"copy study to '{target}'", f"attach '{tmp_path / 'x.db'}'", "drop table study",
        "select 1; select 2", "set enable_external_access=true", "install httpfs", "results",
        "select * from results", "select nothing from study",
        "insert into study select * from study",
        "pragma database_list", "",
    ):  # fmt: skip
        with pytest.raises(InputError, match="--query"):
            ask(done.folder, question)
    assert not target.exists() and not (tmp_path / "x.db").exists()


def test_a_folder_without_a_study_is_refused(tmp_path):
    for what in (stored, read_results):
        with pytest.raises(InputError, match="name the folder"):
            what(tmp_path)


# kill -9 ----------------------------------------------------------------------------------------


def start(path: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "citygrid", "study", str(path), "--out", str(out), "--workers", "2",
         "--json"],
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def acknowledged(out: Path) -> set[str]:
    if not (out / "study.sqlite").exists():
        return set()
    connection = sqlite3.connect(out / "study.sqlite")
    try:
        return {key for (key,) in connection.execute("SELECT key FROM result")}
    except sqlite3.OperationalError:  # not even its tables are there yet
        return set()
    finally:
        connection.close()


def sent(out: Path) -> list[str]:
    path = out / "sent.log"
    return [line.split()[1] for line in path.read_text().splitlines()] if path.exists() else []


def workers_of(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(p) for t in threads for p in (t / "children").read_text().split()]
    except OSError:
        return []


def kill_the_study(path: Path, out: Path, rounds: int, seed: int) -> tuple[str, int]:
    """Kill it at random, go on, and give the digest and how many kills met it at work."""
    generator, met = random.Random(seed), 0
    for _ in range(rounds):
        before, already = acknowledged(out), len(sent(out))
        process = start(path, out)
        # From before it reads its file to well into its work.
        time.sleep(generator.uniform(0.2, 1.0))
        end = time.monotonic() + generator.uniform(0.0, 6.0)
        while time.monotonic() < end and process.poll() is None:
            time.sleep(0.05)
        met += process.poll() is None
        process.kill()
        process.communicate()
        after = acknowledged(out)
        assert before <= after, "an acknowledged scenario was lost"
        assert not before & set(sent(out)[already:]), "an acknowledged scenario was computed again"
    already, before = len(sent(out)), acknowledged(out)
    told, _ = start(path, out).communicate()
    assert not before & set(sent(out)[already:])
    return json.loads(told)["digest"], met


def kill_workers(path: Path, out: Path, kills: int, seed: int) -> tuple[str, int]:
    """Kill single workers at random while the study goes on."""
    generator, met = random.Random(seed), 0
    process = start(path, out)
    while process.poll() is None and met < kills:
        time.sleep(generator.uniform(0.1, 1.5))
        workers = workers_of(process.pid)
        if workers and sent(out):
            os.kill(generator.choice(workers), signal.SIGKILL)
            met += 1
    told, _ = process.communicate()
    answer = json.loads(told)
    assert answer["computed"] == answer["tasks"]
    assert max(Counter(sent(out)).values()) == 1  # of a crash, the worker's next life goes on
    return answer["digest"], met


@pytest.mark.slow
def test_a_killed_study_goes_on_with_the_same_digest(write, run, tmp_path):
    path = write(KILLED, routes="[lp]")
    undisturbed = run(path, workers=1, out="undisturbed")
    assert undisturbed.counts == {"relaxed": 40}
    assert kill_the_study(path, tmp_path / "out", 2, 1)[0] == undisturbed.digest


@pytest.mark.slow
def test_killed_workers_are_replaced_with_the_same_digest(write, run, tmp_path):
    path = write(KILLED, routes="[lp]", more="limits: {retries: 9}")
    assert kill_workers(path, tmp_path / "out", 2, 1)[0] == run(path).digest


@pytest.mark.slow
def test_twenty_kills_of_the_study_and_twenty_of_workers_lose_nothing(write, run, tmp_path):
    prices = ", ".join(f"{i / 100:.2f} EUR/kg" for i in range(31, 91))
    many = KILLED.replace("carbon_price: [", f"carbon_price: [{prices}, ")
    path = write(many, routes="[lp]", more="limits: {retries: 50}")
    digest = run(path, workers=2, out="undisturbed").digest
    found, met = kill_the_study(path, tmp_path / "study", 20, 7)
    assert found == digest and met >= 5
    found, met = kill_workers(path, tmp_path / "workers", 20, 8)
    assert found == digest and met >= 5


def test_an_interrupt_keeps_what_is_acknowledged_and_leaves_no_worker(write, tmp_path):
    path, out = write(KILLED, routes="[lp]"), tmp_path / "out"
    process = start(path, out)
    end = time.monotonic() + 120
    while not acknowledged(out) and time.monotonic() < end:
        time.sleep(0.05)
    workers = workers_of(process.pid)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate()
    if process.returncode == 0:
        pytest.skip("it was finished before the interrupt came")
    assert process.returncode == 130 and "interrupted" in told.decode()
    known = acknowledged(out)
    assert known and len(read_results(out)) == 40
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
