"""What is exported: a plan, and what every format says of it, worked out once for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from citygrid.district.case import Case
    from citygrid.export.flows import Dispatch
    from citygrid.export.gis.geometry import Geometry
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict


@dataclass(frozen=True)
class Subject:
    """A plan, its verdict, and, of a comparison, the table of all routes.

    Tables are shared by all formats: who changes one changes a copy.
    """

    plan: Plan
    verdict: Verdict
    routes: pd.DataFrame | None = None

    @property
    def case(self) -> Case:
        """What the plan is for."""
        return self.plan.case

    @cached_property
    def moved(self) -> Dispatch:
        """What every component moved in every step, by replay."""
        from citygrid.export.flows import dispatch

        return dispatch(self.case, self.plan)

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row per component and step (:func:`citygrid.export.flows.component_flows`)."""
        from citygrid.export.flows import component_flows

        return component_flows(self.case, self.plan, self.moved)

    @cached_property
    def assets(self) -> pd.DataFrame:
        """One row per component (:func:`citygrid.export.assets.asset_table`)."""
        from citygrid.export.assets import asset_table

        return asset_table(self.case, self.verdict, self.moved)

    @cached_property
    def geometry(self) -> Geometry:
        """Where everything stands, in the district's coordinate system."""
        from citygrid.export.gis.geometry import locate

        return locate(self.case)
