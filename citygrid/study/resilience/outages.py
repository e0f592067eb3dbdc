"""Which outages are studied: every single component that feeds somebody, chosen pairs, the grid."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from citygrid.cards import lasting
from citygrid.components.contract import kinds
from citygrid.district.names import groups_in, quoted
from citygrid.errors import Fault, InputError
from citygrid.units import parse

if TYPE_CHECKING:
    from citygrid.district.case import Case

#: The outage of all ways to the outside at once.
ISLAND = "island"
#: Group of components that only draw.
SERVED = "demand"
#: Pairs beyond which "all" is refused: each is a plan of its own.
MOST_PAIRS = 5000


class Outage(NamedTuple):
    """Components that fail together, and what the outage is called."""

    name: str
    components: tuple[str, ...]


def single(assets: Mapping[str, str]) -> list[Outage]:
    """Every component by itself; ``assets`` are name → kind of what could be missed."""
    return [Outage(name, (name,)) for name in assets]


def pairs(assets: Mapping[str, str], wished: str) -> list[Outage]:
    """Two components at a time: ``A+B,"C, old"+D``, or ``all`` there are.

    Raises :class:`InputError` for names that are unknown or feed nobody, and for too many pairs.
    """
    if wished.strip() == "all":
        count = len(assets) * (len(assets) - 1) // 2
        if count > MOST_PAIRS:
            raise InputError(Fault("--pairs", f"all pairs are {count:,} plans", wished,
                                   "name the pairs that matter: A+B,C+D"))  # fmt: skip
        return [Outage(f"{a} + {b}", (a, b)) for a, b in combinations(assets, 2)]
    found: dict[frozenset[str], Outage] = {}  # A+B and B+A are one outage
    faults = []
    for names in groups_in(wished, "--pairs"):
        if len(names) != 2 or not all(names) or names[0] == names[1]:
            faults.append(Fault("--pairs", "expected two different components", "+".join(names),
                                "write them as boiler 1+pipe 3, or all"
                                + _in_quotes(assets)))  # fmt: skip
            continue
        faults += [fault for name in names if (fault := _unknown("--pairs", name, assets))]
        found.setdefault(frozenset(names), Outage(" + ".join(names), tuple(names)))
    if faults:
        raise InputError(faults)
    return list(found.values())


def named(assets: Mapping[str, str], names: Sequence[str]) -> list[Outage]:
    """Single outages of the named components alone. Raises :class:`InputError` for unknown ones."""
    faults = [fault for name in names if (fault := _unknown("--only", name, assets))]
    if faults:
        raise InputError(faults)
    return [Outage(name, (name,)) for name in dict.fromkeys(names)]


def refuse_strangers(case: Case, only: Sequence[str], wished: str | None) -> None:
    """Refuse names that the district does not have; which of its own are missed, a plan says.

    Raises :class:`InputError`.
    """
    own = {asset.name for asset in case.assets}
    able = {asset.name: asset.kind for asset in case.assets if asset.group != SERVED}
    names = [("--only", name) for name in only]
    if wished is not None and wished.strip() != "all":
        names += [("--pairs", name) for pair in groups_in(wished, "--pairs") for name in pair]
    faults = [fault for place, name in dict.fromkeys(names) if name and name not in own
              and (fault := _unknown(place, name, able))]  # fmt: skip
    if faults:
        raise InputError(faults)


def _unknown(place: str, name: str, assets: Mapping[str, str]) -> Fault | None:
    if name in assets:
        return None
    near = difflib.get_close_matches(name, list(assets), 3)
    repair = f"did you mean {' or '.join(map(quoted, near))}?" if near else (
        "name a component that feeds power, heat, cooling, compute, data or fuel")  # fmt: skip
    return Fault(place, "is no component whose outage could be felt", name,
                 repair + _in_quotes(assets))  # fmt: skip


def _in_quotes(assets: Mapping[str, str]) -> str:
    """How to write a name that holds a sign, where the district has one."""
    odd = next((name for name in assets if quoted(name) != name), None)
    return "" if odd is None else f"; names that hold signs stand in double quotes: {quoted(odd)}"


def island(assets: Mapping[str, str]) -> Outage:
    """All connections to the outside fail at once. Raises :class:`InputError` without any."""
    outside = tuple(name for name, kind in assets.items() if kinds()[kind].spec.to_outside)
    if not outside:
        raise InputError(Fault("--island", "the district has no connection to a public grid", None,
                               "leave it out: it is an island already"))  # fmt: skip
    return Outage(ISLAND, outside)


def steps_of(length: str, step: float, count: int, place: str = "--for") -> int:
    """Steps that an outage of ``length`` takes; ``place`` is where the user wrote it.

    Raises :class:`InputError` for what is no time, is nothing, or does not end on a step.
    """
    try:
        hours = parse(length, "h")
    except ValueError as error:
        raise InputError(Fault.of(error, place, length)) from None
    steps = round(hours / step)
    if hours <= 0.0 or abs(steps * step - hours) > 1e-9 * max(hours, 1.0):
        whole = lasting(max(steps, 1) * step)
        raise InputError(Fault(place, f"an outage takes whole steps of {lasting(step)}, at least "
                               "one", length, f'write such as "{whole}"'))  # fmt: skip
    if steps > count:
        most = lasting(count * step)
        raise InputError(Fault(place, f"is longer than the horizon of {most}", length,
                               f'write at most "{most}"'))  # fmt: skip
    return steps


def hours_of(at: str, step: float, count: int) -> list[int] | None:
    """The steps at which outages begin: ``6`` or ``6h`` is one, ``each:6h`` every sixth hour.

    ``None`` for ``worst``: each outage at its own. Raises :class:`InputError` for anything else,
    and for hours outside the horizon or between steps.
    """
    text = at.strip()
    if text == "worst":
        return None
    every, _, rest = text.rpartition(":")
    if every not in ("", "each"):
        raise InputError(_no_hour(at))
    rest = rest if not rest.replace(".", "", 1).isdigit() else f"{rest} h"
    try:
        hours = parse(rest, "h")
    except ValueError:
        raise InputError(_no_hour(at)) from None
    begin = round(hours / step)
    if every and hours < step:
        raise InputError(Fault("--at", f"is shorter than a step of {lasting(step)}", at,
                               f"write such as each:{_typed(step)}"))  # fmt: skip
    if abs(begin * step - hours) > 1e-9 * max(abs(hours), 1.0):
        raise InputError(Fault("--at", f"lies between two steps of {lasting(step)}", at,
                               f"write {'each:' * bool(every)}{_typed(begin * step)}"))  # fmt: skip
    if not (0 if not every else 1) <= begin < (count if not every else count + 1):
        last = (count - 1) * step
        raise InputError(Fault("--at", "lies outside the horizon", at,
                               f"count hours from its start, 0 to {last:g}"))  # fmt: skip
    return list(range(0, count, begin)) if every else [begin]


def _typed(hours: float) -> str:
    """A length as it stands in one word of a command."""
    return lasting(hours).replace(" ", "")


def _no_hour(at: str) -> Fault:
    return Fault("--at", "is no hour", at, "write 6h, each:6h, or worst")
