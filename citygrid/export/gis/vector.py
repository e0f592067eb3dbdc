"""The layers of a plan in the formats of other tools: GeoParquet and FlatGeobuf."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyogrio
from pyogrio.errors import DataSourceError

from citygrid.export.gis.layers import geometry_type, plan_layers
from citygrid.export.subject import Subject
from citygrid.files import whole

GEOPARQUET_VERSION = "1.1.0"


def write_geoparquet(subject: Subject, folder: Path) -> list[Path]:
    """Write every layer as GeoParquet 1.1 (zstd), in the district's coordinate system.

    A column ``bbox`` covers each geometry, so that readers of a part skip the rest. Raises
    :class:`InputError` where the district has no positions.
    """
    paths = []
    for name, layer in plan_layers(subject, "GeoParquet").items():
        path = Path(folder) / f"{name}.parquet"
        with whole(path) as temporary:
            layer.to_parquet(
                temporary, index=False, compression="zstd", schema_version=GEOPARQUET_VERSION,
                write_covering_bbox=True,
            )  # fmt: skip
        paths.append(path)
    return paths


def write_flatgeobuf(subject: Subject, folder: Path) -> list[Path]:
    """Write every layer as FlatGeobuf with its spatial index, in the district's system.

    Raises :class:`InputError` where the district has no positions.
    """
    paths = []
    for name, layer in plan_layers(subject, "FlatGeobuf").items():
        path = Path(folder) / f"{name}.fgb"
        with whole(path) as temporary:
            _write(layer, temporary, name)
        paths.append(path)
    return paths


def _write(layer: gpd.GeoDataFrame, path: Path, name: str) -> None:
    """Write a layer and read it again, for GDAL says nothing of a disk that refuses the end."""
    pyogrio.write_dataframe(layer, path, layer=name, driver="FlatGeobuf",
                            geometry_type=geometry_type(layer))  # fmt: skip
    count = len(pyogrio.raw.read(path)[2]) if len(pyogrio.list_layers(path)) else 0
    if count != len(layer):
        raise DataSourceError(f"{count} of {len(layer)} features can be read again")
