"""The problem for somebody else's annealer: files that read back equal, and the map beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import citygrid
from citygrid.errors import Fault, InputError
from citygrid.files import refuse_unwritable, together, whole

if TYPE_CHECKING:
    from citygrid.arrays import Floats
    from citygrid.model.form import Form
    from citygrid.routes.exchange import Binary
    from citygrid.routes.exchange.moves import Neighbourhood
    from citygrid.routes.exchange.problem import Problem

#: Format → name of its file in the folder.
FILES = {
    "cqm": "problem.cqm", "bqm": "problem.bqm", "coo": "problem.coo", "lp": "problem.lp",
    "mps": "problem.mps", "npz": "problem.npz",
}  # fmt: skip
#: Formats that hold the binary model, and that of changes of a plan, a file per window of time.
BINARY, MOVES = ("bqm", "coo"), "moves"
FORMATS = (*FILES, MOVES)


@dataclass(frozen=True)
class Exported:
    """What was written: format → file, and for each its size and hash; ``key`` is the map.

    ``left`` are files of an earlier export in the same folder, of which the map does not speak.
    """

    form: Form
    files: Mapping[str, Path]
    problems: Mapping[str, Mapping[str, Any]]
    key: Path
    left: tuple[Path, ...] = ()


def export_problem(
    form: Form, to: Iterable[str], folder: str | Path, settings: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Exported:  # fmt: skip
    """Write a form in formats of other people's solvers, with the map back to the plan.

    to
        Names from :data:`FORMATS`.
    settings
        Options of the binary model.

    All files appear or none. Raises :class:`InputError` for a format or option that does not exist
    and for a form that is too large for a binary model, before anything is written.
    """
    folder = Path(folder)
    names = refuse_unwritable_problem(to, folder)
    work = _Export(form, dict(settings or {}))
    if set(names) & set(BINARY):
        say("encoding the form in bits")
        _ = work.binary  # refused, if at all, before anything is written
    elif work.settings:
        raise InputError([Fault(f"--set {name}", "is an option of the binary model, which is not "
                                "asked for", value, f"add one of {', '.join(BINARY)} to --to")
                          for name, value in work.settings.items()])  # fmt: skip
    if MOVES in names:
        say("looking for a plan and what could be changed about it")
        _ = work.moves
    problems: dict[str, dict[str, Any]] = {}
    with together() as ready:
        for name in names:
            say(f"writing {name}")
            if name == MOVES:
                problems |= work.write_moves(folder, ready)
                continue
            path = folder / FILES[name]
            problems[name] = {"file": FILES[name], **work.write(name, path), **_stamp(ready(path))}
        say("writing the map")  # the last to have its name
        with whole(folder / _map()) as temporary:
            temporary.write_text(lines_of(work.key(problems)), encoding="utf-8")
    files = {name: folder / problem["file"] for name, problem in problems.items()}
    older = {*(folder / file for file in FILES.values()), *folder.glob("moves-*.bqm")}
    left = tuple(sorted(path for path in older - set(files.values()) if path.exists()))
    return Exported(form, files, problems, folder / _map(), left)


def refuse_unwritable_problem(to: Iterable[str], folder: Path) -> list[str]:
    """The formats asked for, once each; refused before any work is done.

    Raises :class:`InputError` for a format that does not exist, and the ``OSError`` that writing
    into the folder would meet.
    """
    names = list(dict.fromkeys(to))
    repair = f"choose one or more of {', '.join(FORMATS)}"
    if not names:
        raise InputError(Fault("--to", "names no format", None, repair))
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise InputError([Fault("--to", "no such format", name, repair) for name in unknown])
    for file in (*(FILES.get(name, "moves-1.bqm") for name in names), _map()):
        refuse_unwritable(folder / file)
    return names


def lines_of(key: Mapping[str, Any]) -> str:
    """A map as JSON with a line for every variable, limit and bit."""
    fields = []
    for name, value in key.items():
        shown = json.dumps(value, allow_nan=False)
        if isinstance(value, Mapping) and value:
            inner = ",\n".join(f"  {json.dumps(part)}: {json.dumps(each, allow_nan=False)}"
                               for part, each in value.items())  # fmt: skip
            shown = f"{{\n{inner}\n }}"
        fields.append(f" {json.dumps(name)}: {shown}")
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _map() -> str:
    from citygrid.routes.exchange.key import MAP

    return MAP


def _stamp(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


@dataclass
class _Export:
    """A form on its way into files; what several of them need is made once."""

    form: Form
    settings: dict[str, str] = field(default_factory=dict)

    @cached_property
    def problem(self) -> Problem:
        from citygrid.routes.exchange.problem import problem

        return problem(self.form)

    @cached_property
    def binary(self) -> Binary:
        from citygrid.routes.exchange.bits import encoded

        return encoded(self.form, self.settings)

    @cached_property
    def moves(self) -> tuple[Floats, list[Neighbourhood]]:
        from citygrid.routes.contract import Options
        from citygrid.routes.exchange.moves import neighbourhoods

        # Curves are kept by their tangents here, as in the other files.
        return neighbourhoods(replace(self.form, curves=()), Options())

    def write_moves(self, folder: Path, ready: Callable[[Path], Path]) -> dict[str, dict[str, Any]]:
        """Write a file per window; returns what each holds, by its name without ending.

        ``ready`` says where a file lies until it has its name.
        """
        from citygrid.routes.exchange.moves import NAME
        from citygrid.routes.samplers.exchange import write_bqm

        problems = {}
        for number, each in enumerate(self.moves[1], 1):
            path, model = folder / NAME.format(number), each.model
            write_bqm(model.linear, model.couplings, model.offset, tuple(each.names(number)), path)
            problems[path.stem] = {
                "file": path.name, "window": each.window, "variables": len(model.linear),
                "couplings": len(model.couplings[2]), **_stamp(ready(path)),
            }  # fmt: skip
        return problems

    def write(self, name: str, path: Path) -> dict[str, Any]:
        """Write one format; returns its size in words."""
        if name in BINARY:
            return self._write_binary(name, path)
        form, size = self.form, self.form.size
        plain = {"variables": size["columns"], "constraints": size["rows"],
                 "entries": size["nonzeros"]}  # fmt: skip
        if name == "cqm":
            from citygrid.routes.samplers.exchange import write_cqm

            stated = self.problem
            write_cqm(stated, path)
            return {
                "variables": size["columns"], "constraints": len(stated.rows),
                "entries": int(stated.form.matrix.nnz), "binary": int(stated.binary.sum()),
                "integer": int((form.integer & ~stated.binary).sum()),
                "real": int((~form.integer).sum()), "one_hot": int(stated.discrete.sum()),
                "without_bound": int(stated.open.sum()),
            }  # fmt: skip
        if name == "npz":
            form.save(path)
            return plain
        from citygrid.model.writing import write_lp, write_mps

        {"lp": write_lp, "mps": write_mps}[name](form, path)
        return plain

    def _write_binary(self, name: str, path: Path) -> dict[str, Any]:
        binary = self.binary
        if name == "bqm":
            from citygrid.routes.exchange.key import bit_names
            from citygrid.routes.samplers.exchange import write_bqm

            write_bqm(binary.linear, binary.couplings, binary.offset,
                      tuple(bit_names(binary)), path)  # fmt: skip
        else:
            from citygrid.routes.exchange.coo import write_coo

            about = (f"form={self.form.hash}", f"names and meaning of the bits: {_map()}")
            write_coo(binary.linear, binary.couplings, binary.offset, path, about)
        return {"variables": len(binary.linear), "couplings": len(binary.couplings[2])}

    def key(self, problems: Mapping[str, Any]) -> dict[str, Any]:
        """The map: every variable of every file, and what it was made from."""
        from citygrid.routes.exchange.key import (
            FORMAT,
            describe_bits,
            describe_columns,
            describe_rows,
            digest_of,
        )

        case = self.form.source
        provenance = {} if case is None else case.provenance
        found: dict[str, Any] = {
            "format": FORMAT,
            "citygrid": citygrid.__version__,
            "model": None if case is None else case.name,
            "model_hash": provenance.get("model_hash"),
            "form_hash": self.form.hash,
            "policies": [asdict(policy) for policy in self.form.policies],
            "objective": {"sense": "minimise", "unit": "EUR"},
            "files": problems,
            "variables": describe_columns(self.form, self.problem),
            "rows": describe_rows(self.form, self.problem),
        }
        if set(problems) & set(BINARY):
            found["bqm"] = {"settings": self.settings, "hash": digest_of(self.binary)}
            found |= describe_bits(self.binary, self.problem.columns)
        if "moves-1" in problems:
            from citygrid.routes.exchange.moves import describe_moves

            found |= describe_moves(*self.moves, self.problem.columns)
        return found
