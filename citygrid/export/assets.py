"""Every component in one row: energy over the horizon, use of its capacity, money and carbon."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from citygrid.district.case import Case
from citygrid.export.flows import Dispatch
from citygrid.plan.verify import Verdict


def asset_table(case: Case, verdict: Verdict, moved: Dispatch) -> pd.DataFrame:
    """One row per component.

    Columns ``asset_id``, ``name``, ``kind``, ``group``, ``node``, ``to_node``, ``…_mwh`` per
    carrier (fed positive, drawn negative, over the horizon), ``mean_used`` and ``max_used`` (share
    of capacity), ``rated_kw`` or ``rated_kwh`` (what it can do at most), ``cost_eur`` and
    ``co2_kg``; for lines also ``mean_kw``, ``max_kw`` (amount carried), ``capacity_kw`` (largest),
    ``loss_mwh`` (of what goes along; not a transformer's core) and, where stated, ``dn``.
    """
    names = [asset.name for asset in case.assets]
    table = pd.DataFrame({
        "asset_id": np.arange(1, len(names) + 1, dtype=np.int32),
        "name": names,
        "kind": [asset.kind for asset in case.assets],
        "group": [asset.group for asset in case.assets],
        "node": [asset.node or None for asset in case.assets],
        "to_node": [asset.to or None for asset in case.assets],
    })  # fmt: skip
    for carrier, amount in moved.carriers.items():
        table[f"{carrier}_mwh"] = _sum(amount) * case.step / 1000.0
    table["rated_kw"] = np.where(moved.stores, np.nan, moved.rated)
    table["rated_kwh"] = np.where(moved.stores, moved.rated, np.nan)
    carried = np.abs(moved.flow)
    with warnings.catch_warnings():
        # A row that is all NaN is a figure that does not apply, and stays NaN.
        warnings.filterwarnings("ignore", "(All-NaN|Mean of empty)", RuntimeWarning)
        table["mean_used"], table["max_used"] = _mean(moved.use), np.nanmax(moved.use, axis=1)
        table["mean_kw"], table["max_kw"] = _mean(carried), np.nanmax(carried, axis=1)
        table["capacity_kw"] = np.where(_mean(carried) >= 0, np.nanmax(moved.capacity, axis=1),
                                        np.nan)  # fmt: skip
    table["loss_mwh"] = _sum(moved.loss) * case.step / 1000.0
    table["dn"] = [_nominal(case, asset.kind, asset.name) for asset in case.assets]
    money = dict.fromkeys(names, 0.0)
    carbon = dict.fromkeys(names, 0.0)
    for (name, _), line in verdict.ledger.items():
        if name in money:
            money[name] += line.money
            carbon[name] += line.carbon
    table["cost_eur"] = [money[name] for name in names]
    table["co2_kg"] = [carbon[name] for name in names]
    return table


def _sum(amount: NDArray[np.float64]) -> Any:
    """Sum over the steps; NaN where the figure does not apply."""
    return np.where(np.isfinite(amount).any(axis=1), np.nansum(amount, axis=1), np.nan)


def _mean(amount: NDArray[np.float64]) -> Any:
    return np.nanmean(amount, axis=1)


def _nominal(case: Case, kind: str, name: str) -> float:
    units = case.units.get(kind)
    if units is None or "dn" not in units.parameters:
        return np.nan
    return float(np.ravel(units["dn"])[units.names.index(name)])
