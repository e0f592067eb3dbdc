"""What a study file may say."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from citygrid.units import parse

#: Bytes of the units in which people say how much memory a process may have.
BYTES = {"MB": 10**6, "GB": 10**9, "MiB": 2**20, "GiB": 2**30}
#: Scenarios beyond which a number is a slip of the pen.
MOST_SCENARIOS = 1_000_000


class Strict(BaseModel):
    """A section of the file: no unknown keys, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _seconds(value: object) -> float:
    """A duration with its unit [s]; a bare number would be anybody's guess."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError('a bare number needs its unit; write a duration such as "60 s"')
    seconds = 3600.0 * parse(value, "h")
    if seconds <= 0:
        raise ValueError('must be longer than nothing; write a duration such as "60 s"')
    return round(seconds, 6)


def _bytes(value: object) -> int:
    """An amount of memory with its unit [bytes]."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", str(value))
    if match is None or match[2] not in BYTES:
        raise ValueError(f'not an amount of memory; write it in {", ".join(BYTES)}, such as "4 GB"')
    size = float(match[1]) * BYTES[match[2]]
    if size < BYTES["MB"]:
        raise ValueError('is less than a megabyte; write an amount such as "4 GB"')
    return int(size)


Seconds = Annotated[float, BeforeValidator(_seconds),
                    WithJsonSchema({"type": "string", "examples": ["60 s", "10 min"]})]  # fmt: skip
Bytes = Annotated[int, BeforeValidator(_bytes),
                  WithJsonSchema({"type": "string", "examples": ["4 GB", "500 MB"]})]  # fmt: skip
Setting = str | int | float | bool


class RouteSpec(Strict):
    """A route that plans every scenario, and its options."""

    route: str = Field(description="lp, milp, hybrid, qubo, pyomo:SOLVER, …; see `compare`")
    gap: float = Field(1e-3, ge=0, description="relative gap at which to stop")
    time_limit: Seconds | None = Field(None, description="at which the best plan so far is kept")
    seed: int = Field(0, ge=0, lt=2**31, description="of all random numbers")
    threads: int = Field(1, ge=1, le=256, description="of the solver; scenarios run side by side")
    sampler: str = Field("onehot", description="annealer of hybrid and qubo")
    settings: dict[str, Setting] = Field(
        default_factory=dict, description="further options of the route or its solver, by name"
    )

    @model_validator(mode="after")
    def _finite(self) -> RouteSpec:
        if not math.isfinite(self.gap):
            raise ValueError("the gap is no finite number; write one such as 0.001")
        return self


def _named(value: object) -> object:
    """A route's name alone stands for the route with its usual options."""
    return {"route": value} if isinstance(value, str) else value


class SampleSpec(Strict):
    """Points spread evenly over ranges: ``{method: sobol, count: 64, seed: 1, ranges: {…}}``."""

    method: Literal["latin hypercube", "sobol"]
    count: int = Field(ge=1, le=MOST_SCENARIOS, description="points, each of which is a scenario")
    seed: int = Field(0, ge=0, lt=2**31, description="same seed, same points")
    ranges: dict[str, tuple[Any, Any]] = Field(
        min_length=1, description="path → its lowest and highest value, in written units"
    )


class PartSpec(Strict):
    """One way of varying; every part is combined with every other one.

    ``grid``: each value with each other one. ``list``: first values together, then second ones.
    ``sample``: points in ranges. ``scenarios``: changes by name. ``either``: alternatives, each of
    which is a list of parts, one after the other and not combined.
    """

    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] | None = Field(
        None, min_length=1, description="path → values; each is combined with each of the others"
    )
    list_: dict[str, Annotated[list[Any], Field(min_length=1)]] | None = Field(
        None, min_length=1, alias="list", description="path → values, equally many; taken together"
    )
    sample: SampleSpec | None = None
    scenarios: dict[str, dict[str, Any]] | None = Field(
        None, min_length=1, description="name → what it changes: path → value; null removes"
    )
    either: list[list[PartSpec]] | None = Field(
        None, min_length=1, description="alternatives, each a list of parts"
    )

    @model_validator(mode="after")
    def _one(self) -> PartSpec:
        stated = [name for name in ("grid", "list", "sample", "scenarios", "either")
                  if getattr(self, "list_" if name == "list" else name) is not None]  # fmt: skip
        if len(stated) != 1:
            raise ValueError(
                f"says {' and '.join(stated) or 'nothing'}; give each part exactly one of grid, "
                "list, sample, scenarios or either"
            )
        if any(not name.strip() for name in self.scenarios or {}):
            raise ValueError("has a scenario without a name; give each a name to find it by")
        lengths = {len(values) for values in (self.list_ or {}).values()}
        if len(lengths) > 1:
            raise ValueError(
                f"has lists of {', '.join(map(str, sorted(lengths)))} values; give them equally "
                "many, or use grid to combine each with each"
            )
        return self


class LimitsSpec(Strict):
    """What a scenario may take before its process is killed, and how often a crash is tried."""

    time: Seconds | None = Field(None, description="of one scenario and route, hard")
    memory: Bytes | None = Field(None, description="of the process that solves it, hard")
    retries: int = Field(2, ge=0, le=100, description="after a crash of the process; no other end")


class OutputsSpec(Strict):
    """What is written of every scenario; key figures always are."""

    plans: bool = Field(False, description="one netCDF file per plan, in plans/")
    tables: list[Literal["dispatch", "kpis", "ledger", "jobs"]] = Field(
        default_factory=list, description="one Parquet file per plan and table, in tables/"
    )


class StudySpec(Strict):
    """A study file: a base district, what varies, by which routes, and within which limits."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field("", description="what is asked, and what is assumed")
    district: str = Field(description="the base: a district file, relative to this file")
    routes: list[Annotated[RouteSpec, BeforeValidator(_named)]] = Field(
        default_factory=lambda: [RouteSpec(route="milp")], min_length=1,
        description="routes by name, or with options: {route: milp, gap: 0.005}",
    )  # fmt: skip
    vary: list[PartSpec] = Field(
        default_factory=list, description="parts, each combined with each; none is the base alone"
    )
    limits: LimitsSpec = LimitsSpec()
    outputs: OutputsSpec = OutputsSpec()
