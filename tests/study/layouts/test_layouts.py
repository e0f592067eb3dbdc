"""Layouts: what is moved is moved whole, the figures are right by hand, hybrid is never dearer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import citygrid as cg
from citygrid.cli.commands import main
from citygrid.errors import InputError
from citygrid.routes import Options
from citygrid.study.layouts import Layouts, compare_layouts, print_layouts, write_layouts
from citygrid.study.layouts.figures import quantiles
from citygrid.study.layouts.moving import cables_to_outside, centralise, centres_of
from citygrid.study.resilience.emergency import replays

EXACT = Options(gap=0.0)
WEATHER = "time,temperature [degC],ground temperature [degC]\n" + "".join(
    f"2023-01-16T{hour:02d}:00Z,2,6\n" for hour in range(4)
)

#: Two centres and a link of 5 ms. West always computes 30 kW, east 10; free cooling takes no power.
TWO = """
name: two sites
horizon: {start: 2023-01-16T00:00Z, length: 4 h, step: 1 h}
weather: {file: weather.csv, latitude: 50.1, longitude: 8.7}
nodes: {west: {at: [0, 0]}, middle: {at: [300, 0]}, east: {at: [600, 0]}}
components:
  grid: {kind: grid, node: west, import: {price: {otherwise: 0.20 EUR/kWh, windows: [
    {hours: "02:00-04:00", value: 0.10 EUR/kWh}]}, max: 900 kW}}
  cable 1: {kind: power_line, from: west, to: middle, capacity: 150 kW}
  cable 2: {kind: power_line, from: middle, to: east, capacity: 100 kW}
  link: {kind: data_link, from: west, to: east, capacity: 50 GB/h, latency: 5 ms, energy: 0 kWh/GB}
  dc west: {kind: data_center, node: west, cooling: liquid, capacity: 80 kW, load: 30 kW,
    loss_share: 0 %, loss_fixed: 0 %}
  dc east: {kind: data_center, node: east, cooling: liquid, capacity: 40 kW, load: 10 kW,
    loss_share: 0 %, loss_fixed: 0 %}
  chiller west: {kind: chiller, node: west, cooling: 90 kW, auxiliary: 0 %}
  chiller east: {kind: chiller, node: east, cooling: 60 kW, auxiliary: 0 %}
  pump east: {kind: heat_pump, source: dc east, sink: east, heat: 20 kW, cop: 4,
    minimum_load: 20 %}
  gas: {kind: fuel, node: east, price: 80 EUR/MWh}
  boiler: {kind: boiler, node: east, heat: 60 kW, efficiency: 100 %}
  homes: {kind: heat_demand, node: east, load: 12 kW}
  jobs:
    kind: job_pool
    sites: [dc west, dc east]
    jobs:
      - {job: bound, power: 10 kW, duration: 2 h, home: east, data: 4 GB, sites: [dc east],
         release: 2023-01-16T00:00Z, deadline: 2023-01-16T04:00Z}
      - {job: free, power: 20 kW, duration: 1 h, sites: [dc east], preemptible: true,
         release: 2023-01-16T00:00Z, deadline: 2023-01-16T04:00Z}
"""


def written(folder: Path, text: str = TWO) -> Path:
    (folder / "weather.csv").write_text(WEATHER, encoding="utf-8")
    path = folder / "sites.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Layouts:
    return compare_layouts(written(tmp_path_factory.mktemp("two")), "west", [0.5], options=EXACT)


def test_nothing_is_lost_on_the_way(tmp_path: Path) -> None:
    """Without this a layout could be cheaper because it computes less."""
    case = cg.prepare(cg.load(written(tmp_path)))
    logs = replays(case, cg.solve(cg.formulate(case), "milp", EXACT))
    assert centralise(case, "dc west", 0.0, logs) is case
    for share in (0.25, 1.0):
        moved = centralise(case, "dc west", share, logs)
        before, after = case.units["data_center"], moved.units["data_center"]
        for name in ("capacity", "idle", "load"):
            assert after[name].sum(axis=0) == pytest.approx(before[name].sum(axis=0))
        assert after["capacity"].ravel() == pytest.approx([80 + 40 * share, 40 * (1 - share)])
        assert moved.units["heat_pump"]["usable"].ravel() == pytest.approx([20 * (1 - share)])
        growth = (80 + 40 * share) / 80
        assert moved.units["chiller"]["usable"].max(axis=1) == pytest.approx([90 * growth, 60])
        pool = moved.units["job_pool"]
        allowed = dict(zip(pool.parameters["job"].values, pool["job_allowed"], strict=True))
        assert list(allowed["free"]) == [True, True] and list(allowed["bound"]) == [False, True]
    assert {each.name: each.capacity for each in centres_of(case)} == {
        "dc west": 80.0, "dc east": 40.0}  # fmt: skip


def test_cables_on_the_way_are_widened(tmp_path: Path) -> None:
    case = cg.prepare(cg.load(written(tmp_path)))
    logs = replays(case, cg.solve(cg.formulate(case), "milp", EXACT))
    assert cables_to_outside(case, "west", logs) == []
    assert sorted(cables_to_outside(case, "east", logs)) == ["cable 1", "cable 2"]
    wide = centralise(case, "dc east", 0.5, logs).units["power_line"]
    assert wide["capacity"].ravel() == pytest.approx([150 + 1.5 * 40, 100 + 1.5 * 40])


def test_figures_by_hand(two: Layouts) -> None:
    """Of 40 kW of interactive work 10 arise in the east, 5 of these move with a share of a half.

    Distributed, all stays. The bound job runs in the cheap hours 2 and 3: it ends 2 h later than
    it could. The free one may end in hour 2 or 3, 2 or 3 h late.
    """
    near = two.distributed.figures
    assert near["latency_interactive_p50_ms"] == near["latency_interactive_p95_ms"] == 0.0
    assert near["kept_local"] == pytest.approx(1.0)
    assert near["wait_jobs_p50_h"] == pytest.approx(2.0)
    assert near["latency_jobs_p95_ms"] is None and two.distributed.notes
    late = near["queue_share"] * 3.0 / (1.0 - near["queue_share"])
    assert 4.0 - 1e-6 <= late <= 5.0 + 1e-6
    half = [layout for layout in two.tried if layout.share == 0.5]
    assert len(half) == 1 and half[0].plan is not None


def test_a_job_that_is_bound_forbids_the_move_and_says_so(two: Layouts) -> None:
    """Its data lie in the east and only that site is allowed: without a centre there, no plan."""
    assert two.central.plan is None and two.central.why
    assert two.central.figures["cost_eur"] is None
    assert two.hybrid.objective <= two.distributed.objective


def test_what_is_moved_travels(tmp_path: Path) -> None:
    """Where the bound job may go west with its data, all can move, over the link of 5 ms.

    Of 160 kWh of interactive work 40 arise in the east, and so do the job's 20 kWh: of 180 kWh 120
    stay where they arose.
    """
    text = TWO.replace("data: 4 GB, sites: [dc east],", "data: 4 GB,")
    found = compare_layouts(written(tmp_path, text), "west", [], options=EXACT)
    far = found.central.figures
    assert far["latency_interactive_p50_ms"] == 0.0
    assert far["latency_interactive_p95_ms"] == 5.0
    assert far["latency_jobs_p50_ms"] == far["latency_jobs_p95_ms"] == 5.0
    assert far["kept_local"] == pytest.approx(120 / 180)
    assert found.central.verdict is not None and found.central.verdict.ok


def test_quantiles_weigh() -> None:
    assert quantiles([5.0, 0.0], [1.0, 3.0]) == (0.0, 5.0)
    assert quantiles([5.0, 0.0], [1.0, 1.0]) == (0.0, 5.0)
    assert quantiles([5.0, 0.0], [0.04, 0.96]) == (0.0, 0.0)
    assert quantiles([], []) == (None, None)


def test_hybrid_is_never_dearer_than_either(tmp_path: Path) -> None:
    """On random districts; the choices of the hybrid have both extremes in them."""
    random = np.random.default_rng(3)
    text = TWO.replace("home: east, data: 4 GB, ", "")
    for _ in range(4):
        heat, gas, power = random.integers(5, 60), random.integers(20, 200), random.integers(5, 40)
        changed = text.replace("load: 12 kW", f"load: {heat} kW")
        changed = changed.replace("price: 80 EUR", f"price: {gas} EUR")
        changed = changed.replace("otherwise: 0.20", f"otherwise: 0.{power:02d}")
        found = compare_layouts(written(tmp_path, changed), None, [0.3, 0.7], options=EXACT)
        assert found.hybrid.objective <= found.distributed.objective
        assert found.hybrid.objective <= found.central.objective
        assert {layout.central for layout in found.tried[1:3]} == {"dc west", "dc east"}


def test_a_hybrid_that_moves_all_is_no_tie_with_itself(tmp_path: Path) -> None:
    """East has no heat to serve and no link to wait for: moving all is cheapest, and alone so."""
    text = TWO.replace("home: east, data: 4 GB, ", "").replace(
        "sink: east, heat: 20 kW, cop: 4", "sink: east, heat: 0.1 kW, cop: 4"
    )
    text = text.replace("cooling: 60 kW, auxiliary: 0 %", "cooling: 60 kW, auxiliary: 50 %")
    found = compare_layouts(written(tmp_path, text), "west", [0.5], options=EXACT)
    assert found.hybrid.plan is found.central.plan and found.ties == ["central", "hybrid"]
    said = print_layouts(found, {})
    assert "The cheapest is central." in said and "ties" not in said
    assert "with 100% of every other centre moved there, for no share between was cheaper." in said


def test_a_centre_of_no_size_is_no_central_site(tmp_path: Path) -> None:
    """What stands beside a centre grows with it, and from nothing nothing grows."""
    text = TWO.replace("capacity: 40 kW, load: 10 kW", "capacity: 0 kW, load: 0 kW")
    text = text.replace("home: east, data: 4 GB, ", "").replace("sites: [dc east],", "")
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=r"a centre of 0 kW cannot grow .*; name one of west"):
        compare_layouts(path, "east", [], options=EXACT)
    found = compare_layouts(path, None, [], options=EXACT)
    assert [layout.central for layout in found.tried[1:]] == ["dc west"]


def test_survival_is_that_of_the_outages(tmp_path: Path) -> None:
    """Distributed, eleven assets: grid, centres, chillers, cables … each outage is planned."""
    text = TWO.replace("home: east, data: 4 GB, ", "")
    found = compare_layouts(written(tmp_path, text), "west", [], "1h", options=EXACT)
    for layout in found.shown:
        assert 0.0 <= (layout.figures["survival"] or -1.0) <= 1.0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--central", "middle"], "no data centre stands there"),
        (["--shares", "0.5,2"], "lies between 0 and 1"),
        (["--shares", "half"], "expected numbers"),
        (["--survival", "0h"], "whole steps"),
        (["--survival", "0h"], "--survival: an outage takes whole steps"),
    ],
)
def test_slips_are_told(tmp_path: Path, arguments: list[str], text: str) -> None:
    path = written(tmp_path)
    out = tmp_path / "out"
    answer = CliRunner().invoke(main, ["compare-layouts", str(path), "--out", str(out), *arguments])
    assert answer.exit_code == 2 and text in answer.output and not out.exists()


def test_one_centre_has_no_layouts() -> None:
    with pytest.raises(InputError, match="two data centres"):
        compare_layouts("models/tiny.yaml")


def test_files_say_the_same(two: Layouts, tmp_path: Path) -> None:
    files = write_layouts(two, tmp_path)
    document = json.loads(files["document"].read_text())
    assert [each["layout"] for each in document["layouts"]] == ["distributed", "central", "hybrid"]
    assert len(files["table"].read_text().splitlines()) == 4
    page = files["page"].read_text()
    assert "work that stays at its origin" in page and "<script" not in page
