"""A study as runs of the registry: one for the study, and a part for every scenario and route."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citygrid.registry.record import DONE, FAILED, Record, new_record
from citygrid.study.conduct import is_failure
from citygrid.study.table import OPEN, RESULTS

if TYPE_CHECKING:
    from citygrid.registry import Recording
    from citygrid.study.scenarios.reading import Study

#: Facts of a row that are a run's under the same name.
SAME = ("route", "seed", "status", "gap", "kpis", "seconds", "varied", "attempts", "plan_digest",
        "model_hash", "case_hash", "form_hash")  # fmt: skip


def record_inputs(recording: Recording, study: Study, function: str | None) -> None:
    """Note what a study reads besides its own file: the base district and all data it names."""
    files = {name: sha for task in study.tasks.values() for name, sha in task.files.items()}
    recording.reads([
        ("district", study.spec.district, study.base, None),
        *(("data", name, study.base.parent / name, sha) for name, sha in sorted(files.items())),
    ])  # fmt: skip
    recording.knows(
        model=study.tree.get("name"), route=",".join(route.route for route in study.routes),
        options={"function": function, "scenarios": len(study.scenarios),
                 "tasks": len(study.tasks)},
    )  # fmt: skip


def record_rows(recording: Recording, folder: Path, rows: Sequence[Mapping[str, Any]],
                digest: str | None = None) -> None:  # fmt: skip
    """Add what a study has found to the registry: a part per row that no run has recorded before.

    A row's id follows from what was computed and when, so a study that goes on adds what is new,
    and what one computed that was killed: no row is lost, and none stands twice.
    """
    new = recording.add_parts(_parts(recording.id, folder, rows))
    recording.knows(
        parts={"runs": len(rows), "new": new,
               "plans": sum(row["plan_digest"] is not None for row in rows),
               "verified": sum(row["verified"] is True for row in rows)},
        results_digest=digest, failed=sum(map(is_failure, rows)),
    )  # fmt: skip
    recording.produced(
        {
            str(path.relative_to(folder)): path
            for path in sorted((folder / RESULTS).glob("route=*/*.parquet"))
        }
    )


def _parts(
    parent: str, folder: Path, rows: Iterable[Mapping[str, Any]]
) -> Iterator[Record]:  # fmt: skip
    place = str(folder.resolve())
    for row in rows:
        if row["status"] == OPEN:
            continue
        said = [place, row["scenario"], row["route"], row["key"], row["finished_at"]]
        id = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:40]
        fine = row["verified"] is True or row["status"] == "relaxed"
        yield new_record(
            "study part", id, parent, began=row["started_at"], finished=row["finished_at"],
            state=DONE if fine else FAILED, part=row["scenario"],
            objective=row["objective_eur"], bound=row["bound_eur"], task=row["key"],
            verdict=None if row["verified"] is None else {
                "ok": row["verified"], "largest_violation": row["largest_violation"]},
            error=None if row["error"] is None else row["error"].splitlines(),
            calls=[{"backend": row["worker"], "purpose": "scenario",
                    **{name: row[name] for name in ("queued_at", "started_at", "finished_at")}}],
            **{name: row[name] for name in SAME},
        )  # fmt: skip
