"""The arrays of a form while it is written: every block of rows is final as soon as it is there.

A form of millions of columns is held once: entries go into the sparse matrix block by block, and
what is constant over a block of columns or rows is one number until the vectors are laid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from citygrid.model.algebra import Linear, Triplets
from citygrid.model.labelled import refuse

#: Entries that are sorted into rows together: what that takes beside the form stays small.
PORTION = 100_000
#: Part by which an array grows beyond what is asked, so that few steps of growth copy it.
SPARE = 1 / 8


class _Growing:
    """An array that is appended to in place, where the system can make room behind it."""

    def __init__(self, kind: Any) -> None:
        self._held = np.empty(0, kind)
        self._used = 0

    def append(self, part: NDArray[Any]) -> None:
        end = self._used + len(part)
        if end > len(self._held):
            self._held.resize(end + int(SPARE * end), refcheck=False)
        self._held[self._used : end] = part
        self._used = end

    def close(self) -> NDArray[Any]:
        """The array as long as what was appended."""
        self._held.resize(self._used, refcheck=False)
        return self._held


class Flow(NamedTuple):
    """What components at places feed (+) to a balance or draw (−) from it, component × hour."""

    places: NDArray[Any]
    expression: Linear
    sign: float

    def entries(self, group: NDArray[Any], hours: int) -> Triplets:
        """What it adds to the balances of a sorted group of places, place × hour."""
        owners = self.expression.dims[0].only(np.isin(self.places, group), "here")
        at = np.searchsorted(group, self.places[owners.positions])
        rows, columns, values = self.expression.only(owners).triplets()
        component, hour = np.divmod(rows, hours)
        return Triplets(at[component] * hours + hour, columns, self.sign * values)


class Rows:
    """A sparse matrix to which blocks of rows are appended: sorted, without zeros or doubles."""

    def __init__(self) -> None:
        self._values, self._columns = _Growing(float), _Growing(np.int32)
        self._counts = _Growing(np.int32)
        self._counts.append(np.zeros(1, np.int32))

    def write(self, name: str, expression: Linear, width: int) -> None:
        """A row for every cell of an expression."""
        for part in expression.parts(PORTION):
            entries = part.triplets()
            if not np.isfinite(entries.values).all():
                raise refuse(name, "a coefficient is not a finite number")
            self.append(entries, part.size, width)

    def balance(
        self, places: NDArray[Any], flows: Sequence[Flow], hours: int, width: int
    ) -> None:  # fmt: skip
        """A row for every place (sorted) and hour: the sum of all flows there."""
        owners = np.concatenate([np.searchsorted(places, flow.places) for flow in flows])
        portion = np.cumsum(np.bincount(owners, minlength=len(places)) * hours) // PORTION
        for group in np.split(places, np.flatnonzero(np.diff(portion)) + 1):
            found = [flow.entries(group, hours) for flow in flows]
            entries = Triplets(*map(np.concatenate, zip(*found, strict=True)))
            self.append(entries, len(group) * hours, width)

    def append(self, entries: Triplets, height: int, width: int) -> None:
        """The next ``height`` rows; ``entries`` count from the first of them."""
        shape = (height, width)
        block = sp.csr_array((entries.values, (entries.rows, entries.columns)), shape=shape)
        block.sum_duplicates()
        block.eliminate_zeros()
        self._values.append(block.data)
        self._columns.append(block.indices)
        self._counts.append(np.diff(block.indptr))

    def close(self, width: int) -> sp.csr_array:
        """The matrix of all blocks, with as many columns as there are by now."""
        counts, columns = self._counts.close(), self._columns.close()
        ends = counts if len(columns) < 2**31 else counts.astype(np.int64)
        np.cumsum(ends, out=ends)
        matrix = sp.csr_array((self._values.close(), columns, ends), shape=(len(ends) - 1, width))
        matrix.has_canonical_format = True
        return matrix


def laid_out(parts: Sequence[NDArray[Any]], kind: Any = float) -> NDArray[Any]:
    """One vector of the values of all blocks, each of which may be a number spread over its block.

    What is zero is not written: memory that nobody has written to takes no room. Adding zero turns
    −0.0 into 0.0, so that equal forms have equal bytes and one hash.
    """
    whole, begin = np.zeros(sum(part.size for part in parts), kind), 0
    for part in parts:
        if part.any():
            np.add(part, kind(0), out=whole[begin : begin + part.size].reshape(part.shape))
        begin += part.size
    return whole


def spent(parts: list[NDArray[Any]], kind: Any = float) -> NDArray[Any]:
    """The vector of all blocks as :func:`laid_out` makes it, after which the blocks are let go."""
    whole = laid_out(parts, kind)
    parts.clear()
    return whole
