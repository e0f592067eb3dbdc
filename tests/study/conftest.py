"""Small studies of the district ``tiny``, and what runs them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from citygrid.study.conduct import conduct
from citygrid.study.execution.local import Processes, Serial
from citygrid.study.scenarios.reading import read_study

REPOSITORY = Path(__file__).resolve().parent.parent.parent
TINY = REPOSITORY / "models" / "tiny.yaml"

GRID = """
  - grid:
      components.heat pump.heat: [40 kW, 80 kW, 120 kW]
      carbon_price: [0 EUR/kg, 0.10 EUR/kg]
"""


@pytest.fixture
def write(tmp_path):
    """Writes a study file of ``tiny`` and gives its path."""

    def written(vary: str = GRID, routes: str = "[milp]", more: str = "", name: str = "study.yaml",
                district: Path | str = TINY) -> Path:  # fmt: skip
        path = tmp_path / name
        varied = f"vary:\n{textwrap.indent(textwrap.dedent(vary).strip(chr(10)), '  ')}\n" if (
            vary) else ""  # fmt: skip
        path.write_text(f"name: a test\ndistrict: {district}\nroutes: {routes}\n{varied}{more}\n")
        return path

    return written


@pytest.fixture
def run(tmp_path):
    """Runs a study file in ``out`` and gives what became of it; in this process by default."""

    def ran(path: Path, workers: int = 0, out: str = "out", **more):
        executor = Processes(workers) if workers else Serial()
        study = read_study(path, more.pop("function", None), more.pop("trusted", False))
        return conduct(study, tmp_path / out, executor, **more)

    return ran
