"""Executors on this machine: processes that can be killed, or this process alone."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterable, Iterator

from citygrid.errors import Fault, InputError
from citygrid.study.execution.contract import TICK, Answer, Limits, Plain, Sent, Setup
from citygrid.study.execution.seat import LOOK, News, Seat, can_measure_memory


class Processes:
    """So many persistent processes side by side, each with one solve at a time."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def refuse(self, limits: Limits) -> None:
        """Raise :class:`InputError` for a limit that this system cannot keep."""
        if limits.memory is not None and not can_measure_memory():
            raise InputError(Fault("limits › memory", "this system does not say what memory a "
                                   "process holds", None, "leave the limit out"))  # fmt: skip

    def run(
        self, setup: Setup, tasks: Iterable[Plain], limits: Limits, sent: Sent
    ) -> Iterator[Answer | None]:
        """Answers as they come; see :mod:`citygrid.study.execution.contract`."""
        waiting = iter(tasks)
        news: queue.Queue[News] = queue.Queue()
        seats: list[Seat] = []
        try:
            for _ in range(self.workers):
                task = next(waiting, None)
                if task is None:
                    break
                seats.append(Seat(setup, limits, news, with_parent=True))
                sent(task["key"])
                seats[-1].give(task)
            limited = limits.time is not None or limits.memory is not None
            looked = ticked = time.monotonic()
            while any(seat.task is not None for seat in seats):
                try:
                    seat, life, message = news.get(timeout=LOOK if limited else TICK)
                except queue.Empty:
                    answer = None
                else:
                    answer = seat.hear(life, message)
                    if answer is not None and (task := next(waiting, None)) is not None:
                        # The next one is on its way before anybody reads this answer.
                        sent(task["key"])
                        seat.give(task)
                now = time.monotonic()
                if now - looked >= LOOK:
                    looked = now
                    for each in seats:
                        each.look()
                if answer is not None or now - ticked >= TICK:
                    ticked = now
                    yield answer
        finally:
            for seat in seats:
                seat.close()


class Serial:
    """This process, one task after the other: for looking into one, without hard limits."""

    def refuse(self, limits: Limits) -> None:
        """Raise :class:`InputError` for limits: keeping them means to kill a process."""
        if limits.time is not None or limits.memory is not None:
            raise InputError(
                Fault(
                    "--workers",
                    "limits of time and memory are kept by killing a "
                    "process, and there is no other one",
                    0,
                    "give at least one worker, or leave the limits out",
                )
            )

    def run(
        self, setup: Setup, tasks: Iterable[Plain], limits: Limits, sent: Sent
    ) -> Iterator[Answer | None]:
        """Answers one by one; what crashes this process ends the study until it is resumed."""
        from citygrid.study.execution.compute import Computer

        computer = Computer(setup)
        for task in tasks:
            sent(task["key"])
            yield Answer(task["key"], computer.compute(task))
