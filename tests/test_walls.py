"""The walls that import-linter's contracts in pyproject.toml cannot express.

Each check is a function over a package or a source text, so that it is first shown to bite on a
small wrong example and then turned on citygrid itself.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "citygrid"

#: Rooms above the verbs: they may use the front door, ``import citygrid as cg``.
ABOVE_VERBS = {"cli", "bench", "study"}

#: What makes a start slow; none of it may come with the light modules.
HEAVY = {
    "demandlib", "dimod", "geopandas", "highspy", "jinja2", "neal", "netCDF4", "networkx", "numpy",
    "pandapipes", "pandapower", "pandas", "pint", "pvlib", "pyarrow", "pydantic", "pyogrio",
    "pyomo", "pyproj", "scipy", "shapely", "xarray",
}  # fmt: skip


def modules(folder: Path) -> list[Path]:
    """All Python files under a folder."""
    return sorted(folder.rglob("*.py"))


# Kinds of components do not know each other ------------------------------------------------------


def kinds_in(package: Path) -> set[str]:
    """The kinds in ``components/``: modules that say ``formulate`` (a function or a name)."""
    found = set()
    for path in (package / "components").iterdir():
        source = path / "__init__.py" if path.is_dir() else path
        if source.suffix == ".py" and source.is_file() and "formulate" in _names(source):
            found.add(path.stem)
    return found


def _names(source: Path) -> Iterator[str]:
    for node in ast.parse(source.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def imports_of_kinds(package: Path) -> list[str]:
    """Imports of a kind from another file in ``components/``, shared modules included."""
    graph = grimp.build_graph(package.name, cache_dir=None)
    room = f"{package.name}.components"
    wrong = []
    for kind in sorted(kinds_in(package)):
        whole = {f"{room}.{kind}"} | graph.find_descendants(f"{room}.{kind}")
        for imported in whole:
            importers = graph.find_modules_that_directly_import(imported) - whole
            wrong += [f"{name} imports {imported}" for name in importers if name.startswith(room)]
    return sorted(wrong)


def test_a_kind_that_imports_another_kind_is_found(tmp_path, monkeypatch):
    room = tmp_path / "small_house" / "components"
    room.mkdir(parents=True)
    (room.parent / "__init__.py").touch()
    (room / "__init__.py").touch()
    (room / "shared.py").write_text("from small_house.components.boiler import formulate as same\n")
    (room / "boiler.py").write_text("def formulate(m, c): ...\n")
    (room / "pump.py").write_text(
        "def formulate(m, c):\n    from small_house.components import boiler\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert imports_of_kinds(room.parent) == [
        "small_house.components.pump imports small_house.components.boiler",
        "small_house.components.shared imports small_house.components.boiler",
    ]


def test_no_kind_knows_another_kind():
    assert len(kinds_in(PACKAGE)) > 10
    assert imports_of_kinds(PACKAGE) == []


# Components take only types from inputs ----------------------------------------------------------


def things_from_inputs(source: str) -> list[str]:
    """Imports from ``citygrid.inputs`` that are no types: by the naming rule, not capitalised."""
    wrong = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            wrong += [
                alias.name for alias in node.names if alias.name.startswith("citygrid.inputs")
            ]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("citygrid"):
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            wrong += [
                name for name in full
                if name.startswith("citygrid.inputs") and not name.rpartition(".")[2][0].isupper()
            ]  # fmt: skip
    return wrong


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("from citygrid.inputs.world import World", []),
        (
            "from citygrid.inputs.jobs import Jobs, read_jobs",
            ["citygrid.inputs.jobs.read_jobs"],
        ),
        ("import citygrid.inputs.weather", ["citygrid.inputs.weather"]),
        ("def f():\n    from citygrid import inputs", ["citygrid.inputs"]),
    ],
)
def test_a_function_from_inputs_is_found(source, wrong):
    assert things_from_inputs(source) == wrong


def test_components_take_only_types_from_inputs():
    wrong = {
        str(path.relative_to(PACKAGE)): things
        for path in modules(PACKAGE / "components")
        if (things := things_from_inputs(path.read_text()))
    }
    assert wrong == {}


# Nobody inside goes through the front door -------------------------------------------------------


def front_door_uses(source: str, rooms: set[str]) -> list[str]:
    """What a source takes from ``citygrid`` itself other than a room or the version.

    The contracts ignore imports of the bare package, so that a plan can state the version; this
    keeps that door too narrow for ``citygrid.formulate``.
    """
    allowed = rooms | {"__version__", "__file__", "__path__"}
    tree = ast.parse(source)
    doors, wrong = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "citygrid" or (
                    alias.asname is None and alias.name.startswith("citygrid.")
                ):
                    doors.add(alias.asname or "citygrid")
        elif isinstance(node, ast.ImportFrom) and node.module == "citygrid":
            wrong += [alias.name for alias in node.names if alias.name not in allowed]
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in doors
            and node.attr not in allowed
        ):
            wrong.append(node.attr)
    return wrong


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("from citygrid import __version__, errors", []),
        ("import citygrid.errors\nfault = citygrid.errors.Fault", []),
        ("from citygrid import formulate", ["formulate"]),
        ("import citygrid as cg\ncg.formulate(case)", ["formulate"]),
        ("import citygrid.errors\ncitygrid.solve(form)", ["solve"]),
    ],
)
def test_a_verb_through_the_front_door_is_found(source, wrong):
    assert front_door_uses(source, {"errors"}) == wrong


def test_rooms_do_not_go_through_the_front_door():
    rooms = {path.stem for path in PACKAGE.iterdir()}
    wrong = {
        str(path.relative_to(PACKAGE)): uses
        for path in modules(PACKAGE)
        if path.relative_to(PACKAGE).parts[0] not in ABOVE_VERBS
        and path != PACKAGE / "__init__.py"
        and (uses := front_door_uses(path.read_text(), rooms))
    }
    assert wrong == {}


# What is light stays light, what is used is declared ---------------------------------------------


def test_the_command_line_starts_without_heavy_libraries():
    light = ["citygrid", "citygrid.errors", "citygrid.units", "citygrid.files"]
    for path in modules(PACKAGE / "cli"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        light.append(".".join(parts).removesuffix(".__init__"))
    light = [name for name in light if not name.endswith("__main__")]
    code = f"import sys, {', '.join(light)}\nprint(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert HEAVY.isdisjoint(loaded), sorted(HEAVY.intersection(loaded))


def test_every_library_that_citygrid_imports_is_a_declared_dependency():
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    extras = [
        requirement
        for name, group in project.get("optional-dependencies", {}).items()
        if name != "dev"
        for requirement in group
    ]
    declared = {_canonical(requirement) for requirement in project["dependencies"] + extras}
    distributions = packages_distributions()
    graph = grimp.build_graph("citygrid", include_external_packages=True, cache_dir=None)
    undeclared = {
        name: sorted(graph.find_modules_that_directly_import(name))
        for name in graph.modules
        if graph.is_module_squashed(name)
        and name not in sys.stdlib_module_names
        and declared.isdisjoint(_canonical(each) for each in distributions.get(name, [name]))
    }
    assert undeclared == {}


#: Declared and used, though no import statement of ours shows it.
UNSEEN = {
    "dwave-neal": "samplers take it by its import path",
    "dwave-samplers": "dwave-neal hands it on",
    "networkx": "for the import of networks, whose contract stands already",
    "pyarrow": "pandas reads and writes Parquet with it",
}


def never_imported(declared: set[str], imported: set[str]) -> list[str]:
    """Declared dependencies of which no module imports anything."""
    provided: dict[str, set[str]] = {}
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            provided.setdefault(_canonical(distribution), set()).add(module)
    return sorted(name for name in declared if provided.get(name, {name}).isdisjoint(imported))


def test_a_dependency_that_nobody_imports_is_found():
    assert never_imported({"pyyaml", "numpy", "hypothesis"}, {"yaml", "numpy"}) == ["hypothesis"]


def test_every_declared_dependency_is_imported():
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    graph = grimp.build_graph("citygrid", include_external_packages=True, cache_dir=None)
    imported = {name.split(".")[0] for name in graph.modules if graph.is_module_squashed(name)}
    declared = {_canonical(each) for each in project["dependencies"]}
    assert sorted({*never_imported(declared, imported)} - set(UNSEEN)) == []


def _canonical(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name
    return re.sub(r"[-_.]+", "-", name[0]).lower()
