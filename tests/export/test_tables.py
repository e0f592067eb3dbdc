from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from citygrid.components.contract import Flows, Parameter, Units
from citygrid.export.subject import Subject
from citygrid.export.tables import (
    FIGURES,
    _runs,
    _safe,
    figure,
    job_table,
    safe_cell,
    write_csv,
    write_parquet,
)
from citygrid.plan.verify import verify


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+A1",
        "-cmd",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "-",
        "-inf",
        "+1_0",
        "+nan",
        "＝1",
        "＠A1",
    ],
)
def test_text_that_could_be_a_formula_is_quoted(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-3.5", "+2", "-1e-9", "dc east", "", "a=b"])
def test_numbers_and_plain_text_stay(text):
    assert safe_cell(text) == text


def test_no_name_of_a_component_becomes_a_formula(make, tmp_path):
    case, plan = make(rename=lambda name: f"=HYPERLINK({name})")
    write_csv(Subject(plan, verify(case, plan)), tmp_path)
    for path in tmp_path.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert not [c for c in cells if c.startswith(("=", "+", "@"))], path
    assert "'=HYPERLINK(roof east)" in (tmp_path / "dispatch.csv").read_text("utf-8")


def test_texts_of_every_pandas_type_are_kept_from_being_formulas():
    """To pandas 3 a column of texts is no object any more."""
    texts = ["=A1", "plain"]
    table = pd.DataFrame({
        "object": pd.Series(texts, dtype=object), "string": pd.Series(texts, dtype="string"),
        "category": pd.Categorical(texts), "=number": [-1.0, 2.0],
    })  # fmt: skip
    safe = _safe(table)
    assert all(list(safe[name]) == ["'=A1", "plain"] for name in ("object", "string", "category"))
    assert list(safe["'=number"]) == [-1.0, 2.0]


def test_tables_say_what_the_plan_says(planned, tmp_path):
    case, plan, verdict = planned
    names = {path.name for path in write_csv(Subject(plan, verdict), tmp_path)}
    assert names == {"dispatch.csv", "kpis.csv", "ledger.csv", "jobs.csv"}
    dispatch = pd.read_csv(tmp_path / "dispatch.csv")
    assert len(dispatch) == len(case.assets) * len(case.time)
    assert dispatch["start_time"].iloc[0] == "2023-01-15T23:00:00Z"
    served = -dispatch.loc[dispatch["kind"] == "heat_demand", "heat_kw"].sum() / 1000.0
    kpis = pd.read_csv(tmp_path / "kpis.csv").set_index("name")["value"]
    assert served == pytest.approx(kpis["heat_delivered_mwh"])
    ledger = pd.read_csv(tmp_path / "ledger.csv")
    total = ledger["eur"].sum() + case.carbon_price * ledger["co2_kg"].sum()
    assert total == pytest.approx(plan.objective)


def test_parquet_keeps_zone_and_numbers(planned, tmp_path):
    import pyarrow.parquet

    _, plan, verdict = planned
    write_csv(Subject(plan, verdict), tmp_path)
    write_parquet(Subject(plan, verdict), tmp_path)
    table = pd.read_parquet(tmp_path / "dispatch.parquet")
    assert str(table["start_time"].dt.tz) == "UTC"
    np.testing.assert_allclose(
        table["heat_kw"], pd.read_csv(tmp_path / "dispatch.csv")["heat_kw"], rtol=1e-12, atol=1e-12
    )
    column = pyarrow.parquet.ParquetFile(tmp_path / "dispatch.parquet").metadata.row_group(0)
    assert column.column(0).compression == "ZSTD"


def test_jobs_draw_what_their_centres_compute(planned):
    case, plan, _ = planned
    jobs = job_table(case, plan)
    hours = (jobs["end"] - jobs["start"]) / pd.Timedelta(hours=1)
    energy = (hours * jobs["power_kw"]).groupby(jobs["site"]).sum()
    compute = plan.dataset["data_center.compute"].sum("time").to_series()
    assert energy.to_dict() == pytest.approx(compute.to_dict())
    assert (jobs["start"] >= jobs["release"]).all() and (jobs["end"] <= jobs["deadline"]).all()


def test_an_interrupted_job_has_a_row_per_stretch_of_equal_power():
    def table(dims, values):
        return Parameter((dims,), np.array(values))

    units = Units("job_pool", ("pool",), {
        "job": table("job", ["night run"]), "job_site": table("job_site", ["dc"]),
        "job_power": table("job", [10.0]), "job_release": table("job", [0.0]),
        "job_deadline": table("job", [6.0]), "slot_job": table("job_slot", [0] * 6),
        "slot_site": table("job_slot", [0] * 6), "slot_step": table("job_slot", range(6)),
    }, {}, 1.0)  # fmt: skip
    flows = Flows(("pool",), {"run": np.array([10.0, 10.0, 0.0, 4.0, 10.0, 1e-9])}, {})
    rows = [row[2:5] for row in _runs(units, flows)]
    assert rows == [(0.0, 2.0, 10.0), (3.0, 4.0, 4.0), (4.0, 5.0, 10.0)]


def test_a_case_without_jobs_has_no_table_of_jobs(make, tmp_path):
    case, plan = make(jobs=False)
    write_csv(Subject(plan, verify(case, plan)), tmp_path)
    assert not (tmp_path / "jobs.csv").exists()


def test_every_key_figure_has_a_name_and_a_unit_of_its_own(planned):
    """A unit guessed from a name called the hours of burning a ratio."""
    assert set(planned[2].kpis) <= set(FIGURES)


def test_a_new_figure_gets_its_name_and_unit_from_its_own():
    assert figure("noise_h") == ("Noise", "h")
    assert figure("gas_used_mwh") == ("Gas used", "MWh")
    assert figure("comfort") == ("Comfort", "1")
