"""A random district as an ordinary district file, with its series and jobs beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from citygrid.errors import Fault, InputError
from citygrid.files import refuse_unwritable, together, whole, write_text
from citygrid.synthetic.draw import Draw, draw
from citygrid.synthetic.size import Size

START = pd.Timestamp("2023-01-16T00:00Z")


def write(path: Path, size: Size, seed: int) -> dict[str, Path]:
    """Write a random district of ``size`` to ``path``, its series and jobs as CSV beside it.

    Returns the files by role. Raises :class:`InputError` for a size that cannot be.
    """
    size.check()
    if not path.name or path.is_dir():
        raise InputError(Fault(str(path), "is a folder", None, "name a file, such as town.yaml"))
    files = {
        "series": path.with_name(f"{path.stem}_series.csv"),
        "jobs": path.with_name(f"{path.stem}_jobs.csv"),
        "model": path,
    }
    for each in files.values():
        refuse_unwritable(each)
    drawn = draw(size, seed)
    tables = {"series": _series(drawn), "jobs": _jobs(drawn)}
    with together():
        # The district last: while it is missing, nobody reads half of it.
        for role, table in tables.items():
            with whole(files[role]) as temporary:
                table.to_csv(temporary, index=False, float_format="%.6g")
        write_text(_model(drawn, size, seed, files), path)
    return files


def _stamp(hours: float) -> str:
    return (START + pd.Timedelta(hours=float(hours))).strftime("%Y-%m-%dT%H:%MZ")


def _series(drawn: Draw) -> pd.DataFrame:
    hourly = {
        "temperature [degC]": drawn.air, "price [EUR/MWh]": drawn.price,
        "carbon [kg/kWh]": drawn.carbon, "heat [kW]": drawn.heat, "power [kW]": drawn.power,
        "sun [1]": drawn.sun,
    }  # fmt: skip
    loads = {f"{_site(k)} [kW]": row for k, row in enumerate(drawn.load)}
    stamps = [_stamp(hour) for hour in range(len(drawn.air))]
    return pd.DataFrame({"time": stamps, **hourly, **loads})


def _jobs(drawn: Draw) -> pd.DataFrame:
    jobs = drawn.jobs
    return pd.DataFrame({
        "job": [f"job {j + 1}" for j in range(len(jobs.power))],
        "power [kW]": jobs.power,
        "duration [h]": jobs.duration,
        "release": [_stamp(hour) for hour in jobs.release],
        "deadline": [_stamp(hour) for hour in jobs.deadline],
        "preemptible": "false",
        "sites": ["|".join(_site(k) for k in row) for row in jobs.sites],
    })  # fmt: skip


def _site(k: int) -> str:
    return f"dc {k + 1}"


def _model(drawn: Draw, size: Size, seed: int, files: dict[str, Path]) -> str:
    # JSON's strings are YAML's: any name of a file is one.
    series, jobs = (json.dumps(files[role].name, ensure_ascii=False) for role in ("series", "jobs"))
    heat, sites = float(drawn.heat.max()), range(size.sites)
    mean = float(drawn.heat.mean())
    engines = max(1, round(size.sites / 10))
    # A connection for everything at once.
    most = 2.0 * float(1.5 * drawn.capacity.sum() + drawn.power.max() + drawn.pump.sum() / 3.0)
    lines = [
        "# yaml-language-server: $schema=district.schema.json",
        "#",
        f"# A random district: {size}, seed {seed}. All numbers are drawn,",
        f"# none is real: `citygrid synth --hours {size.hours} --sites {size.sites} --jobs "
        f"{size.jobs} --seed {seed}`.",
        "",
        f"name: random {size}, seed {seed}",
        "description: A random district for benchmarks; all numbers are drawn.",
        f"horizon: {{start: {_stamp(0)}, length: {size.hours} h, step: 1 h}}",
        f"weather: {{file: {series}, latitude: 50.1, longitude: 8.7}}",
        "heat_network: {supply: [{air: -10 degC, water: 85 degC}, {air: 15 degC, water: 70 degC}], "
        "return: 45 degC}",
        "carbon_price: 85 EUR/t",
        "series:",
        *(f"  {name}: {{file: {series}, column: {name}}}"
          for name in ("price", "carbon", "heat", "power", "sun")),
        f"  load: {{file: {series}}}",
        "nodes:",
        "  centre: {}",
        "components:",
        "  grid:",
        "    kind: grid",
        "    node: centre",
        "    import: {price: {series: price, plus: 100 EUR/MWh}, carbon: {series: carbon}, "
        f"max: {most:.0f} kW}}",
        f"    export: {{price: {{series: price, times: 0.9}}, max: {0.3 * most:.0f} kW}}",
        "    peak_charge: 0.3 EUR/kW",
        "  gas: {kind: fuel, node: centre, price: 60 EUR/MWh, carbon: 201 kg/MWh}",
        *(f"  engine {e + 1}: {{kind: chp, node: centre, power: {0.25 * mean / engines:.1f} kW, "
          "minimum_load: 50 %, start_cost: 20 EUR, minimum_up_time: 4 h, minimum_down_time: 3 h}"
          for e in range(engines)),
        *(f"  boiler {b + 1}: {{kind: boiler, node: centre, heat: {0.6 * heat:.1f} kW, "
          f"efficiency: {95 - 3 * b} %, minimum_load: 20 %, start_cost: 8 EUR, "
          "minimum_up_time: 2 h, minimum_down_time: 2 h}" for b in range(2)),
        f"  tank: {{kind: heat_store, node: centre, capacity: {3.0 * mean:.0f} kWh, charge: "
        f"{0.5 * mean:.0f} kW, discharge: {0.5 * mean:.0f} kW, standing_loss: 0.1 %/h}}",
        f"  battery: {{kind: battery, node: centre, capacity: {0.4 * mean:.0f} kWh, charge: "
        f"{0.2 * mean:.0f} kW, discharge: {0.2 * mean:.0f} kW}}",
        f"  roofs: {{kind: pv, node: centre, peak: {0.5 * mean:.0f} kW, output: {{series: sun}}}}",
        "  houses: {kind: heat_demand, node: centre, load: {series: heat}}",
        "  sockets: {kind: power_demand, node: centre, load: {series: power}}",
        f"  chiller: {{kind: chiller, node: centre, cooling: {1.2 * drawn.capacity.sum():.0f} kW}}",
    ]  # fmt: skip
    for k in sites:
        lines += [
            f"  {_site(k)}: {{kind: data_center, node: centre, cooling: liquid, capacity: "
            f"{drawn.capacity[k]:.1f} kW, load: {{series: load, column: {_site(k)}}}}}",
            f"  pump {k + 1}: {{kind: heat_pump, source: {_site(k)}, sink: centre, heat: "
            f"{drawn.pump[k]:.1f} kW, minimum_load: 35 %, start_cost: 3 EUR}}",
        ]
    lines.append(
        f"  jobs: {{kind: job_pool, file: {jobs}, sites: [{', '.join(_site(k) for k in sites)}]}}"
    )
    return "\n".join(lines) + "\n"
