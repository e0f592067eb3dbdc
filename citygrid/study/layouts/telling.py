"""What a comparison of layouts says: a table in three forms and an offline page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from citygrid.files import refuse_unwritable, together, write_document

if TYPE_CHECKING:
    import pandas as pd

    from citygrid.study.layouts.study import Layouts

FILES = {"table": "layouts.csv", "document": "layouts.json", "page": "layouts.html"}
#: Figure → what it is called and how it is written.
WORDS = {
    "cost_eur": ("cost [EUR]", ",.2f"), "co2_kg": ("CO2 [kg]", ",.1f"),
    "energy_reuse_factor": ("energy reuse factor", ".3f"),
    "waste_heat_used_mwh": ("waste heat used [MWh]", ",.2f"), "pue": ("PUE", ".3f"),
    "latency_interactive_p50_ms": ("latency of interactive work, median [ms]", ".2f"),
    "latency_interactive_p95_ms": ("latency of interactive work, 95 % [ms]", ".2f"),
    "latency_jobs_p50_ms": ("latency of jobs, median [ms]", ".2f"),
    "latency_jobs_p95_ms": ("latency of jobs, 95 % [ms]", ".2f"),
    "wait_jobs_p50_h": ("waiting of jobs, median [h]", ".2f"),
    "wait_jobs_p95_h": ("waiting of jobs, 95 % [h]", ".2f"),
    "queue_share": ("share of waiting in time to completion", ".1%"),
    "kept_local": ("work that stays at its origin", ".1%"),
    "survival": ("single outages that critical load survives", ".1%"),
}  # fmt: skip


def table_of(found: Layouts) -> pd.DataFrame:
    """One row per layout, a column per figure; what does not apply is empty."""
    import pandas as pd

    return pd.DataFrame([
        {"layout": layout.name, "central": layout.central, "share_moved": layout.share,
         "gap": None if layout.plan is None else layout.plan.gap, **layout.figures,
         "notes": "; ".join([*layout.notes, *filter(None, [layout.why])])}
        for layout in found.shown
    ])  # fmt: skip


def refuse_unwritable_layouts(folder: Path) -> None:
    """Raise the ``OSError`` that writing would meet, before anything is solved."""
    for name in FILES.values():
        refuse_unwritable(Path(folder) / name)


def write_layouts(found: Layouts, folder: Path) -> dict[str, Path]:
    """Write table, document and page, all or none."""
    from citygrid.export.report.table_page import Table, write_table_page
    from citygrid.export.tables import write_table

    files = {name: Path(folder) / file for name, file in FILES.items()}
    tried = [
        [layout.central or "–", f"{layout.share:.0%}",
         "–" if layout.plan is None else f"{layout.objective:,.2f}", layout.why or "–"]
        for layout in found.tried
    ]  # fmt: skip
    with together():
        write_table(table_of(found), files["table"])
        write_document(found.as_dict(), files["document"])
        write_table_page(files["page"], f"Layouts of {found.case.name}", _says(found), [
            Table("Side by side", ["figure", *(layout.name for layout in found.shown)],
                  _rows(found), "A dash: the district does not say it."),
            Table("All that was tried", ["central site", "moved there", "cost [EUR]", "why not"],
                  tried),
        ])  # fmt: skip
    return files


def _rows(found: Layouts) -> list[list[str]]:
    def cell(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    return [
        [words, *(cell(layout.figures.get(name), form) for layout in found.shown)]
        for name, (words, form) in WORDS.items()
    ]


def _says(found: Layouts) -> list[str]:
    central, hybrid = found.central, found.hybrid
    # A hybrid that moves all or nothing is one of the layouts beside it, and no third one.
    apart = 0.0 < hybrid.share < 1.0
    ties = [name for name in found.ties if apart or name != hybrid.name]
    said = [
        f"The same demand and jobs: as the file has it, with all computing at {central.central}, "
        f"and with {hybrid.share:.0%} of every other centre moved there"
        + ("." if apart else ", for no share between was cheaper.")
    ]
    if central.why:
        said.append(f"All at {central.central} cannot be: {central.why}.")
    elif len(ties) > 1:
        said.append(f"Within the gap of {found.options.gap:g} these are ties: "
                    f"{', '.join(ties)}.")  # fmt: skip
    else:
        said.append(f"The cheapest is {ties[0]}.")
    notes = dict.fromkeys(note for layout in found.shown for note in layout.notes)
    return [*said, *(f"{note[0].upper()}{note[1:]}." for note in notes)]


def print_layouts(found: Layouts, files: Mapping[str, Path]) -> str:
    """The comparison for a person."""
    rows = [["", *(layout.name for layout in found.shown)], *_rows(found)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(text.ljust(width) if i == 0 else text.rjust(width)
                  for i, (text, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]  # fmt: skip
    return "\n".join([f"{found.case.name}: {_says(found)[0]}", *lines, *_says(found)[1:],
                      *(f"{name}: {path}" for name, path in files.items())])  # fmt: skip
