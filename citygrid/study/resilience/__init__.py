"""Resilience: what breaks when something fails, and what saves the day."""

from __future__ import annotations

from citygrid.study.resilience.study import Study, Wish, study_case, study_outages
from citygrid.study.resilience.telling import (
    print_study,
    refuse_unwritable_study,
    table_of,
    write_study,
)

__all__ = [
    "Study", "Wish", "print_study", "refuse_unwritable_study", "study_case", "study_outages",
    "table_of", "write_study",
]  # fmt: skip
