"""The case: a district as numbers per step, all that formulation and verification need.

A case is plain arrays. It travels inside every plan file, so that a plan can be checked years
later, on another machine, without the district file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citygrid.cards import card, counted, horizon, line
from citygrid.components.contract import Parameter, Units
from citygrid.ledger import COLUMNS

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


class Asset(NamedTuple):
    """A component on the map: what it is, and the node where it stands.

    ``to`` is the second end of what leads from node to node (pipe, cable, data link), else empty.
    """

    name: str
    kind: str
    group: str
    node: str
    to: str


@dataclass(frozen=True)
class Case:
    """A prepared district.

    ``time`` (T) are the UTC starts of the steps, ``step`` their length [h]; ``prices`` and ``caps``
    are what the district says of columns of the ledger, per unit and over the horizon (see
    :mod:`citygrid.ledger`); ``units`` hold the
    parameters of every kind; ``nodes`` map a node to its position in ``crs`` (NaN where none is
    given); ``geometry`` is the drawn network as GeoJSON text in that ``crs``, for exports alone.
    ``out`` are components that have failed: each feeds and draws nothing from its first to before
    its second step.
    """

    name: str
    time: NDArray[np.datetime64]
    step: float
    timezone: str
    prices: Mapping[str, float]
    units: Mapping[str, Units]
    nodes: Mapping[str, tuple[float, float]]
    assets: tuple[Asset, ...]
    crs: str | None = None
    geometry: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    caps: Mapping[str, float] = field(default_factory=dict)
    out: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def carbon_price(self) -> float:
        """Price of CO2 [EUR/kg], 0 where there is none."""
        return self.prices.get("carbon", 0.0)

    @property
    def ends(self) -> NDArray[np.datetime64]:
        """UTC ends of the steps (T): each the start of the next."""
        return self.time + np.timedelta64(round(self.step * 3.6e12), "ns")

    def local(self, stamps: NDArray[np.datetime64]) -> pd.DatetimeIndex:
        """UTC stamps on the district's clock; in UTC where its time zone is none that is known."""
        import pandas as pd

        utc = pd.DatetimeIndex(stamps).tz_localize("UTC")
        try:
            return utc.tz_convert(self.timezone or "UTC")
        except (KeyError, ValueError, TypeError):  # zoneinfo's unknown names are KeyErrors
            return utc

    @property
    def says(self) -> dict[str, str | None]:
        """What it is in a few facts, for whoever looks at it."""
        begin = self.local(self.time[:1])[0].isoformat(timespec="minutes") if len(self.time) else ""
        kinds = [f"{len(units)} {kind}" for kind, units in self.units.items()]
        return {
            "horizon": horizon(len(self.time), self.step, begin),
            "components": f"{counted(len(self.assets), 'component')} of "
                          f"{counted(len(kinds), 'kind')}",
            "kinds": ", ".join(kinds), "nodes": f"{len(self.nodes):,}", "time zone": self.timezone,
            "coordinate system": self.crs, "hash": self.hash[:12],
        }  # fmt: skip

    def __repr__(self) -> str:
        says = self.says
        return line("Case", self.name, [says["components"], says["horizon"]])

    def _repr_html_(self) -> str:
        return card("Case", self.name, self.says)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of every number and name that decides the problem."""
        digest = hashlib.sha256(
            json.dumps([self.step, dict(self.prices), dict(self.caps)], sort_keys=True).encode()
        )
        if self.out:
            digest.update(json.dumps(["out", *sorted(self._out)]).encode())
        digest.update(np.ascontiguousarray(self.time.astype("datetime64[s]")).tobytes())
        for kind, units in sorted(self.units.items()):
            digest.update(json.dumps([kind, *units.names]).encode())
            for name, parameter in sorted(units.parameters.items()):
                digest.update(json.dumps([name, parameter.unit, *parameter.dims]).encode())
                values = parameter.values
                digest.update(
                    json.dumps(values.astype(str).tolist()).encode()
                    if values.dtype.kind in "OU"
                    or not values.size  # a file keeps no kind of nothing
                    else np.ascontiguousarray(values).tobytes()
                )
        return digest.hexdigest()

    @property
    def _out(self) -> list[tuple[str, int, int]]:
        return [(name, int(first), int(last)) for name, (first, last) in self.out.items()]

    # stored form ----------------------------------------------------------------------------

    def to_datasets(self) -> dict[str, xr.Dataset]:
        """One dataset for the frame (``""``) and one per kind, as stored in a plan file."""
        import xarray as xr

        frame = {
            "name": self.name, "step_h": self.step, "timezone": self.timezone,
            "prices": json.dumps(dict(self.prices)), "caps": json.dumps(dict(self.caps)),
            "crs": self.crs or "",
            "hash": self.hash,
            "nodes": json.dumps({
                node: None if np.isnan(at).any() else list(at) for node, at in self.nodes.items()
            }),
            "assets": json.dumps([list(asset) for asset in self.assets]),
            "provenance": json.dumps(dict(self.provenance), sort_keys=True),
            **({"out": json.dumps(self._out)} if self.out else {}),
        }  # fmt: skip
        drawn = np.frombuffer((self.geometry or "").encode(), dtype=np.uint8)
        stored = {"": xr.Dataset({"geometry": ("byte", drawn)}, {"time": self.time}, frame)}
        for kind, units in self.units.items():
            data = {
                name: (p.dims, _storable(p.values), {"units": p.unit})
                for name, p in units.parameters.items()
                if name not in units.coords
            }
            coords = {dim: (dim, _storable(labels)) for dim, labels in units.coords.items()}
            stored[kind] = xr.Dataset(data, coords)
        return stored

    @classmethod
    def from_datasets(cls, stored: Mapping[str, xr.Dataset]) -> Case:
        """The case that :meth:`to_datasets` described.

        Raises ``ValueError``, ``KeyError`` or ``TypeError`` where it is none.
        """
        frame = stored[""]
        units = {}
        for kind, dataset in stored.items():
            if kind == "":
                continue
            coords = {
                str(dim): dataset[dim].values.astype(object)
                for dim in dataset.dims if dim in dataset.coords
            }  # fmt: skip
            names = tuple(str(name) for name in coords[kind])
            parameters = {
                str(name): Parameter(tuple(str(d) for d in array.dims), _restored(array.values),
                                     str(array.attrs.get("units", "1")))
                for name, array in dataset.data_vars.items()
            }  # fmt: skip
            for dim, labels in coords.items():
                if dim != kind:
                    parameters[dim] = Parameter((dim,), labels)
            units[kind] = Units(kind, names, parameters, coords, float(frame.attrs["step_h"]))
        attributes = frame.attrs
        drawn = frame["geometry"].values.astype(np.uint8).tobytes().decode()
        return _sound(cls(
            str(attributes["name"]), frame["time"].values.astype("datetime64[ns]"),
            float(attributes["step_h"]), str(attributes["timezone"]),
            json.loads(attributes["prices"]), units,
            {node: (np.nan, np.nan) if at is None else (at[0], at[1])
             for node, at in json.loads(attributes["nodes"]).items()},
            tuple(Asset(*asset) for asset in json.loads(attributes["assets"])),
            str(attributes["crs"]) or None, drawn or None,
            json.loads(attributes["provenance"]), json.loads(attributes["caps"]),
            {name: (first, last) for name, first, last in json.loads(attributes.get("out", "[]"))},
        ))  # fmt: skip


def _sound(case: Case) -> Case:
    """A case from a file, where everybody who reads it later may rely on its shape.

    Raises ``ValueError`` that says what is wrong: somebody has changed the file.
    """
    wrong = {
        "step_h": not 0 < case.step < np.inf,
        "time": not len(case.time) or np.isnat(case.time).any()
        or (np.diff(case.time) != np.timedelta64(round(case.step * 3.6e12), "ns")).any(),
        "prices": not _amounts(case.prices), "caps": not _amounts(case.caps),
        "nodes": not all(isinstance(x, (int, float)) for at in case.nodes.values() for x in at),
        "assets": not all(isinstance(part, str) for asset in case.assets for part in asset),
        "provenance": not isinstance(case.provenance, dict),
        "geometry": not _is_drawing(case.geometry),
    }  # fmt: skip
    found = [name for name, is_wrong in wrong.items() if is_wrong]
    if found:
        raise ValueError(f"what it says of its case is damaged: {', '.join(found)}")
    return case


def _amounts(said: Any) -> bool:
    """Whether it is numbers per column of the ledger."""
    return isinstance(said, dict) and {*said} <= {*COLUMNS} and all(
        isinstance(value, (int, float)) and np.isfinite(value) for value in said.values()
    )  # fmt: skip


def _is_drawing(text: str | None) -> bool:
    """Whether it is nothing, or features that say their layer and can be drawn."""
    if text is None:
        return True
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    features = json.loads(text)["features"]
    try:
        for each in features:
            shape(each["geometry"])
    except (ShapelyError, LookupError, TypeError, ValueError):
        return False
    return all(isinstance(each["properties"]["layer"], str) and each["geometry"]["type"]
               and (each["properties"]["layer"] != "lines" or each["properties"]["component"])
               for each in features)  # fmt: skip


def _storable(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "b":
        return values.astype(np.int8)
    return values.astype(object) if values.dtype.kind == "U" else values


def _restored(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(bool) if values.dtype == np.int8 else values
