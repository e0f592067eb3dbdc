"""Pipes, cables and transformers of ESDL as lines between two nodes."""

from __future__ import annotations

import numpy as np
from shapely.geometry import LineString

from citygrid.imports.draft import Draft, Trace
from citygrid.imports.esdl.places import Places, carrier_at
from citygrid.imports.esdl.reading import Asset, System, trace_of
from citygrid.imports.projection import Projection
from citygrid.imports.text import word

#: Nominal diameter of a pipe that states none.
USUAL_SIZE = 100


def add_line(
    asset: Asset, system: System, places: Places, draft: Draft, project: Projection
) -> None:  # fmt: skip
    """The line of an asset, or the reason why there is none."""
    before = len(draft.components)
    reason = _add(asset, system, places, draft)
    if len(draft.components) > before:
        draft.course(list(draft.components)[-1], [project(at) for at in asset.at])
    if reason:
        draft.drop(f"{asset.name} ({asset.kind})", reason)


def _add(asset: Asset, system: System, places: Places, draft: Draft) -> str | None:
    sets = places.ends(asset)
    if sets is None:
        return "lacks a way in or a way out"
    start, end = (places.node(each) for each in sets)
    if start == end:
        return f"leads from {start} to itself"
    ends = {"from_": word(start), "to": word(end)}
    capacity = asset.number("capacity")
    most = {} if capacity is None else {"capacity": f"{capacity / 1e3:.9g} kW"}
    if asset.is_a("Transformer"):
        return _transformer(asset, draft, ends, most)
    carrier = next((c for port in asset.ports if (c := carrier_at(system, port))), None)
    if asset.is_a("ElectricityCable") or carrier == "power":
        if not most:
            most = {"capacity": "1 GW"}
            draft.assumed.append(f"{asset.name}: no limit (1 GW)")
        draft.assumed.append(f"{asset.name}: loses nothing")
        draft.add(asset.name, "power_line", **ends, **most, loss_share="0 %")
        return None
    if not asset.is_a("Pipe"):
        return "has no counterpart"
    if carrier not in (None, "heat", "cooling"):
        return f"carries {carrier}, which stands at every node that burns it"
    if asset.name.casefold().endswith(("_ret", "_return", " return")):
        return "is a return pipe: a heat pipe here is both, supply and return"
    fields = {**ends, "length": f"{_length(asset, draft):.9g} m", **_bore(asset, draft), **most}
    if _turns(asset):
        fields["reversible"] = "true"
    draft.add(asset.name, "cooling_pipe" if carrier == "cooling" else "heat_pipe", **fields)
    return None


def _transformer(
    asset: Asset, draft: Draft, ends: dict[str, str], most: dict[str, str]
) -> str | None:  # fmt: skip
    volts = [asset.number(name) for name in ("voltagePrimary", "voltageSecundary")]
    if None in volts:
        draft.assumed.append(f"{asset.name}: 20 kV to 400 V")
        volts = [20_000.0, 400.0]
    if not most:
        most = {"capacity": "1 GW"}
        draft.assumed.append(f"{asset.name}: no limit (1 GW)")
    draft.assumed.append(f"{asset.name}: loses nothing")
    draft.add(asset.name, "transformer", **ends, **most, from_voltage=f"{volts[0]:.9g} V",
              to_voltage=f"{volts[1]:.9g} V")  # fmt: skip
    return None


def _length(asset: Asset, draft: Draft) -> float:
    """The stated length [m], or that of the drawn line."""
    stated = asset.number("length")
    if stated is not None:
        return stated
    if len(asset.at) > 1:
        project = Projection(asset.at)
        drawn = [at for each in asset.at if (at := project(each)) is not None]
        length = float(LineString(drawn).length)
        if length > 0:
            return length
    draft.assumed.append(f"{asset.name}: 1 m long, for the file states no length")
    return 1.0


def _bore(asset: Asset, draft: Draft) -> dict[str, str]:
    """The nominal diameter, where the catalogue has it, or the bore in its usual insulation."""
    from citygrid.inputs.pipes import read_catalogue

    said = str(getattr(asset.said, "diameter", "")).removeprefix("DN")
    if said.isdigit() and int(said) in read_catalogue(None).sizes:
        return {"dn": said}
    inner = asset.number("innerDiameter")
    if inner is None and said.isdigit():
        inner = int(said) / 1000.0
    if inner is not None:
        outer = asset.number("outerDiameter")
        thick = 0.05 if outer is None or outer <= inner else (outer - inner) / 2.0
        draft.assumed.append(f"{asset.name}: {1000 * thick:.0f} mm of insulation")
        return {"inner": f"{inner:.9g} m", "insulation": f"{thick:.9g} m"}
    draft.assumed.append(f"{asset.name}: DN {USUAL_SIZE}, for the file states no diameter")
    return {"dn": str(USUAL_SIZE)}


def _turns(asset: Asset) -> bool:
    """Whether a profile says that something goes the other way."""
    found = [trace_of(profile, None) for port in asset.ports for profile in port.profiles]
    return any(isinstance(each, Trace) and bool(np.any(each.values < -1e-6)) for each in found)
