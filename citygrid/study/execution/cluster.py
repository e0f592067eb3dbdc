"""Tasks on a Dask cluster: ordinary ``dask worker`` processes, on this machine or on others.

They need the package and the study's folders under the same paths, as a cluster's shared file
system has them: data are read where the study file says, and each row's data are checked against
the SHA-256 that the study was read with. Every thread of a worker has a process of its own that
solves (:mod:`citygrid.study.execution.seat`), so that limits hold and a poisoned task costs no
Dask worker. A worker that is lost gives its tasks back.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import queue
import socket
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
CONNECT = 8.0


class Cluster:
    """A Dask scheduler at an address, and whoever works for it."""

    def __init__(self, address: str) -> None:
        try:
            import distributed  # noqa: F401
        except ImportError:
            raise InputError(Fault("--scheduler", "needs Dask, which is not installed", address,
                                   "pip install 'citygrid[dask]'")) from None  # fmt: skip
        self.address = address

    def refuse(self, limits: Limits) -> None:
        """Raise :class:`InputError` where no Dask scheduler answers at the address."""
        # A name that nobody resolves may hold a thread for minutes; ours does not wait for it.
        answered: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda: answered.put(_asked(self.address)), daemon=True).start()
        try:
            wrong = answered.get(timeout=CONNECT)
        except queue.Empty:
            wrong = f"silence for {CONNECT:g} s"
        if wrong:
            raise self._nobody(wrong)

    def _nobody(self, wrong: str) -> InputError:
        return InputError(Fault(
            "--scheduler", f"no Dask scheduler answers ({wrong})", self.address,
            "start one by `dask scheduler` and name it like tcp://host:8786",
        ))  # fmt: skip

    def run(
        self, setup: Setup, tasks: Iterable[Plain], limits: Limits, sent: Sent
    ) -> Iterator[Answer | None]:
        """Answers as they come; see :mod:`citygrid.study.execution.contract`."""
        from distributed import Client

        try:
            client = Client(self.address, timeout=CONNECT, set_as_default=False)
        except (OSError, TimeoutError) as error:  # it answered a moment ago
            raise self._nobody(str(error)[:80]) from error
        done: queue.Queue[str] = queue.Queue()
        held: dict[str, tuple[Any, Plain]] = {}
        waiting, left = iter(tasks), True
        # As text with every task: data that lie on a worker are lost with it.
        shared = json.dumps(setup.as_dict())
        # Of two studies at once on one scheduler, each has its own results, in its own folder.
        study = hashlib.sha256(shared.encode()).hexdigest()[:12]
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
                        key=f"citygrid-{study}-{task['key']}", pure=False, retries=limits.retries,
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


def _asked(address: str) -> str:
    """What is wrong where a scheduler should be; empty where one says who it is."""
    from distributed import Security, rpc
    from distributed.comm.addressing import get_address_host_port

    async def identity() -> Any:
        how = Security().get_connection_args("client")
        async with rpc(address, timeout=CONNECT, connection_args=how) as there:
            return await there.identity()

    try:
        host, port = get_address_host_port(address)
        socket.create_connection((host, port), CONNECT).close()
        kind = asyncio.run(identity()).get("type")
    except Exception as error:  # a stranger at that port may say anything
        return " ".join(str(error).split())[:80] or type(error).__name__
    return "" if kind == "Scheduler" else f"it is a {kind}"


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
