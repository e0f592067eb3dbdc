"""Policies: a user's own rules, said in Pyomo, compiled into the form and obeyed by every route.

A policy is a function of one argument, the Pyomo model of the form. It may add linear constraints,
and variables that it needs to say them; what is there already it may read but not change. The
additions are compiled to a matrix by Pyomo's standard-form compiler and stand behind the form's own
rows as blocks ``policy.NAME``. A policy is code: it is named by the person at the command line and
never by a district file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from pyomo.common.errors import PyomoException
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from citygrid.errors import Fault, InputError
from citygrid.model.additions import Addition, extend
from citygrid.model.form import Block, Form, Policy
from citygrid.routes.pyomo.model import build, variables

Function = Callable[[Any], object]

PREFIX = "policy."
#: What a policy may add besides constraints and variables: things that only help to say them.
HELPERS = (pyo.Param, pyo.Set, pyo.RangeSet, pyo.Expression, pyo.Block)


def impose(form: Form, policy: str | Path | Function) -> Form:
    """The form with the rows that a policy adds to its Pyomo model.

    ``policy`` is a function, or text ``FILE`` or ``FILE:FUNCTION``; without a name, the file must
    define exactly one public function. Raises :class:`InputError` for a policy that does not exist
    or fails, changes or removes what is there, or adds anything that is no linear constraint or
    variable; each fault names the component.
    """
    function, file, digest = _found(policy)
    place = f"policy {file}:{function.__name__}"
    model = build(form)
    before = _Before(model, form)
    _call(function, model, place)
    faults = before.changed(model)
    constraints, new, others = before.added(model)
    faults += others
    faults += [fault for constraint in constraints for fault in _linear(constraint)]
    faults += [fault for variable in new for fault in _usable(variable)]
    if not faults and not constraints:
        faults.append((None, "adds no constraint, so it would change nothing",
                       "have it add a pyo.Constraint to the model"))  # fmt: skip
    if faults:
        raise _refused(place, faults)
    addition = _compiled(form, model, before, constraints, new, place)
    taken = [name for name in addition.rows if name in form.rows]
    taken += [name for name in addition.columns if name in form.columns]
    if taken:
        raise _refused(place, [(name, "another policy added this name", "rename one of them")
                               for name in taken])  # fmt: skip
    by = Policy(file, function.__name__, digest, tuple(addition.rows), tuple(addition.columns))
    return extend(form, addition, by)


#: What is wrong: the component, the reason, the repair.
_Wrong = tuple[str | None, str, str]


def _refused(place: str, faults: list[_Wrong]) -> InputError:
    return InputError([
        Fault(place if name is None else f"{place} › {name}", reason, None, repair)
        for name, reason, repair in faults
    ])  # fmt: skip


# finding and calling the function ----------------------------------------------------------------


def _found(
    policy: str | Path | Callable[[Any], object],
) -> tuple[Callable[[Any], object], str, str]:
    """The function, the name of its file, and the SHA-256 of its source."""
    if callable(policy):
        try:
            source = inspect.getsource(policy)
            file = Path(inspect.getfile(policy)).name
        except (OSError, TypeError):
            source, file = "", "no file"
        if not hasattr(policy, "__name__"):
            raise InputError(Fault("policy", "is no function", repr(policy), "give a function"))
        return policy, file, hashlib.sha256(source.encode()).hexdigest()
    text = str(policy)
    file, colon, name = text.rpartition(":")
    if not (colon and name.isidentifier()):
        file, name = text, ""
    path = Path(file)
    if not path.is_file():
        raise InputError(Fault("policy", "no such file", file,
                               "name a Python file, FILE.py or FILE.py:FUNCTION"))  # fmt: skip
    source_bytes = path.read_bytes()
    module = _imported(path)
    own = {
        key: value for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    }  # fmt: skip
    public = [key for key in own if not key.startswith("_")]
    if name and name not in own:
        raise InputError(Fault(f"policy {path.name}", "defines no such function", name,
                               f"choose one of {', '.join(public)}" if public else ""))  # fmt: skip
    if not name and len(public) != 1:
        known = f"choose one of {', '.join(f'{file}:{key}' for key in public)}"
        raise InputError(Fault(
            f"policy {path.name}", f"defines {len(public)} functions, so it must be said which",
            None, known if public else "define a function of the model",
        ))  # fmt: skip
    return own[name or public[0]], path.name, hashlib.sha256(source_bytes).hexdigest()


def _imported(path: Path) -> Any:
    specification = importlib.util.spec_from_file_location(f"policy_file_{path.stem}", path)
    if specification is None or specification.loader is None:
        raise InputError(Fault("policy", "is no Python file", str(path), "name a file FILE.py"))
    module = importlib.util.module_from_spec(specification)
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _failed(f"policy {path.name}", error, path) from error
    finally:
        sys.dont_write_bytecode = kept
    return module


def _call(function: Function, model: Any, place: str) -> None:
    try:
        function(model)
    except (Exception, SystemExit) as error:
        code = getattr(function, "__code__", None)
        path = None if code is None else Path(code.co_filename)
        raise _failed(place, error, path) from error


def _failed(place: str, error: BaseException, path: Path | None) -> InputError:
    """What a user's file raised, with the line of it that did."""
    if isinstance(error, InputError):
        return error
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if path is not None and Path(frame.filename) == path:
            line = frame.lineno
    words = " ".join(str(error).split()) or "without a word"
    at = "" if line is None else f" in line {line}"
    return InputError(Fault(place, f"raises {type(error).__name__}{at}: {words[:300]}", None,
                            "mend the function; the model has the names of the form"))  # fmt: skip


# what was there, and what has come ---------------------------------------------------------------


class _Before:
    """The model as the policy was given it."""

    def __init__(self, model: Any, form: Form) -> None:
        self.components = dict(model.component_map())
        self.columns = variables(model, form)
        self.position = {id(column): at for at, column in enumerate(self.columns)}
        self.owned = {id(component) for component in self.components.values()}
        self.states = {
            name: _states(component) for name, component in self.components.items()
        }  # fmt: skip

    def changed(self, model: Any) -> list[_Wrong]:
        """What the policy changed or removed of it."""
        faults: list[_Wrong] = []
        repair = "leave it as it is and add a constraint instead"
        for name, component in self.components.items():
            if model.component(name) is not component:
                faults.append((name, "is removed", repair))
            elif _states(component) != self.states[name]:
                faults.append((name, "is changed, fixed or switched off", repair))
        return faults

    def added(self, model: Any) -> tuple[list[Any], list[Any], list[_Wrong]]:
        """New constraints, new variables, and what a policy may not add."""
        constraints, new, faults = [], [], []
        for component in model.component_objects(descend_into=True):
            top = component
            while top.parent_block() is not model:
                top = top.parent_block().parent_component()
            if id(top) in self.owned:
                continue
            if component.ctype is pyo.Constraint:
                constraints.append(component)
            elif component.ctype is pyo.Var:
                new.append(component)
            elif component.ctype not in HELPERS:
                what = getattr(component.ctype, "__name__", str(component.ctype))
                reason = f"is of type {what}; a policy adds linear constraints and variables"
                faults.append((component.name, reason, "say it as pyo.Constraint"))
        return constraints, new, faults


def _states(component: Any) -> list[Any]:
    """Whatever of a component a policy could change, as values that compare."""
    if component.ctype is pyo.Var:
        return [(key, id(v), v.lb, v.ub, v.fixed, id(v.domain)) for key, v in component.items()]
    if component.ctype in (pyo.Constraint, pyo.Objective):
        found = [(key, id(d), id(d.expr), d.active) for key, d in component.items()]
        return [*found, *((d.sense for d in component.values())
                          if component.ctype is pyo.Objective else ())]  # fmt: skip
    return [id(component)]


def _linear(component: Any) -> Iterator[_Wrong]:
    for key, data in component.items():
        name = _called(component, key)
        if not (data.active and data.parent_block().active):
            yield name, "is switched off", "remove it from the policy"
        elif data.body.polynomial_degree() not in (0, 1):
            yield name, "is not linear in the variables", "state it as linear constraints"
        elif not (data.has_lb() or data.has_ub()):
            yield name, "limits nothing", "give it a limit"


def _usable(component: Any) -> Iterator[_Wrong]:
    for key, data in component.items():
        name = _called(component, key)
        if not (data.is_continuous() or data.is_integer()):
            yield (name, "has a domain that is neither an interval nor whole numbers",
                   "declare it within pyo.Reals, pyo.Integers or pyo.Binary")  # fmt: skip
        elif data.fixed:
            yield name, "is fixed", "use a number or a pyo.Param instead"


# compiling ---------------------------------------------------------------------------------------


def _compiled(
    form: Form, model: Any, before: _Before, constraints: list[Any], new: list[Any], place: str
) -> Addition:  # fmt: skip
    """The additions as a matrix over the form's columns and the new ones."""
    width = len(before.columns)
    position, units = dict(before.position), ["1"] * width
    for block in form.columns.values():
        units[block.span] = [block.unit] * block.size
    columns: dict[str, Block] = {}
    fresh: list[Any] = []
    for component in new:
        block = _block(component, list(component.keys()), len(fresh), "1")
        columns[block.name] = block
        position |= {id(data): width + len(fresh) + i for i, data in enumerate(component.values())}
        fresh += list(component.values())
    units += ["1"] * len(fresh)
    for component in before.components.values():
        if component.ctype is pyo.Constraint:
            component.deactivate()
    try:
        compiled = LinearStandardFormCompiler().write(model, mixed_form=True)
    except (PyomoException, ValueError) as error:
        reason = " ".join(str(error).split())
        raise _refused(place, [(None, reason, "mend or remove it")]) from error
    foreign = [data.name for data in compiled.columns if id(data) not in position]
    if foreign:
        attach = "attach it, model.x = pyo.Var(…)"
        raise _refused(place, [(name, "is a variable that is not on the model", attach)
                               for name in foreign])  # fmt: skip
    # A constraint with two different limits comes as two entries, one for each.
    first: dict[int, int] = {}
    limits: dict[int, list[float]] = {}
    for entry, ((data, side), limit) in enumerate(zip(compiled.rows, compiled.rhs, strict=True)):
        first.setdefault(id(data), entry)
        pair = limits.setdefault(id(data), [-np.inf, np.inf])
        if side <= 0:
            pair[0] = float(limit)
        if side >= 0:
            pair[1] = float(limit)
    # What holds whatever is done (a sum of nothing) is no row.
    kept = [(component, key, data) for component in constraints
            for key, data in component.items() if id(data) in first]  # fmt: skip
    if not kept:
        raise _refused(place, [(None, "adds only constraints that hold whatever is done",
                                "have it constrain the model's variables")])  # fmt: skip
    entries = sp.coo_array(sp.csr_array(compiled.A)[[first[id(data)] for *_, data in kept]])
    at = np.array([position[id(data)] for data in compiled.columns], dtype=np.int64)
    matrix = sp.csr_array((entries.data, (entries.row, at[entries.col])),
                          shape=(len(kept), width + len(fresh)))  # fmt: skip
    bounds = np.array([limits[id(data)] for *_, data in kept])
    senseless = np.isnan(bounds).any(axis=1) | ~np.isfinite(bounds).any(axis=1)
    senseless[entries.row[~np.isfinite(entries.data)]] = True
    if senseless.any():
        reason = "has a coefficient or limit that is not a finite number"
        raise _refused(place, [(_called(*kept[row][:2]), reason, "mend it")
                               for row in np.flatnonzero(senseless)])  # fmt: skip
    rows = {}
    for component in constraints:
        own = [row for row, (owner, *_) in enumerate(kept) if owner is component]
        if own:
            block = _block(component, [kept[row][1] for row in own], own[0],
                           _common_unit(matrix[own], units))  # fmt: skip
            rows[block.name] = block
    return Addition(
        rows, matrix, bounds[:, 0], bounds[:, 1], columns,
        np.array([-np.inf if data.lb is None else data.lb for data in fresh], dtype=float),
        np.array([np.inf if data.ub is None else data.ub for data in fresh], dtype=float),
        np.array([data.is_integer() for data in fresh], dtype=bool),
    )  # fmt: skip


def _block(component: Any, keys: list[Any], start: int, unit: str) -> Block:
    """A block of rows or columns named and labelled as the policy did."""
    name, about = PREFIX + component.name, component.doc or ""
    if not component.is_indexed():
        return Block(name, (), {}, start, unit, about)
    labels = [_label(key) for key in keys]
    dim = f"{name}_index"  # its own, because other policies index by other things
    return Block(name, (dim,), {dim: np.array(labels, dtype=object)}, start, unit, about)


def _label(key: Any) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _called(component: Any, key: Any) -> str:
    return f"{component.name}[{_label(key)}]" if component.is_indexed() else str(component.name)


def _common_unit(matrix: sp.csr_array, units: list[str]) -> str:
    """The unit of rows that sum columns of one unit as they are or in parts; otherwise 1."""
    found = {units[column] for column in matrix.indices}
    return found.pop() if len(found) == 1 and np.abs(matrix.data).max() == 1.0 else "1"
