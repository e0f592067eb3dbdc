"""The benchmark of ``qubo``: rows that say what it is worth beside HiGHS and beside chance."""

from __future__ import annotations

from pathlib import Path

import citygrid as cg
from citygrid.bench import Wish, qubo
from citygrid.bench.qubo import SIZES, charts, district, measure, medians


def test_rows_state_bits_rates_gaps_and_the_control():
    annealed, drawn = measure(4, 3)
    assert (annealed["sampler"], drawn["sampler"]) == ("onehot", "random")
    assert annealed["bits"] == drawn["bits"] > annealed["binaries"] == 12
    for row in (annealed, drawn):
        assert 0.0 <= row["raw_rate"] <= row["feasibility_rate"] <= 1.0
        assert row["gap"] >= -1e-9 and row["milp_gap"] <= 1e-6 and row["seconds"] > 0.0
    assert annealed["raw_rate"] > drawn["raw_rate"]
    assert annealed["gap"] <= 1e-6


def test_sizes_grow_and_every_district_can_be_planned(tmp_path):
    binaries = [hours * units for hours, units in SIZES]
    assert binaries == sorted(binaries)
    path = district(tmp_path, 5, 4)
    form = cg.formulate(cg.prepare(cg.load(path)))
    assert form.size["binaries"] == 20


def test_medians_and_lines_are_over_seeds_and_leave_out_what_is_not_there():
    def row(bits, sampler, raw, sampled, gap):
        return {"hours": 3, "units": 3, "binaries": 9, "bits": bits, "sampler": sampler,
                "raw_rate": raw, "feasibility_rate": 2 * raw, "sampled_gap": sampled, "gap": gap,
                "seconds": 1.0, "repaired": sampled is None}  # fmt: skip

    rows = [row(9, "onehot", 0.2, 0.0, 0.0), row(9, "onehot", 0.3, 0.02, 0.0),
            row(9, "onehot", 0.4, 0.04, 0.0), row(9, "random", 0.0, None, 0.1)]  # fmt: skip
    annealed, drawn = medians(rows)
    assert annealed["raw_rate"] == 0.3 and annealed["sampled_gap"] == 0.02
    assert (annealed["repaired"], drawn["repaired"], drawn["sampled_gap"]) == (0, 1, None)
    rates, gaps = charts(rows)
    assert [line.name for line in rates] == ["kept", "kept, random", "allowed",
                                             "allowed, random"]  # fmt: skip
    assert rates[0].points == [(9.0, 0.3)] and rates[0].band == [(9.0, 0.25, 0.35)]
    assert gaps[1].points == []
    # Nothing is drawn at nothing on a logarithmic axis.
    assert gaps[2].points == [(9.0, 1e-4)]


def test_a_run_writes_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(qubo, "SIZES", ((2, 2), (3, 2)))
    found = qubo.run(Wish(seeds=(0, 1), out=tmp_path), lambda text: None)
    assert len(found["rows"]) == 8 and len(found["medians"]) == 4
    assert set(found["files"]) == {"rates", "gaps"}
    for path in found["files"].values():
        assert Path(path).read_text("utf-8").startswith("<svg")
