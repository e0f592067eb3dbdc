"""What all commands share: one JSON document or plain text, progress, errors and exit codes."""

from __future__ import annotations

import contextlib
import functools
import json
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
    NoPlanError,
    VerificationError,
    plain,
)

if TYPE_CHECKING:
    from citygrid.registry import Recording
    from citygrid.verbs import Run


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

    def hand_out(
        self, document: dict[str, Any], files: Mapping[str, str | Path], text: str
    ) -> None:
        """What was found and written: its files in the record, and the answer that names them."""
        self.recording.produced(files)
        self.answer(document | {"files": {name: str(path) for name, path in files.items()}}, text)

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
