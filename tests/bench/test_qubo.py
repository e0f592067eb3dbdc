"""The benchmark of ``qubo``: rows that say what it is worth beside HiGHS and beside chance."""

from __future__ import annotations

import citygrid as cg
from citygrid.bench.qubo import SIZES, district, measure


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
