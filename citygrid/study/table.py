"""A study's results as one table: a row per scenario and route, for Parquet, DuckDB and people."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from citygrid.errors import Fault, InputError
from citygrid.files import whole
from citygrid.locks import holding
from citygrid.study.scenarios.sample import number_and_unit
from citygrid.study.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

RESULTS = "results"
#: Rows of one Parquet file.
PART = 50_000
#: Seconds of these stages have a column each.
STAGES = ("load", "prepare", "formulate", "solve", "queue", "plan", "verify", "write", "total")
#: Status of a task that nobody has computed yet.
OPEN = "open"
#: When a task was queued, begun and finished.
TIMES = ("queued_at", "started_at", "finished_at")
#: What a run took and who ran it: no part of a result.
INCIDENTAL = ("seconds", "worker", *TIMES)


def records(store: Store) -> list[dict[str, Any]]:
    """All rows as flat records: ``None`` where nothing applies, ``open`` what is yet to be run."""
    routes = json.loads(store.about("routes") or "[]")
    found = []
    for number, name, varied, route, key, row, attempts in store.rows():
        asked = routes[route]
        row = row or {"status": OPEN, "seconds": {}}
        seconds = row.get("seconds", {})
        found.append({
            "number": number, "scenario": name, "varied": varied, "route": asked["label"],
            "status": row["status"], "verified": row.get("verified"),
            **{column: row.get(column) for column in ("objective_eur", "bound_eur", "gap")},
            "kpis_of": row.get("kpis_of"), "kpis": row.get("kpis") or {},
            "error": row.get("error"), "seed": asked["seed"], "attempts": attempts,
            "seconds": {stage: seconds.get(stage) for stage in STAGES},
            "key": key, "model_hash": row.get("model_hash"), "case_hash": row.get("case_hash"),
            "form_hash": row.get("form_hash"), "worker": row.get("worker"),
            "plan_digest": row.get("plan_digest"),
            "largest_violation": row.get("largest_violation"),
            **{name: row.get(name) for name in TIMES},
        })  # fmt: skip
    return found


def labels(routes: Iterable[Mapping[str, Any]]) -> list[str]:
    """A name for every route: its own, and with a number where it is asked with several options."""
    asked = [route["route"] for route in routes]
    return [
        name if asked.count(name) == 1 else f"{name} #{asked[: i + 1].count(name)}"
        for i, name in enumerate(asked)
    ]  # fmt: skip


def digest(store: Store) -> str:
    """SHA-256 of all results of a study: equal for equal results, however they came about."""
    said = hashlib.sha256()
    for number, name, _, route, key, row, _ in store.rows():
        kept = None if row is None else {k: v for k, v in row.items() if k not in INCIDENTAL}
        said.update(json.dumps([number, name, route, key, kept], sort_keys=True).encode())
    return said.hexdigest()


# columns ----------------------------------------------------------------------------------------


def varied_columns(varied: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Columns of what scenarios vary: ``path`` as it is written, and where all are numbers of one
    unit, ``path [unit]`` as numbers. A scenario that leaves a path alone has nothing there.
    """
    columns: dict[str, list[Any]] = {}
    for path in dict.fromkeys(path for each in varied for path in each):
        values = [each.get(path) for each in varied]
        columns[path] = [
            v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False)
            for v in values
        ]  # fmt: skip
        read = [None if v is None else number_and_unit(v) for v in values]
        units = {pair[1] for pair in read if pair is not None}
        if len(units) == 1 and all(
            (v is None) == (pair is None) for v, pair in zip(values, read, strict=True)
        ):
            unit = units.pop()
            columns[f"{path} [{unit or '1'}]"] = [None if p is None else p[0] for p in read]
    return columns


def arrow_table(found: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The records as a typed table, so that a column that is empty here has its type anywhere."""
    import pyarrow as pa

    texts = ("scenario", "route", "status", "kpis_of", "error", "key", "model_hash", "case_hash",
             "form_hash", "plan_digest", "worker", *TIMES)  # fmt: skip
    whole_numbers = ("number", "seed", "attempts")
    columns: dict[str, Any] = {}

    def add(name: str, values: list[Any], kind: Any) -> None:
        columns[name] = pa.array(values, type=kind)

    for name in ("number", "scenario", "route"):
        add(name, [r[name] for r in found], pa.int64() if name in whole_numbers else pa.string())
    for name, values in varied_columns([r["varied"] for r in found]).items():
        numeric = all(v is None or isinstance(v, float) for v in values)
        add(name, values, pa.float64() if numeric else pa.string())
    add("status", [r["status"] for r in found], pa.string())
    add("verified", [r["verified"] for r in found], pa.bool_())
    for name in ("objective_eur", "bound_eur", "gap"):
        add(name, [r[name] for r in found], pa.float64())
    add("kpis_of", [r["kpis_of"] for r in found], pa.string())
    for name in dict.fromkeys(name for r in found for name in r["kpis"]):
        add(name, [r["kpis"].get(name) for r in found], pa.float64())
    for stage in STAGES:
        add(f"{stage}_seconds", [r["seconds"][stage] for r in found], pa.float64())
    for name in (*whole_numbers, *texts):
        if name not in columns:
            add(name, [r[name] for r in found],
                pa.int64() if name in whole_numbers else pa.string())  # fmt: skip
    return pa.table(columns)


# Parquet ----------------------------------------------------------------------------------------


def land(store: Store) -> Path:
    """Write the results as Parquet (zstd), hive-partitioned by route, each file whole or not.

    Files of an earlier, larger study that are not written again are removed. Nobody reads results
    meanwhile (:func:`read_results`) of which some are of before.
    """
    folder = store.folder / RESULTS
    found = records(store)
    folder.mkdir(exist_ok=True)
    with holding([folder]):
        _land(folder, found)
    return folder


def _land(folder: Path, found: Sequence[Mapping[str, Any]]) -> None:
    import pyarrow.parquet as pq

    table = arrow_table(found)
    written: set[Path] = set()
    for route in dict.fromkeys(r["route"] for r in found):
        at = [i for i, r in enumerate(found) if r["route"] == route]
        part = table.take(at).drop_columns(["route"])
        for begin in range(0, len(at), PART):
            path = folder / f"route={quote(route, safe='')}" / f"part-{begin // PART:04d}.parquet"
            with whole(path) as temporary:
                pq.write_table(part.slice(begin, PART), temporary, compression="zstd")
            written.add(path)
    for path in [*folder.glob("route=*/part-*.parquet")]:
        if path not in written:
            path.unlink()
    for stale in [*folder.glob("route=*")]:
        if not any(path.parent == stale for path in written):
            shutil.rmtree(stale)


def read_results(folder: Path) -> pa.Table:
    """The results of a study's folder as one table.

    Raises :class:`InputError` where there are none.
    """
    results = folder / RESULTS
    with holding([results], shared=True):
        return _read(folder, results)


def _read(folder: Path, results: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.dataset as ds

    if not any(results.glob("route=*/part-*.parquet")):
        raise InputError(Fault(str(folder), "holds no results of a study", None,
                               "name the folder that `citygrid study` wrote"))  # fmt: skip
    kind = ds.partitioning(pa.schema([("route", pa.string())]), flavor="hive")
    table = ds.dataset(results, format="parquet", partitioning=kind).to_table()
    return table.sort_by([("number", "ascending"), ("route", "ascending")])
