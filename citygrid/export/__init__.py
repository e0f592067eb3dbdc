"""Plans for others: GIS layers, tables, and one offline page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from citygrid.errors import Fault, InputError

if TYPE_CHECKING:
    import pandas as pd

    from citygrid.district.case import Case
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict

    Writer = Callable[["Subject", Path], Path]

__all__ = ["FORMATS", "write"]


@dataclass(frozen=True)
class Subject:
    """What is exported: a plan, its verdict, and, of a comparison, the table of all routes."""

    plan: Plan
    verdict: Verdict
    routes: pd.DataFrame | None = None

    @property
    def parts(self) -> tuple[Case, Plan, Verdict]:
        """Case, plan and verdict, as every writer wants them."""
        return self.plan.case, self.plan, self.verdict


def _nc(subject: Subject, folder: Path) -> Path:
    subject.plan.save(folder / "plan.nc")
    return folder / "plan.nc"


def _gpkg(subject: Subject, folder: Path) -> Path:
    from citygrid.export.gis.geopackage import write_geopackage

    write_geopackage(*subject.parts, folder / "plan.gpkg", subject.routes)
    return folder / "plan.gpkg"


def _geojson(subject: Subject, folder: Path) -> Path:
    from citygrid.export.gis.geojson import write_geojson

    write_geojson(*subject.parts, folder / "geojson")
    return folder / "geojson"


def _geoparquet(subject: Subject, folder: Path) -> Path:
    from citygrid.export.gis.vector import write_geoparquet

    write_geoparquet(*subject.parts, folder / "geoparquet")
    return folder / "geoparquet"


def _flatgeobuf(subject: Subject, folder: Path) -> Path:
    from citygrid.export.gis.vector import write_flatgeobuf

    write_flatgeobuf(*subject.parts, folder / "flatgeobuf")
    return folder / "flatgeobuf"


def _kml(subject: Subject, folder: Path) -> Path:
    from citygrid.export.gis.kml import write_kml

    write_kml(*subject.parts, folder / "plan.kml")
    return folder / "plan.kml"


def _cityjson(subject: Subject, folder: Path) -> Path:
    from citygrid.export.gis.cityjson import write_cityjson

    write_cityjson(*subject.parts, folder / "plan.city.json")
    return folder / "plan.city.json"


def _esdl(subject: Subject, folder: Path) -> Path:
    from citygrid.export.gis.esdl import write_esdl

    write_esdl(*subject.parts, folder / "plan.esdl")
    return folder / "plan.esdl"


def _csv(subject: Subject, folder: Path) -> Path:
    from citygrid.export.tables import write_csv

    write_csv(*subject.parts, folder / "csv", subject.routes)
    return folder / "csv"


def _parquet(subject: Subject, folder: Path) -> Path:
    from citygrid.export.tables import write_parquet

    write_parquet(*subject.parts, folder / "parquet", subject.routes)
    return folder / "parquet"


#: Format → what writes it into a folder and says where: the file, or a folder of several.
FORMATS: Mapping[str, Writer] = {
    "gpkg": _gpkg, "geojson": _geojson, "geoparquet": _geoparquet, "flatgeobuf": _flatgeobuf,
    "kml": _kml, "cityjson": _cityjson, "esdl": _esdl, "csv": _csv, "parquet": _parquet, "nc": _nc,
}  # fmt: skip


def write(
    plan: str | Path | Plan, to: Iterable[str], folder: str | Path,
    verdict: Verdict | None = None, routes: pd.DataFrame | None = None,
) -> dict[str, Path]:  # fmt: skip
    """Write a plan in several formats.

    plan
        A plan, or the path of a stored one.
    to
        Names from :data:`FORMATS`; ``nc`` is the plan itself.
    verdict
        What :func:`citygrid.verify` said of it; left out, it is verified anew.
    routes
        The table of all routes of a comparison (:func:`citygrid.export.runs.route_table`), for the
        formats that hold tables.

    Returns format → file or folder. Raises :class:`InputError` for an unknown format, before
    anything is written, and for a file that is no plan; :class:`VerificationError` for a plan that
    cannot be replayed.
    """
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import replayed

    names = known_formats(to)
    found = plan if isinstance(plan, Plan) else Plan.load(plan)
    checked = replayed(found) if verdict is None else verdict
    subject = Subject(found, checked, routes)
    return {name: FORMATS[name](subject, Path(folder)) for name in names}


def known_formats(to: Iterable[str]) -> list[str]:
    """The formats that are asked for, each once. Raises :class:`InputError` for an unknown one."""
    names = list(dict.fromkeys(to))
    known = f"choose one or more of {', '.join(FORMATS)}"
    if not names:
        raise InputError(Fault("export", "names no format", None, known))
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise InputError([Fault("export", "no such format", name, known) for name in unknown])
    return names
