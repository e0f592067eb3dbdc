"""The figures of a race as text for people and as tables for others."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from citygrid.bench.anneal.figures import GAPS, bounds, course, label
from citygrid.export.tables import safe_cell
from citygrid.files import whole
from citygrid.gap import relative_gap
from citygrid.plan.traces import seconds_to


def _shown(value: Any, pattern: str = "{:,.1f}") -> str:
    return "–" if value is None else pattern.format(value)


def print_figures(found: Mapping[str, Any]) -> str:
    """All groups as text; – is what was not reached, or what nobody measured."""
    parts = ["\n".join(_group(name, group)) for name, group in found["groups"].items()]
    notes = [
        f"gap: {found['gap']}; own gap: {found['own_gap']}.",
        "Medians over the seeds; a route that has no plan, or never comes so near, is later than "
        "all. s: seconds since the route began, in a fresh and warm process. J: energy of the "
        "machine's processors, whoever used them.",
    ]
    return "\n\n".join([*parts, "\n".join(notes)])


def _group(name: str, group: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{name}: {group['hours']} h, {group['sites']} sites, {group['jobs']} jobs, "
        f"{group['binaries']:,.0f} binaries; seeds {', '.join(map(str, group['seeds']))}",
        f"{'route':<16} {'plans':>6} {'given s':>8} {'used s':>7} {'gap':>8} {'own gap':>8}  s to"
        + "".join(f"{label(gap):>8}" for gap in GAPS) + f" {'cpu s':>8} {'J':>8}",
    ]  # fmt: skip
    for route, own in group["routes"].items():
        plans = f"{own['plans']}/{own['seeds']}"
        lines.append(
            f"{route:<16} {plans:>6} {_shown(own['given']):>8} {_shown(own['used']):>7} "
            f"{_shown(own['gap'], '{:.3%}'):>8} {_shown(own['own_gap'], '{:.3%}'):>8}      "
            + "".join(f"{_shown(own['seconds_to_gap'][label(gap)]):>8}" for gap in GAPS)
            + f" {_shown(own['cpu_seconds']):>8} {_shown(own['joules'], '{:,.0f}'):>8}"
        )
    ratios = group["hybrid_over_milp"]
    if ratios is not None:
        lines.append(f"{'hybrid / milp':<62}"
                     + "".join(f"{_shown(ratios[label(gap)], '{:.2f}'):>8}" for gap in GAPS)
                     )  # fmt: skip
    reach = group["hybrid_reaches_milps_last_plan"]
    if reach is not None:
        lines.append(
            f"milp's last plan (after {_shown(reach['milp_seconds'])} s): as good a one by hybrid "
            f"after {_shown(reach['seconds'])} s; reached on {reach['reached']} of "
            f"{reach['seeds']} seeds"
        )
    for control, told in group["controls"].items():
        lines.append(f"at equal time: {told['says']} (seed by seed: better {told['better']}, ties "
                     f"{told['ties']}, worse {told['worse']})")  # fmt: skip
        for block, sides in (told["by_block"] or {}).items():
            lines.append(
                f"    {block}: {_shown(sides['control'], '{:,.2f}')} EUR above the relaxation "
                f"by {control}, {_shown(sides['hybrid'], '{:,.2f}')} by hybrid"
            )
    for route, own in group["routes"].items():
        lines += [f"{route}, seed {seed}: {reason}" for seed, reason in own["reasons"].items()]
        lines += [f"{route}, not by its own means: {reason}" for reason in own["fell_back"]]
    return lines


def write_tables(
    rows: Sequence[Mapping[str, Any]], found: Mapping[str, Any], folder: Path
) -> dict[str, Path]:
    """Write every run and the medians of every group and route as CSV; empty is not measured."""
    best = bounds(rows)
    runs = [_run(row, best[row["form_hash"]][0]) for row in rows]
    medians = [
        {"group": name, "binaries": group["binaries"], "route": route,
         **{key: own[key] for key in ("seeds", "plans", "given", "used", "gap", "own_gap")},
         **{f"seconds to {gap}": at for gap, at in own["seconds_to_gap"].items()},
         **{f"seconds to own {gap}": at for gap, at in own["seconds_to_own_gap"].items()},
         **{key: own[key] for key in ("cpu_seconds", "peak_mb", "joules")}}
        for name, group in found["groups"].items() for route, own in group["routes"].items()
    ]  # fmt: skip
    files = {"runs": folder / "runs.csv", "medians": folder / "medians.csv"}
    for name, lines in (("runs", runs), ("medians", medians)):
        with (whole(files[name]) as temporary,
              temporary.open("w", newline="", encoding="utf-8") as stream):  # fmt: skip
            writer = csv.DictWriter(stream, list(lines[0]))
            writer.writeheader()
            writer.writerows({key: safe_cell(cell) if isinstance(cell, str) else cell
                              for key, cell in line.items()} for line in lines)  # fmt: skip
    return files


def _run(row: Mapping[str, Any], bound: float | None) -> dict[str, Any]:
    path = course(row)
    plain = ("group", "hours", "sites", "jobs", "seed", "route", "given", "used", "status",
             "objective", "bound", "verified", "feasible", "milps", "cpu_seconds", "peak_mb",
             "joules", "fell_back", "reason")  # fmt: skip
    return {
        **{name: row[name] for name in plain},
        "binaries": row["size"]["binaries"],
        "best_bound": bound,
        "gap": relative_gap(row["objective"], bound),
        "own_gap": relative_gap(row["objective"], row["bound"]),
        **{f"seconds to {label(gap)}": None if bound is None else seconds_to(path, gap, bound)
           for gap in GAPS},
        **{f"seconds to own {label(gap)}": seconds_to(path, gap) for gap in GAPS},
    }  # fmt: skip
