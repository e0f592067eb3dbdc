"""Where columns and rows of a form stand in time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from citygrid.arrays import Positions, stamped
from citygrid.model.form import Block, Form


def steps_of(form: Form) -> Positions:
    """The step of every column (n), −1 where it has no time."""
    return _steps(form.columns, len(form.cost))


def steps_of_rows(form: Form) -> Positions:
    """The step of every row (m), −1 where it has no time."""
    return _steps(form.rows, len(form.row_lower))


def _steps(blocks: Mapping[str, Block], count: int) -> Positions:
    step = np.full(count, -1, dtype=np.int64)
    for block in blocks.values():
        if "time" in block.dims:
            axis = block.dims.index("time")
            step[block.span] = np.indices(block.shape)[axis].ravel()
    return step


def stamps(form: Form) -> list[str]:
    """What the steps are called."""
    for block in form.columns.values():
        if "time" in block.dims:
            labels = block.coords["time"]
            stamp = np.issubdtype(np.asarray(labels).dtype, np.datetime64)
            return [stamped(label) if stamp else str(label) for label in labels]
    return []
