"""What all commands share: one JSON document or plain text, progress, errors and exit codes."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citygrid.cards import short
from citygrid.cli.progress import Progress
from citygrid.cli.recording import LINE
from citygrid.errors import (
    CitygridError,
    Fault,
    InputError,
    NoPlanError,
    VerificationError,
    plain,
)

if TYPE_CHECKING:
    from citygrid.registry import Recording
    from citygrid.routes.contract import Options
    from citygrid.verbs import Run


#: What most commands take: a district file, a route, and whether to answer in JSON.
MODEL = click.argument("model", type=click.Path(path_type=Path))
ROUTE = click.option("--route", default="milp", show_default=True,
                     help="How to solve; see `compare`.")  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")
#: Threads beyond which a number is a slip: HiGHS starts them all.
MOST_THREADS = 256
#: Where a context keeps that a command was asked to be verbose.
VERBOSE = "citygrid.verbose"
#: Where it keeps that the time shall be told.
PROFILE = "citygrid.profile"
#: What shells say of a program whose reader has left: 128 + SIGPIPE.
BROKEN_PIPE = 141


class Frame:
    """Where a command's answer, progress and exit code go; of a recorded one, its record."""

    recording: Recording

    def __init__(self, as_json: bool, verbose: bool = False) -> None:
        self.as_json = as_json
        self.verbose = verbose
        self.exit_code = 0
        self.progress = Progress(as_json, verbose)
        self._answer: str | None = None

    def say(self, text: str) -> None:
        """Progress for a person who waits; quiet in a pipe, unless it is asked to be verbose."""
        self.progress.say(text)

    def warn(self, text: str) -> None:
        """What a person or a log should know although the command goes on."""
        click.echo(f"warning: {short(text, 400)}", err=True)

    def answer(self, document: dict[str, Any], text: str) -> None:
        """The command's result: exactly one JSON document, or text for people."""
        self._answer = (
            json.dumps(document, indent=1, allow_nan=False) if self.as_json else plain(text)
        )

    def hand_over(self) -> None:
        """Print the answer, once the command is over and standard output is its own again."""
        if self._answer is None:
            return
        try:
            click.echo(self._answer)
        except BrokenPipeError:
            raise
        except OSError as failure:
            _forget_stdout()
            raise OSError(failure.errno, failure.strerror, "standard output") from failure

    def judge(self, runs: Sequence[Run]) -> None:
        """A plan that fails its verification or a route without a plan decides the exit code."""
        if any(run.verdict is not None and not run.verdict.ok for run in runs):
            self.exit_code = VerificationError.exit_code
        elif any(run.plan is None for run in runs):
            self.exit_code = NoPlanError.exit_code


class Commands(click.Group):
    """A group whose usage errors, too, are one JSON document where ``--json`` is asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["citygrid.json"] = "--json" in args
        ctx.meta[LINE] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if ctx.meta["citygrid.json"]:
                click.echo(_document([error.format_message()], error.exit_code))
            raise


def _document(messages: list[str], exit_code: int, details: Mapping[str, Any] | None = None) -> str:
    error = {"exit_code": exit_code, "faults": messages, **(details or {})}
    return json.dumps({"error": error}, indent=1, allow_nan=False)


def framed(command: Callable[..., None], profile: bool = True) -> Callable[..., None]:
    """Give a command its :class:`Frame` and ``--verbose``; turn errors into exit codes.

    ``profile`` gives it ``--profile``, too, unless it has an option of that name itself.
    """

    @functools.wraps(command)
    def wrapped(*args: Any, as_json: bool = False, **kwargs: Any) -> None:
        asked = click.get_current_context().meta
        frame = Frame(as_json, asked.get(VERBOSE, False))
        try:
            with (
                _solvers_on_stderr(), _profiled(asked.get(PROFILE, False)),
                contextlib.closing(frame.progress),
            ):  # fmt: skip
                command(frame, *args, **kwargs)
            frame.hand_over()
        except CitygridError as error:
            _refuse(frame, [str(fault) for fault in error.faults], error.exit_code, error.details)
        except BrokenPipeError:
            # Whoever read our output has left, as `head` does; there is nobody to tell.
            _forget_stdout()
            frame.exit_code = frame.exit_code or BROKEN_PIPE
        except OSError as error:
            # Of a rename, the second name is the one that the user knows.
            place = error.filename2 or error.filename or "output"
            told = f"{place}: {error.strerror or error}; name another file or folder, or free the "
            _refuse(frame, [plain(f"{told}space or permission")], 2)
        except MemoryError:
            _refuse(
                frame,
                ["out of memory; use a shorter horizon or fewer components"],
                NoPlanError.exit_code,
            )
        except KeyboardInterrupt:
            _refuse(frame, ["interrupted; nothing was half written"], 130)
        sys.exit(frame.exit_code)

    told = click.option(
        "--verbose", is_flag=True, expose_value=False, callback=_keeps(VERBOSE),
        help="Say on stderr what is being done, also in a pipe; of solvers their log, too.",
    )(wrapped)  # fmt: skip
    if not profile:
        return told
    return click.option(
        "--profile", is_flag=True, expose_value=False, callback=_keeps(PROFILE),
        help="Say on stderr where the time went.",
    )(told)  # fmt: skip


def _keeps(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    """Keep in the context that a flag of every command was given."""

    def keep(ctx: click.Context, _: click.Parameter, given: bool) -> None:
        ctx.meta[name] = given

    return keep


def _profiled(asked: bool) -> contextlib.AbstractContextManager[None]:
    if not asked:
        return contextlib.nullcontext()
    from citygrid.cli.profiling import profiled

    return profiled()


@contextlib.contextmanager
def _solvers_on_stderr() -> Iterator[None]:
    """What libraries print past Python, such as a solver's log, must not mix with the answer."""
    # Where a standard stream is closed, the next file that is opened would be taken for it.
    for handle in range(3):
        try:
            os.fstat(handle)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    own = os.dup(1)
    if sys.stdout is not None:
        sys.stdout.flush()
    os.dup2(2, 1)
    try:
        yield
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()
        os.dup2(own, 1)
        os.close(own)


def _forget_stdout() -> None:
    """What is still to be printed has no reader, and Python must not try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _refuse(
    frame: Frame, messages: list[str], exit_code: int, details: Mapping[str, Any] | None = None
) -> None:
    for message in messages:
        click.echo(f"error: {message}", err=True)
    if frame.as_json:
        click.echo(_document(messages, exit_code, details))
    frame.exit_code = exit_code


class Number(click.FloatRange):
    """A finite number in a range: NaN is in none, and infinity is no limit and no gap."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number; leave it out for none.", param, ctx)
        return number


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


#: Seeds in one call beyond which a list is likely a slip.
MANY = 1000


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
