"""Series from CSV: a finite number for every step."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from citygrid.inputs.series import SeriesSpec, read_series
from citygrid.inputs.time import read_horizon

HORIZON = read_horizon("2023-01-16T00:00Z", "4 h", "1 h", None)
SEEDS = [
    b"time,price [EUR/MWh]\n" + b"".join(b"2023-01-16T%02d:00Z,%d.5\n" % (h, h) for h in range(6)),
    "# Börse\nzeit;price [EUR/MWh]\n".encode("latin-1")
    + b"".join(b"16.01.2023 %02d:00;%d,5\n" % (h, h) for h in range(0, 24)),
    b"time\tprice [EUR/MWh]\n"
    + b"".join(b"2023-01-16 %02d:%02d+01:00\t%d\n" % (h, m, h) for h in range(9) for m in (0, 30)),
]  # fmt: skip
ENDING = ".csv"


def read(data: bytes, folder: Path, ending: str = ENDING) -> None:
    path = folder / f"s{ending}"
    path.write_bytes(data)
    zone = "Europe/Berlin" if data[:1] == b"#" else None
    values = read_series(SeriesSpec(path, column="price", timezone=zone), HORIZON, "EUR/kWh")
    assert values.shape == (4,) and np.isfinite(values).all()
