"""Run every case of the corpus in a process of its own and note what it took.

The libraries are imported once and each process is forked from that, so that its processor time is
that of the input alone, and its memory what imports and input take together. Nothing but modules is
loaded beforehand: a fork keeps no threads.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import traceback
from pathlib import Path

from tests.corpus.corpus import Case, cases
from tests.corpus.test_corpus import seen

#: Seconds of processor time after which the system ends a case.
ENDED_AFTER = 60
HEAVY = ("cftime", "dimod", "esdl.esdl_handler", "geopandas", "highspy", "netCDF4", "networkx",
         "pandas", "pint", "pvlib.iotools", "pyarrow.parquet", "pyogrio", "pyomo.environ",
         "pyproj", "scipy.sparse", "shapely", "xarray", "citygrid.cli", "citygrid.verbs",
         "citygrid.study.scenarios.reading", "citygrid.routes.pyomo", "citygrid.imports.gis",
         "citygrid.imports.esdl", "citygrid.imports.pypsa", "citygrid.imports.pandapipes",
         "citygrid.export.runs", "citygrid.plan.verify")  # fmt: skip


def run(case: Case, folder: Path) -> dict[str, object]:
    """One case in a forked process."""
    words = case.lay(folder / "case")
    before = seen(folder)
    out, err = folder.with_suffix(".out"), folder.with_suffix(".err")
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (ENDED_AFTER, ENDED_AFTER))
            os.chdir(folder / "case")
            for number, path in ((1, out), (2, err)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
            from citygrid.cli import main

            try:
                main(words, prog_name="citygrid")
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 0
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    _, status, used = os.wait4(child, 0)
    return {
        "exit_code": os.waitstatus_to_exitcode(status), "seconds": used.ru_utime + used.ru_stime,
        "bytes": used.ru_maxrss * 1024, "before": before, "after": seen(folder),
        "stdout": out.read_text(errors="replace"), "stderr": err.read_text(errors="replace"),
    }  # fmt: skip


def main() -> None:
    """All cases; their results become ``results.json`` in the folder that is named."""
    folder = Path(sys.argv[1])
    for module in HEAVY:
        importlib.import_module(module)
    from citygrid.components.contract import kinds

    kinds()
    results = {}
    for number, case in enumerate(cases()):
        results[case.id] = run(case, folder / f"{number:03d}")
    # As JSON has no tuples, and a test compares with what it made of them.
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
