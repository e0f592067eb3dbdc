"""Plans for others: GIS layers, tables, and one offline page."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from citygrid.errors import Fault, InputError
from citygrid.export.subject import Subject
from citygrid.files import together

if TYPE_CHECKING:
    import pandas as pd

    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import Verdict

__all__ = ["FORMATS", "write"]


class Format(NamedTuple):
    """How a format is written: the module and function, and the file or folder."""

    module: str
    writer: str
    target: str

    def write(self, subject: Subject, folder: Path) -> Path:
        """Write the subject into the folder and say where: the file, or a folder of several.

        The module is imported here, since each brings a heavy library of its own.
        """
        writer = getattr(importlib.import_module(f"citygrid.export.{self.module}"), self.writer)
        path = folder / self.target
        writer(subject, path)
        return path


#: Every format by the name that `--to` takes.
FORMATS: Mapping[str, Format] = {
    "gpkg": Format("gis.geopackage", "write_geopackage", "plan.gpkg"),
    "geojson": Format("gis.geojson", "write_geojson", "geojson"),
    "geoparquet": Format("gis.vector", "write_geoparquet", "geoparquet"),
    "flatgeobuf": Format("gis.vector", "write_flatgeobuf", "flatgeobuf"),
    "kml": Format("gis.kml", "write_kml", "plan.kml"),
    "cityjson": Format("gis.cityjson", "write_cityjson", "plan.city.json"),
    "esdl": Format("gis.esdl", "write_esdl", "plan.esdl"),
    "csv": Format("tables", "write_csv", "csv"),
    "parquet": Format("tables", "write_parquet", "parquet"),
    "nc": Format("tables", "write_netcdf", "plan.nc"),
}
#: What a format is called by the ending of its files.
ENDINGS: Mapping[str, str] = {"fgb": "flatgeobuf"}


def write(
    plan: str | Path | Plan, to: Iterable[str], folder: str | Path,
    verdict: Verdict | None = None, routes: pd.DataFrame | None = None,
    inputs: Iterable[Path] = (),
) -> dict[str, Path]:  # fmt: skip
    """Write a plan in several formats: all of them, or, where one cannot be, none.

    plan
        A plan, or the path of a stored one.
    to
        Names from :data:`FORMATS`; ``nc`` is the plan itself.
    verdict
        What :func:`citygrid.verify` said of it; left out, it is verified anew.
    routes
        The table of all routes of a comparison (:func:`citygrid.export.runs.route_table`), for the
        formats that hold tables.
    inputs
        Files that were read for it, besides that of ``plan``; they are not written over.

    Returns format → file or folder. Raises :class:`InputError` for an unknown format, for a file
    that is no plan, for a format that cannot show this plan and for a file that would be written
    over an input; :class:`VerificationError` for a plan that cannot be replayed.
    """
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import replayed

    names = known_formats(to)
    read = [*inputs, *(() if isinstance(plan, Plan) else (Path(plan),))]
    with together(read):
        found = plan if isinstance(plan, Plan) else Plan.load(plan)
        checked = replayed(found) if verdict is None else verdict
        subject = Subject(found, checked, routes)
        return {name: FORMATS[name].write(subject, Path(folder)) for name in names}


def known_formats(to: Iterable[str]) -> list[str]:
    """The formats that are asked for, each once. Raises :class:`InputError` for an unknown one."""
    names = list(dict.fromkeys(ENDINGS.get(name, name) for name in to))
    known = f"choose one or more of {', '.join(FORMATS)}"
    if not names:
        raise InputError(Fault("export", "names no format", None, known))
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise InputError([Fault("export", "no such format", name, known) for name in unknown])
    return names
