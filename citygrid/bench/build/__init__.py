"""How long and how much memory it takes to write a form, beside linopy and Pyomo.

Two districts: a regular one (zones alike, over as many hours as the asked number of columns needs)
and one with a crowded hub, whose balances have rows of very unequal length, at a quarter of the
size. linopy writes the same model as its users would, block by block
(:mod:`~citygrid.bench.build.linopy_models`); Pyomo's model is made from the form by the package's
own route, for the regular district only. Every one is built in a fresh process, whose peak of
memory is told beyond what it held before (all libraries imported, our case read).

A form ends as the arrays that solvers take. linopy derives them from its model when it solves, so
two figures are told of it: as built, which is what the form is compared with first, and until these
arrays exist (``…_with_arrays``), which is what a user who solves needs. Pyomo's are not measured.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from citygrid.bench import Say, Wish
from citygrid.bench._measure import Measurement, measure
from citygrid.bench.build.districts import (
    hub_district,
    hub_hours,
    regular_district,
    regular_hours,
)

#: Columns up to which Pyomo's model is built: of four million it takes more than 5 GB.
PYOMO_MOST = 4_000_000


def _case(path: str) -> Any:
    import citygrid
    import citygrid.model.formulate

    return citygrid.prepare(citygrid.load(path))


def _build_form(case: Any) -> Any:
    import citygrid

    return citygrid.formulate(case)


def _form(path: str) -> Any:
    import citygrid.routes.pyomo  # noqa: F401  (its import is not what is measured)

    return _build_form(_case(path))


class _Held(NamedTuple):
    """What was built, kept until the peak of memory has been read, and the size told of it."""

    size: int
    built: Any


def _build_pyomo(form: Any) -> _Held:
    from citygrid.routes.pyomo import build

    return _Held(len(form.cost), build(form))


def _hours(hours: int) -> int:
    import linopy  # noqa: F401  (its import is not what is measured)

    return hours


def _regular_arrays(hours: int) -> _Held:
    from citygrid.bench.build.linopy_models import regular_model

    return _arrays(regular_model(hours))


def _hub_arrays(hours: int) -> _Held:
    from citygrid.bench.build.linopy_models import hub_model

    return _arrays(hub_model(hours))


def _arrays(model: Any) -> _Held:
    """Derive what linopy hands to a solver; kept with its model."""
    found = model.matrices
    arrays = found.A, found.c, found.lb, found.ub, found.b, found.sense, found.vtypes
    return _Held(int(found.A.nnz), (model, arrays))


def _beside(
    ours: Measurement, others: dict[str, Measurement | None],
    arrays: dict[str, Measurement | None],
) -> dict[str, Any]:  # fmt: skip
    """Seconds, memory and ratios of one district; ``None`` where a peer was not measured.

    ``others`` as they are built, ``arrays`` until the arrays of a solver exist.
    """
    return {"size": ours.answer, **_ratios(ours, others, ""),
            **_ratios(ours, arrays, "_with_arrays")}  # fmt: skip


def _ratios(
    ours: Measurement, others: dict[str, Measurement | None], how: str
) -> dict[str, Any]:  # fmt: skip
    every = {"form": ours, **others}
    return {
        f"seconds{how}": {name: each and each.seconds for name, each in every.items()},
        f"memory_mb{how}": {name: each and each.memory / 1e6 for name, each in every.items()},
        f"time_ratio{how}": {name: each and ours.seconds / each.seconds
                             for name, each in others.items()},
        f"memory_ratio{how}": {name: each and ours.memory / each.memory
                               for name, each in others.items()},
    }  # fmt: skip


def run(wish: Wish, say: Say) -> dict[str, Any]:
    """Time and memory of the form, and their ratios to those of linopy and Pyomo.

    Where linopy is not installed (extra ``peers``), its figures are ``None``.
    """
    from citygrid.bench.build.linopy_models import hub_model, regular_model

    there = importlib.util.find_spec("linopy") is not None
    regular, hub = regular_hours(wish.columns), hub_hours(wish.columns // 4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "regular.yaml"
        path.write_text(regular_district(regular), encoding="utf-8")
        say(f"regular: writing a form of about {wish.columns:,} columns")
        form = measure(_case, _build_form, str(path))
        say("regular: writing the same model with linopy")
        peer = measure(_hours, regular_model, regular) if there else None
        say("regular: the same with the arrays that linopy hands to a solver")
        arrays = measure(_hours, _regular_arrays, regular) if there else None
        pyomo = None
        if wish.columns <= PYOMO_MOST:
            say("regular: building the Pyomo model of the form")
            pyomo = measure(_form, _build_pyomo, str(path))
        crowded = Path(folder) / "hub.yaml"
        crowded.write_text(hub_district(hub), encoding="utf-8")
        say(f"hub: writing a form of about {wish.columns // 4:,} columns")
        ragged = measure(_case, _build_form, str(crowded))
        say("hub: writing the same model with linopy")
        padded = measure(_hours, hub_model, hub) if there else None
        say("hub: the same with the arrays that linopy hands to a solver")
        laid_out = measure(_hours, _hub_arrays, hub) if there else None
    return {
        "regular": _beside(form, {"linopy": peer, "pyomo": pyomo}, {"linopy": arrays}),
        "hub": _beside(ragged, {"linopy": padded}, {"linopy": laid_out}),
    }
