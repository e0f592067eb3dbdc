"""The district of a published tutorial for a year, against the same programme written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from tests.helpers import solve

HERE = Path(__file__).parent
HEAT_PUMP = 6.0 * 3.5 / 2.5  # MW that 6 MW of waste heat allow, below the 10 MW of the machine
STORE, RATE, LOSS = 175.0, 175.0 / 24.0, 0.001


def by_hand() -> float:
    """Boiler, pump, charge, discharge, level in five blocks of hours, by scipy alone [EUR]."""
    file = HERE.parents[1] / "data" / "flensburg_2019" / "heat_and_prices.csv"
    table = pd.read_csv(file)
    heat, gas, spot = (table[name].to_numpy() for name in
                       ("heat [MW]", "gas [EUR/MWh]", "spot [EUR/MWh]"))  # fmt: skip
    hours = len(heat)
    one, none = sp.identity(hours, format="csr"), sp.csr_matrix((hours, hours))
    earlier = np.roll(np.arange(hours), 1)
    before = sp.csr_matrix((np.ones(hours), (np.arange(hours), earlier)))
    rows = sp.vstack([
        sp.hstack([one, one, -one, one, none]),
        sp.hstack([none, none, -one, one, one - (1 - LOSS) * before]),
    ])  # fmt: skip
    cost = np.concatenate([(gas + 1.045) / 0.95, (spot + 4.2) / 3.5, np.zeros(3 * hours)])
    upper = np.repeat([20.0, HEAT_PUMP, RATE, RATE, STORE], hours)
    found = linprog(
        cost, A_eq=rows, b_eq=np.concatenate([heat, np.zeros(hours)]),
        bounds=np.column_stack([np.zeros(5 * hours), upper]), method="highs",
    )  # fmt: skip
    assert found.status == 0
    return float(found.fun)


@pytest.mark.slow
def test_the_year_costs_what_the_programme_by_hand_costs() -> None:
    """882,562.79 EUR; without its store's loss 878,062.90, with its boiler upside down 854,466.03.

    A comparison of three tools on a district of these sizes has been published with 884,362.65 EUR,
    0.2 % more. It does not state all parameters, and none that was tried gives its figure.
    """
    result = solve(HERE / "flensburg_tutorial.yaml")
    assert result.verdict.ok, result.verdict.violations
    assert result.plan.objective == pytest.approx(by_hand(), rel=1e-7)
    assert result.plan.objective == pytest.approx(882_562.79, abs=0.01)
