"""Time and memory of a function in a child process of its own."""

from __future__ import annotations

import gc
import multiprocessing
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Measurement(NamedTuple):
    """Seconds and bytes that a step took beyond what its input already held."""

    seconds: float
    memory: float
    answer: Any


def _resident() -> int:
    """Bytes of memory this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


class _Peak:
    """Highest resident memory while a step runs.

    As the system counts it, where it lets the count begin anew; else looked at again and again.
    """

    def __init__(self) -> None:
        gc.collect()
        self.highest = self.before = _resident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._counted = True

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self.highest = max(self.highest, _resident())

    def __enter__(self) -> _Peak:
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            self._counted = False
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.highest = max(self.highest, _resident())
        if self._counted:
            self.highest = max(self.highest, _highest())
            return
        self._over.set()
        self._thread.join()


def _highest() -> int:
    """Most bytes that this process ever held since the count began."""
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)


def _child(prepare: Callable[..., Any], step: Callable[[Any], Any], given: Any, pipe: Any) -> None:
    held = prepare(given)
    with _Peak() as peak:
        began = time.perf_counter()
        result = step(held)
        seconds = time.perf_counter() - began
    size = result if isinstance(result, (int, float, dict)) else getattr(result, "size", None)
    pipe.send(Measurement(seconds, float(peak.highest - peak.before), size))
    pipe.close()


def measure(prepare: Callable[..., Any], step: Callable[[Any], Any], given: Any) -> Measurement:
    """Run ``step(prepare(given))`` in a fresh process; only ``step`` is measured."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(prepare, step, given, sender))
    child.start()
    sender.close()
    try:
        found: Measurement = receiver.recv()
    except EOFError:
        child.join()
        raise MemoryError(f"the measured process ended with code {child.exitcode}") from None
    child.join()
    return found
