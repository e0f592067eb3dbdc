"""Progress for a person who waits: one line in place per stage, and of solves what they have found.

On a terminal the stage at work shows its seconds, and while it solves the cost of the best plan,
what is proven, and how the gap fell; when it ends, one line of it stays. With ``--json`` and on a
terminal that cannot move its cursor stages are plain lines, with ``--verbose`` also in a pipe. All
of it goes to standard error; without ``--verbose`` a pipe gets nothing.
"""

from __future__ import annotations

import math
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from citygrid.cards import short
from citygrid.gap import relative_gap

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.live import Live

#: Heights of the gap over time, and how many of its last values are drawn.
BLOCKS = "▁▂▃▄▅▆▇█"
DRAWN = 16
#: Gaps below this are as good as none.
CLOSED = 1e-5


class Stage:
    """One thing that is being done, since when, and what a solver has found in it."""

    def __init__(self, text: str) -> None:
        self.text = short(text, 200)
        self.began = time.monotonic()
        self.objective: float | None = None
        self.bound: float | None = None
        self.gaps: list[float] = []

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    def hear(self, news: dict[str, Any]) -> None:
        """A solver's news: its best plan and bound, either of which may be missing."""
        objective, bound = news.get("objective"), news.get("bound")
        self.objective = self.objective if objective is None else float(objective)
        self.bound = self.bound if bound is None else float(bound)
        gap = self.gap
        if gap is not None and (not self.gaps or gap != self.gaps[-1]):
            self.gaps.append(gap)

    @property
    def gap(self) -> float | None:
        """Relative gap, where both sides of it are known and finite."""
        gap = relative_gap(self.objective, self.bound)
        return gap if gap is not None and math.isfinite(gap) else None

    @property
    def found(self) -> str:
        """Cost, bound and gap in words; empty where nothing is known."""
        parts = []
        if self.objective is not None and math.isfinite(self.objective):
            parts.append(f"{self.objective:,.2f} EUR")
        if self.bound is not None and math.isfinite(self.bound):
            parts.append(f"at least {self.bound:,.2f} EUR")
        if self.gap is not None:
            parts.append(f"gap {self.gap:.3%}")
        return ", ".join(parts)

    @property
    def course(self) -> str:
        """The gap over time as a line of blocks, on a logarithmic scale."""
        shown = [max(gap, CLOSED) for gap in self.gaps[-DRAWN:]]
        if len(shown) < 2 or max(shown) <= min(shown):
            return ""
        low, high = math.log(min(shown)), math.log(max(shown))
        return "".join(BLOCKS[round((math.log(gap) - low) / (high - low) * 7)] for gap in shown)


class Progress:
    """Shows stages one after the other, in place where the terminal can."""

    def __init__(self, as_json: bool = False, verbose: bool = False) -> None:
        terminal = sys.stderr is not None and sys.stderr.isatty()  # None where it is closed
        self.live = terminal and not as_json and not verbose and os.environ.get("TERM") != "dumb"
        self.plain = (terminal or verbose) and not self.live
        self._began = time.monotonic()
        self._stage: Stage | None = None
        self._display: Live | None = None

    def say(self, text: str) -> None:
        """A new stage begins; the one before is over."""
        if self.plain:
            click.echo(f"{time.monotonic() - self._began:6.1f} s  {short(text, 200)} …", err=True)
        elif self.live:
            self._end_stage()
            self._stage = Stage(text)
            self._show()

    def hear(self, news: dict[str, Any]) -> None:
        """A solver's news within the stage."""
        if self._stage is not None:
            self._stage.hear(news)

    def update(self, text: str) -> None:
        """Other words for the stage at work, such as how far it is; only the last of them stay.

        Where a stage is no line in place, it is a line per update, as seldom as the caller is.
        """
        if self.plain:
            self.say(text)
        elif self.live:
            if self._stage is None:
                self.say(text)
            else:
                self._stage.text = short(text, 200)

    def close(self) -> None:
        """Nothing more comes: the last line stays, and the terminal is as it was."""
        if self.live:
            self._end_stage()

    def _show(self) -> None:
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True, highlight=False)
        self._display = Live(console=console, transient=True, get_renderable=self._render)
        self._display.start(refresh=True)

    def _end_stage(self) -> None:
        stage, display = self._stage, self._display
        self._stage = self._display = None
        if display is None or stage is None:
            return
        try:
            display.stop()
        except IndexError:
            # Interrupted while it was starting: rich takes back what it had not yet done.
            display.console.show_cursor(True)
            return
        _print(display.console, stage)

    def _render(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        stage = self._stage
        if stage is None:
            return Group()
        lines = [Text.assemble((f"{stage.seconds:6.1f} s", "dim"), f"  {stage.text} …")]
        if stage.found:
            lines.append(Text.assemble(" " * 10, (stage.found, "bold"), "  ",
                                       (stage.course, "cyan")))  # fmt: skip
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        return Group(*lines)


def _print(console: Console, stage: Stage) -> None:
    """The line that stays of a stage."""
    from rich.text import Text

    found = f": {stage.found}" if stage.found else ""
    console.print(Text.assemble((f"{stage.seconds:6.1f} s", "dim"), f"  {stage.text}{found}"),
                  soft_wrap=True)  # fmt: skip
