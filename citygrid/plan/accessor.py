"""``dataset.citygrid``: what analysts ask of a plan's dataset, also without the case it is for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from citygrid.components.contract import kinds
from citygrid.errors import Fault, InputError, unknown
from citygrid.units import factor


@xr.register_dataset_accessor("citygrid")  # type: ignore[no-untyped-call]
class PlanAccessor:
    """The flows of a plan by kind, and the energy of each over the horizon.

    It works on ``plan.dataset``, on what :meth:`~citygrid.plan.plan.Plan.sel` gives of it, and on a
    ``plan.nc`` that xarray opened by itself. It is there once a plan's dataset was asked for, or
    ``citygrid.plan.accessor`` is imported.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of which there are flows, in the dataset's order."""
        heads = (str(name).partition(".")[0] for name in self._dataset.data_vars)
        return tuple(dict.fromkeys(head for head in heads if head in kinds()))

    @property
    def components(self) -> dict[str, tuple[str, ...]]:
        """Kind → its components; of kinds whose flows name none, such as jobs, no one."""
        coords = self._dataset.coords
        return {
            kind: tuple(str(name) for name in coords[kind].values) if kind in coords else ()
            for kind in self.kinds
        }

    def by_kind(self, kind: str) -> xr.Dataset:
        """The flows of one kind by their short names: ``heat``, ``power``, ``on``.

        Raises :class:`InputError` for a kind that is not there.
        """
        held = self.kinds
        if kind not in held:
            raise InputError(unknown("kind", kind, held, "this dataset"))
        names = {str(name): str(name).removeprefix(f"{kind}.") for name in self._dataset.data_vars
                 if str(name).startswith(f"{kind}.")}  # fmt: skip
        return self._dataset[list(names)].rename(names)

    @property
    def step(self) -> float:
        """Length of a step [h]: as the plan says, or as its stamps are apart.

        Raises :class:`InputError` where neither says.
        """
        stated = self._dataset.attrs.get("step_h")
        if stated is not None:
            return float(stated)
        time = self._dataset.coords.get("time")
        if time is None or time.size < 2:
            raise InputError(Fault("dataset", "does not say how long a step is", None,
                                   "set its attribute step_h [h]"))  # fmt: skip
        return float(np.diff(time.values).min() / np.timedelta64(1, "s")) / 3600.0

    def energy(self) -> pd.Series[float]:
        """Energy of every power over the steps that are there [MWh], ``Σ power · step``.

        Indexed by flow (``kind.quantity``) and component; shares, switches and levels have none.
        """
        found: dict[tuple[str, str], float] = {}
        for kind in self.kinds:
            for short, array in self.by_kind(kind).data_vars.items():
                scale = _kilowatts(str(array.attrs.get("units", "1")))
                if scale is None or "time" not in array.dims:
                    continue
                ordered = array.transpose(..., "time")
                rows = ordered.values.reshape(-1, ordered.sizes["time"]).sum(axis=1)
                labels = ordered[ordered.dims[0]].values if ordered.ndim > 1 else [kind]
                for label, amount in zip(labels, rows, strict=True):
                    found[f"{kind}.{short}", str(label)] = amount * scale * self.step / 1000.0
        index = pd.MultiIndex.from_tuples(found, names=["flow", "component"]) if found else (
            pd.MultiIndex.from_arrays([[], []], names=["flow", "component"])
        )  # fmt: skip
        return pd.Series(list(found.values()), index, dtype=float, name="energy [MWh]")


def _kilowatts(unit: str) -> float | None:
    """KW in one of a unit; ``None`` for a unit that is no power."""
    try:
        scale, _ = factor(unit, "kW")
    except ValueError:
        return None
    return scale
