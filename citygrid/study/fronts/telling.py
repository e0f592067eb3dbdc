"""Fronts, alternatives, sensitivities and break-evens as a terminal tells them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from citygrid.study.fronts.crossing import BreakEven
from citygrid.study.fronts.derivatives import Sensitivities
from citygrid.study.fronts.others import Alternatives
from citygrid.study.fronts.points import Front


def _shown(value: float | None, pattern: str) -> str:
    return "–" if value is None else pattern.format(value)


def print_front(found: Front, files: Mapping[str, str | Path]) -> str:
    """A front as a table: every point with its limit, cost, bound and price."""
    measure = found.measure
    head = f"{measure.title} {measure.unit}"
    lines = [
        f"{found.model}: cost against {measure.title}, route {found.route}", "",
        f"{head:>26} {'limit':>12} {'cost EUR':>13} {'bound EUR':>13} {'gap':>8} "
        f"{'EUR/' + measure.unit:>9}  found by",
    ]  # fmt: skip
    lines += [
        f"{p.measured:>z26,.1f} {_shown(p.limit, '{:,.1f}'):>12} {p.cost:>13,.2f} "
        f"{_shown(p.bound, '{:,.2f}'):>13} {_shown(p.gap, '{:.3%}'):>8} "
        f"{_shown(p.price, '{:.4f}'):>9}  {p.how}"
        for p in found.points
    ]
    lines += ["", f"all verified; {found.searches} whole searches in {found.seconds:.1f} s"]
    if found.best is not None:
        lines.append(f"no plan reaches better than {found.best:z,.1f} {measure.unit}")
    lines += [f"left out: {d.cost:,.2f} EUR with {d.measured:,.1f} {measure.unit}, {d.why}"
              for d in found.dropped]  # fmt: skip
    lines += ["", *(f"{kind}: {path}" for kind, path in files.items())]
    return "\n".join(lines)


def print_alternatives(found: Alternatives, files: Mapping[str, str | Path]) -> str:
    """Alternatives, each by its aim and where it parts most from the cheapest plan."""
    limit = found.best + found.slack * abs(found.best)
    lines = [
        f"{found.model}: the cheapest plan costs {found.best:,.2f} EUR"
        + ("" if found.bound is None else f" (none less than {found.bound:,.2f})")
        + f"; within {found.slack:.3%} of it, up to {limit:,.2f} EUR, "
        + ("there are also" if found.found else "no other was found"), "",
    ]  # fmt: skip
    for number, each in enumerate(found.found, 1):
        head = f"{number:>3}  {each.aim}, {each.cost:,.2f} EUR ({each.above:+.2%})"
        if each.proven is not None and each.value is not None:
            word = "less" if each.aim.startswith("least") else "more"
            head += (f": {each.value:,.6g} {each.unit}, none has {word} than "
                     f"{each.proven:,.6g}")  # fmt: skip
        lines += [head.replace(" 1, none", ", none"), *(f"       {text}" for text in each.differs)]
    lines += ["", f"all verified, in {found.seconds:.1f} s"]
    lines += [f"left out: {text}" for text in found.left_out]
    return "\n".join([*lines, "", *(f"{kind}: {path}" for kind, path in files.items())])


def print_sensitivity(found: Sensitivities, files: Mapping[str, str | Path]) -> str:
    """What a little more of each parameter changes, the most telling first."""
    lines = [f"{found.model}: {found.cost:,.2f} EUR; per 1 % more of each, and per unit, as local "
             "derivatives with starts, stops and jobs as planned", "",
             f"{'EUR per 1 %':>12}  what a little more changes"]  # fmt: skip
    for each in found.found:
        if abs(each.per_percent) < 5e-7:
            continue
        lines.append(f"{each.per_percent:>+12,.4g}  {each.said()}")
        for word, side in (("lower", each.low), ("higher", each.high)):
            if side is not None:
                unit, size = each.parameter.told
                lines.append(f"{'':>14}solved again {word}, at {side[0] / size:,.5g} {unit}: "
                             f"{side[1]:+,.2f} to {side[2]:+,.2f} EUR")  # fmt: skip
    idle = sum(abs(each.per_percent) < 5e-7 for each in found.found)
    lines += ["", f"{idle} others change nothing; {found.seconds:.1f} s"]
    lines += [f"left out: {text}" for text in found.left_out]
    return "\n".join([*lines, "", *(f"{kind}: {path}" for kind, path in files.items())])


def print_break_even(found: BreakEven) -> str:
    """Where two variants cost the same, and what was looked at."""
    lines = [f"{found.model}: {found.said}", "",
             f"{found.unit:>14} {'as it is EUR':>14} {'proven':>14} {'other EUR':>14} "
             f"{'proven':>14}"]  # fmt: skip
    lines += [f"{c.value:>14,.6g} {c.high[0]:>14,.2f} {c.low[0]:>14,.2f} {c.high[1]:>14,.2f} "
              f"{c.low[1]:>14,.2f}" for c in found.looked]  # fmt: skip
    return "\n".join([*lines, "", f"{len(found.looked)} values in {found.seconds:.1f} s"])
