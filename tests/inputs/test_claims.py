"""What netCDF files claim to hold, by their headers alone."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from citygrid.inputs.claims import check_whole, longest_series

MANY = 10**9


def stored(path: Path, kind: type, count: int) -> Path:
    """A file with a variable in a group, of which nothing is written."""
    with netCDF4.Dataset(path, "w") as dataset:
        group = dataset.createGroup("inner")
        group.createDimension("n", count)
        group.createVariable("x", kind, ("n",), chunksizes=(min(count, 2**16),))
    return path


@pytest.mark.parametrize(("kind", "width"), [(np.float64, 8), (np.int8, 1), (str, 8)])
def test_what_is_claimed_is_counted_before_it_is_read(
    tmp_path: Path, kind: type, width: int
) -> None:
    """A thousand million texts without a word would be as many objects."""
    path = stored(tmp_path / "x.nc", kind, MANY)
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match=f"claims {width * MANY:,} bytes"):
        check_whole(path, 2**40)
    check_whole(stored(tmp_path / "y.nc", kind, 100), width * 100)
    with pytest.raises(ValueError, match=f"claims {width * 100} bytes"):
        check_whole(tmp_path / "y.nc", width * 100 - 1)


def test_a_series_is_as_long_as_the_longest_over_one_dimension(tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "x.nc", "w") as dataset:
        dataset.createDimension("time", 24)
        dataset.createDimension("pipe", 3)
        dataset.createDimension("site", 1)
        dataset.createVariable("a", np.float64, ("time", "site"))
        dataset.createVariable("b", np.float64, ("time", "pipe"))
    assert longest_series(tmp_path / "x.nc") == 24
