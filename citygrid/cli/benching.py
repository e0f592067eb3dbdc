"""The command `bench`: speed and memory of the package, and its routes against time."""

from __future__ import annotations

import json
from pathlib import Path

import click

from citygrid.cli.frame import Frame, framed
from citygrid.cli.options import JSON, MOST_THREADS, Number, seeds_of


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


@click.command()
@click.argument("names", nargs=-1, metavar="[build|year|rolling|study|qubo|samplers|anneal] …")
@click.option("--columns", default=1_000_000, show_default=True, help="Size of the `build` form.")
@click.option("--scenarios", type=click.IntRange(8, 100_000), default=100, show_default=True,
              help="Of `study`.")  # fmt: skip
@click.option("--classes", help="Of `anneal`: sizes of random districts, such as S,M "
              "[default: S,M unless --size or --scale].")  # fmt: skip
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="HxKxJ",
    help="Of `anneal`: hours, sites and jobs of one more size, as often as needed.",
)
@click.option("--scale", is_flag=True, help="Of `anneal`: sizes from a thousand to two hundred "
              "thousand binaries, by milp and hybrid.")  # fmt: skip
@click.option(
    "--seeds",
    default="11,12,13",
    show_default=True,
    metavar="N|A,B,…",
    help="Of `anneal`: of district and route at once; of `qubo`: of the samplers.",
)
@click.option(
    "--time",
    "limit",
    type=Number(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Of `anneal`: seconds per route; a control gets what hybrid took.",
)
@click.option(
    "--milp-time",
    type=Number(0, min_open=True),
    help="Of `anneal`: seconds of milp [default: those of --time].",
)
@click.option("--routes", help="Of `anneal`: comma-separated [default: milp, hybrid, its controls "
              "and qubo].")  # fmt: skip
@click.option(
    "--gap",
    type=Number(0),
    default=1e-4,
    show_default=True,
    help="Of `anneal`: relative gap at which a route stops.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, MOST_THREADS),
    help="Of `anneal`: threads of every route [default: all cores].",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Of `anneal` and `qubo`: folder for what they write; finished runs of `anneal` in it are "
    "not repeated [default: out/anneal, out/qubo].",
)
@JSON
@framed
def bench(
    frame: Frame, names: tuple[str, ...], columns: int, scenarios: int, classes: str | None,
    sizes: tuple[str, ...], scale: bool, seeds: str, limit: float, milp_time: float | None,
    routes: str | None, gap: float, threads: int | None, out: Path | None,
) -> None:  # fmt: skip
    """Measure speed and memory (build, year, study), samplers and qubo, or routes (anneal).

    `anneal` runs on random districts, each route in a fresh process, one after the other: gap
    against time, time to gaps, and controls at equal time. It takes as long as its limits say, so
    it runs only where it is named. Rows are written as they come; a later call goes on.
    """
    from citygrid.bench import ANNEAL, Wish, run_benchmarks
    from citygrid.files import refuse_unwritable

    wished = _listed(classes) if classes is not None or sizes or scale else ["S", "M"]
    wish = Wish(columns, wished, sizes, scale, seeds_of(seeds, 11), limit, milp_time,
                _listed(routes), gap, threads, out, scenarios)  # fmt: skip
    if ANNEAL in names:
        refuse_unwritable(wish.folder(ANNEAL) / "runs.jsonl")
    figures = run_benchmarks(names, wish, frame.say)
    frame.answer(figures, _text(figures, ANNEAL))


def _text(figures: dict[str, dict[str, object]], race: str) -> str:
    """Tables for the race, plain figures for the rest."""
    from citygrid.bench.anneal.table import print_figures

    others = {name: each for name, each in figures.items() if name != race}
    parts = [json.dumps(others, indent=1)] if others else []
    if race in figures:
        told = figures[race]
        files = told["files"]
        assert isinstance(files, dict)
        parts += [
            f"{told['machine']}; {told['threads']} threads for every route; at most "
            f"{told['time']:g} s, milp {told['milp_time']:g} s",
            print_figures(told), "\n".join(f"{name}: {path}" for name, path in files.items()),
        ]  # fmt: skip
    return "\n\n".join(parts)
