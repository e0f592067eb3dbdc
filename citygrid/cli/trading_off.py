"""The commands of trading off.

`front` says what a limit of another measure costs, `alternatives` what else nearly costs the least,
`sensitivity` which prices and capacities matter, `break-even` from which value on another variant
pays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import citygrid
from citygrid.cli.frame import Frame, framed
from citygrid.cli.noting import solving
from citygrid.cli.options import (
    JSON,
    MODEL,
    ROUTE,
    folder_of,
    options_of,
    out_option,
    policies_of,
    refuse_policies,
    solving_options,
)
from citygrid.cli.recording import recorded
from citygrid.errors import Fault, InputError


@click.command()
@MODEL
@click.option("--of", "of", default="cost,carbon", show_default=True,
              help="The cost and what is limited: carbon, marginal_carbon, nox, water, peak or "
              "waste_heat.")  # fmt: skip
@click.option("--points", default=15, show_default=True, help="Limits to plan, the ends included.")
@ROUTE
@click.option("--plans", is_flag=True, help="Also write the plan of every point.")
@solving_options
@out_option("front")
@JSON
@framed
@recorded("model", role="district")
def front(
    frame: Frame, model: Path, of: str, points: int, route: str, plans: bool, out: Path | None,
    **given: object,
) -> None:  # fmt: skip
    """What less carbon, a lower peak or more waste heat costs: verified plans along a front.

    The least cost under every limit, with a proven floor under all of them. Limits stand closer
    where the front bends; what is known of one limit helps the next. --gap is that of each point,
    --time-limit that of each search.
    """
    from citygrid.study.fronts.frontier import front as find
    from citygrid.study.fronts.telling import print_front
    from citygrid.study.fronts.writing import refuse_unwritable_front, write_front

    folder = folder_of(out, model, "front")
    refuse_unwritable_front(folder)
    options, policies = options_of(given, frame), policies_of(given)
    frame.say("preparing the district")
    case = citygrid.prepare(citygrid.load(model))
    solving(frame.recording, route, options, policies, case)
    found = find(case, of, points, route, options, frame.say, policies)
    files = write_front(found, folder, plans, frame.say)
    for number, each in enumerate(found.points, 1):
        figures = {"limit": each.limit, found.measure.name: each.measured}
        frame.recording.part(f"point {number}", each.plan, each.verdict, figures=figures)
    frame.hand_out(found.as_dict(), files, print_front(found, files))


@click.command()
@MODEL
@click.option("--slack", default="2 %", show_default=True,
              help="How much more than the cheapest plan they may cost.")  # fmt: skip
@click.option("--number", default=10, show_default=True, help="How many to look for.")
@ROUTE
@click.option("--plans", is_flag=True, help="Also write every plan.")
@solving_options
@out_option("alternatives")
@JSON
@framed
@recorded("model", role="district")
def alternatives(
    frame: Frame, model: Path, slack: str, number: int, route: str, plans: bool, out: Path | None,
    **given: object,
) -> None:  # fmt: skip
    """Plans that cost nearly the least and differ as far as they can.

    The most waste heat, the lowest peak, the fewest starts, the least and the most of every kind,
    then what is farthest from all before; each is verified, its cost within the slack by its
    replay. --gap is that of the cheapest plan.
    """
    from citygrid.files import together
    from citygrid.study.fronts.nearby import alternatives as find
    from citygrid.study.fronts.telling import print_alternatives
    from citygrid.study.fronts.writing import refuse_unwritable_table, write_table

    folder = folder_of(out, model, "alternatives")
    refuse_unwritable_table(folder, "alternatives")
    share = _share("--slack", slack)
    options, policies = options_of(given, frame), policies_of(given)
    frame.say("preparing the district")
    case = citygrid.prepare(citygrid.load(model))
    solving(frame.recording, route, options, policies, case)
    found = find(case, share, number, route, options, frame.say, policies)
    with together():
        files = write_table(found, folder, "alternatives")
        for place, each in enumerate((found.cheapest, *found.found) if plans else ()):
            path = folder / f"alternative_{place:02d}.nc"
            each.plan.save(path)
            files[f"plan {place}"] = str(path)
    frame.recording.knows(objective=found.best, bound=found.bound)
    for each in (found.cheapest, *found.found):
        frame.recording.part(each.aim, each.plan, each.verdict,
                             figures={"above": each.above, **each.amounts})  # fmt: skip
    frame.hand_out(found.as_dict(), files, print_alternatives(found, files))


@click.command()
@MODEL
@click.option("--match", default="*", show_default=True,
              help="Paths that count, such as components.pump*.")  # fmt: skip
@click.option("--exact", metavar="SHARE", help="Also solve again with the most important ones "
              "lower and higher by so much, such as 10 %.")  # fmt: skip
@click.option("--most", default=10, show_default=True, help="Of --exact: how many.")
@ROUTE
@solving_options
@out_option("sensitivity")
@JSON
@framed
@recorded("model", role="district")
def sensitivity(
    frame: Frame, model: Path, match: str, exact: str | None, most: int, route: str,
    out: Path | None, **given: object,
) -> None:  # fmt: skip
    """Which prices and capacities matter: what a little more of each changes about the cost.

    Local derivatives from duals, with starts, stops and jobs as planned; with --exact intervals
    from plans and proven bounds, too.
    """
    from citygrid.study.fronts.derivatives import sensitivities
    from citygrid.study.fronts.telling import print_sensitivity
    from citygrid.study.fronts.writing import refuse_unwritable_table, write_table

    folder = folder_of(out, model, "sensitivity")
    refuse_unwritable_table(folder, "sensitivity")
    refuse_policies(given, "is not imposed on varied districts")
    share = None if exact is None else _share("--exact", exact)
    options = options_of(given, frame)
    district = citygrid.load(model)
    solving(frame.recording, route, options, (), citygrid.prepare(district))
    found = sensitivities(district, match, share, most, route, options, frame.say)
    files = write_table(found, folder, "sensitivity")
    frame.recording.knows(objective=found.cost, bound=found.bound, figures={
        each.parameter.path: each.per_percent for each in found.found})  # fmt: skip
    frame.hand_out(found.as_dict(), files, print_sensitivity(found, files))


@click.command("break-even")
@MODEL
@click.argument("path")
@click.option("--between", nargs=2, required=True, metavar="A B",
              help='Values in which to look, with their unit: "0 kWh" "2 MWh".')  # fmt: skip
@click.option("--other", required=True, multiple=True, metavar="MODEL|PATH=VALUE",
              help="The variant: another district file, or what differs in this one, as often as "
              "needed; PATH=none takes a component out.")  # fmt: skip
@ROUTE
@solving_options
@JSON
@framed
@recorded("model", role="district")
def break_even(
    frame: Frame, model: Path, path: str, between: tuple[str, str], other: tuple[str, ...],
    route: str, **given: object,
) -> None:  # fmt: skip
    """The value of a parameter at which two variants of a district cost the same.

    PATH is the keys of the district file joined by points, such as components.grid.import.price.
    What is found is an interval: outside it one variant is proven to be cheaper. A smaller --gap
    narrows it.
    """
    from citygrid.district.load import District
    from citygrid.study.fronts.crossing import break_even as find
    from citygrid.study.fronts.telling import print_break_even

    refuse_policies(given, "is not imposed on varied districts")
    district = citygrid.load(model)
    low, high, unit = _interval(*between)
    options, variant = options_of(given, frame), _variant(other)
    solving(frame.recording, route, options, (), citygrid.prepare(district))
    if isinstance(variant, District):
        frame.recording.reads([("other", other[0], variant.path, variant.hash)])
    found = find(district, path, (low, high), unit, variant, route, options, frame.say)
    frame.recording.knows(figures={"break_even": found.value, "unit": found.unit,
                                   "between": found.between, "looked": len(found.looked)},
                          details=found.as_dict())  # fmt: skip
    frame.answer(found.as_dict(), print_break_even(found))


def _share(option: str, text: str) -> float:
    """A share as people write it, ``2 %`` or ``0.02``."""
    from citygrid.units import parse

    try:
        return parse(text, "1")
    except ValueError:
        try:
            return float(text)
        except ValueError as error:
            raise InputError(Fault(option, "is no share", text, "write 2 %")) from error


def _interval(first: str, second: str) -> tuple[float, float, str]:
    """Two quantities as numbers in the unit of the first."""
    from citygrid.units import parse

    (low, unit), (high, other) = _quantity(first), _quantity(second)
    if other == unit:
        return low, high, unit
    try:
        return low, parse(second, unit), unit
    except ValueError as error:
        raise InputError(Fault("--between", "gives two units", f"{unit} and {other}",
                               "write both values in units of one kind")) from error  # fmt: skip


def _quantity(text: str) -> tuple[float, str]:
    """``400 kWh`` as a number and its unit; ``1`` where none is written."""
    found = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*", text)
    if found is None:
        raise InputError(Fault("--between", "is no quantity", text, 'write "400 kWh"'))
    return float(found[1]), found[2] or "1"


def _variant(other: Sequence[str]) -> Any:
    """Values by path, or another district."""
    from citygrid.district.strict_yaml.scalars import DoubtError, interpret

    if len(other) == 1 and "=" not in other[0]:
        if not Path(other[0]).is_file():
            raise InputError(Fault("--other", "is neither a file nor PATH=VALUE", other[0],
                                   "write a district file, or carbon_price=50 EUR/t"))  # fmt: skip
        return citygrid.load(other[0])
    values: dict[str, Any] = {}
    for text in other:
        path, sign, value = (part.strip() for part in text.partition("="))
        if not (path and sign and value):
            raise InputError(Fault("--other", "expected one district file, or PATH=VALUE", text,
                                   "such as components.battery=none"))  # fmt: skip
        try:
            values[path] = None if value == "none" else interpret(value)
        except DoubtError as doubt:
            raise InputError(Fault(f"--other {path}", doubt.reason, value, doubt.repair)) from doubt
    return values
