"""Samples of somebody else's solver, and the map beside them, for a small form."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

import citygrid as cg
from citygrid import routes
from citygrid.model.form import Form
from citygrid.model.writing import column_names
from citygrid.routes import Options
from citygrid.routes.exchange.key import MAP
from citygrid.verbs.exchange import export_problem
from tests.helpers import DISTRICTS


@cache
def form() -> Form:
    """The form of the smallest district with binaries."""
    return cg.formulate(cg.prepare(cg.load(DISTRICTS / "boiler.yaml")))


def _samples() -> bytes:
    x = routes.solve(form(), "milp", Options(gap=0.0)).x
    assert x is not None
    names = [str(name) for name in column_names(form())]
    return json.dumps({
        "type": "SampleSet", "version": {"sampleset_schema": "3.1.0"}, "use_bytes": False,
        "variable_type": "INTEGER", "num_variables": len(names), "num_rows": 1,
        "variable_labels": names, "sample_packed": False, "sample_type": "float64",
        "sample_data": _array([x.tolist()], [1, len(names)]),
        "vectors": {"energy": _array([1.0], [1]), "num_occurrences": _array([1], [1], "int64")},
        "info": {"form_hash": form().hash},
    }).encode()  # fmt: skip


def _array(data: object, shape: list[int], kind: str = "float64") -> dict[str, object]:
    return {"type": "array", "data": data, "data_type": kind, "shape": shape, "use_bytes": False}


def _map() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        export_problem(form(), ["cqm"], folder)
        return (Path(folder) / MAP).read_bytes()


_SAMPLES = _samples()
SEEDS = [_SAMPLES]


def read(data: bytes, folder: Path, key: bytes | None = None) -> None:
    path = folder / "answer.json"
    path.write_bytes(data)
    if key is not None:
        (folder / MAP).write_bytes(key)
    found = routes.solve(form(), f"answer:{path}", Options(gap=0.0))
    assert found.x is None or form().residual(found.x) <= 1e-6
