"""What makes a command leave a run in the registry: one line above, one where it has results.

@recorded("model")
def plan(frame, model, …):
    …
    frame.recording.results([run], files)
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citygrid.errors import CitygridError, InputError, NoPlanError

if TYPE_CHECKING:
    from citygrid.cli.frame import Frame
    from citygrid.registry import Recording

#: Where a context keeps the words of the command line.
LINE = "citygrid.line"
#: Bytes of a solver's log that are kept.
MOST_LOG = 16 << 20
#: Seconds that the end of a log is waited for.
LAST_WORDS = 5.0


def registry_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option of every command that knows the registry."""
    return click.option(
        "--registry", metavar="FOLDER|none",
        help="Where runs are recorded; network:FOLDER if that may lie on a network file system "
        "[default: CITYGRID_REGISTRY, or the nearest .citygrid upward, or a new one here].",
    )(command)  # fmt: skip


def recorded(
    *inputs: str, role: str = "input", late: bool = False, name: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Record every call of a command, below `framed`.

    ``inputs`` are the parameters that name files it reads, ``role`` what these are. A ``late`` one
    begins its run itself, in a registry that is there; ``name`` is what the run is called, else the
    command's own words. The command finds its
    :class:`citygrid.registry.Recording` at ``frame.recording``.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def wrapped(frame: Frame, *args: Any, registry: str | None = None, **kwargs: Any) -> None:
            from citygrid.registry.recording import Recording

            context = click.get_current_context()
            recording = Recording(name or _name(context), registry, frame.warn, context.params,
                                  context.meta.get(LINE, ()), not late)  # fmt: skip
            frame.recording = recording
            try:
                if not late:
                    recording.begin(_paths(kwargs, inputs), role)
                with _overheard(recording, frame.verbose):
                    command(frame, *args, **kwargs)
            except BaseException as error:
                recording.close(exit_code_of(error), error)
                raise
            recording.close(frame.exit_code)

        return registry_option(wrapped)

    return decorate


@contextlib.contextmanager
def _overheard(recording: Recording, verbose: bool) -> Iterator[None]:
    """Keep a solver's log, which it only writes where the command is verbose.

    Solvers write it past Python, perhaps in a child and without letting another thread of ours read
    it: only another process can pass it on while it keeps a copy.
    """
    if not (verbose and recording.on):
        yield
        return
    import subprocess
    import tempfile

    sys.stdout.flush()
    with contextlib.ExitStack() as held:
        passing = None
        # Without room for a copy or a program that passes it on, the log is only shown.
        with contextlib.suppress(OSError):
            copy = held.enter_context(tempfile.NamedTemporaryFile())
            own = held.enter_context(open(os.dup(1), "wb"))
            passing = subprocess.Popen(["tee", copy.name], stdin=subprocess.PIPE, stdout=own)
        if passing is None or passing.stdin is None:
            yield
            return
        os.dup2(passing.stdin.fileno(), 1)
        passing.stdin.close()
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(own.fileno(), 1)
            try:
                passing.wait(LAST_WORDS)
            except subprocess.TimeoutExpired:  # a process that was left behind still holds it
                passing.kill()
                passing.wait()
            recording.log(copy.read(MOST_LOG).decode(errors="replace"))


def _name(context: click.Context) -> str:
    """The words that call a command, without the program's."""
    words = []
    at: click.Context | None = context
    while at is not None and at.parent is not None:
        words.append(str(at.info_name))
        at = at.parent
    return " ".join(reversed(words))


def exit_code_of(error: BaseException) -> int:
    """What `framed` makes of an error."""
    if isinstance(error, CitygridError):
        return error.exit_code
    if isinstance(error, OSError):
        return InputError.exit_code
    if isinstance(error, MemoryError):
        return NoPlanError.exit_code
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def _paths(given: dict[str, Any], names: tuple[str, ...]) -> list[Path]:
    found: list[Path] = []
    for name in names:
        value = given.get(name)
        found += [value] if isinstance(value, Path) else list(value or ())
    return found
