"""Random districts are ordinary districts: they load, they can be planned, they are repeatable."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

import citygrid as cg
from citygrid.cli import main
from citygrid.routes.contract import Options
from citygrid.synthetic import CLASSES, Size, write
from citygrid.synthetic.draw import draw
from citygrid.synthetic.size import SLACK


@pytest.mark.parametrize("size", [*CLASSES.values(), Size(6, 1, 1), Size(30, 2, 7)])
@pytest.mark.parametrize("seed", [0, 7])
def test_every_job_has_its_window_and_some_room(size, seed):
    drawn = draw(size, seed)
    jobs = drawn.jobs
    slack = jobs.deadline - jobs.release - jobs.duration
    assert (jobs.release >= 0).all() and (jobs.deadline <= size.hours).all()
    assert (slack >= min(SLACK[0], size.hours - 1)).all() and (slack <= SLACK[1]).all()
    assert jobs.sites.shape == (size.jobs, min(3, size.sites))
    assert (np.diff(jobs.sites, axis=1) > 0).all()
    used = drawn.load.sum() + (jobs.power * jobs.duration).sum()
    # Where few large jobs come together, centres are larger than their use asks for.
    crowded = size.jobs < 10 * size.sites
    assert (0.05 if crowded else 0.45) <= used / (drawn.capacity.sum() * size.hours) <= 0.75


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_random_district_is_planned_and_verified(tmp_path, seed):
    files = write(tmp_path / "small.yaml", Size(24, 3, 12), seed)
    form = cg.formulate(cg.prepare(cg.load(files["model"])))
    plan = cg.solve(form, "milp", Options(gap=0.05))
    verdict = cg.verify(plan.case, plan)
    assert verdict.ok, verdict.violations[:3]
    assert verdict.kpis["waste_heat_used_mwh"] > 0 and verdict.kpis["jobs_late"] == 0


@pytest.mark.parametrize("name", ["M", "L", "XL"])
def test_large_classes_have_a_plan_at_least_in_parts(tmp_path, name):
    """The relaxation is feasible; whole plans are the business of the benchmarks."""
    files = write(tmp_path / "large.yaml", CLASSES[name], 5)
    form = cg.formulate(cg.prepare(cg.load(files["model"])))
    assert form.size["binaries"] > 20 * CLASSES[name].jobs
    groups = form.rows["job_pool.once"]
    assert groups.size == CLASSES[name].jobs


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    one, two, other = (
        write(tmp_path / folder / "random.yaml", CLASSES["S"], seed)
        for folder, seed in (("one", 4), ("two", 4), ("three", 5))
    )
    for role in one:
        assert one[role].read_bytes() == two[role].read_bytes()
        assert one[role].read_bytes() != other[role].read_bytes()


def test_the_command_writes_a_district_that_checks(tmp_path):
    out = tmp_path / "a district.yaml"
    run = CliRunner().invoke(main, ["synth", "--class", "S", "--jobs", "9", "--out", str(out)])
    assert run.exit_code == 0, run.output
    assert "job 9," in (tmp_path / "a district_jobs.csv").read_text()
    assert CliRunner().invoke(main, ["check", str(out)]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--class", "Q"], "use one of S, M, L, XL"),
        (["--hours", "24", "--jobs", "3"], "--sites missing"),
        (["--hours", "3", "--sites", "0", "--jobs", "-1"], "--sites: too small"),
        (["--hours", "3", "--sites", "0", "--jobs", "-1"], "--hours: too small"),
    ],
)
def test_impossible_sizes_are_refused(tmp_path, arguments, said):
    out = tmp_path / "never.yaml"
    run = CliRunner().invoke(main, ["synth", *arguments, "--out", str(out)])
    assert run.exit_code == 2
    assert said in run.output
    assert not list(tmp_path.iterdir())
