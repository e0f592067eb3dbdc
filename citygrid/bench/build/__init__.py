"""How long and how much memory it takes to write a form, beside linopy and Pyomo.

Two districts: a regular one (zones alike, over as many hours as the asked number of columns needs)
and one with a crowded hub, whose balances have rows of very unequal length, at a quarter of the
size. linopy writes the same model as its users would, block by block
(:mod:`~citygrid.bench.build.linopy_models`); Pyomo's model is made from the form by the package's
own route, for the regular district only. Every one is built in a fresh process. A form ends as the
sparse matrix that solvers take; linopy's is derived from its model afterwards, which is measured
apart and not counted in the ratios.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

from citygrid.bench import Say, Wish
from citygrid.bench._measure import Measurement, measure
from citygrid.bench.build.districts import (
    hub_district,
    hub_hours,
    regular_district,
    regular_hours,
)


def _case(path: str) -> Any:
    import citygrid

    return citygrid.prepare(citygrid.load(path))


def _build_form(case: Any) -> Any:
    import citygrid

    return citygrid.formulate(case)


def _form(path: str) -> Any:
    import citygrid.routes.pyomo  # noqa: F401  (its import is not what is measured)

    return _build_form(_case(path))


def _build_pyomo(form: Any) -> int:
    from citygrid.routes.pyomo import build

    # Kept alive until the peak has been read.
    _build_pyomo.model = build(form)  # type: ignore[attr-defined]
    return len(form.cost)


def _hours(hours: int) -> int:
    import linopy  # noqa: F401  (its import is not what is measured)

    return hours


def _matrix(model: Any) -> int:
    return int(model.matrices.A.nnz)


def _beside(ours: Measurement, others: dict[str, Measurement | None]) -> dict[str, Any]:
    """Seconds, memory and ratios of one district; ``None`` where a peer was not measured."""
    every = {"form": ours, **others}
    return {
        "size": ours.answer,
        "seconds": {name: each and each.seconds for name, each in every.items()},
        "memory_mb": {name: each and each.memory / 1e6 for name, each in every.items()},
        "time_ratio": {name: each and ours.seconds / each.seconds
                       for name, each in others.items()},
        "memory_ratio": {name: each and ours.memory / each.memory
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
        say("regular: deriving linopy's matrix")
        matrix = measure(regular_model, _matrix, regular) if there else None
        say("regular: building the Pyomo model of the form")
        pyomo = measure(_form, _build_pyomo, str(path))
        crowded = Path(folder) / "hub.yaml"
        crowded.write_text(hub_district(hub), encoding="utf-8")
        say(f"hub: writing a form of about {wish.columns // 4:,} columns")
        ragged = measure(_case, _build_form, str(crowded))
        say("hub: writing the same model with linopy")
        padded = measure(_hours, hub_model, hub) if there else None
    return {
        "regular": {
            **_beside(form, {"linopy": peer, "pyomo": pyomo}),
            "linopy_matrix_seconds": matrix and matrix.seconds,
        },
        "hub": _beside(ragged, {"linopy": padded}),
    }  # fmt: skip
