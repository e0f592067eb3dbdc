"""One task from its patch to its row: what a worker does, a thousand times over one base.

The second task pays for what it changes: the base is checked once, components that a patch leaves
alone keep their specs, and series, weather and sun are reckoned once for all.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import citygrid
from citygrid.district.sound import Path_
from citygrid.district.strict_yaml import Tree
from citygrid.district.strict_yaml.places import tell_place
from citygrid.errors import Fault, InputError
from citygrid.registry.canonical import now
from citygrid.study.execution.contract import Plain, Setup, row_without_plan

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.district.load import District
    from citygrid.model.form import Form
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict
    from citygrid.routes.contract import Outcome

#: Entries of a form beyond which nobody is told why it has no plan: finding out takes too long.
EXPLAINED = 200_000


class Sent(Tree):
    """A district that came without the lines of its file: faults go by their paths."""

    def place(self, path: Path_) -> str:
        return tell_place(self.name, None, path)


class Computer:
    """Computes tasks of one study, one after the other."""

    def __init__(self, setup: Setup) -> None:
        from citygrid.district.load import checked
        from citygrid.district.memory import Memory

        self._setup = setup
        self._path = Path(setup.base)
        self._memory = Memory()
        self._base: District | None = None
        with suppress(InputError):  # a base that scenarios complete; each is checked as a whole
            tree = Sent(setup.tree, {}, self._path.name)
            self._base = checked(self._path, tree, "", further=False)
        self._warm()
        self._worker = f"{socket.gethostname()}:{os.getpid()}"

    def _warm(self) -> None:
        """Import and read what every task needs, so that a task's limits are its own."""
        import citygrid.model.formulate
        import citygrid.plan.verify
        import citygrid.routes.milp
        import citygrid.verbs.handover  # noqa: F401
        from citygrid.district.prepare import prepare
        from citygrid.routes import check
        from citygrid.study.scenarios.reading import options_of
        from citygrid.study.scenarios.spec import RouteSpec

        for asked in self._setup.routes:
            route = RouteSpec.model_construct(**asked)
            with suppress(InputError):  # told of each task that asks it
                check(route.route, options_of(route))
        with suppress(InputError):  # what is wrong with the base may be what scenarios mend
            if self._base is not None:
                prepare(self._base, self._memory)

    def compute(self, task: Plain) -> dict[str, Any]:
        """The row of a task; whatever goes wrong in it is told in the row."""
        began, started_at = time.perf_counter(), now()
        try:
            row = self._computed(task)
        except InputError as error:
            row = row_without_plan(task, "refused", str(error))
        except MemoryError:
            row = row_without_plan(task, "out_of_memory", "the process got no more memory")
        except Exception as error:
            row = row_without_plan(task, "failed", f"{type(error).__name__}: {error}"[:2000])
        row["seconds"]["total"] = time.perf_counter() - began
        row |= {"worker": self._worker, "started_at": started_at, "finished_at": now()}
        return row

    def _computed(self, task: Plain) -> dict[str, Any]:
        from citygrid.district.load import checked
        from citygrid.district.paths import patched
        from citygrid.district.prepare import prepare
        from citygrid.routes import solve
        from citygrid.study.scenarios.reading import options_of
        from citygrid.study.scenarios.spec import RouteSpec
        from citygrid.verbs import formulate, timed, verify
        from citygrid.verbs.handover import plan_of

        row = row_without_plan(task, "", "") | {"error": None}
        seconds: dict[str, float] = row["seconds"]
        route = RouteSpec.model_construct(**task["route"])
        options = options_of(route)
        if self._setup.version not in ("", citygrid.__version__):
            raise InputError(Fault(
                self._worker, f"has citygrid {citygrid.__version__}, and the study is of "
                f"{self._setup.version}", None, "install the same version on all machines",
            ))  # fmt: skip
        with timed(seconds, "load"):
            tree = Sent(patched(self._setup.tree, task["patch"]), {}, self._path.name)
            district = checked(self._path, tree, task["digest"], self._base)
        with timed(seconds, "prepare"):
            case = prepare(district, self._memory)
            _same_files(case, task["files"])
        with timed(seconds, "formulate"):
            form = formulate(case)
        with timed(seconds, "solve"):
            outcome = solve(form, route.route, options)
        row |= {"status": outcome.status, "bound_eur": outcome.bound, "form": form.size,
                "model_hash": task["digest"], "case_hash": case.hash}  # fmt: skip
        seconds["queue"] = float(outcome.telemetry.get("queue") or 0.0)
        if outcome.x is None:
            row["error"] = self._why(case, form, outcome)
            return row
        wanted = self._setup.plans and outcome.status != "relaxed"
        with timed(seconds, "plan"):
            plan = plan_of(case, form, route.route, options, outcome, sense=wanted)
        with timed(seconds, "verify"):
            verdict = verify(case, plan)
        relaxed = outcome.status == "relaxed"
        row |= {
            # A relaxation is no plan: it has a bound, and nothing of it is verified or broken.
            "objective_eur": None if relaxed else plan.objective,
            "gap": None if relaxed else plan.gap,
            "verified": None if relaxed else verdict.ok,
            "largest_violation": None if relaxed else verdict.largest,
            "kpis": verdict.kpis, "kpis_of": "relaxation" if relaxed else "plan",
            "form_hash": form.hash, "plan_digest": None if relaxed else plan.digest,
        }  # fmt: skip
        if not relaxed:
            with timed(seconds, "write"):
                self._write(task["key"], plan, verdict)
        if not relaxed and not verdict.ok:
            row["error"] = "; ".join(verdict.broken(3))
        return row

    def _why(self, case: Case, form: Form, outcome: Outcome) -> str | None:
        """Why there is no plan, in words."""
        if outcome.status == "infeasible" and form.matrix.nnz <= EXPLAINED:
            from citygrid.verbs import explain

            return str(explain(case, form))[:2000]
        message = outcome.telemetry.get("message")
        return None if message is None else str(message)[:2000]

    def _write(self, key: str, plan: Plan, verdict: Verdict) -> None:
        """The files that the study wants of a plan, each whole or not at all."""
        out = Path(self._setup.out)
        if self._setup.plans:
            plan.save(out / "plans" / f"{key}.nc")
        if self._setup.tables:
            from citygrid.export.subject import Subject
            from citygrid.export.tables import tables
            from citygrid.files import whole

            made: dict[str, Any] = dict(tables(Subject(plan, verdict)).items())
            for name in set(self._setup.tables) & set(made):  # a district may have no jobs
                with whole(out / "tables" / name / f"{key}.parquet") as temporary:
                    made[name].to_parquet(temporary, compression="zstd", index=False)


def _same_files(case: Case, expected: dict[str, str]) -> None:
    """Refuse data that changed since the study was read, here or on another machine."""
    faults = [
        Fault(file, "is another file than when the study was read", sha[:12],
              "let all machines see the same folder, and start the study again")
        for file, sha in dict(case.provenance["files"]).items()
        if expected.get(file, sha) != sha
    ]  # fmt: skip
    if faults:
        raise InputError(faults)
