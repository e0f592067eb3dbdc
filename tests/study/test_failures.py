"""Which ends are failures and which are results."""

from __future__ import annotations

import pytest

from citygrid.study.conduct import is_failure


@pytest.mark.parametrize(
    ("status", "verified", "objective", "failed"),
    [
        ("optimal", True, 5.0, False), ("optimal", False, 5.0, True),
        ("infeasible", None, None, False), ("relaxed", None, None, False),
        ("time_limit", True, 5.0, False), ("time_limit", None, None, True),
        ("no_plan", None, None, True), ("unbounded", None, None, True),
        ("crashed", None, None, True), ("timed_out", None, None, True),
        ("out_of_memory", None, None, True), ("refused", None, None, True),
        ("failed", None, None, True), ("error", None, None, True), ("open", None, None, False),
    ],
)  # fmt: skip
def test_what_counts_as_failed(status, verified, objective, failed):
    row = {"status": status, "verified": verified, "objective_eur": objective}
    assert is_failure(row) is failed
