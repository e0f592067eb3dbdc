"""The year by bare HiGHS, through scipy: what is left when nothing but the solver is there."""

from __future__ import annotations

import sys

import cases
import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog


def main(case: str) -> None:
    if case != "year":
        sys.exit("bare HiGHS has the year alone")
    heat, gas, spot = (np.array(series) for series in cases.year())
    hours = len(heat)
    one, none = sp.identity(hours, format="csr"), sp.csr_matrix((hours, hours))
    before = sp.csr_matrix((np.ones(hours), (np.arange(hours), np.roll(np.arange(hours), 1))))
    rows = sp.vstack([
        sp.hstack([one, one, -one, one, none]),
        sp.hstack([none, none, -one, one, one - (1 - cases.LOSS) * before]),
    ])  # fmt: skip
    pump = min(cases.PUMP, cases.WASTE_HEAT * cases.COP / (cases.COP - 1.0))
    burnt, lifted = (gas + cases.GAS_EXTRA) / cases.EFFICIENCY, spot + cases.POWER_EXTRA
    cost = np.concatenate([burnt, lifted / cases.COP, np.zeros(3 * hours)])
    upper = np.repeat([cases.BOILER, pump, cases.RATE, cases.RATE, cases.STORE], hours)
    found = linprog(
        cost, A_eq=rows, b_eq=np.concatenate([heat, np.zeros(hours)]),
        bounds=np.column_stack([np.zeros(5 * hours), upper]), method="highs",
    )  # fmt: skip
    print(found.fun)


main(sys.argv[1])
