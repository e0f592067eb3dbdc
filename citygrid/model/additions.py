"""Additions: a form with further rows and columns, such as a user's policy imposes.

What was there keeps its place, name and meaning; additions come after it and cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.errors import Fault, FormulationError
from citygrid.model.form import Block, Floats, Form, Policy


@dataclass(frozen=True)
class Addition:
    """Rows (k) over the form's columns and new ones (n + p), by named blocks.

    Blocks count from 0, as if nothing were there before. ``matrix`` is k × (n + p).
    """

    rows: Mapping[str, Block]
    matrix: sp.csr_array
    row_lower: Floats
    row_upper: Floats
    columns: Mapping[str, Block] = field(default_factory=dict)
    lower: Floats = field(default_factory=lambda: np.zeros(0))
    upper: Floats = field(default_factory=lambda: np.zeros(0))
    integer: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))


def extend(form: Form, addition: Addition, policy: Policy) -> Form:
    """The form with an addition behind its own rows and columns, and word of who imposed it.

    Raises :class:`FormulationError` for a block whose name is taken.
    """
    height, width = form.matrix.shape
    new = len(addition.lower)
    taken = [*(n for n in addition.rows if n in form.rows),
             *(n for n in addition.columns if n in form.columns)]  # fmt: skip
    if taken:
        raise FormulationError([Fault(name, "a block of this name exists already", None,
                                      "give it another name") for name in taken])  # fmt: skip
    kept = sp.csr_array((form.matrix.data, form.matrix.indices, form.matrix.indptr),
                        shape=(height, width + new))  # fmt: skip
    accounts = {
        name: replace(account, columns={
            column: lines._replace(matrix=_widened(lines.matrix, new))
            for column, lines in account.columns.items()
        }) for name, account in form.accounts.items()
    }  # fmt: skip
    return replace(
        form,
        cost=np.append(form.cost, np.zeros(new)),
        matrix=sp.csr_array(sp.vstack([kept, addition.matrix], format="csr")),
        row_lower=np.append(form.row_lower, addition.row_lower),
        row_upper=np.append(form.row_upper, addition.row_upper),
        lower=np.append(form.lower, addition.lower), upper=np.append(form.upper, addition.upper),
        integer=np.append(form.integer, addition.integer),
        columns={**form.columns, **_behind(addition.columns, width)},
        rows={**form.rows, **_behind(addition.rows, height)},
        accounts=accounts, policies=(*form.policies, policy),
    )  # fmt: skip


def _behind(blocks: Mapping[str, Block], start: int) -> dict[str, Block]:
    return {name: replace(block, start=block.start + start) for name, block in blocks.items()}


def _widened(lines: sp.csr_array, new: int) -> sp.csr_array:
    shape = (lines.shape[0], lines.shape[1] + new)
    return sp.csr_array((lines.data, lines.indices, lines.indptr), shape=shape)
