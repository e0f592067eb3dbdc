"""What duals prove about the cost: any vector of them, however roughly it was found."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from citygrid.model.form import Floats, Form
from citygrid.model.limits import WIDER, tighten

#: Rounding of one addition or product, relative.
UNIT = float(np.finfo(float).eps)
#: Attempts to bend duals until no column without a bound pulls the proof to minus infinity.
BENDS = 12


class Proof(NamedTuple):
    """A lower bound of a form's cost [EUR], and the prices of the rows (m) that prove it."""

    bound: float
    prices: Floats


def dual_bound(form: Form, duals: Floats) -> float | None:
    """A lower bound of the form's cost that the duals (m) prove, in EUR; ``None`` if they do not.

    See :func:`prove`.
    """
    proof = prove(form, duals)
    return None if proof is None else proof.bound


def prove(form: Form, duals: Floats) -> Proof | None:
    """What the duals (m) prove of the form's cost; ``None`` if they prove nothing.

    The Lagrangian value: for any ``y`` and all ``x`` that keep rows and bounds

    ``cᵀx + k ≥ k + Σ_i (y_i lo_i or y_i hi_i) + Σ_j min(r_j l_j, r_j u_j)``, ``r = c − Aᵀy``,

    with ``lo`` where ``y_i > 0`` and ``hi`` where it is negative. The solver's tolerances do not
    enter: duals that are a little off prove a little less. Where a column has no bound on the side
    that it would take, its implied bound counts (:func:`tighten`, widened a little), and where
    there is none, the duals are bent until the column's reduced cost has the other sign. Rounding
    of the sums is taken off, so that the figure holds in floating point, too; a reduced cost whose
    sign is lost in the rounding of its own sum counts as zero for a column without a bound.
    """
    prices = _signed(form, duals)
    bound = _lagrangian(form, prices, form.lower, form.upper)
    if bound is not None:
        return Proof(bound, prices)
    lower, upper = tighten(form)
    wide = WIDER * np.maximum(1.0, np.abs(lower)), WIDER * np.maximum(1.0, np.abs(upper))
    lower = np.where(np.isfinite(form.lower), form.lower, lower - wide[0])
    upper = np.where(np.isfinite(form.upper), form.upper, upper + wide[1])
    for _ in range(BENDS):
        bound = _lagrangian(form, prices, lower, upper)
        if bound is not None:
            return Proof(bound, prices)
        prices = _bent(form, prices, lower, upper)
    return None


def _signed(form: Form, duals: Floats) -> Floats:
    """Duals (m) without those that point to a side where their row has no limit."""
    limit = np.where(duals > 0, form.row_lower, form.row_upper)
    return np.where(np.isfinite(limit) & np.isfinite(duals), duals, 0.0)


def _reduced(form: Form, prices: Floats) -> tuple[Floats, Floats]:
    """Reduced costs (n) and how far rounding may have moved them."""
    entries = np.bincount(form.matrix.indices, minlength=len(form.cost)) + 2.0
    size = np.abs(form.cost) + abs(form.matrix).T @ np.abs(prices)
    return np.asarray(form.cost - form.matrix.T @ prices), np.asarray(UNIT * entries * size)


def _lagrangian(form: Form, prices: Floats, lower: Floats, upper: Floats) -> float | None:
    """The Lagrangian value of signed prices less its rounding; ``None`` for minus infinity."""
    reduced, doubt = _reduced(form, prices)
    side = np.where(reduced > 0, lower, upper)
    endless = ~np.isfinite(side)
    if (np.abs(reduced[endless]) > doubt[endless]).any():
        return None
    side = np.where(endless, 0.0, side)
    limit = np.where(prices > 0, form.row_lower, form.row_upper)
    held = prices != 0.0
    terms = np.concatenate([prices[held] * limit[held], reduced * side, [form.constant]])
    # Where the sign is lost in rounding, the other end may be what the column takes.
    other = np.where(reduced > 0, upper, lower)
    unsure = (np.abs(reduced) <= doubt) & np.isfinite(other)
    reach = np.maximum(np.abs(side), np.where(unsure, np.abs(other), 0.0))
    lost = float(doubt @ reach) + 2.0 * UNIT * float(np.abs(terms).sum())
    value = math.fsum(terms) - lost
    return value if math.isfinite(value) else None


def _bent(form: Form, prices: Floats, lower: Floats, upper: Floats) -> Floats:
    """Prices nearby under which endless columns have the sign they need, by least squares."""
    from scipy.sparse.linalg import lsqr

    reduced, doubt = _reduced(form, prices)
    down, up = ~np.isfinite(lower), ~np.isfinite(upper)
    wrong = (up & (reduced < -doubt)) | (down & (reduced > doubt))
    # Where the column has one bound, the reduced cost may pass zero by as much as it was wrong.
    wanted = np.where(up & down, reduced, 2.0 * reduced)[wrong]
    columns = np.flatnonzero(wrong)
    part = sp.csc_array(form.matrix)[:, columns]
    step = lsqr(part.T, wanted, atol=1e-15, btol=1e-15)[0]
    return _signed(form, prices + step)
