"""A window without a plan: what was decided before it is decided anew, seeing further.

The form is one generator of 10 kW beside a store: ``level_t = level_{t−1} + gen_t − demand_t``.
Windows of one step see their own demand and, by the row that their level stands in, what the next
step cannot do alone; they leave the store empty for anything later.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from citygrid.errors import InfeasibleError
from citygrid.model.form import Block, Form
from citygrid.model.windows import calendar
from citygrid.routes import Options
from citygrid.routes.contract import Clock
from citygrid.study.rolling.checkpoint import Checkpoint
from citygrid.study.rolling.engine import BACK, Roller
from citygrid.study.rolling.spans import Spans

POWER = 10.0


def store(demand: list[float]) -> tuple[Form, Any]:
    """The form of a demand [kW] in steps of an hour, and its time."""
    steps = len(demand)
    time = np.datetime64("2023-01-01T00", "ns") + np.arange(steps) * np.timedelta64(1, "h")
    every, ones = np.arange(steps), np.ones(steps)
    level = sp.csr_array((ones, (every, every)), shape=(steps, steps))
    before = sp.csr_array((ones[1:], (every[1:], every[:-1])), shape=(steps, steps))
    form = Form(
        cost=np.concatenate([ones, np.zeros(steps)]), constant=0.0,
        matrix=sp.csr_array(sp.hstack([-level, level - before])),
        row_lower=-np.array(demand), row_upper=-np.array(demand),
        lower=np.zeros(2 * steps), upper=np.repeat([POWER, 100.0], steps),
        integer=np.zeros(2 * steps, dtype=bool),
        columns={
            "unit.power": Block("unit.power", ("time",), {"time": time}, 0, "kW"),
            "store.level": Block("store.level", ("time",), {"time": time}, steps, "kWh"),
        },
        rows={"store.level": Block("store.level", ("time",), {"time": time}, 0, "kWh")},
    )  # fmt: skip
    return form, time


class Rolled:
    """A demand rolled by windows of one step; ``said`` and ``course`` are what became of it."""

    def __init__(self, demand: list[float]) -> None:
        self.form, self.time = store(demand)
        self.said: list[str] = []

    def run(self, folder: Path | None = None, resume: bool = False, stop: str = "") -> Any:
        def say(text: str) -> None:
            self.said.append(text)
            if stop and self.said.count(stop) == 2:
                raise KeyboardInterrupt

        roller = Roller(self.form, calendar(self.form, self.time), self.time, 1.0, "a store",
                        Spans(len(self.time), 1, 0), "milp", Options(), None, Clock(None),
                        say)  # fmt: skip
        checkpoint = Checkpoint(folder, {"form": self.form.hash})
        self.course = roller.run(checkpoint, checkpoint.begin(resume))
        return self.course

    @property
    def power(self) -> list[float]:
        return self.course.x[: len(self.time)].tolist()


def test_without_trouble_nothing_is_decided_twice() -> None:
    rolled = Rolled([5.0, 5.0, 5.0])
    rolled.run()
    assert rolled.power == [5.0, 5.0, 5.0]
    assert len(rolled.said) == 3


def again(rolled: Rolled) -> list[str]:
    return [text for text in rolled.said if "once more" in text]


def test_the_window_before_fills_the_store() -> None:
    rolled = Rolled([5.0, 5.0, 10.0, 15.0])
    course = rolled.run()
    assert rolled.power == pytest.approx([5.0, 10.0, 10.0, 10.0])
    assert rolled.form.residual(course.x) <= 1e-9
    assert again(rolled) == ["window 3 has no plan; from window 2 on once more, seeing further"]
    assert [note["window"] for note in course.notes] == [1, 2, 3, 4]
    assert [note["steps"] for note in course.notes] == [1, 2, 1, 1]


def test_where_one_window_back_does_not_help_two_do() -> None:
    """The second step runs at full power anyway: only the first can fill the store."""
    rolled = Rolled([5.0, 10.0, 10.0, 15.0])
    course = rolled.run()
    assert rolled.power == pytest.approx([10.0, 10.0, 10.0, 10.0])
    assert again(rolled) == [
        "window 3 has no plan; from window 2 on once more, seeing further",
        "window 2 has no plan; from window 1 on once more, seeing further",
    ]
    assert [note["steps"] for note in course.notes] == [3, 2, 1, 1]


def test_trouble_twice_is_met_twice() -> None:
    rolled = Rolled([5.0, 10.0, 15.0, 5.0, 5.0, 10.0, 15.0])
    course = rolled.run()
    assert sum(rolled.power) == pytest.approx(65.0)
    assert rolled.form.residual(course.x) <= 1e-9
    assert again(rolled) == [
        "window 2 has no plan; from window 1 on once more, seeing further",
        "window 6 has no plan; from window 5 on once more, seeing further",
    ]


def test_further_back_than_that_it_gives_up_and_names_the_window() -> None:
    """Only the first step has power to spare, one window further back than is tried."""
    demand = [5.0, *[POWER] * (BACK + 1), 15.0]
    rolled = Rolled(demand)
    with pytest.raises(InfeasibleError, match=f"window {BACK + 2} of {len(demand)}") as error:
        rolled.run()
    assert "longer window or overlap" in str(error.value)
    assert error.value.details["window"] == BACK + 2
    assert len(again(rolled)) == BACK


def test_a_first_window_without_a_plan_has_nobody_to_blame() -> None:
    rolled = Rolled([15.0, 5.0, 5.0])
    with pytest.raises(InfeasibleError, match="window 1 of 3"):
        rolled.run()
    assert not again(rolled)


def test_after_an_interruption_it_can_still_go_back(tmp_path: Path) -> None:
    """Killed when the second window is decided anew: the first try of it is what is kept."""
    rolled = Rolled([5.0, 5.0, 10.0, 15.0])
    second = "window 2 of 4, 2023-01-01T01:00Z to 2023-01-01T01:00Z"
    with pytest.raises(KeyboardInterrupt):
        rolled.run(tmp_path / "windows", stop=second)
    rolled.said.clear()
    course = rolled.run(tmp_path / "windows", resume=True)
    assert rolled.power == pytest.approx([5.0, 10.0, 10.0, 10.0])
    assert [note.get("resumed", False) for note in course.notes] == [True, False, False, False]
    kept = sorted(path.name for path in (tmp_path / "windows").glob("window_*.npz"))
    assert kept == [f"window_{number:05d}.npz" for number in range(4)]
