"""At which value of a parameter two variants of a district cost the same.

The difference of their least costs is searched for its zero by scipy's TOMS 748 (Alefeld, Potra and
Shi, 1995). Each cost is known between a proven bound and a plan, so what is found is an interval:
outside it one variant is proven to be cheaper, inside nobody knows. A difference that changes its
sign more than once, or not at all, is said.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from citygrid.arrays import Floats
from citygrid.district.changed import changed
from citygrid.errors import Fault, InfeasibleError, InputError, NoPlanError
from citygrid.routes.contract import Options
from citygrid.study.fronts.beginning import refuse
from citygrid.study.fronts.derivatives import Solved, solved
from citygrid.study.fronts.solving import Solver

if TYPE_CHECKING:
    from citygrid.district.load import District

#: Values between the ends at which the sign is looked at first, so that two crossings are noticed.
LOOKS = 5
#: What the two that are compared are called.
FIRST, OTHER = "the district as it is", "the other variant"
#: Where a search ends, relative to the interval, and solves at most.
CLOSE, MOST = 1e-4, 40
#: How closely the ends of what nobody knows are looked for, relative to the interval that is left.
FINE = 0.05


@dataclass(frozen=True)
class Compared:
    """Both variants at one value: each cost between its bound and its plan [EUR]."""

    value: float
    low: tuple[float, float]
    high: tuple[float, float]

    @property
    def least(self) -> float:
        """The least that the first can cost more than the other [EUR]."""
        return self.low[0] - self.high[1]

    @property
    def most(self) -> float:
        """The most that the first can cost more than the other [EUR]."""
        return self.high[0] - self.low[1]

    @property
    def apart(self) -> float:
        """What the plans of the two cost apart, first less other [EUR]."""
        return self.high[0] - self.high[1]

    @property
    def sign(self) -> int:
        """−1 where the first is proven cheaper, 1 where the other is, 0 where nobody knows."""
        return -1 if self.most < 0.0 else 1 if self.least > 0.0 else 0


@dataclass(frozen=True)
class BreakEven:
    """Where two variants cost the same.

    ``value`` is the best guess and ``between`` the values nearest to it at which a cheaper variant
    is proven, in ``unit``; all ``None`` where there is no break-even in the interval, which
    ``said`` then says. ``monotone`` is whether no second change of sign was met.
    """

    model: str
    path: str
    unit: str
    value: float | None
    between: tuple[float, float] | None
    monotone: bool
    said: str
    looked: tuple[Compared, ...] = field(repr=False)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """All of it as one document."""
        return {
            "model": self.model, "path": self.path, "unit": self.unit, "break_even": self.value,
            "between": None if self.between is None else list(self.between),
            "monotone": self.monotone, "said": self.said, "seconds": self.seconds,
            "looked": [
                {"value": c.value, "first_eur": {"bound": c.low[0], "plan": c.high[0]},
                 "other_eur": {"bound": c.low[1], "plan": c.high[1]}} for c in self.looked
            ],
        }  # fmt: skip


def break_even(
    district: District, path: str, between: tuple[float, float], unit: str,
    other: Mapping[str, Any] | District, route: str = "milp", options: Options | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> BreakEven:  # fmt: skip
    """The value of a parameter at which a district and a variant of it cost the same.

    path, unit
        What is varied in both, as :mod:`citygrid.district.paths` names it, and its unit.
    between
        The values in which to look.
    other
        The variant: values by path (``None`` takes out a component), or another district.

    Raises :class:`InputError` for an interval that is none and for a path that either lacks, and
    where a variant has no plan :class:`InfeasibleError` or :class:`NoPlanError`, which say at which
    value.
    """
    options = options or Options()
    first, last = between
    if not (math.isfinite(first) and math.isfinite(last) and first < last):
        raise InputError(Fault("--between", "is no interval", f"{first:g} {last:g}",
                               "write the lower value first"))  # fmt: skip
    refuse(route, options)
    begun = time.perf_counter()
    variant = changed(district, other) if isinstance(other, Mapping) else other
    pair = _Pair((district, variant), path, unit, Solver(route, options), say)
    for share in range(LOOKS):
        pair.at(first + (last - first) * share / (LOOKS - 1))
    signs = [c.sign for c in pair.sorted() if c.sign]
    changes = sum(a != b for a, b in itertools.pairwise(signs))
    if changes:
        pair.search()
        signs = [c.sign for c in pair.sorted() if c.sign]
        changes = sum(a != b for a, b in itertools.pairwise(signs))
    value, found = pair.crossing() if changes else (None, None)
    return BreakEven(
        district.name, path, unit, value, found, changes <= 1,
        _said(path, unit, between, value, found, changes, pair.sorted()), tuple(pair.sorted()),
        time.perf_counter() - begun,
    )  # fmt: skip


def _said(
    path: str, unit: str, asked: tuple[float, float], value: float | None,
    found: tuple[float, float] | None, changes: int, looked: list[Compared],
) -> str:  # fmt: skip
    """The answer in a sentence."""
    if value is None or found is None:
        signs = {c.sign for c in looked if c.sign}
        where = f"between {asked[0]:g} and {asked[1]:g} {unit} of {path}"
        if not signs:
            return f"no break-even is proven {where}: within the gap both may cost the same"
        cheaper = FIRST if signs == {-1} else OTHER
        unsure = any(c.sign == 0 for c in looked)
        return f"no break-even {where}: {cheaper} is cheaper" + (
            ", where anything is proven" if unsure else " throughout"
        )
    below = next(c for c in looked if c.value == found[0])
    first = FIRST if below.sign == -1 else OTHER
    more = "" if changes <= 1 else f"; it is one of {changes}, for which is cheaper changes again"
    return (f"both cost the same at {value:,.6g} {unit} of {path}, surely between {found[0]:,.6g} "
            f"and {found[1]:,.6g}; below, {first} is cheaper{more}")  # fmt: skip


class _Pair:
    """Two variants at values of one parameter, each solved once."""

    def __init__(
        self, variants: tuple[District, District], path: str, unit: str, solver: Solver,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.variants, self.path, self.unit, self.solver, self.say = (
            variants, path, unit, solver, say,
        )  # fmt: skip
        self.known: dict[float, Compared] = {}
        self.near: list[Floats | None] = [None, None]

    def at(self, value: float) -> Compared:
        if value not in self.known:
            self.say(f"both variants at {value:.6g} {self.unit}")
            low, high = [], []
            for number, variant in enumerate(self.variants):
                found = self.solved(variant, number, f"{value!r} {self.unit}".removesuffix(" 1"))
                self.near[number] = found.x
                low.append(found.low)
                high.append(found.cost)
            self.known[value] = Compared(value, (low[0], low[1]), (high[0], high[1]))
        return self.known[value]

    def solved(self, variant: District, number: int, text: str) -> Solved:
        """A variant at a value as it is written; without a plan it says which and where."""
        try:
            return solved(changed(variant, {self.path: text}), self.solver, self.near[number])
        except (InfeasibleError, NoPlanError) as error:
            error.faults = (Fault((FIRST, OTHER)[number], f"has no plan with {self.path} = {text}",
                                  None, "look between values with which both have one"),
                            *error.faults)  # fmt: skip
            raise

    def sorted(self) -> list[Compared]:
        return [self.known[value] for value in sorted(self.known)]

    def sides(self) -> tuple[Compared, Compared]:
        """The first two neighbours with a proof each between which the cheaper one changes."""
        sure = [c for c in self.sorted() if c.sign]
        return next((a, b) for a, b in itertools.pairwise(sure) if a.sign != b.sign)

    def search(self) -> None:
        """Look at values ever nearer to the crossing, of plans, bounds and their difference."""
        from scipy.optimize import toms748

        a, b = self.sides()
        close = CLOSE * (max(self.known) - min(self.known))
        for of in ("apart", "least", "most"):
            low, high = a.value, b.value
            ends = [getattr(self.at(value), of) for value in (low, high)]
            if ends[0] * ends[1] >= 0.0 or high - low <= close or len(self.known) >= MOST:
                continue
            width = close if of == "apart" else max(close, FINE * (high - low))
            root = float(toms748(
                lambda value, of=of: self.toward(of, float(value), close), low, high, xtol=width,
                rtol=1e-12, maxiter=MOST, disp=False,
            ))  # fmt: skip
            # A root may be met exactly, where nothing is proven: what is, lies beside it.
            if not (of == "apart" and self.blurred(root, close)):
                for beside in (root - width, root + width):
                    self.at(min(max(beside, low), high))
            a, b = self.sides()

    def toward(self, of: str, value: float, close: float) -> float:
        """What is searched for its zero [EUR]; where plans and proofs cannot tell, it is found."""
        if of == "apart" and self.blurred(value, close):
            return 0.0
        return float(getattr(self.at(value), of))

    def blurred(self, value: float, close: float) -> bool:
        """Whether nothing is proven at a value, and nothing would be so near beside it."""
        here = self.at(value)
        if here.sign:
            return False
        a, b = self.sides()
        steep = abs(a.apart - b.apart) / (b.value - a.value)
        return here.most - here.least > 4.0 * steep * close

    def crossing(self) -> tuple[float, tuple[float, float]]:
        """The value at which the plans cost the same, and the proven values around it."""
        a, b = self.sides()
        inside = [c for c in self.sorted() if a.value <= c.value <= b.value]
        value = 0.5 * (a.value + b.value)
        for one, two in itertools.pairwise(inside):
            if one.apart * two.apart <= 0.0 and one.apart != two.apart:
                value = one.value + (two.value - one.value) * one.apart / (one.apart - two.apart)
                break
        return value, (a.value, b.value)
