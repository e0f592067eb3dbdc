"""The benchmark of studies: equal results whoever computes, and an overhead that is a ratio."""

from __future__ import annotations

import pytest

from citygrid.bench import Wish, study


@pytest.mark.slow
def test_a_small_study_is_measured_with_one_worker_and_with_two():
    said = []
    found = study.run(Wish(scenarios=8), said.append)
    assert found["equal"] and found["scenarios"] == 8 and len(said) == 2
    assert found["overhead_of_solve"] < 1.0 and found["speed_up"] > 0.0
    for each in found["runs"].values():
        assert each["sentence"] > each["solve"] > 0.0
