"""What a district would cost and emit if nobody used waste heat: the same case, forgoing it.

The counterfactual is the same programme with every flow of the carrier ``waste_heat`` held at zero,
solved by the same route with the same options, and verified as a plan of the same case.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from citygrid.errors import InfeasibleError, NoPlanError
from citygrid.verbs import Run, solve, verify

if TYPE_CHECKING:
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict
    from citygrid.routes.contract import Options

NAME = "no waste-heat use"
CARRIER = "waste_heat"


@dataclass(frozen=True)
class Counterfactual:
    """The plan without waste heat, or why there is none, beside the plan that uses it."""

    used: Plan
    kpis: dict[str, float | None]
    plan: Plan | None = None
    verdict: Verdict | None = None
    error: str | None = None

    def saved(self) -> dict[str, float | None]:
        """What using waste heat saves over the horizon [EUR], [kg]; negative where it costs.

        ``saved_eur_proven`` is what it saves at least against any plan without: from the bound that
        the route proved for the counterfactual.
        """
        if self.plan is None or self.verdict is None:
            names = ("saved_eur", "saved_eur_proven", "saved_co2_kg", "saved_co2_marginal_kg")
            return dict.fromkeys(names)
        bound = self.plan.bound
        return {
            "saved_eur": self.plan.objective - self.used.objective,
            "saved_eur_proven": None if bound is None else bound - self.used.objective,
            **{
                f"saved_{name}": _less(self.verdict.kpis[name], self.kpis[name])
                for name in ("co2_kg", "co2_marginal_kg")
            },
        }

    def as_dict(self) -> dict[str, Any]:
        """The counterfactual as it stands in the JSON document and in the plan's attributes."""
        plan, verdict = self.plan, self.verdict
        return {
            "name": NAME,
            "status": None if plan is None else str(plan.attributes["status"]),
            "objective": None if plan is None else plan.objective,
            "bound": None if plan is None else plan.bound,
            "gap": None if plan is None else plan.gap,
            "verdict": None if verdict is None else verdict.as_dict(),
            "kpis": None if verdict is None else verdict.kpis,
            **self.saved(),
            "error": self.error,
        }


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def forgo_waste_heat(
    run: Run, options: Options | None = None, say: Callable[[str], None] = lambda text: None
) -> Counterfactual | None:
    """Solve a run's case once more without waste heat, and write into the run what it saved.

    The figures join the run's key figures and the attributes of its plan. ``None`` for a run
    without a plan. Where the district has no waste heat, nothing is forgone and nothing saved.
    """
    from citygrid.model.reductions import forgo

    if run.plan is None or run.verdict is None:
        return None
    say(f"solving again with {NAME} by {run.route}")
    found = Counterfactual(run.plan, run.verdict.kpis)
    try:
        has_some = f"{CARRIER}.balance" in run.form.rows
        plan = solve(forgo(run.form, CARRIER), run.route, options) if has_some else run.plan
    except InfeasibleError as error:
        found = replace(found, error=f"no plan without waste heat: {error.faults[0]}")
    except NoPlanError as error:
        found = replace(found, error=str(error))
    else:
        verdict = verify(run.case, plan)
        if verdict.ok:
            found = replace(found, plan=plan, verdict=verdict)
        else:
            found = replace(found, error=f"failed verification: {verdict.violations[0]}")
    told = {name: value for name, value in found.saved().items() if value is not None}
    run.verdict = replace(run.verdict, kpis={**run.verdict.kpis, **told})
    document = {key: value for key, value in found.as_dict().items() if key != "verdict"}
    stated = run.plan.dataset.assign_attrs(counterfactual=json.dumps(document))
    run.plan = replace(run.plan, dataset=stated)
    return found
