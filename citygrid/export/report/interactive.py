"""The report's large variant: charts to zoom into, by plotly, still one file without a network.

The library itself (about 5 MB) stands in the page. Its charts write styles of their own, so that
the content security policy allows inline styles; scripts are still only those of the page, and
nothing is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from citygrid.errors import Fault, InputError
from citygrid.export.balance import Balance, energy, money
from citygrid.export.flows import Dispatch, dispatch
from citygrid.export.palette import look
from citygrid.export.report.entries import Entry, by_case, tried
from citygrid.export.report.html import policy, resource, script_json, template
from citygrid.export.report.lines import KNOWN, LOOKS
from citygrid.export.report.side_by_side import courses_of
from citygrid.export.report.wording import NONE, number
from citygrid.export.stacking import by_kind, carriers_of, name_of, order
from citygrid.export.tables import figure
from citygrid.export.windows import local
from citygrid.files import write_text
from citygrid.plan.compare import Try, best_of

#: Hatching of the palette → plotly's patterns.
HATCHES = {"plain": "", "rise": "/", "fall": "\\", "dots": ".", "level": "-", "cross": "x"}
#: Letters of every chart.
FONT = {"family": "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif", "size": 13}
#: Colour of nodes and bands that belong to no kind.
GREY = "#a9b0b5"


def plotly_script() -> str:
    """plotly.js from the installed package.

    Raises :class:`InputError` where the extra is missing.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise InputError(Fault("--interactive", "plotly is not installed", None,
                               "pip install 'citygrid[interactive]'")) from None  # fmt: skip
    return str(get_plotlyjs())


def write_interactive(runs: Sequence[Entry], path: Path, tries: Sequence[Try] = ()) -> None:
    """Write one large HTML page, whole or not at all; arguments as ``write_report`` takes them."""
    library = plotly_script()
    parts = [
        _part(group, f"p{i}", tries if i == 1 else ()) for i, group in enumerate(by_case(runs), 1)
    ]
    style, script = resource("report.css"), resource("interactive.js")
    write_text(template("interactive.html.j2", {"number": number}).render(
        parts=parts, library=library, script=script, style=style, dash=NONE,
        policy=policy("'unsafe-inline'", [library, script], "img-src data: blob:; "),
    ), path)  # fmt: skip


def _part(entries: list[Entry], key: str, tries: Sequence[Try]) -> dict[str, Any]:
    shown = best_of(entries)
    case, plan, verdict = shown.case, shown.plan, shown.verdict
    moved = dispatch(case, plan)
    clock = [stamp.strftime("%Y-%m-%d %H:%M") for stamp in local(case, case.time)]
    figures = [_stack(moved, carrier, clock) for carrier in carriers_of(moved)]
    figures += [_levels(moved, clock), _gaps(tries or [tried(e) for e in entries])]
    known = tuple(case.units)
    figures += [_sankey("Energy by kind and carrier", energy(case, moved), known),
                _sankey("What pays for what", money(verdict, case.prices), known)]  # fmt: skip
    return {
        "key": key, "case": case, "shown": shown, "verdict": verdict,
        "kpis": [(*figure(name), value) for name, value in verdict.kpis.items()],
        "figures": [{**drawn, "json": script_json(drawn["shown"])}
                    for drawn in figures if drawn is not None],
    }  # fmt: skip


def _stack(moved: Dispatch, carrier: str, clock: list[str]) -> dict[str, Any] | None:
    """A carrier's stack at full resolution: fed above the axis, drawn below it."""
    known = tuple(dict.fromkeys(asset.kind for asset in moved.assets))
    traces = []
    for sign, side in zip((1, -1), by_kind(moved, carrier), strict=True):
        for kind in sorted(side, key=lambda kind: order(kind, known)):
            drawn = look(kind, known)
            traces.append({
                "type": "scatter", "mode": "lines", "x": clock, "y": _rounded(sign * side[kind]),
                "name": f"{drawn.label}{'' if sign > 0 else ', drawn'}",
                "stackgroup": "fed" if sign > 0 else "drawn",
                "line": {"width": 0.5, "shape": "hv", "color": drawn.fill},
                "fillcolor": drawn.fill,
                "fillpattern": {"shape": HATCHES[drawn.hatch], "bgcolor": drawn.fill,
                                "fgcolor": "#fff" if drawn.light_text else "#000", "size": 6,
                                "fgopacity": 0.4},
                "hovertemplate": "%{y:,.1f} kW",
            })  # fmt: skip
    return _figure(name_of(carrier), traces, "kW", 430) if traces else None


def _levels(moved: Dispatch, clock: list[str]) -> dict[str, Any] | None:
    traces: list[dict[str, Any]] = []
    for row, asset in enumerate(moved.assets):
        if moved.stores[row]:
            colour, dashes, _ = LOOKS[len(traces) % len(LOOKS)]
            traces.append({
                "type": "scatter", "mode": "lines", "x": clock, "y": _rounded(moved.level[row]),
                "name": escape(asset.name), "hovertemplate": "%{y:,.1f} kWh",
                "line": {"color": colour, "dash": _dashes(dashes)},
            })  # fmt: skip
    return _figure("Levels of the stores, at the end of each step", traces, "kWh", 360) if (
        traces) else None  # fmt: skip


def _gaps(tries: Sequence[Try]) -> dict[str, Any] | None:
    """The gap of every route of the first seed over the seconds, to the best bound of all."""
    traces = []
    for number_, (route, points) in enumerate(courses_of(tries).items()):
        if not points:
            continue
        colour, dashes, _ = LOOKS[KNOWN.get(route, len(KNOWN) + number_) % len(LOOKS)]
        traces.append({
            "type": "scatter", "mode": "lines+markers", "name": escape(route),
            "x": [at for at, _ in points], "y": [100.0 * gap for _, gap in points],
            "line": {"color": colour, "dash": _dashes(dashes), "shape": "hv"},
            "hovertemplate": "%{y:.4f} % after %{x:.2f} s",
        })  # fmt: skip
    if not traces:
        return None
    drawn = _figure("Gap over time", traces, "gap in %, to the best bound of all", 380)
    layout = drawn["shown"]["layout"]
    layout["xaxis"] = {"type": "log", "title": {"text": "seconds since the route began"}}
    layout["yaxis"]["type"] = "log"
    layout["hovermode"] = "closest"
    return drawn


def _sankey(title: str, balance: Balance, known: tuple[str, ...]) -> dict[str, Any] | None:
    flows = [flow for flow in balance.flows if flow.amount > 0]
    if not flows:
        return None
    names = list(dict.fromkeys(name for flow in flows for name in (flow.source, flow.target)))

    def colour(kind: str) -> str:
        return look(kind, known).fill if kind else GREY

    trace = {
        "type": "sankey", "valueformat": ",.4g", "valuesuffix": f" {balance.unit}",
        "node": {"label": names, "color": [colour(balance.looks.get(n, "")) for n in names],
                 "pad": 22, "thickness": 14},
        "link": {"source": [names.index(flow.source) for flow in flows],
                 "target": [names.index(flow.target) for flow in flows],
                 "value": [flow.amount for flow in flows],
                 "color": [f"{colour(flow.look)}99" for flow in flows]},
    }  # fmt: skip
    return _figure(f"{title}, {balance.unit} over the horizon", [trace], "", 520)


def _figure(title: str, traces: list[dict[str, Any]], unit: str, height: int) -> dict[str, Any]:
    layout = {
        "height": height, "font": FONT, "hovermode": "x unified", "margin": {"t": 20, "r": 20},
        "paper_bgcolor": "#fff", "plot_bgcolor": "#fff", "legend": {"orientation": "h"},
        "xaxis": {"gridcolor": "#e7e3dc"},
        "yaxis": {"gridcolor": "#e7e3dc", "title": {"text": unit}, "zerolinecolor": "#1b2126"},
    }  # fmt: skip
    return {"title": title, "shown": {"data": traces, "layout": layout}}


def _dashes(dashes: str) -> str:
    """SVG's dashes as plotly writes them."""
    return ",".join(f"{part}px" for part in dashes.split()) or "solid"


def _rounded(values: Any) -> list[float]:
    found: list[float] = np.round(values, 2).tolist()
    return found
