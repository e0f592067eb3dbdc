"""A plan: the dispatch of a case, as arrays or as a Dataset, stored as CF netCDF with its case.

Variables are named ``kind.quantity`` over (component × time) with ``units`` and ``long_name``; time
is UTC, flows are means over a step (``cell_methods = "time: mean"``), levels hold at its end. The
ledger states what every component claims to cost; the verdict recomputes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from citygrid.cards import card, line
from citygrid.components.contract import Flows, Units
from citygrid.district.case import Case
from citygrid.errors import Fault, InputError
from citygrid.files import whole
from citygrid.gap import relative_gap
from citygrid.inputs.claims import check_claims
from citygrid.ledger import COLUMNS, Line
from citygrid.plan.content import Content, Held, Variable
from citygrid.plan.digest import digest
from citygrid.units import EXAMPLES, factor

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from citygrid.export.figures import Plot
    from citygrid.plan.selection import Names

CONVENTIONS = "CF-1.11"
#: Of stored plans: raised whenever a replay needs what plans did not hold before, so that an older
#: plan is refused by name instead of half read.
FORMAT = 3
#: Bytes that all arrays of a plan may have together; a year of a large district has far less.
MOST_BYTES = 2**31
#: Heads of what is no flow: what limits were worth, ``worth.kind.quantity`` [EUR per kW or kWh],
#: and balances, ``price.carrier`` [EUR/kWh]. No part of the verdict; a plan may lack them.
WORTH, PRICE = "worth", "price"
#: Columns of the ledger with their units.
LEDGER = (("component", ""), ("item", ""), *COLUMNS.items())


@dataclass(frozen=True)
class Plan:
    """A dispatch and the case it is for.

    ``dataset`` holds the flows and the ledger; its attributes say route, seed, status, objective
    and bound [EUR], hashes and versions. An attribute that does not apply is absent. ``content`` is
    the same as plain arrays.
    """

    case: Case
    dataset: Held = Held()  # noqa: RUF009 - it describes the attribute and is nobody's default

    @property
    def content(self) -> Content:
        """Flows, ledger and attributes as plain arrays, without a dataset being made of them."""
        return Held.content(self)

    @property
    def attributes(self) -> Mapping[Any, Any]:
        """What the plan states of itself."""
        return self.content.attributes

    @property
    def objective(self) -> float:
        """Cost over the horizon as the route states it [EUR]."""
        return float(self.attributes["objective"])

    @property
    def bound(self) -> float | None:
        """Proven lower bound [EUR], or ``None``."""
        bound = self.attributes.get("bound")
        return None if bound is None else float(bound)

    @property
    def gap(self) -> float | None:
        """``(objective − bound) / |objective|``, or ``None`` without a bound."""
        return relative_gap(self.objective, self.bound)

    @property
    def route(self) -> str:
        return str(self.attributes["route"])

    @property
    def telemetry(self) -> dict[str, Any]:
        """What the route reported: seconds, counts, bounds, sampler figures."""
        stored: dict[str, Any] = json.loads(self.attributes.get("telemetry", "{}"))
        return stored

    @property
    def digest(self) -> str:
        """The same for the same dispatch, whenever it was made: :func:`citygrid.plan.digest`."""
        return digest(self)

    @property
    def says(self) -> dict[str, str | None]:
        """What it is in a few facts; whether it is right, only its verdict says."""
        attributes = self.attributes
        bound, gap = self.bound, self.gap
        case = self.case.says
        seed = attributes.get("seed")
        return {
            "route": self.route + ("" if seed is None else f", seed {seed}"),
            "status": str(attributes.get("status", "")) or None,
            "cost": f"{self.objective:,.2f} EUR",
            "bound": None if bound is None else f"{bound:,.2f} EUR",
            "gap": "nothing is proven" if gap is None else f"{gap:.3%}",
            "horizon": case["horizon"], "components": case["components"],
            "verdict": "ask citygrid.verify(plan.case, plan)",
        }  # fmt: skip

    def __repr__(self) -> str:
        says = self.says
        gap = "no bound" if self.gap is None else f"gap {says['gap']}"
        return line("Plan", self.case.name, [says["route"], says["cost"], gap, says["horizon"]])

    def _repr_html_(self) -> str:
        return card("Plan", self.case.name, self.says)

    @property
    def plot(self) -> Plot:
        """Figures for papers by matplotlib: ``plan.plot.dispatch("heat")``, ``.map()``, ….

        The one window from plans to exports; it opens when it is asked for.
        """
        from citygrid.export.figures import Plot

        return Plot(self)

    def sel(
        self, component: Names = None, kind: Names = None, quantity: Names = None,
        time: Any = None,
    ) -> xr.Dataset:  # fmt: skip
        """The flows that are all of what is named, as a smaller dataset.

        ``component``, ``kind`` and ``quantity`` (``"heat"``, or one kind's: ``"heat_pump.heat"``)
        are a name or several; ``time`` is a stamp, a slice with both ends, or a list of stamps, on
        the district's clock unless it says its offset. Flows of a kind over other things than its
        components, such as the starts of jobs, stay whole. The dataset's own time remains UTC.

        Raises :class:`InputError` that lists near names for what is unknown.
        """
        from citygrid.plan.selection import select

        return select(self, component, kind, quantity, time)

    def to_pandas(self, *names: str, tidy: bool = False, utc: bool = False) -> pd.DataFrame:
        """Tables over time of carriers and quantities.

        A carrier (``"heat"``) gives what every component feeds (+) less what it draws (−) [kW]; a
        quantity (``"level"``, ``"battery.level"``) its flows as they are. What is both is read as
        the carrier. Columns are components, or (what, component) where there are several; ``tidy``
        gives one row per value instead: time, what, kind, component, value, unit. Times are starts
        of steps (of levels: the step at whose end they hold) with their zone, on the district's
        clock or in ``utc``. ``frame.attrs["units"]`` says the units.

        Raises :class:`InputError` that lists near names for what is unknown.
        """
        from citygrid.plan.selection import table

        return table(self, names, tidy, utc)

    def flows(self, units: Units) -> Flows:
        """This plan's arrays of one kind, by short name, in canonical units.

        Raises ``ValueError`` for a flow whose unit is none.
        """
        arrays, labels, steps = {}, {}, {}
        partial = set()
        content = self.content
        time = content.labels["time"]
        prefix = f"{units.kind}."
        for name in content.variables:
            if not name.startswith(prefix):
                continue
            short, dims = name.removeprefix(prefix), content.variables[name].dims
            arrays[short] = self.flow(name)
            dim = dims[0] if dims else ""
            labels[short] = content.labels.get(dim, np.array([]))
            inner = dims[1] if len(dims) == 2 else "time"
            hours = content.labels.get(inner, np.array([]))
            if inner != "time" and hours.dtype.kind == "M":
                steps[short] = np.flatnonzero(np.isin(time, hours))
            if dim not in units.coords or inner != "time":
                partial.add(short)
        return Flows(units.names, arrays, labels, steps, frozenset(partial))

    def flow(self, name: str) -> NDArray[np.float64]:
        """One array of this plan, ``kind.quantity``, in canonical units.

        Raises ``KeyError`` where there is none and ``ValueError`` for a unit that is none.
        """
        _, values, said = self.content.variables[name]
        scale, _ = _canonical(name, str(said.get("units", "1")))
        return values * scale if scale != 1.0 else values

    def unit(self, name: str) -> str:
        """The canonical unit of what :meth:`flow` gives: kW of a flow that is stored in MW.

        Raises ``KeyError`` where there is none and ``ValueError`` for a unit that is none.
        """
        said = self.content.variables[name].attributes
        return _canonical(name, str(said.get("units", "1")))[1]

    @property
    def worths(self) -> dict[str, xr.DataArray]:
        """``kind.quantity`` → what one more kW of that limit would have saved, where known."""
        return self._headed(WORTH)

    @property
    def prices(self) -> dict[str, xr.DataArray]:
        """Carrier → what one more kWh would have cost (place × time) [EUR/kWh], where known."""
        return self._headed(PRICE)

    def _headed(self, head: str) -> dict[str, xr.DataArray]:
        return {
            str(name).removeprefix(f"{head}."): array
            for name, array in self.dataset.data_vars.items() if str(name).startswith(f"{head}.")
        }  # fmt: skip

    # stored form ----------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write the plan and its case as netCDF-4, whole or not at all."""
        with whole(Path(path)) as temporary:
            self._write(temporary)

    def _write(self, path: Path) -> None:
        """HDF5 would write it in tens of thousands of pieces; so they are put together in memory.

        (An image that netCDF hands over instead of writing it could not be changed by anybody.)
        """
        import netCDF4
        from xarray.backends import NetCDF4DataStore

        store_of: Callable[[Any], Any] = NetCDF4DataStore
        dataset = self.dataset
        encoding: dict[Any, Any] = {
            name: {"zlib": True, "complevel": 4} for name, array in dataset.data_vars.items()
            if array.dtype.kind == "f" and array.ndim
        }  # fmt: skip
        encoding["time"] = {"units": "seconds since 1970-01-01", "dtype": "int64"}
        made = netCDF4.Dataset(path, "w", format="NETCDF4", diskless=True, persist=True)
        try:
            dataset.dump_to_store(store_of(made), encoding=encoding)
            for kind, stored in self.case.to_datasets().items():
                group = made.createGroup(f"case/{kind}" if kind else "case")
                compress: dict[Any, Any] = {
                    name: {"zlib": True, "complevel": 4}
                    for name, array in stored.data_vars.items()
                    if array.dtype.kind in "fu" and array.ndim
                }
                stored.dump_to_store(store_of(group), encoding=compress)
        finally:
            made.close()

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Read a plan, whole also where another process writes the next one meanwhile.

        Raises :class:`InputError` when the file is missing, cut, of another format, or not a
        citygrid plan.
        """
        from citygrid.plan import accessor as accessor  # registers `dataset.citygrid`

        path = Path(path)
        if not path.is_file():
            raise InputError(Fault(str(path), "no such plan", None, "name a plan.nc file"))
        try:
            dataset, groups = _read(path)
            case = Case.from_datasets(groups)
        except (
            OSError, KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError,
        ) as error:  # fmt: skip
            repair = "name a plan.nc that `citygrid plan` wrote"
            reason = "is not a readable citygrid plan"
            raise InputError(Fault(str(path), reason, str(error)[:120], repair)) from error
        return cls(case, dataset)


def _check_format(path: Path, attributes: Mapping[Any, Any]) -> None:
    """Raise :class:`InputError` for a plan whose stored form is another than this version's."""
    found = attributes.get("citygrid_format", FORMAT)
    if found != FORMAT:
        older = isinstance(found, (int, np.integer)) and found < FORMAT
        which = "an earlier" if older else "another"
        raise InputError(Fault(str(path), f"was written by {which} version of citygrid",
                               f"its format is {found}, not {FORMAT}",
                               "plan the district again"))  # fmt: skip


def _check_frame(dataset: xr.Dataset) -> None:
    """What everybody relies on who reads a plan: its claims in their types, and a ledger.

    Raises what :meth:`Plan.load` turns into one message.
    """
    attributes = dataset.attrs
    lacking = [name for name in ("citygrid_format", "route", "objective") if name not in attributes]
    lacking += [f"ledger.{name}" for name, _ in LEDGER if f"ledger.{name}" not in dataset.variables]
    if lacking:
        raise KeyError(f"it lacks {', '.join(lacking)}")
    for name in ("objective", "bound", "seed", "time_limit"):
        if name in attributes and not isinstance(attributes[name], (int, float, np.number)):
            raise ValueError(f"its {name} is no number: {attributes[name]}")
    for name in ("telemetry", "form_size", "file_hashes"):
        if not isinstance(json.loads(str(attributes.get(name, "{}"))), dict):
            raise ValueError(f"its {name} is no JSON object")
    stated = json.loads(str(attributes.get("policies", "[]")))
    keys = {"file", "function", "sha256", "rows"}
    if not isinstance(stated, list) or not all(
        isinstance(p, dict) and keys <= {*p} for p in stated
    ):
        raise ValueError("its policies are no list of file, function, sha256 and rows")


def _canonical(name: str, unit: str) -> tuple[float, str]:
    """What turns a flow's numbers into canonical ones, and the unit of those."""
    try:
        return _canonical_of(unit)
    except ValueError as error:
        raise ValueError(f"{name}, {error}") from None


@cache
def _canonical_of(unit: str) -> tuple[float, str]:
    if unit in EXAMPLES:
        return 1.0, unit  # as it should be
    for canonical in EXAMPLES:
        try:
            scale, offset = factor(unit, canonical)
        except ValueError:
            continue
        if offset == 0.0:  # no flow is a temperature
            return scale, canonical
    raise ValueError(f'whose unit "{unit}" is none')


def _read(path: Path) -> tuple[xr.Dataset, dict[str, xr.Dataset]]:
    """The flows, and kind → what is stored of the case.

    The file is opened once: a second time, its name may be another plan's.
    """
    import netCDF4
    import xarray as xr
    from xarray.backends import NetCDF4DataStore

    store_of: Callable[..., Any] = NetCDF4DataStore
    with netCDF4.Dataset(path) as root:
        check_claims(root, path, MOST_BYTES)

        def loaded(group: str | None) -> xr.Dataset:
            found = xr.open_dataset(store_of(root, group=group)).load()
            found.set_close(None)  # of the file, which all of them share, we let go
            return found

        dataset = loaded(None)
        _check_format(path, dataset.attrs)
        _check_frame(dataset)
        kinds = ["", *root["case"].groups]
        return dataset, {kind: loaded(f"case/{kind}" if kind else "case") for kind in kinds}


def assemble(
    case: Case,
    blocks: Mapping[str, tuple[tuple[str, ...], Mapping[str, NDArray[Any]], str, str]],
    values: Mapping[str, NDArray[Any]],
    ledger: Mapping[str, tuple[Sequence[str], Sequence[Line]]],
    attributes: Mapping[str, Any],
    further: Mapping[str, tuple[str, NDArray[Any]]] | None = None,
) -> Plan:
    """Put a plan together from named arrays.

    blocks
        Name → (dims, coords, unit, description) of every flow.
    values
        Name → array of the flow, in the dims' shape.
    ledger
        ``kind.item`` → (components, their lines).
    attributes
        Route, seed, status, objective, bound, hashes, telemetry; ``None`` is left out.
    further
        Name → (dimension, array) of what is no flow, such as the rules that policies imposed.
    """
    found: dict[str, Variable] = {}
    axes: dict[str, NDArray[Any]] = {"time": case.time}
    for name, (dims, labels, unit, about) in blocks.items():
        methods = "time: point" if unit == "kWh" else "time: mean"
        described = {"units": unit, "long_name": about or name}
        if "time" in dims:
            described["cell_methods"] = methods
        found[name] = Variable(dims, values[name], described)
        axes |= {dim: labels[dim] for dim in dims if dim != "time"}
    lines = [
        (component, item, *line)
        for item, (components, amounts) in ledger.items()
        for component, line in zip(components, amounts, strict=True)
    ]
    columns = list(zip(*lines, strict=True)) if lines else [()] * len(LEDGER)
    for (name, unit), column in zip(LEDGER, columns, strict=True):
        kind: Any = float if unit else object
        found[f"ledger.{name}"] = Variable(("ledger_line",), np.array(column, dtype=kind),
                                           {"units": unit} if unit else {})  # fmt: skip
    found |= {name: Variable((dim,), array, {}) for name, (dim, array) in (further or {}).items()}
    attrs = {
        "Conventions": CONVENTIONS,
        "title": f"Plan of {case.name}",
        "source": "citygrid",
        "citygrid_format": FORMAT,
        "case_hash": case.hash,
        "step_h": case.step,
        **{key: value for key, value in attributes.items() if value is not None},
    }
    return Plan(case, Content.made(found, axes, attrs))
