"""The real QGIS opens what is exported: layers, styles, time, relation, and a picture."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from citygrid.export.gis.geopackage import write_geopackage
from citygrid.export.subject import Subject

PACKAGES = ("qgis", "python3-qgis", "qgis-providers", "gdal-bin", "python3-gdal")
#: The Python that Debian's QGIS belongs to.
PYTHON = "/usr/bin/python3"
OPEN = Path(__file__).with_name("open_plan.py")


def has_qgis() -> bool:
    if not Path(PYTHON).is_file():
        return False
    tried = [PYTHON, "-c", "import qgis.core"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def qgis() -> None:
    """QGIS from the system's packages, installed where it may be."""
    if has_qgis():
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        pytest.skip(f"QGIS is not there: install {' '.join(PACKAGES)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", "-q", *command], env=quiet, capture_output=True,
                              text=True, check=False)  # fmt: skip
        if done.returncode:
            pytest.skip(f"QGIS could not be installed: {done.stderr.strip()[-300:]}")
    assert has_qgis()


def system() -> dict[str, str]:
    """The environment without this project's Python in it."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}


@pytest.mark.slow
def test_qgis_opens_the_plan_with_styles_time_and_relation(qgis, planned, tmp_path):
    case, plan, verdict = planned
    path, picture = tmp_path / "plan.gpkg", tmp_path / "plan.png"
    routes = pd.DataFrame({"route": ["milp", "hybrid"], "objective_eur": [1.0, 2.0]})
    write_geopackage(Subject(plan, verdict, routes), path)
    step = f"{case.time[5].astype('datetime64[s]')}Z"
    done = subprocess.run(
        [PYTHON, str(OPEN), str(path), case.name, step, str(picture)],
        env={**system(), "QT_QPA_PLATFORM": "offscreen"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["opened"] and told["crs"] == "EPSG:25832", told
    assert all(layer["valid"] for layer in told["layers"].values()), told["layers"]
    assert {"assets", "asset_dispatch", "heat_network", "feeders", "nodes", "dispatch",
            "kpis", "routes"} <= set(told["layers"])  # fmt: skip
    kinds = {asset.kind for asset in case.assets if not asset.to}
    assert told["layers"]["assets"]["categories"] == len(kinds)
    assert told["layers"]["heat_network"]["renderer"] == "graduatedSymbol"
    placed = [asset for asset in case.assets if not asset.to and asset.node]
    assert told["frame"] == {"asset_dispatch": len(placed)}
    assert told["relations"] == {"citygrid_steps": True}
    begin = case.time[0].astype("datetime64[s]")
    assert np.datetime64(told["time"][0].rstrip("Z")) == begin
    assert told["order"][0] == "citygrid_assets"
    assert picture.stat().st_size > 5000


@pytest.mark.slow
def test_gdal_finds_nothing_wrong_with_the_geopackage(qgis, planned, tmp_path):
    path = tmp_path / "plan.gpkg"
    write_geopackage(Subject(*planned[1:]), path)
    done = subprocess.run(
        [PYTHON, "-m", "osgeo_utils.samples.validate_gpkg", "--extra", str(path)],
        env=system(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
