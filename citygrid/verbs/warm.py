"""Let a route do all once before its time is taken, so that nothing is compiled in a race."""

from __future__ import annotations

import tempfile
from pathlib import Path

from citygrid.routes.contract import Options


def warm(route: str, threads: int | None = None) -> None:
    """Solve a tiny district by a route and forget it.

    The first call in a process imports solvers and compiles the annealer, or reads it from disk: a
    second or several that say nothing of the route.
    """
    from citygrid import routes
    from citygrid.synthetic import Size, write
    from citygrid.verbs import formulate, load, prepare

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.yaml"
        write(path, Size(12, 2, 3), 0)
        form = formulate(prepare(load(path)))
    routes.solve(form, route, Options(gap=0.05, time_limit=2.0, threads=threads))
