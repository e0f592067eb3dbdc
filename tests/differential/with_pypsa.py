"""Solves networks by PyPSA and HiGHS: one JSON document a line in, one answer a line out.

It runs with a Python of its own, in which PyPSA is installed, and knows nothing of citygrid; what
it is sent is made by ``translation.py`` beside it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

import pypsa

OPTIONS = {"mip_rel_gap": 0.0, "mip_abs_gap": 0.0, "primal_feasibility_tolerance": 1e-9,
           "dual_feasibility_tolerance": 1e-9, "mip_feasibility_tolerance": 1e-9,
           "output_flag": False, "log_to_console": False, "time_limit": 60.0}  # fmt: skip


def network_of(told: dict[str, Any]) -> pypsa.Network:
    """The network that a document tells."""
    network = pypsa.Network()
    network.set_snapshots(range(told["steps"]))
    network.snapshot_weightings = network.snapshot_weightings.astype(float) * told["step"]
    network.add("Carrier", "power")
    for name, factor in told["carriers"].items():
        network.add("Carrier", name, co2_emissions=factor)
    for bus in told["buses"]:
        network.add("Bus", bus, carrier="power")
    for sort, name, attributes in told["parts"]:
        network.add(sort, name, **attributes)
    # PyPSA solves nothing that costs nothing: a kWh that nobody can buy has a price.
    network.add("Generator", "nothing", bus=told["buses"][0], p_nom=1.0, p_max_pu=0.0,
                marginal_cost=1.0)  # fmt: skip
    if told["carbon_cap"] is not None:
        network.add("GlobalConstraint", "carbon", sense="<=", constant=told["carbon_cap"])
    return network


def solved(told: dict[str, Any]) -> dict[str, Any]:
    """What PyPSA says: ``optimal`` with the cost, ``infeasible``, or something else."""
    network = network_of(told)
    model = network.optimize.create_model(consistency_check=False, include_objective_constant=False)
    for i, pair in enumerate(told["apart"]):
        one, other = (model[f"{sort}-status"].sel(name=name, drop=True) for sort, name in pair)
        model.add_constraints(one + other <= 1, name=f"apart {i}")
    for i, (sort, name) in enumerate(told["running"]):
        status = model[f"{sort}-status"].sel(name=name, drop=True)
        model.add_constraints(status == 1, name=f"running {i}")
    status, said = model.solve("highs", io_api="direct", progress=False, **OPTIONS)
    if (status, said) == ("ok", "optimal"):
        return {"said": "optimal", "cost": float(model.objective.value)}
    return {"said": "infeasible" if said.startswith("infeasible") else said}


def main() -> None:
    # What solvers print must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        print(json.dumps(solved(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
