"""Read a study file: strict YAML, and every fault of it and of its scenarios at once."""

from __future__ import annotations

import copy
import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citygrid.district.paths import change, difference, patched
from citygrid.district.strict_yaml import Tree, read
from citygrid.errors import CitygridError, Fault, InputError
from citygrid.study.scenarios.checking import Checking
from citygrid.study.scenarios.digest import Digests, key_of
from citygrid.study.scenarios.expand import Scenario, expand
from citygrid.study.scenarios.spec import RouteSpec, StudySpec

#: What a user's function does to a scenario's district: ``(tree, scenario) -> tree``.
Function = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Task:
    """One district by one route: what a worker computes, once, whoever asks for it how often.

    ``patch`` turns the base's tree into the scenario's; ``files`` are the SHA-256 of what it names.
    """

    key: str
    patch: list[tuple[list[str], Any]]
    digest: str
    files: dict[str, str]
    route: RouteSpec


@dataclass(frozen=True)
class Study:
    """A study that is ready to run: scenarios checked, and the tasks that they come down to.

    ``keys`` has, per scenario and route, the key of its task; equal districts share one.
    """

    path: Path
    spec: StudySpec
    base: Path
    tree: dict[str, Any]
    scenarios: Sequence[Scenario]
    tasks: Mapping[str, Task]
    keys: Mapping[tuple[str, int], str]
    function: str | None = None
    paths: tuple[str, ...] = field(default=())

    @property
    def routes(self) -> list[RouteSpec]:
        return list(self.spec.routes)


def read_study(path: Path, function: str | None = None, trusted: bool = False) -> Study:
    """Read, expand and check a study; every scenario's district is checked against its spec.

    function
        ``module:function``, which gets a copy of each scenario's tree and the scenario
        (``name`` and ``varied``, path → value) and returns the tree to plan.
    trusted
        Whether the routes may name code: samplers by import path, solvers by program.

    Raises :class:`InputError` with all faults: of the file, its paths, its ranges, its routes, of
    what each scenario sets, and of series and jobs where they leave no scenario to plan, with the
    scenarios named.
    """
    from citygrid.district.load import validated

    tree = read(Path(path))
    if "components" in tree.value and "district" not in tree.value:
        raise InputError(Fault(str(path), "is a district and no study", None, "write a study file "
                               "that names it: `district: …` and what varies"))  # fmt: skip
    faults: list[Fault] = []
    spec = validated(StudySpec, tree.value, (), tree, faults)
    if spec is None:
        raise InputError(faults)
    base_path = Path(path).parent / spec.district
    try:
        base = read(base_path)
    except InputError as error:
        raise InputError([f.within(tree.place(("district",))) for f in error.faults]) from error
    faults += _route_faults(spec, tree, trusted)
    apply = None if function is None else load_function(function)
    try:
        scenarios = expand(spec, base.value, tree.place)
    except InputError as error:
        raise InputError([*faults, *error.faults]) from error
    if faults:
        raise InputError(faults)
    tasks: dict[str, Task] = {}
    keys: dict[tuple[str, int], str] = {}
    digests = Digests(base_path.parent)
    checking = Checking(base_path, base, tree)
    for scenario in scenarios:
        changed = base.value
        for setting in scenario.settings:
            changed = change(changed, setting.path, setting.value)
        if apply is not None:
            changed = _applied(apply, function or "", changed, scenario)
            patch = difference(base.value, changed)
            changed = patched(base.value, patch)
        else:
            patch = difference(base.value, changed)
        digest, files = digests.district(changed)
        checking.check(changed, patch, digest, scenario)
        for number, route in enumerate(spec.routes):
            key = key_of(digest, route, spec.outputs)
            keys[scenario.name, number] = key
            tasks.setdefault(key, Task(key, patch, digest, files, route))
    checking.throw()
    return Study(Path(path), spec, base_path, base.value, scenarios, tasks, keys, function)


def _route_faults(spec: StudySpec, tree: Tree, trusted: bool) -> list[Fault]:
    from citygrid.routes import check, strange

    faults = []
    for number, route in enumerate(spec.routes):
        try:
            if not trusted and (code := strange(route.route, options_of(route))):
                raise InputError(Fault("route", "names code or files that a study may not ask for",
                                       ", ".join(code), "look at it, then say --trust-code; or use "
                                       "a sampler and a solver by name"))  # fmt: skip
            check(route.route, options_of(route))
        except CitygridError as error:
            faults += [f.within(tree.place(("routes", number))) for f in error.faults]
    twice = {n for n, r in enumerate(spec.routes) if r in spec.routes[:n]}
    faults += [Fault(tree.place(("routes", n)), "is a route that stands above already",
                     spec.routes[n].route, "name each once") for n in sorted(twice)]  # fmt: skip
    return faults


def options_of(route: RouteSpec) -> Any:
    """A route's options as routes take them."""
    from citygrid.routes.contract import Options

    settings = {name: str(value).lower() if isinstance(value, bool) else str(value)
                for name, value in route.settings.items()}  # fmt: skip
    return Options(gap=route.gap, time_limit=route.time_limit, seed=route.seed,
                   threads=route.threads, sampler=route.sampler, extras=settings)  # fmt: skip


def load_function(name: str) -> Function:
    """The function that ``module:function`` names; modules of the current folder count, too.

    It is code that will run: it comes from the command line alone and never from a file.
    """
    module, colon, attribute = name.partition(":")
    repair = "write module:function, such as tariffs:summer for `def summer` in tariffs.py"
    parts = [*module.split("."), attribute]
    if not colon or not all(part.isidentifier() for part in parts):
        raise InputError(Fault("--function", "is no import path", name, repair))
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(Fault("--function", f"cannot be imported ({error})", name, repair)) from (
            error
        )
    except (Exception, SystemExit) as error:  # whatever a module does while it is imported
        reason = f"cannot be imported: its module ended with {_told(error)}"
        raise InputError(Fault("--function", reason, name, "correct the module")) from error
    if not callable(found):
        raise InputError(Fault("--function", "is no function", name, repair))
    function: Function = found
    return function


def _applied(
    function: Function, name: str, tree: dict[str, Any], scenario: Scenario
) -> dict[str, Any]:
    """What a user's function makes of a scenario's district; its own mistakes are told as such."""
    try:
        made = function(copy.deepcopy(tree), {"name": scenario.name, "varied": scenario.varied})
    except (Exception, SystemExit) as error:  # `sys.exit` in it would end the study as if done
        raise InputError(Fault(
            f"--function {name}", f"failed in scenario “{scenario.name}”: {_told(error)}", None,
            "correct the function",
        )) from error  # fmt: skip
    if not isinstance(made, dict):
        raise InputError(Fault(f"--function {name}", "must return the district's tree, a dict",
                               type(made).__name__, "end it with `return tree`"))  # fmt: skip
    try:
        json.dumps(made, sort_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(Fault(
            f"--function {name}", f"returns for scenario “{scenario.name}” what no district file "
            f"can say ({_told(error)})", None,
            "put texts, numbers, lists and dicts with texts as keys into the tree",
        )) from error  # fmt: skip
    return made


def _told(error: BaseException) -> str:
    """An error of a user's code in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
