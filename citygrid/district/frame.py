"""What a district says of itself and names: its own name, its coordinates, files that are there."""

from __future__ import annotations

from collections.abc import Container

from citygrid.district.load import District
from citygrid.errors import CitygridError, Fault
from citygrid.inputs.tables import check_file


def missing_files(district: District, read: Container[str]) -> list[Fault]:
    """Faults of files that are named, that nobody has ``read`` so far and that are not there.

    What nobody uses is looked for, too: a name that leads nowhere is a slip of the pen.
    """
    spec = district.spec
    named: dict[tuple[str, ...], str] = {
        ("series", name): series.file for name, series in spec.series.items()
    }
    if spec.weather is not None:
        named["weather",] = spec.weather.file
    for name, component in district.components.items():
        file = getattr(component, "file", None)
        if isinstance(file, str):
            named["components", name, "file"] = file
    faults: list[Fault] = []
    for place, file in named.items():
        if file in read:
            continue
        try:
            check_file(district.folder / file)
        except CitygridError as error:
            faults += [fault.within(district.place(*place)) for fault in error.faults]
    return faults


def frame_faults(district: District) -> list[Fault]:
    """Faults of a name that is none and of a coordinate system that nobody knows."""
    spec, faults = district.spec, []
    if not spec.name.strip():
        faults.append(Fault(district.place("name"), "is empty", None, "give the district a name"))
    if spec.crs is not None:
        from citygrid.district.drawing import is_known

        if not is_known(spec.crs):
            faults.append(Fault(
                district.place("crs"), "unknown coordinate system", spec.crs,
                "write its EPSG code, such as EPSG:25832",
            ))  # fmt: skip
    return faults
