"""Mutants of a source file: one small change each, of the sorts that mutmut makes.

Operators: a comparison is moved by its border, an operator of arithmetic or logic swapped, a number
raised by one, a text or a truth changed, a conditional expression forced to one side, an argument
left out or ``None``, an assigned or returned value ``None``, a call whose value nobody takes left
out. What stands in docstrings, annotations, decorators and defaults is left as it is.
"""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

Swaps = dict[type[ast.AST], type[ast.AST]]

COMPARED: Swaps = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
RECKONED: Swaps = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.Div, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
#: Parts of a function that say nothing of what it does.
BESIDE = {"annotation", "returns", "decorator_list", "args", "type_comment"}


@dataclass
class Source:
    """A file of the package: its text as a tree, and the module that lives."""

    path: Path
    name: str
    module: ModuleType = field(init=False)
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        self.module = importlib.import_module(self.name)
        self.tree = ast.parse(self.path.read_text(encoding="utf-8"))

    def functions(self) -> dict[str, ast.FunctionDef]:
        """Functions and methods of the file, by qualified name."""
        found = {}
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                found[node.name] = node
            elif isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.FunctionDef):
                        found[f"{node.name}.{each.name}"] = each
        return found

    def live(self, function: str) -> FunctionType:
        """The function that the running program calls by this name."""
        value: object = self.module
        for name in function.split("."):
            value = inspect.getattr_static(value, name)
        value = value.fget if isinstance(value, property) else value
        value = getattr(value, "__func__", value)
        found = inspect.unwrap(value)  # type: ignore[arg-type]
        assert isinstance(found, FunctionType), f"{self.name}: {function} is no function"
        return found

    def install(self, function: str) -> None:
        """Let the running program use the function as the tree has it now."""
        code: CodeType = compile(ast.fix_missing_locations(self.tree), str(self.path), "exec")
        for name in function.split("."):
            code = next(each for each in code.co_consts
                        if isinstance(each, CodeType) and each.co_name == name)  # fmt: skip
        self.live(function).__code__ = code


@dataclass(frozen=True)
class Mutant:
    """One change of a function: what stands at a place of the tree is replaced."""

    source: Source
    function: str
    line: int
    parent: ast.AST
    place: str
    index: int | None
    new: ast.AST

    def __str__(self) -> str:
        old = getattr(self.parent, self.place)
        old = old if self.index is None else old[self.index]
        before, after = (" ".join(ast.unparse(node).split()) for node in (old, self.new))
        return f"{self.source.path}:{self.line} {self.function}: {before}  →  {after}"

    def install(self) -> None:
        """Change the running program; there is no way back but to end the process."""
        if self.index is None:
            setattr(self.parent, self.place, self.new)
        else:
            getattr(self.parent, self.place)[self.index] = self.new
        self.source.install(self.function)


def mutants(source: Source, function: str) -> Iterator[Mutant]:
    """All mutants of a function, in the order of its text."""
    node = source.functions()[function]
    told = ast.get_docstring(node) is not None
    for i, statement in enumerate(node.body):
        if told and i == 0:
            continue
        yield from _inside(source, function, node, "body", i, statement)


def _inside(
    source: Source, function: str, parent: ast.AST, place: str, index: int | None, node: ast.AST
) -> Iterator[Mutant]:
    line = getattr(node, "lineno", getattr(parent, "lineno", 0))
    for new in _changed(node):
        yield Mutant(source, function, line, parent, place, index, new)
    for name, value in ast.iter_fields(node):
        if name in BESIDE and isinstance(node, ast.FunctionDef | ast.AnnAssign | ast.arg):
            continue
        if isinstance(value, ast.AST):
            yield from _inside(source, function, node, name, None, value)
        elif isinstance(value, list):
            for i, each in enumerate(value):
                if isinstance(each, ast.AST):
                    yield from _inside(source, function, node, name, i, each)


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a node."""
    if isinstance(node, ast.Constant):
        yield from _other_constant(node)
    elif isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            if type(operator) in COMPARED:
                yield _with(node, ops=_put(node.ops, i, COMPARED[type(operator)]()))
    elif isinstance(node, ast.BinOp) and type(node.op) in RECKONED:
        yield _with(node, op=RECKONED[type(node.op)]())
    elif isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp):
        yield _with(node, op=ast.UAdd()) if isinstance(node.op, ast.USub) else node.operand
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.Call):
        yield from _fewer_arguments(node)
    elif isinstance(node, ast.AugAssign):
        if type(node.op) in RECKONED:
            yield _with(node, op=RECKONED[type(node.op)]())
        yield _at(ast.Assign([node.target], node.value), node)
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.Return):
        if node.value is not None and not _is_none(node.value):
            yield _with(node, value=_at(ast.Constant(None), node))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield _at(ast.Pass(), node)


def _other_constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield _with(node, value=not node.value)
    elif isinstance(node.value, int | float):
        yield _with(node, value=node.value + 1)
    elif isinstance(node.value, str):
        yield _with(node, value=f"XX{node.value}XX")


def _fewer_arguments(node: ast.Call) -> Iterator[ast.AST]:
    several = len(node.args) + len(node.keywords) > 1
    for i, value in enumerate(node.args):
        if not isinstance(value, ast.Starred) and not _is_none(value):
            yield _with(node, args=_put(node.args, i, _at(ast.Constant(None), value)))
        if several:
            yield _with(node, args=[*node.args[:i], *node.args[i + 1 :]])
    for i, keyword in enumerate(node.keywords):
        if keyword.arg is not None and not _is_none(keyword.value):
            none = _with(keyword, value=_at(ast.Constant(None), keyword.value))
            yield _with(node, keywords=_put(node.keywords, i, none))
        if several:
            yield _with(node, keywords=[*node.keywords[:i], *node.keywords[i + 1 :]])


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _with(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _put(nodes: list[ast.AST], index: int, new: ast.AST) -> list[ast.AST]:
    return [*nodes[:index], new, *nodes[index + 1 :]]


def _at(new: ast.AST, old: ast.AST) -> ast.AST:
    return ast.copy_location(new, old)
