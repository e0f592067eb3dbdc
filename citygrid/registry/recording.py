"""One command as it becomes a run in the registry, whatever happens to either.

The work never pays for its record: what the registry refuses is told once, and the command goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citygrid.errors import (
    CitygridError,
    InfeasibleError,
    InputError,
    NoPlanError,
    VerificationError,
)
from citygrid.registry.canonical import now, plain
from citygrid.registry.gathering import (
    facts_of_plan,
    facts_of_run,
    input_of,
    inputs_of_case,
    outputs_of,
    secrets_in,
    together,
    unsaid,
    unsaid_line,
    unsaid_values,
    without,
)
from citygrid.registry.place import place_of
from citygrid.registry.record import DONE, FAILED, Record, new_id, new_record
from citygrid.registry.store import Registry

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.export.runs import Run
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict

#: Parts that are added in one transaction.
BATCH = 1000
#: The command's own word for why it has no result.
WHY: tuple[tuple[type[BaseException], str], ...] = (
    (InfeasibleError, "infeasible"), (NoPlanError, "no_plan"), (VerificationError, "broken"),
    (InputError, "refused"), (OSError, "refused"), (KeyboardInterrupt, "interrupted"),
)  # fmt: skip


class Recording:
    """A run while it works.

    ``command`` is its name, such as ``plan``; ``wish`` the registry that was asked for
    (:func:`place_of`), which is made where there is none unless ``make`` is off; ``warn`` hears,
    once, what could not be recorded and why. ``arguments`` are the options as they were understood,
    ``line`` the words as they were given.
    """

    def __init__(
        self, command: str, wish: str | None, warn: Callable[[str], None],
        arguments: Mapping[str, Any] | None = None, line: Sequence[str] = (), make: bool = True,
    ) -> None:  # fmt: skip
        self.id = new_id()
        self._command, self._warn, self._wish = command, warn, wish
        self._began = now()
        self._facts: dict[str, Any] = {}
        self._inputs: list[dict[str, Any]] = []
        self._outputs: list[dict[str, Any]] = []
        self._children: list[Record] = []
        self._broken = self._begun = False
        self._registry: Registry | None = None
        self.written: list[str] = []
        self._secrets = secrets_in(line)
        with self._harmless():
            self._facts |= {"arguments": unsaid_values(arguments or {}), "line": unsaid_line(line)}
            place = place_of(wish)
            if place is not None and (make or place.folder.is_dir()):
                self._registry = Registry(place, write=True)

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        """Nothing that happens to a record may cost a plan: any error is told, and that is all."""
        try:
            yield
        except Exception as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            if not self._broken:
                what = "is recorded in part only" if self._begun else "is not recorded"
                self._warn(f"this {self._command} {what} in the registry: {said}")
                self._facts["incomplete"] = said
            self._broken = True

    @property
    def on(self) -> bool:
        """Whether this run is being recorded."""
        return self._registry is not None and not self._broken

    def begin(self, inputs: Sequence[Path] = (), role: str = "input") -> None:
        """Note that the run is about to work, on these files."""
        if not self.on:
            return
        with self._harmless():
            assert self._registry is not None
            # Plans are what is made of inputs: their digest says which one it was.
            blobs = None if role == "plan" else self._registry.blobs
            self._inputs = [input_of(path, role, blobs) for path in inputs if path.is_file()]
            if role == "district" and inputs:
                self._facts["model"] = inputs[0].stem  # until it is read and has said its name
            self._note()

    def asked(self, routes: Sequence[str], seeds: Sequence[int], settings: Mapping[str, str],
              policies: Sequence[str], files: Sequence[tuple[str, str, Path]] = (),
              **options: Any) -> None:  # fmt: skip
        """Keep what `runs rerun` needs: routes, seeds, options; files as (role, name, path)."""
        if not self.on:
            return
        with self._harmless():
            self._facts |= {
                "route": ",".join(routes), "seed": seeds[0] if len(seeds) == 1 else None,
                "request": {"routes": list(routes), "seeds": list(seeds),
                            "settings": unsaid(settings), "policies": list(policies), **options},
            }  # fmt: skip
            assert self._registry is not None
            self._inputs += [input_of(path, role, self._registry.blobs, name)
                             for role, name, path in files]  # fmt: skip

    def reads(self, files: Iterable[tuple[str, str, Path, str | None]]) -> None:
        """Note further files that it reads: (role, name, path, SHA-256 where it is known)."""
        if not self.on:
            return
        with self._harmless():
            assert self._registry is not None
            self._inputs += [input_of(path, role, self._registry.blobs, name, digest)
                             for role, name, path, digest in files]  # fmt: skip
            self._note()

    def prepared(self, case: Case) -> None:
        """Note what the district and its series were, before anything is solved."""
        if not self.on:
            return
        with self._harmless():
            assert self._registry is not None
            kept = [entry for entry in self._inputs if entry["role"] not in ("district", "data")]
            self._inputs = [*inputs_of_case(case, self._registry.blobs), *kept]
            self._facts |= {"model": case.name, "case_hash": case.hash,
                            "model_hash": case.provenance.get("model_hash")}  # fmt: skip
            self._note()

    def inherits(self, record: Record, inputs: Sequence[Mapping[str, Any]]) -> None:
        """This run repeats another: what that was asked and had read are its own."""
        if not self.on:
            return
        with self._harmless():
            request = record.part("request")
            self._facts |= {
                "rerun_of": record.id, "request": dict(request), "model": record.body.get("model"),
                "route": record.body.get("route"), "seed": record.body.get("seed"),
            }  # fmt: skip
            self._inputs = [dict(each) for each in inputs]
            self._note()

    def _note(self) -> None:
        assert self._registry is not None
        self._registry.begin(self._hiding(new_record(
            self._command, self.id, began=self._began, finished=None, state="begun",
            inputs=self._inputs, **self._facts,
        )))  # fmt: skip
        self._begun = True

    def results(
        self, runs: Sequence[Run], files: Mapping[str, Mapping[str, str]], parts: bool = False
    ) -> None:
        """Keep what was solved and the files that were written of it (route → role → path).

        With ``parts`` every run becomes a record of its own that names this one as its parent.
        """
        if not self.on:
            return
        with self._harmless():
            facts = [facts_of_run(run) for run in runs]
            if not parts:
                self._facts |= facts[0]
                self.produced(files.get(runs[0].route, {}))
                return
            self._facts |= together(facts)
            own = {"report", "routes"}
            for run, fact in zip(runs, facts, strict=True):
                written = files.get(run.route, {}) if run.seed == runs[0].seed else {}
                self._child(run, fact, {k: p for k, p in written.items() if k not in own})
            self.produced({k: p for k, p in files[runs[0].route].items() if k in own})

    def _child(self, run: Run, facts: dict[str, Any], files: Mapping[str, str]) -> None:
        request = self._facts.get("request", {})
        asked = {**request, "routes": [run.route], "seeds": [run.seed], "controls": False,
                 "time_limit": run.given}  # fmt: skip
        ok = run.plan is not None and run.verdict is not None and run.verdict.ok
        self._children.append(new_record(
            f"{self._command} part", parent=self.id, began=self._began, request=asked,
            state=DONE if ok else FAILED, outputs=outputs_of(files), **facts,
        ))  # fmt: skip

    def part(self, name: str, plan: Plan | None, verdict: Verdict | None, **facts: Any) -> None:
        """Keep a plan that is one of several of this run as a record that names it as its parent.

        ``name`` tells it from the others; without a plan, ``facts`` say why.
        """
        if not self.on:
            return
        with self._harmless():
            found = {} if plan is None else facts_of_plan(plan, verdict)
            ok = verdict is not None and verdict.ok
            found |= {"state": DONE if ok else FAILED} | facts
            self._children.append(new_record(
                f"{self._command} part", parent=self.id, began=self._began, part=name,
                **found,
            ))  # fmt: skip
            verified = sum(each.body["state"] == DONE for each in self._children)
            self._facts["parts"] = {"runs": len(self._children), "verified": verified}

    def add_parts(self, records: Iterable[Record]) -> int:
        """Add parts of this run to the chain now, many in a transaction; gives how many are new.

        What is there already, by its id, stays as it is.
        """
        new, rest = 0, iter(records)
        if self.on:
            with self._harmless():
                assert self._registry is not None
                while batch := [self._hiding(each) for each in islice(rest, BATCH)]:
                    new += len(self._registry.add(batch))
        return new

    def produced(self, files: Mapping[str, str | Path]) -> None:
        """Keep the digests of files that were written, by role."""
        if self.on:
            with self._harmless():
                self._outputs += outputs_of(files)

    def knows(self, **facts: Any) -> None:
        """Keep further facts; see :func:`citygrid.registry.new_record` for their names."""
        if self.on:
            with self._harmless():
                self._facts |= plain(facts)

    def log(self, text: str) -> None:
        """Keep a solver's log."""
        if self.on and text:
            with self._harmless():
                assert self._registry is not None
                data = text.encode(errors="replace")
                self._facts["log"] = {"blob": self._registry.blobs.put(data), "bytes": len(data)}

    def close(self, exit_code: int, error: BaseException | None = None) -> None:
        """The command is over: its run is added to the chain, with the error that ended it.

        What has not even begun is none. Where a part of the record was lost on the way, the rest is
        still tried, so that a run that has ended does not look like one that was killed.
        """
        if self._registry is not None and self._begun:
            with self._harmless():
                self._finish(exit_code, error)
        if self._registry is not None:
            self._registry.close()
            self._registry = None

    def _finish(self, exit_code: int, error: BaseException | None) -> None:
        assert self._registry is not None
        if error is not None:
            self._facts |= {"status": why(error), "error": _faults(error)}
            if isinstance(error, CitygridError) and error.details:
                self._facts["details"] = dict(error.details)
            if isinstance(error, NoPlanError):
                told = dict(error.telemetry)
                self._facts |= {"bound": error.bound, "calls": told.pop("calls", []),
                                "trace": told.pop("trace", []), "telemetry": told}  # fmt: skip
        parent = new_record(
            self._command, self.id, began=self._began, exit_code=exit_code,
            state=DONE if exit_code == 0 else FAILED, inputs=self._inputs, outputs=self._outputs,
            **self._facts,
        )  # fmt: skip
        self.written = self._registry.add(
            [self._hiding(each) for each in (parent, *self._children)]
        )

    def _hiding(self, record: Record) -> Record:
        return Record(without(record.body, self._secrets)) if self._secrets else record


def why(error: BaseException) -> str:
    """Why there is no result, in a word for lists."""
    return next((word for kind, word in WHY if isinstance(error, kind)), "error")


def _faults(error: BaseException) -> list[str]:
    if isinstance(error, CitygridError):
        return [str(fault) for fault in error.faults]
    return [f"{type(error).__name__}: {error}" if str(error) else type(error).__name__]
