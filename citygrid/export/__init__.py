"""Plans for others: GIS layers, tables, and one offline page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citygrid.errors import Fault, InputError

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict

    Writer = Callable[[Case, Plan, Verdict, Path], Any]

__all__ = ["FORMATS", "write"]


def _nc(case: Case, plan: Plan, verdict: Verdict, folder: Path) -> Path:
    plan.save(folder / "plan.nc")
    return folder / "plan.nc"


def _gpkg(case: Case, plan: Plan, verdict: Verdict, folder: Path) -> Path:
    from citygrid.export.geopackage import write_geopackage

    write_geopackage(case, plan, verdict, folder / "plan.gpkg")
    return folder / "plan.gpkg"


def _geojson(case: Case, plan: Plan, verdict: Verdict, folder: Path) -> Path:
    from citygrid.export.geojson import write_geojson

    write_geojson(case, plan, verdict, folder / "geojson")
    return folder / "geojson"


def _csv(case: Case, plan: Plan, verdict: Verdict, folder: Path) -> Path:
    from citygrid.export.tables import write_csv

    write_csv(case, plan, verdict, folder / "csv")
    return folder / "csv"


def _parquet(case: Case, plan: Plan, verdict: Verdict, folder: Path) -> Path:
    from citygrid.export.tables import write_parquet

    write_parquet(case, plan, verdict, folder / "parquet")
    return folder / "parquet"


#: Format → what writes it into a folder and says where: the file, or a folder of several.
FORMATS: Mapping[str, Writer] = {
    "gpkg": _gpkg, "geojson": _geojson, "csv": _csv, "parquet": _parquet, "nc": _nc,
}  # fmt: skip


def write(
    plan: str | Path | Plan, to: Iterable[str], folder: str | Path, verdict: Verdict | None = None
) -> dict[str, Path]:
    """Write a plan in several formats.

    plan
        A plan, or the path of a stored one.
    to
        Names from :data:`FORMATS`; ``nc`` is the plan itself.
    verdict
        What :func:`citygrid.verify` said of it; left out, it is verified anew.

    Returns format → file or folder. Raises :class:`InputError` for an unknown format, before
    anything is written, and for a file that is no plan; :class:`VerificationError` for a plan that
    cannot be replayed.
    """
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import replayed

    names = list(dict.fromkeys(to))
    known = f"choose one or more of {', '.join(FORMATS)}"
    if not names:
        raise InputError(Fault("export", "names no format", None, known))
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise InputError([Fault("export", "no such format", name, known) for name in unknown])
    found = plan if isinstance(plan, Plan) else Plan.load(plan)
    checked = replayed(found) if verdict is None else verdict
    return {name: FORMATS[name](found.case, found, checked, Path(folder)) for name in names}
