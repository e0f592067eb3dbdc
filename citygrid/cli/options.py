"""What several commands take: arguments, options, and what these mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citygrid.errors import Fault, InputError

if TYPE_CHECKING:
    from citygrid.cli.frame import Frame
    from citygrid.routes.contract import Options

#: What most commands take: a district file, a route, and whether to answer in JSON.
MODEL = click.argument("model", type=click.Path(path_type=Path))
ROUTE = click.option("--route", default="milp", show_default=True,
                     help="How to solve; see `compare`.")  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
#: Threads beyond which a number is a slip: HiGHS starts them all.
MOST_THREADS = 256
#: Seeds in one call beyond which a list is likely a slip.
MANY = 1000


class Number(click.FloatRange):
    """A finite number in a range: NaN is in none, and infinity is no limit and no gap."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number; leave it out for none.", param, ctx)
        return number


def out_option(
    part: str = "", what: str = "the files"
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Where a command writes, if not into :func:`folder_of` its model and ``part``."""
    default = "/".join(filter(None, ("out/<model>", part)))
    return click.option("--out", type=click.Path(path_type=Path),
                        help=f"Folder for {what} [default: {default}].")  # fmt: skip


def folder_of(out: Path | None, model: Path, part: str = "") -> Path:
    """The folder that was asked for, or else that of the model."""
    return out or Path("out") / model.stem / part


def counterfactual_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option of every command that can say what waste heat saves."""
    return click.option(
        "--counterfactual", is_flag=True,
        help="Solve once more without waste heat and say what using it saves.",
    )(command)  # fmt: skip


def solving_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that solves."""
    for option in reversed((
        click.option("--gap", type=Number(0), default=1e-3, show_default=True,
                     help="Relative gap at which to stop."),
        click.option("--time-limit", type=Number(0, min_open=True),
                     help="Seconds per route; the best plan so far is kept. Without it, hybrid "
                     "waits up to a minute for its proof."),
        click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True,
                     help="Same seed, same plan (without a time limit)."),
        click.option("--sampler", default="onehot", show_default=True, metavar="NAME[,NAME…]",
                     help="Annealer of hybrid and qubo: onehot (citygrid's own), neal, tabu, "
                     "greedy, exact, tree, random, openjij or module:Class; noisy:NAME disturbs "
                     "one as hardware would. Of several each is asked where those before fail."),
        click.option("--policy", "policies", multiple=True, metavar="FILE[:FUNCTION]",
                     help="A Python function that adds linear constraints to the Pyomo model; it "
                     "is run, so name only code that you trust. As often as needed."),
        click.option("--threads", type=click.IntRange(1, MOST_THREADS),
                     help="Threads of the solver and of the search; with one, hybrid has no prover "
                     "beside it, and proves what the relaxation does."),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                     help="A further option of the solver or the route, as often as needed; "
                     "KIND.NAME=VALUE for milp, lp, hybrid, qubo, answer or pyomo alone, "
                     "sampler.NAME=VALUE for the sampler."),
    )):  # fmt: skip
        command = option(command)
    return command


def options_of(given: dict[str, Any], frame: Frame) -> Options:
    """The solving options as routes take them."""
    from citygrid.routes.contract import Options

    return Options(
        gap=given["gap"], time_limit=given["time_limit"], seed=given["seed"],
        threads=given["threads"], verbose=frame.verbose, sampler=given["sampler"],
        extras=pairs_of(given["settings"]),
        progress=frame.progress.hear if frame.progress.live else None,
    )  # fmt: skip


def seeds_of(text: str | None, first: int) -> list[int]:
    """``5`` is five seeds from ``first`` on, ``0,1,2`` these; none said is ``first`` alone.

    Raises :class:`InputError` for anything else.
    """
    if text is None:
        return [first]
    parts = [part.strip() for part in text.split(",") if part.strip()]
    whole = parts and all(part.isascii() and part.isdigit() for part in parts)
    whole = whole and all(len(part) <= 10 for part in parts)
    numbers = [int(part) for part in parts] if whole else []
    if whole and "," not in text:
        numbers = list(range(first, first + min(numbers[0], MANY + 1)))
    if not numbers or len(numbers) > MANY or max(numbers) >= 2**31:
        raise InputError(Fault("--seeds", "expected how many, or a list of whole numbers", text,
                               "write 5, or 0,1,2; at most 1000 below 2^31"))  # fmt: skip
    return list(dict.fromkeys(numbers))


def policies_of(given: dict[str, Any]) -> list[str]:
    """The policies to impose, in the order in which they were named."""
    return list(given["policies"])


def refuse_policies(given: dict[str, Any], reason: str) -> None:
    """Refuse ``--policy`` for a command that imposes none."""
    if given["policies"]:
        raise InputError(Fault("--policy", reason, None, "leave it out"))


def pairs_of(settings: Sequence[str]) -> dict[str, str]:
    """``--set NAME=VALUE`` as pairs; refused where one is no pair or stands twice."""
    extras: dict[str, str] = {}
    faults = []
    for text in settings:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (name and sign and value):
            faults.append(Fault("--set", "expected NAME=VALUE", text, "such as sweeps=400"))
        elif name in extras:
            faults.append(Fault("--set", f"{name} is set twice", text, "set it once"))
        else:
            extras[name] = value
    if faults:
        raise InputError(faults)
    return extras
