"""Typical periods: exact where days repeat, verified always, with an error that is stated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import citygrid as cg
from citygrid.cli import main
from citygrid.errors import InfeasibleError, InputError
from citygrid.plan.plan import Plan
from citygrid.study.aggregation import aggregate, cluster, repeated, share
from tests.helpers import EXACT

TINY = Path(__file__).parents[3] / "models" / "tiny.yaml"

DAYS = """
name: days
horizon: {{start: 2023-01-16T00:00Z, length: {hours} h, step: 1 h}}
series:
  heat:  {{file: series.csv, column: heat, unit: kW}}
  price: {{file: series.csv, column: price, unit: EUR/kWh}}
nodes: {{block: {{}}}}
components:
  grid:     {{kind: grid, node: block, import: {{price: {{series: price}}, max: 900 kW}}}}
  immersed: {{kind: electric_boiler, node: block, heat: 900 kW, efficiency: 100 %{more}}}
  houses:   {{kind: heat_demand, node: block, load: {{series: heat}}}}
  tank:     {{kind: heat_store, node: block, capacity: {tank} kWh, charge: 300 kW,
             discharge: 300 kW, standing_loss: 0.1 %/h}}
"""


def days(folder: Path, heat, price, tank: int = 200, more: str = "") -> Path:
    """A file of so many hours with these series."""
    stamps = np.datetime64("2023-01-16T00:00") + np.arange(len(heat)) * np.timedelta64(1, "h")
    rows = [f"{t}Z,{h:.6f},{p:.6f}" for t, h, p in zip(stamps, heat, price, strict=True)]
    (folder / "series.csv").write_text("time,heat,price\n" + "\n".join(rows) + "\n")
    path = folder / "days.yaml"
    path.write_text(DAYS.format(hours=len(heat), tank=tank, more=more), encoding="utf-8")
    return path


def prepared(path: Path):
    return cg.prepare(cg.load(path))


HOUR = np.arange(24)
WORK = 100.0 + 50.0 * np.sin(HOUR / 24 * 2 * np.pi)
REST = 60.0 + 20.0 * np.cos(HOUR / 24 * 2 * np.pi)
PRICE = 0.2 + 0.1 * np.sin(HOUR / 12 * 2 * np.pi)


def test_where_days_repeat_the_typical_ones_are_exact(tmp_path: Path) -> None:
    """Two kinds of days in turn, without a store: all three costs are one."""
    heat = np.concatenate([WORK, REST, WORK, REST, WORK, REST])
    case = prepared(days(tmp_path, heat, np.tile(PRICE, 6), tank=0))
    found = aggregate(case, 2, options=EXACT)
    assert list(found.periods.cluster) in ([0, 1, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0])
    by_hand = float(heat @ np.tile(PRICE, 6))
    assert found.cost == pytest.approx(by_hand)
    assert found.full == pytest.approx(by_hand) and found.imposed == pytest.approx(by_hand)
    assert found.error == pytest.approx(0.0, abs=1e-9) and found.linear
    assert found.size["columns"] < found.full_size["columns"]


def test_a_store_carries_energy_from_period_to_period(tmp_path: Path) -> None:
    """Cheap days first, dear ones later: only levels that go on through all days can use that.

    The tank is full after the cheap days and empty after the dear ones, though days of one kind are
    filled and emptied alike; a tank that had to end each day as it began would save nothing.
    """
    heat = np.full(96, 100.0)
    price = np.repeat([0.1, 0.5], 48)
    case = prepared(days(tmp_path, heat, price, tank=2000))
    found = aggregate(case, 2, options=EXACT)
    level = found.plan.dataset["heat_store.level"].values[0]
    assert level[47] > 1500.0 and level[95] < 500.0
    plain = prepared(days(tmp_path, heat, price, tank=0))
    assert found.cost < 0.8 * aggregate(plain, 2, options=EXACT, full=False).cost
    assert found.verdict.ok and found.full is not None
    assert found.cost >= found.full - 1e-6  # equal flows in like days are a restriction
    assert found.imposed is not None and found.full <= found.imposed + 1e-6


def test_as_many_periods_as_there_are_is_the_horizon_itself(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    case = prepared(days(tmp_path, rng.uniform(50, 150, 72), rng.uniform(0.1, 0.4, 72)))
    found = aggregate(case, 3, options=EXACT)
    assert found.error == pytest.approx(0.0, abs=1e-6)
    assert found.cost == pytest.approx(cg.solve(cg.formulate(case), options=EXACT).objective)


def test_fewer_periods_tell_their_error_and_keep_the_energy(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    heat, price = rng.uniform(50, 150, 240), rng.uniform(0.1, 0.4, 240)
    case = prepared(days(tmp_path, heat, price))
    found = aggregate(case, 3, options=EXACT)
    like = repeated(case, found.periods)
    served = like.units["heat_demand"].parameters["load"].values
    assert served.sum() == pytest.approx(heat.sum())
    assert found.error is not None and 1e-6 < abs(found.error) < 0.2
    assert found.imposed is None or found.regret >= -1e-9


def test_segments_join_steps(tmp_path: Path) -> None:
    heat = np.concatenate([WORK, REST, WORK, REST])
    case = prepared(days(tmp_path, heat, np.tile(PRICE, 4)))
    found = aggregate(case, 2, segments=6, options=EXACT)
    immersed = found.plan.dataset["electric_boiler.heat"].values[0]
    assert len(np.unique(found.periods.cell)) == 12
    for cell in np.unique(found.periods.cell):
        assert np.ptp(immersed[found.periods.cell == cell]) == pytest.approx(0.0, abs=1e-9)
    assert found.verdict.ok and found.error is not None and abs(found.error) < 0.1


def test_binaries_are_shared_too_and_the_plan_is_verified(tmp_path: Path) -> None:
    heat = np.concatenate([WORK, REST, WORK, REST])
    more = ", minimum_load: 30 %, start_cost: 2 EUR"
    case = prepared(days(tmp_path, heat, np.tile(PRICE, 4), tank=800, more=more))
    found = aggregate(case, 2, options=EXACT)
    assert found.verdict.ok and not found.linear
    assert found.size["binaries"] == 48
    assert found.full is not None and found.cost >= found.full - 1e-6


def test_a_remainder_of_the_horizon_stands_for_itself(tmp_path: Path) -> None:
    heat = np.concatenate([WORK, WORK, REST[:7]])
    price = np.tile(PRICE, 3)[:55]
    case = prepared(days(tmp_path, heat, price, tank=0))
    found = aggregate(case, 1, options=EXACT)
    assert found.cost == pytest.approx(float(heat @ price))


def test_the_reduced_form_keeps_cost_and_feasibility(tmp_path: Path) -> None:
    """The law of every reduction, for any point of the shared form."""
    heat = np.concatenate([WORK, REST, WORK])
    case = prepared(days(tmp_path, heat, np.tile(PRICE, 3)))
    periods = cluster(case, 2)
    form = cg.formulate(repeated(case, periods))
    reduced = share(form, case.time, periods.cell)
    y = np.random.default_rng(3).uniform(0, 100, len(reduced.form.cost))
    x = reduced.restore(y)
    assert reduced.form.objective(y) == pytest.approx(form.objective(x))
    rows = np.maximum(form.row_lower - form.matrix @ x, form.matrix @ x - form.row_upper).max()
    other = reduced.form
    same = np.maximum(other.row_lower - other.matrix @ y, other.matrix @ y - other.row_upper).max()
    assert same == pytest.approx(rows)
    assert len(other.row_lower) < len(form.row_lower)


# wrong inputs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("periods", "hours", "segments", "said"), [
    (0, 24.0, None, "--periods"), (5, 24.0, None, "--periods"), (2, 23.5, None, "--hours"),
    (1, 72.0, None, "--hours"), (2, 24.0, 25, "--segments"), (2, 24.0, 0, "--segments"),
])  # fmt: skip
def test_numbers_that_do_not_fit_are_refused(
    periods: int, hours: float, segments: int | None, said: str, tmp_path: Path
) -> None:
    case = prepared(days(tmp_path, np.tile(WORK, 3), np.tile(PRICE, 3)))
    with pytest.raises(InputError, match=said):
        aggregate(case, periods, hours, segments)


def test_jobs_are_due_once_and_refused_by_name() -> None:
    with pytest.raises(InputError, match="jobs: is a job_pool"):
        aggregate(prepared(TINY), 1, 1.0)


def test_a_district_without_a_plan_says_what_lacks(tmp_path: Path) -> None:
    case = prepared(days(tmp_path, np.tile(WORK * 20, 2), np.tile(PRICE, 2)))
    with pytest.raises(InfeasibleError, match="heat") as refused:
        aggregate(case, 1)
    assert "typical periods" in str(refused.value.faults[-1])


def test_the_command_states_three_costs(tmp_path: Path) -> None:
    heat = np.concatenate([WORK, REST, WORK, REST])
    path = days(tmp_path, heat, np.tile(PRICE, 4))
    arguments = ["aggregate", str(path), "--periods", "2", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["verified"] and abs(document["error"]) < 0.01
    assert document["full_bound_eur"] <= document["imposed_eur"] + 1e-6
    plan = Plan.load(document["files"]["plan"])
    assert cg.verify(plan.case, plan).ok
    told = CliRunner().invoke(main, [*arguments, "--no-full"])
    assert told.exit_code == 0 and "error" not in told.output
    assert f"columns instead of {document['full_size']['columns']:,}\n" in told.output
