"""Tasks on a Dask cluster: ordinary ``dask worker`` processes, on this machine or on others.

They need the package and the study's folders under the same paths, as a cluster's shared file
system has them: data are read where the study file says, and each row's data are checked against
the SHA-256 that the study was read with. Every thread of a worker has a process of its own that
solves (:mod:`citygrid.study.execution.seat`), so that limits hold and a poisoned task costs no
Dask worker. A worker that is lost gives its tasks back.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from citygrid.errors import Fault, InputError
from citygrid.study.execution.contract import (
    TICK,
    Answer,
    Limits,
    Plain,
    Sent,
    Setup,
    row_without_plan,
)

if TYPE_CHECKING:
    from citygrid.study.execution.seat import News, Seat

#: Tasks per thread that wait at the cluster: enough that nobody is idle, few to lose.
AHEAD = 3
#: Seconds to wait for a scheduler that does not answer.
CONNECT = 20.0


class Cluster:
    """A Dask scheduler at an address, and whoever works for it."""

    def __init__(self, address: str) -> None:
        try:
            import distributed  # noqa: F401
        except ImportError:
            raise InputError(Fault("--scheduler", "needs Dask, which is not installed", address,
                                   "pip install 'citygrid[dask]'")) from None  # fmt: skip
        self.address = address

    def run(
        self, setup: Setup, tasks: Iterable[Plain], limits: Limits, sent: Sent
    ) -> Iterator[Answer | None]:
        """Answers as they come; see :mod:`citygrid.study.execution.contract`."""
        from distributed import Client

        try:
            client = Client(self.address, timeout=CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(Fault(
                "--scheduler", f"no scheduler answers ({str(error)[:80]})", self.address,
                "start one by `dask scheduler` and name it like tcp://host:8786",
            )) from error  # fmt: skip
        done: queue.Queue[str] = queue.Queue()
        held: dict[str, tuple[Any, Plain]] = {}
        waiting, left = iter(tasks), True
        # As text with every task: data that lie on a worker are lost with it.
        shared = json.dumps(setup.as_dict())
        try:
            while True:
                while left and len(held) < AHEAD * max(_threads(client), 1):
                    task = next(waiting, None)
                    if task is None:
                        left = False
                        break
                    sent(task["key"])
                    future = client.submit(
                        work, shared, task, limits.time, limits.memory, limits.retries,
                        key=f"citygrid-{task['key']}", pure=False, retries=limits.retries,
                    )  # fmt: skip
                    held[task["key"]] = (future, task)
                    future.add_done_callback(lambda _, key=task["key"]: done.put(key))
                if not held:
                    return
                try:
                    future, task = held.pop(done.get(timeout=TICK))
                except queue.Empty:
                    yield None
                    continue
                yield _answer(future, task)
                future.release()
        finally:
            client.cancel([future for future, _ in held.values()])
            client.close()


def _threads(client: Any) -> int:
    return sum(client.nthreads().values())


def _answer(future: Any, task: Plain) -> Answer:
    """What a future holds, or why it holds nothing."""
    error = future.exception() if future.status == "error" else None
    if error is None and future.status == "finished":
        key, row, attempts = future.result()
        return Answer(key, row, attempts)
    words = f"{type(error).__name__}: {error}" if error is not None else "it was cancelled"
    status = "crashed" if type(error).__name__ == "KilledWorker" else "failed"
    return Answer(task["key"], row_without_plan(task, status, f"at the cluster: {words}"[:2000]))


# in the Dask worker ------------------------------------------------------------------------------

_own = threading.local()


def work(
    setup: str, task: Plain, time_limit: float | None, memory: int | None, retries: int
) -> tuple[str, dict[str, Any], int]:
    """Compute one task in this thread's own process, which stays for the next one."""
    from citygrid.study.execution.seat import LOOK

    seat, news = _seat(setup, Limits(time_limit, memory, retries))
    while not news.empty():  # it may have died while it had nothing to do
        _, life, message = news.get_nowait()
        seat.hear(life, message)
    seat.give(task)
    while True:
        try:
            _, life, message = news.get(timeout=LOOK)
        except queue.Empty:
            answer = None
        else:
            answer = seat.hear(life, message)
        if answer is not None:
            return answer.key, answer.row, answer.attempts
        seat.look()


def _seat(setup: str, limits: Limits) -> tuple[Seat, queue.Queue[News]]:
    """The seat of this thread for this study; that of an earlier study is given up."""
    from citygrid.study.execution.seat import Seat

    if getattr(_own, "wanted", None) != (setup, limits):
        if getattr(_own, "seat", None) is not None:
            _own.seat.close()
        _own.news = queue.Queue()
        _own.seat = Seat(Setup.of(json.loads(setup)), limits, _own.news, with_parent=False)
        _own.wanted = (setup, limits)
    return _own.seat, _own.news
