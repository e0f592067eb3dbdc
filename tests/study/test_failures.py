"""Which ends are failures and which are results."""

from __future__ import annotations

import queue
import subprocess
import threading
import time

import pytest

from citygrid.study.conduct import is_failure
from citygrid.study.execution.contract import Limits, Setup
from citygrid.study.execution.seat import News, Seat


@pytest.mark.parametrize(
    ("status", "verified", "objective", "failed"),
    [
        ("optimal", True, 5.0, False), ("optimal", False, 5.0, True),
        ("infeasible", None, None, False), ("relaxed", None, None, False),
        ("time_limit", True, 5.0, False), ("time_limit", None, None, True),
        ("no_plan", None, None, True), ("unbounded", None, None, True),
        ("crashed", None, None, True), ("timed_out", None, None, True),
        ("out_of_memory", None, None, True), ("refused", None, None, True),
        ("failed", None, None, True), ("error", None, None, True), ("open", None, None, False),
    ],
)  # fmt: skip
def test_what_counts_as_failed(status, verified, objective, failed):
    row = {"status": status, "verified": verified, "objective_eur": objective}
    assert is_failure(row) is failed


class Sleeper(Seat):
    """A seat whose process does nothing."""

    def _start(self) -> None:
        self._life += 1
        self._child = subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, start_new_session=True)  # fmt: skip
        self.ready, self._killed, self._began = False, None, time.monotonic()
        heard = (self._child.stdout, self._life)
        self._reader = threading.Thread(target=self._listen, args=heard, daemon=True)
        self._reader.start()


def test_who_is_killed_for_a_task_that_has_answered_is_not_charged_to_the_next() -> None:
    """The answer waits in the queue while its seat is found to be over its time."""
    news: queue.Queue[News] = queue.Queue()
    seat = Sleeper(Setup("base", {}, "out"), Limits(time=0.05, retries=0), news, True)
    try:
        seat.hear(1, {"kind": "ready"})
        seat.give({"key": "A"})
        time.sleep(0.1)
        row = {"key": "A", "status": "optimal", "seconds": {}}
        news.put((seat, 1, {"kind": "row", "key": "A", "row": row}))
        seat.look()
        answer = seat.hear(*news.get()[1:])
        assert answer is not None and answer.row["status"] == "optimal"
        seat.give({"key": "B"})
        _, life, message = news.get(timeout=10)
        assert message is None and seat.hear(life, message) is None
        assert seat.task == {"key": "B"} and seat.attempts == 1
        seat.hear(2, {"kind": "ready"})
        time.sleep(0.1)
        seat.look()  # now it is its own time
        killed = seat.hear(*news.get(timeout=10)[1:])
        assert killed is not None and killed.key == "B" and killed.row["status"] == "timed_out"
    finally:
        seat.close()
