"""Changes of a plan as small binary models, each of the size that annealing hardware takes.

A file per window of time: its bits are moves (a unit on or off for some hours, a start shifted, two
units swapped), its energy the plan's cost once they are made. The map keeps the plan from which
they move and what every move sets, so that an answer needs nothing else to become a plan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError
from citygrid.model.form import Form
from citygrid.model.writing import plain_names
from citygrid.routes.contract import Clock, Journal, Options
from citygrid.routes.exchange.samples import Samples
from citygrid.routes.hybrid.moves import MoveModel, models, start

#: Files are called ``moves-1.bqm``, ``moves-2.bqm``, ….
NAME = "moves-{}.bqm"


class Neighbourhood(NamedTuple):
    """Moves of one window around a plan: the model, and the window in words."""

    model: MoveModel
    window: str

    def names(self, number: int) -> list[str]:
        """One name per move, unique among all files of an export."""
        return [str(name) for name in plain_names(
            (f"w{number}_{label}" for label in self.model.labels), "w"
        )]  # fmt: skip


def neighbourhoods(form: Form, options: Options) -> tuple[Floats, list[Neighbourhood]]:
    """A first plan (n) and the moves around it, window by window.

    Raises :class:`InputError` where nothing is switched on or off, or no plan was found.
    """
    journal, clock = Journal(), Clock(options.time_limit)
    x = start(form, None, None, options, journal, clock)
    if x is None:
        repair = "see what `citygrid plan` says of it, or leave moves out"
        raise InputError(Fault("moves", "there is no plan to move from", None, repair))
    found = [Neighbourhood(model, window) for window, model in
             models(form, x, options, journal, clock) if len(model)]  # fmt: skip
    if not found:
        raise InputError(Fault("moves", "nothing in the form is switched on or off", None,
                               "leave moves out"))  # fmt: skip
    return x, found


def describe_moves(x: Floats, found: Sequence[Neighbourhood], columns: Any) -> dict[str, Any]:
    """The plan from which moves start, and what every move of every file sets."""
    used = np.flatnonzero(x)
    files = {}
    for number, each in enumerate(found, 1):
        bits = {}
        for name, label, move in zip(
            each.names(number), each.model.labels, each.model.moves, strict=True
        ):  # fmt: skip
            sets = dict(zip(columns[move.columns].tolist(), move.values.tolist(), strict=True))
            bits[name] = {"label": label, "sets": sets}
        files[NAME.format(number)] = {"window": each.window, "bits": bits}
    start_from = dict(zip(columns[used].tolist(), x[used].tolist(), strict=True))
    return {"incumbent": start_from, "moves": files}


class Moved(NamedTuple):
    """Samples of moves as points of the form (s × n), with their bits and the file they answer."""

    file: str
    points: Floats
    bits: Floats
    names: list[str]


def moved(
    form: Form, samples: Samples, key: Mapping[str, Any] | None, columns: Sequence[str]
) -> Moved | None:
    """What samples of a move file stand for; ``None`` where they answer none.

    Raises :class:`InputError` for a map that says no sense about them.
    """
    if key is None:
        return None
    known = {file: kept["bits"] for file, kept in key.get("moves", {}).items()}
    file = next((file for file in known if set(known[file]) == set(samples.labels)), None)
    if file is None:
        return None
    place = {name: at for at, name in enumerate(columns)}
    try:
        base = np.zeros(len(columns))
        for name, value in key["incumbent"].items():
            base[place[name]] = _number(value)
        points = np.tile(base, (len(samples.values), 1))
        taken = (samples.values + 1.0) / 2.0 if samples.kind == "SPIN" else samples.values
        for at, name in enumerate(samples.labels):
            stated = known[file][name]["sets"].items()
            sets = {place[column]: _number(value) for column, value in stated}
            rows = np.flatnonzero(taken[:, at] > 0.5)
            points[np.ix_(rows, np.array([*sets], dtype=np.int64))] = list(sets.values())
    except (KeyError, TypeError, AttributeError, ValueError) as failure:
        raise InputError(Fault(
            str(samples.path), f"has a map beside it that says no sense about its moves: {failure}",
            None, "export it anew",
        )) from failure  # fmt: skip
    return Moved(file, points, taken, [str(name) for name in samples.labels])


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def stated_model(folder: Path, file: str) -> Path:
    """The file of a move model beside its map; its name is one of ours and no way elsewhere."""
    if file != Path(file).name or not file.startswith("moves-"):
        raise InputError(Fault(str(folder), "has a map with a file that is none of ours", file,
                               "export it anew"))  # fmt: skip
    return folder / file
