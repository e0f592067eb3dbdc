"""Make every picture that README.md and docs/ show; ``scripts/figures`` calls this.

    python scripts/make_figures.py [--plan PLAN.nc] [--scale FOLDER] [--qubo FOLDER] [--out FOLDER]

The map is drawn from a stored plan, after it has been verified. Pictures of measurements are those
that a benchmark wrote beside its figures, copied as they are and only from a folder that is named:
they stand beside numbers in the text, which a chance run must not contradict.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from citygrid.errors import CitygridError, Fault, InputError
from citygrid.files import whole

ROOT = Path(__file__).resolve().parent.parent
#: Where `scripts/run`, or the same without controls, leaves the plan of the day by milp.
PLANS = ("out/frankfurt_day/milp/plan.nc", "out/frankfurt_day/plan.nc")
#: Picture → option that names its folder, its name in there, and the benchmark that writes it.
MEASURED = {
    "scale.svg": ("scale", "scale.svg", "citygrid bench anneal --scale"),
    "qubo-rates.svg": ("qubo", "rates.svg", "citygrid bench qubo"),
    "qubo-gaps.svg": ("qubo", "gaps.svg", "citygrid bench qubo"),
}
MAP = "frankfurt.png"
#: Points per inch of the map: sharp in a page's width on most screens.
DPI = 130


def shown() -> Iterator[Path]:
    """Pictures of ours that README.md and docs/ show, each once."""
    found = []
    for document in sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]):
        for target in re.findall(r"!\[[^]]*\]\(([^)\s]+)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                found.append((document.parent / target).resolve())
    yield from dict.fromkeys(found)


def near(path: Path) -> str:
    """A path as it is seen from here."""
    return os.path.relpath(path)


def draw_map(plan_file: Path, target: Path) -> None:
    """The district by the mean of a plan's horizon.

    Raises :class:`CitygridError` for what is no plan, and for one that breaks a rule.
    """
    from citygrid.plan.plan import Plan
    from citygrid.plan.verify import verify

    plan = Plan.load(plan_file)
    verify(plan.case, plan).require()
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise InputError(Fault(target.name, "needs matplotlib, which is not installed", None,
                               "pip install 'citygrid[plots]'")) from error  # fmt: skip
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    # Nobody's own settings, and no version in the file: the same plan gives the same picture.
    with plt.style.context("default"), whole(target) as temporary:
        figure = plan.plot.map().figure
        figure.savefig(temporary, dpi=DPI, format="png", metadata={"Software": None})
        plt.close(figure)


def copy_measured(folder: Path, name: str, target: Path) -> None:
    """A benchmark's own picture.

    Raises :class:`InputError` where it is not there or is no picture.
    """
    source = folder / name
    if not source.is_file():
        raise InputError(Fault(str(source), "is not there", None,
                               "name the folder that the benchmark wrote"))  # fmt: skip
    text = source.read_bytes()
    if not text.startswith(b"<svg "):
        raise InputError(Fault(str(source), "is no SVG picture", None, "run the benchmark anew"))
    with whole(target) as temporary:
        temporary.write_bytes(text)


def main() -> int:
    """Make what can be made and say what was left; 2 where what was named cannot be used."""
    said = argparse.ArgumentParser(description="Make the pictures of README.md and docs/.")
    said.add_argument("--plan", type=Path, help=f"plan of the map [default: {PLANS[0]}]")
    said.add_argument("--scale", type=Path, help="folder of `citygrid bench anneal --scale`")
    said.add_argument("--qubo", type=Path, help="folder of `citygrid bench qubo`")
    said.add_argument("--out", type=Path, help="folder for the pictures [default: where shown]")
    given = said.parse_args()
    failed = False

    def make(target: Path, source: Path, write: Callable[[], None]) -> None:
        nonlocal failed
        try:
            write()
        except (CitygridError, OSError) as error:
            failed = True
            print(f"error: {target.name}: {error}", file=sys.stderr)
        else:
            print(f"{near(target)}: written from {near(source)}")

    for picture in shown():
        target = picture if given.out is None else given.out / picture.name
        if picture.name == MAP:
            usual = (ROOT / name for name in PLANS if (ROOT / name).is_file())
            plan = given.plan or next(usual, None)
            if plan is None:
                print(f"{near(target)}: left as it is; its plan is not there: run ./scripts/run "
                      "first, or name one by --plan PLAN.nc")  # fmt: skip
            else:
                make(target, plan, lambda t=target, p=plan: draw_map(p, t))
        elif picture.name in MEASURED:
            option, name, benchmark = MEASURED[picture.name]
            folder = getattr(given, option)
            if folder is None:
                print(f"{near(target)}: left as it is; it shows measurements: run `{benchmark}` "
                      f"and name its folder by --{option} FOLDER")  # fmt: skip
            else:
                make(target, folder / name,
                     lambda t=target, f=folder, n=name: copy_measured(f, n, t))  # fmt: skip
        else:
            failed = True
            print(f"error: {near(picture)}: is shown, but nothing here makes it", file=sys.stderr)
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
