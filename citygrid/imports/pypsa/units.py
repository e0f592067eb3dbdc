"""What PyPSA says of units that are on or off, in the words of a district file."""

from __future__ import annotations

from citygrid.imports.draft import Draft
from citygrid.imports.pypsa.reading import Row


def commitment(row: Row, step: float, draft: Draft) -> dict[str, str]:
    """Minimum load, starts, times up and down, ramps and state before, of a generator or link.

    PyPSA counts times in snapshots of ``step`` [h] and takes a unit as on before the first one
    unless ``up_time_before`` is 0. A unit that cannot be committed and has a least output is on.
    """
    fields: dict[str, str] = {}
    least, committable = row.number("p_min_pu"), row.flag("committable")
    if least > 0:
        fields["minimum_load"] = f"{100.0 * least:.9g} %"
        if not committable:
            fields["must_run"] = "true"
    fields |= _ramps(row, step)
    if not committable:
        return fields
    for theirs, ours, unit in (("start_up_cost", "start_cost", "EUR"),
                               ("shut_down_cost", "shutdown_cost", "EUR"),
                               ("stand_by_cost", "standby_cost", "EUR/h")):  # fmt: skip
        if row.number(theirs):
            fields[ours] = f"{row.number(theirs):.9g} {unit}"
        if row.varies(theirs):
            draft.drop(f"{row.name}: {theirs}", "varies; its fixed value is taken")
    for theirs, ours in (
        ("min_up_time", "minimum_up_time"),
        ("min_down_time", "minimum_down_time"),
    ):
        if row.number(theirs):
            fields[ours] = f"{row.number(theirs) * step:.9g} h"
    for theirs, ours in (("ramp_limit_start_up", "start_ramp"),
                         ("ramp_limit_shut_down", "stop_ramp")):  # fmt: skip
        if row.number(theirs, 1.0) < 1.0:
            fields[ours] = f"{100.0 * row.number(theirs):.9g} %"
    before = row.number("up_time_before", 1.0)
    fields["initially_on"] = "true" if before > 0 else "false"
    held = before if before > 0 else row.number("down_time_before")
    if held > 0:
        fields["initial_hours"] = f"{held * step:.9g} h"
    return fields


def _ramps(row: Row, step: float) -> dict[str, str]:
    """Ramps per snapshot as ramps per hour."""
    known = {"ramp_up": row.stated("ramp_limit_up"), "ramp_down": row.stated("ramp_limit_down")}
    return {
        ours: f"{100.0 * limit / step:.9g} %/h"
        for ours, limit in known.items()
        if limit is not None and limit < 1.0
    }
