"""What a record says of inputs, of results and of files that were written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citygrid.registry.blobs import Blobs
from citygrid.registry.canonical import plain, sha256, sha256_of_file

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.export.runs import Run
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict

#: Inputs up to so many bytes are kept with the run; of larger ones only the digest is.
KEPT = 16 << 20
#: What stands for a value that is nobody's business, and names of options that hold such.
HIDDEN = "(hidden)"
_SECRET = re.compile(r"token|password|passwd|secret|api.?key|credential", re.IGNORECASE)
#: Parts of a route's telemetry that stand in a record of their own.
APART = ("calls", "trace")


def input_of(
    path: Path, role: str, blobs: Blobs | None, name: str | None = None, digest: str | None = None
) -> dict[str, Any]:  # fmt: skip
    """A file that a run reads: name, place, size, digest, and whether its contents are kept.

    ``name`` is how whoever refers to it calls it, ``digest`` what was read of it: where the file
    has changed since, its contents are not kept. What cannot be read says so.
    """
    entry: dict[str, Any] = {"role": role, "name": name or str(path), "path": str(path.absolute()),
                             "sha256": digest, "bytes": None, "kept": False}  # fmt: skip
    try:
        entry["bytes"] = path.stat().st_size
        if entry["bytes"] > KEPT:
            entry["sha256"] = digest or sha256_of_file(path)
            return entry
        data = path.read_bytes()
    except OSError as error:
        return entry | {"error": error.strerror or str(error)}
    found = sha256(data)
    entry |= {"sha256": digest or found, "bytes": len(data)}
    if digest not in (None, found):
        return entry | {"error": "was changed while it was in use"}
    if blobs is not None:
        blobs.put(data)
        entry["kept"] = True
    return entry


def inputs_of_case(case: Case, blobs: Blobs | None) -> list[dict[str, Any]]:
    """The district file of a case and every file that was read for it."""
    told = case.provenance
    model = Path(str(told.get("model", "")))
    found = [input_of(model, "district", blobs, model.name, told.get("model_hash"))]
    files = told.get("files", {})
    return found + [
        input_of(model.parent / name, "data", blobs, name, digest) for name, digest in files.items()
    ]


def output_of(path: Path, role: str) -> dict[str, Any]:
    """A file that a run has written, by its digest."""
    try:
        return {"role": role, "path": str(path.absolute()), "sha256": sha256_of_file(path),
                "bytes": path.stat().st_size}  # fmt: skip
    except OSError as error:
        return {"role": role, "path": str(path.absolute()), "sha256": None, "bytes": None,
                "error": error.strerror or str(error)}  # fmt: skip


def outputs_of(files: Mapping[str, str | Path]) -> list[dict[str, Any]]:
    """Files by their role."""
    return [output_of(Path(path), role) for role, path in files.items()]


def facts_of_run(run: Run) -> dict[str, Any]:
    """What one solve came to: figures, verdict, times, and what the route reported."""
    plan, verdict = run.plan, run.verdict
    telemetry = dict(run.telemetry)
    attributes = {} if plan is None else plan.attributes
    error = getattr(run, "error", None)
    return {
        "model": run.case.name, "model_hash": run.case.provenance.get("model_hash"),
        "case_hash": run.case.hash, "form_hash": attributes.get("form_hash"), "size": run.size,
        "route": run.route, "seed": run.seed, "time_given": run.given, "status": run.status,
        "objective": None if plan is None else plan.objective, "bound": run.bound,
        "gap": None if plan is None else plan.gap,
        "plan_digest": None if plan is None else plan.digest,
        "verdict": None if verdict is None else verdict.as_dict(),
        "kpis": None if verdict is None else verdict.kpis, "seconds": run.seconds,
        "calls": telemetry.pop("calls", []), "trace": telemetry.pop("trace", []),
        "telemetry": telemetry,
        "error": None if error is None else [str(fault) for fault in error.faults],
    }  # fmt: skip


def facts_of_verdict(plan: Plan, verdict: Verdict) -> dict[str, Any]:
    """What a stored plan says of itself, and what its replay said of it."""
    attributes = plan.attributes
    return {
        "model": plan.case.name, "model_hash": plan.case.provenance.get("model_hash"),
        "case_hash": plan.case.hash, "form_hash": attributes.get("form_hash"),
        "route": plan.route, "seed": attributes.get("seed"), "status": attributes.get("status"),
        "objective": plan.objective, "bound": plan.bound, "gap": plan.gap,
        "plan_digest": plan.digest, "verdict": verdict.as_dict(), "kpis": verdict.kpis,
    }  # fmt: skip


def facts_of_plan(plan: Plan, verdict: Verdict | None) -> dict[str, Any]:
    """What a plan that was just made says of itself, with the calls of backends behind it."""
    telemetry = plan.telemetry
    calls, trace = (telemetry.get(name, []) for name in APART)
    found = {} if verdict is None else facts_of_verdict(plan, verdict)
    return {
        "model": plan.case.name, "case_hash": plan.case.hash, "route": plan.route,
        "objective": plan.objective, "bound": plan.bound, "gap": plan.gap,
        "plan_digest": plan.digest, **found, "calls": calls, "trace": trace,
    }  # fmt: skip


def unsaid(settings: Mapping[str, str]) -> dict[str, str]:
    """Options without the values of those that are secret by their name."""
    return {name: HIDDEN if _SECRET.search(name) else text for name, text in settings.items()}


def unsaid_line(words: Sequence[str]) -> list[str]:
    """A command line without secrets that were set in it."""
    return [
        f"{word.partition('=')[0]}={HIDDEN}"
        if "=" in word and _SECRET.search(word.partition("=")[0]) else word
        for word in words
    ]  # fmt: skip


def secrets_in(words: Sequence[str]) -> list[str]:
    """Values that must not be recorded, wherever they turn up, such as in a message."""
    parts = [word.partition("=") for word in words]
    return [value for name, _, value in parts if value and _SECRET.search(name)]


def without(value: Any, secrets: Sequence[str]) -> Any:
    """Plain values in which no secret stands."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, Mapping):
        return {name: without(each, secrets) for name, each in value.items()}
    return [without(each, secrets) for each in value] if isinstance(value, list) else value


def unsaid_values(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Parsed options without secrets that were set by them."""
    found = {}
    for name, value in arguments.items():
        value = plain(value)
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            value = unsaid_line(value)
        found[name] = value
    return found


def together(facts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What stands in the record of a comparison: the frame that its parts share, and counts."""
    each = list(facts)
    first = each[0]
    shared = {name: first[name] for name in ("model", "model_hash", "case_hash", "form_hash",
                                             "size")}  # fmt: skip
    ok = [bool((one["verdict"] or {}).get("ok")) for one in each]
    return shared | {
        "route": ",".join(dict.fromkeys(str(one["route"]) for one in each)),
        "parts": {"runs": len(each), "plans": sum(one["plan_digest"] is not None for one in each),
                  "verified": sum(ok)},
    }  # fmt: skip
