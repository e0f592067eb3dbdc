"""The peers of `bench build` write the same programme as the form, or the ratios mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import citygrid as cg
from citygrid.bench import Wish, run_benchmarks
from citygrid.bench.build import linopy_models
from citygrid.bench.build.districts import hub_district, regular_district
from citygrid.routes import solve
from citygrid.routes.contract import Options

pytest.importorskip("linopy")


@pytest.mark.filterwarnings("ignore")  # linopy's own
@pytest.mark.parametrize("name", ["regular", "hub"])
def test_linopy_writes_the_same_programme(name: str, tmp_path: Path) -> None:
    """Equal rows, columns and entries, and an equal optimum.

    Without it a missing rule of the peer's model would flatter or shame either side.
    """
    text = {"regular": regular_district, "hub": hub_district}[name](24)
    path = tmp_path / "district.yaml"
    path.write_text(text)
    form = cg.formulate(cg.prepare(cg.load(path)))
    model = getattr(linopy_models, f"{name}_model")(24)
    matrix = model.matrices.A
    assert (model.ncons, model.nvars, matrix.nnz) == (
        form.size["rows"], form.size["columns"], form.size["nonzeros"]
    )  # fmt: skip
    ours = solve(form, "milp", Options(gap=1e-6))
    model.solve("highs", io_api="direct", mip_rel_gap=1e-6, output_flag=False)
    assert model.objective.value == pytest.approx(ours.objective, rel=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_ratios_are_those_of_the_measured_figures() -> None:
    """Small, so that only the shape and the arithmetic of the answer are checked."""
    found = run_benchmarks(["build"], Wish(columns=8_000), lambda text: None)["build"]
    for each in found.values():
        for peer, ratio in each["time_ratio"].items():
            assert ratio == pytest.approx(each["seconds"]["form"] / each["seconds"][peer])
    assert set(found["regular"]["seconds"]) == {"form", "linopy", "pyomo"}
