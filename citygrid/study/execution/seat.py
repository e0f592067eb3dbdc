"""A seat: one persistent worker process that computes one task at a time and can be killed.

Imports and the base are paid for once. A task that takes too long or too much memory, or crashes
the process, costs the process and nothing else: the seat is given a new one.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

import citygrid
from citygrid.errors import Fault, NoPlanError
from citygrid.routes.watch import receive, send
from citygrid.study.execution.contract import Answer, Limits, Plain, Setup, row_without_plan

#: Seconds between two looks at clocks and memory.
LOOK = 0.05
#: Seconds that a process may take to import and read its base, before it counts as crashed.
START = 300.0
#: Processes in a row that may end before they are ready; more would not help.
STARTS = 5
#: As many that somebody else killed: whoever frees memory or ends processes may stop doing so.
KILLED_STARTS = 60
#: Where the kernel says how much memory a process holds.
PROC = Path("/proc")

#: What a reader hears of a process: who, of which of its lives, and a message or its end.
News = tuple["Seat", int, dict[str, Any] | None]


class Seat:
    """One process and its present task; its messages go to ``news``."""

    def __init__(self, setup: Setup, limits: Limits, news: queue.Queue[News],
                 with_parent: bool) -> None:  # fmt: skip
        self._setup, self._limits, self._news = setup, limits, news
        self._with_parent = with_parent
        self._child: subprocess.Popen[bytes] | None = None
        self._life = 0
        self._began = 0.0
        self._failed_starts = 0
        self.task: Plain | None = None
        self.attempts = 0
        self.ready = False
        #: Why we killed it, which is not for its exit code to say, and for which task.
        self._killed: str | None = None
        self._blamed: str | None = None
        self._start()

    def _start(self) -> None:
        root = str(Path(citygrid.__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
        command = [sys.executable, "-m", "citygrid.study.execution.worker"]
        self._life += 1
        self._child = subprocess.Popen(
            [*command, *(["--with-parent"] if self._with_parent else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, **one, "PYTHONPATH": path}, start_new_session=True,
        )  # fmt: skip
        self.ready, self._killed, self._began = False, None, time.monotonic()
        assert self._child.stdin is not None and self._child.stdout is not None
        self._reader = threading.Thread(
            target=self._listen, args=(self._child.stdout, self._life), daemon=True
        )
        self._reader.start()
        self._send(self._setup.as_dict())

    def _listen(self, stream: IO[bytes], life: int) -> None:
        with contextlib.suppress(OSError, ValueError), stream:
            while (message := receive(stream)) is not None:
                self._news.put((self, life, message[0]))
        self._news.put((self, life, None))

    def _send(self, head: dict[str, Any]) -> None:
        assert self._child is not None and self._child.stdin is not None
        # One that is gone cannot read; its silence is noticed by the listener.
        with contextlib.suppress(OSError, ValueError):
            send(self._child.stdin, head)

    def give(self, task: Plain) -> None:
        """Give a task to a seat that has none; a process that still starts has it next."""
        self.task, self.attempts = task, 1
        self._send(task)
        self._began = time.monotonic()

    def hear(self, life: int, message: dict[str, Any] | None) -> Answer | None:
        """What a message means: an answer, or ``None`` where the task goes on."""
        if life != self._life:
            return None  # of a process that is gone
        if message is None:
            return self._ended()
        if message["kind"] == "ready":
            self.ready, self._began, self._failed_starts = True, time.monotonic(), 0
            return None
        task, self.task = self.task, None
        assert task is not None and task["key"] == message["key"]
        return Answer(task["key"], message["row"], self.attempts)

    def _ended(self) -> Answer | None:
        """The process is gone: try again where it crashed, say so where that is not to be."""
        assert self._child is not None
        self._bury()
        code, task, started = self._child.returncode, self.task, self.ready
        killed = self._killed
        self._failed_starts += not started
        by_somebody = code == -signal.SIGKILL and killed is None
        if self._failed_starts >= (KILLED_STARTS if by_somebody else STARTS):
            raise NoPlanError(Fault("workers", f"a worker process {_death(code)} before it was "
                                    f"ready, {self._failed_starts} times", None,
                                    "its own words stand above"))  # fmt: skip
        answer = None
        if not started or (killed is not None and task is not None and task["key"] != self._blamed):
            # What it was to compute has not been tried: it could not start, or was killed for a
            # task whose answer was on its way, and this one came after it.
            started = False
        elif task is not None and killed is not None:
            answer = Answer(task["key"], row_without_plan(task, killed, self._words(killed)),
                            self.attempts)  # fmt: skip
        elif task is not None and self.attempts > self._limits.retries:
            answer = Answer(
                task["key"],
                row_without_plan(
                    task,
                    "crashed",
                    f"the worker process {_death(code)}, "
                    f"{self.attempts} time{'s' if self.attempts > 1 else ''}",
                ),
                self.attempts,
            )
        if answer is not None:
            self.task = None
        self._start()
        if self.task is not None:
            self.attempts += started
            self._send(self.task)
        return answer

    def _words(self, killed: str) -> str:
        if killed == "timed_out":
            return f"killed after {self._limits.time:g} s, its limit"
        return f"killed beyond {(self._limits.memory or 0) / 1e6:,.0f} MB of memory, its limit"

    def look(self) -> None:
        """Kill the process where its task takes more than it may."""
        if self._child is None or self._killed is not None:
            return
        spent = time.monotonic() - self._began
        if not self.ready:
            if spent > START:
                self._kill("not_ready")
            return
        if self.task is None:
            return
        if self._limits.time is not None and spent > self._limits.time:
            self._kill("timed_out")
        elif self._limits.memory is not None and resident(self._child.pid) > self._limits.memory:
            self._kill("out_of_memory")

    def _kill(self, why: str) -> None:
        self._killed = why
        self._blamed = None if self.task is None else self.task["key"]
        self._bury()

    def _bury(self) -> None:
        """The process and all that it started are gone afterwards."""
        child = self._child
        assert child is not None
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.kill()
        child.wait()
        if child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.close()
        self._reader.join(timeout=5.0)

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._child is not None:
            self._life += 1  # nobody listens any more
            self._bury()
            self._child = None

    @property
    def pid(self) -> int | None:
        """The process, where there is one."""
        return None if self._child is None else self._child.pid


def _death(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None or code >= 0:
        return f"ended with code {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def can_measure_memory() -> bool:
    """Whether this system says how much memory a process holds."""
    return (PROC / "self" / "statm").is_file()


def resident(pid: int) -> int:
    """Bytes of memory that a process and those that it started hold now; 0 where it is gone."""
    total, waiting = 0, [pid]
    while waiting:
        each = waiting.pop()
        try:
            pages = int((PROC / str(each) / "statm").read_text().split()[1])
            total += pages * os.sysconf("SC_PAGE_SIZE")
            children = (PROC / str(each) / "task" / str(each) / "children").read_text()
        except (OSError, IndexError, ValueError):
            continue
        waiting += [int(child) for child in children.split()]
    return total
