"""Options of `plan` for a long horizon: window by window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from citygrid.errors import Fault, InputError

if TYPE_CHECKING:
    from citygrid.district.case import Case
    from citygrid.routes.contract import Options
    from citygrid.verbs import Run

#: Folder, within that of the plan's files, where decided windows are kept until the plan is whole.
KEPT = "windows"


def rolling_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that can plan window by window."""
    for option in reversed((
        click.option("--window", metavar="LENGTH",
                     help="Plan a long horizon by windows that see so much, such as 48h or 7d; "
                     "--time-limit is then for all of them."),
        click.option("--overlap", metavar="LENGTH",
                     help="What of a window the next one decides again [default: half of it]."),
        click.option("--resume", is_flag=True,
                     help="Go on after the windows that an interrupted run had decided."),
    )):  # fmt: skip
        command = option(command)
    return command


def rolled(
    model: Path, window: str | None, overlap: str | None, resume: bool, route: str,
    options: Options, say: Callable[[str], None], policies: Sequence[str], folder: Path,
    prepared: Callable[[Case], None],
) -> Run | None:  # fmt: skip
    """The run by windows; ``None`` where none are asked for. ``prepared`` is shown the case.

    Raises :class:`InputError` for an overlap or a resumption without windows.
    """
    if window is None:
        lonely = {"--overlap": overlap, "--resume": resume or None}
        faults = [Fault(name, "belongs to windows", None if value is True else value,
                        "write --window with it, or leave it out")
                  for name, value in lonely.items() if value is not None]  # fmt: skip
        if faults:
            raise InputError(faults)
        return None
    from citygrid.study.rolling import roll_model

    kept = folder / KEPT
    try:
        return roll_model(model, window, overlap, route, options, say, policies, kept, resume,
                          prepared)  # fmt: skip
    except KeyboardInterrupt:
        if kept.is_dir():
            click.echo(f"decided windows are kept in {kept}; --resume goes on from there", err=True)
        raise


def written(folder: Path) -> None:
    """The plan's files are on the disk: what its windows kept may go."""
    from citygrid.study.rolling import forget

    forget(folder / KEPT)
