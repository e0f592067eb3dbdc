"""What citygrid is made of and is made into: licences, archives, and no word to the network."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

#: The instant that archives state as their own.
EPOCH = "1767225600"
#: What the main commands do with the network cut; each of them must end with 0.
COMMANDS = (
    ("check", "models/tiny.yaml"),
    ("plan", "models/tiny.yaml", "--out", "out"),
    ("verify", "out/plan.nc"),
    ("export", "out/plan.nc", "--to", "csv,parquet,nc", "--out", "tables"),
    ("report", "out/plan.nc", "--out", "page.html"),
    ("qubo", "models/tiny.yaml", "--to", "cqm,lp", "--out", "bits"),
    ("study", "study.yaml", "--out", "study", "--workers", "1"),
    ("runs", "list"),
)
#: Where a network cannot be taken away, a process whose every connection is refused.
GUARD = """\
import socket, sys

def refused(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        raise SystemExit(f"asks the network: {event} {arguments[1:]}")

sys.addaudithook(refused)
"""


def licences():
    """The script that writes the page."""
    path = REPOSITORY / "scripts" / "licences.py"
    spec = importlib.util.spec_from_file_location("licences", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_licences_is_in_step_with_the_lock():
    script = licences()
    row = re.compile(r"^\| ([a-z0-9._-]+) \| (\S+) \| (.+) \|$", re.M)
    rows = {name: (version, licence) for name, version, licence in
            row.findall(script.PAGE.read_text()) if name != "distribution"}  # fmt: skip
    locked = dict(script.locked())
    assert {name: version for name, (version, _) in rows.items()} == locked, (
        "run scripts/licences.py"
    )
    here = {name: licence for name in locked if (licence := script.licence_of(name)) is not None}
    said = {name: licence for name, (_, licence) in rows.items() if licence != "–"}
    both = said.keys() & here.keys()
    assert {name: said[name] for name in both} == {name: here[name] for name in both}


def test_no_licence_forbids_the_use():
    script = licences()
    stated = {name: script.licence_of(name) for name, _ in script.locked()}
    assert len([each for each in stated.values() if each]) > 100
    assert {n: each for n, each in stated.items() if each and not script.allowed(each)} == {}


@pytest.mark.parametrize(
    ("expression", "fine"),
    [
        ("MIT", True), ("BSD-3-Clause AND 0BSD AND MIT", True), ("GPL-3.0-only", False),
        ("GPL-2.0-only OR MIT", True), ("MIT AND AGPL-3.0-or-later", False), ("unstated", False),
        ("Apache-2.0 WITH LLVM-exception", True), ("GPL", False), ("(MIT OR GPL-3.0-only)", True),
    ],
)  # fmt: skip
def test_what_a_licence_allows(expression, fine):
    assert licences().allowed(expression) is fine


# the network cut --------------------------------------------------------------------------------


def cut() -> list[str]:
    """Words before a command that take its network away; none where that is not permitted."""
    words = ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") is None:
        return []
    tried = subprocess.run([*words, "true"], capture_output=True, check=False)
    return words if tried.returncode == 0 else []


@pytest.mark.slow
def test_the_main_commands_need_no_network(tmp_path):
    """In a namespace without a network; where none can be made, every connection is refused."""
    for folder in ("models", "data"):
        (tmp_path / folder).symlink_to(REPOSITORY / folder)
    (tmp_path / "study.yaml").write_text(
        "name: prices\ndistrict: models/tiny.yaml\nroutes: [lp]\n"
        "vary:\n  - grid: {carbon_price: [0 EUR/kg, 0.10 EUR/kg]}\n"
    )
    (tmp_path / "guard").mkdir()
    paths = [str(REPOSITORY)]
    before = cut()
    if not before:
        (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
        paths.insert(0, str(tmp_path / "guard"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths),
                   "CITYGRID_REGISTRY": str(tmp_path / ".citygrid")}  # fmt: skip
    for words in COMMANDS:
        done = subprocess.run(
            [*before, sys.executable, "-m", "citygrid", *words], cwd=tmp_path, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr[-500:]}"
        assert "asks the network" not in done.stderr


# what is built ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders with the wheel and the sdist of the same sources, built one after the other."""
    pytest.importorskip("hatchling", reason="hatchling, with which archives are built, is missing")
    copy = tmp_path_factory.mktemp("source") / "citygrid"
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", "out", ".citygrid", ".*_cache")
    shutil.copytree(REPOSITORY, copy, ignore=ignored)
    folders = []
    for number in range(2):
        folder = tmp_path_factory.mktemp(f"dist{number}")
        for path in copy.rglob("*"):
            os.utime(path, (1_700_000_000 + 1000 * number,) * 2)  # a checkout of another day
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)], cwd=copy,
            env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        folders.append(folder)
    return folders


@pytest.mark.slow
def test_archives_are_the_same_whenever_they_are_built(built):
    first, second = ({path.name: path.read_bytes() for path in each.iterdir()} for each in built)
    assert sorted(Path(name).suffix for name in first) == [".gz", ".whl"]
    assert first == second


@pytest.mark.slow
def test_the_wheel_has_all_of_the_package_and_the_sdist_all_of_the_repository(built):
    (wheel,) = built[0].glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {
        str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "citygrid").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }  # fmt: skip
    assert package <= names, sorted(package - names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"citygrid"}
    (archive,) = built[0].glob("*.tar.gz")
    listed = subprocess.run(["tar", "-tzf", str(archive)], capture_output=True, text=True,
                            check=True).stdout  # fmt: skip
    for needed in ("models/frankfurt.yaml", "data/MANIFEST.yaml", "requirements.lock",
                   "scripts/run", "tests/conftest.py", "LICENSE"):  # fmt: skip
        assert f"/{needed}\n" in listed, needed


@pytest.mark.slow
def test_an_installed_wheel_plans_a_district_of_its_own(built, tmp_path):
    """In an environment that has citygrid from the wheel alone, far from this repository."""
    (wheel,) = built[0].glob("*.whl")
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True
    )
    python = tmp_path / "env" / "bin" / "python"
    (site,) = (tmp_path / "env" / "lib").glob("python3*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    # The locked dependencies are those of this environment, without its citygrid.
    elsewhere = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    for each in elsewhere.iterdir():
        if not each.name.lower().startswith(("citygrid", "_editable", "__editable", "_citygrid")):
            target = site / each.name
            if not target.exists() and each.suffix != ".pth":
                target.symlink_to(each)
    home = tmp_path / "home"
    (home / "data" / "tiny").mkdir(parents=True)
    (home / "models").mkdir()
    shutil.copy(REPOSITORY / "models" / "tiny.yaml", home / "models")
    shutil.copy(REPOSITORY / "data" / "tiny" / "series.csv", home / "data" / "tiny")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    for words in (("check", "models/tiny.yaml"), ("plan", "models/tiny.yaml", "--out", "out"),
                  ("verify", "out/plan.nc"), ("doctor",)):  # fmt: skip
        done = subprocess.run([python, "-m", "citygrid", *words], cwd=home, env=environment,
                              capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout[-300:]}{done.stderr[-500:]}"
    told = subprocess.run([python, "-c", "import citygrid; print(citygrid.__file__)"], cwd=home,
                          env=environment, capture_output=True, text=True, check=True)  # fmt: skip
    assert Path(told.stdout.strip()).is_relative_to(tmp_path)
