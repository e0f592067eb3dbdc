"""A prover beside a search: a child that raises the bound while somebody else looks for plans.

The child gets the form over a pipe, as :mod:`citygrid.routes.watch` does it, and reports every
better bound. It ends with its time, with its parent, or when it is stopped. Once only the tree of
HiGHS is left, it takes no more than the processors that others leave it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from typing import IO, Any

from citygrid.model.form import Floats, Form
from citygrid.routes import watch
from citygrid.routes.bounds.front import Bound, Relaxed, best_bound
from citygrid.routes.bounds.lagrangian import coupling
from citygrid.routes.contract import Options

#: How much a child that only has HiGHS' tree left steps back behind other processes (nice).
COURTESY = 10


class Prover:
    """Raises the bound of a form in another process for at most so many seconds.

    ``relaxed`` is the relaxation's solution; where it is known, it saves the child the first step.
    ``plan`` (n), where one is known, fixes what no better plan changes, and has HiGHS look for
    better ones in its tree (:meth:`plan`). Use it as a context, or call :meth:`stop`.
    """

    def __init__(
        self, form: Form, options: Options, seconds: float,
        relaxed: Relaxed | None = None, plan: Floats | None = None,
    ) -> None:  # fmt: skip
        self._form, self._options, self._seconds, self._relaxed = form, options, seconds, relaxed
        self._plan = plan
        self._met: Floats | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._bound: Bound | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> Prover:
        """Begin; the time runs from here, the child's start included."""
        if self._child is not None:
            raise RuntimeError("a prover is started once")
        self._child = watch.start_child("citygrid.routes.bounds.prover")
        assert self._child.stdin is not None and self._child.stdout is not None
        self._reader = threading.Thread(
            target=self._listen, args=(self._child.stdout,), daemon=True
        )  # fmt: skip
        self._reader.start()
        threading.Thread(target=self._hand_over, args=(self._child.stdin,), daemon=True).start()
        self._timer = threading.Timer(self._seconds, self._child.kill)
        self._timer.daemon = True
        self._timer.start()
        return self

    def poll(self) -> Bound | None:
        """The best bound so far; at once."""
        return self._bound

    def plan(self) -> Floats | None:
        """The best plan (n) that HiGHS came across so far, within its tolerances; at once."""
        return self._met

    @property
    def pid(self) -> int | None:
        """The child's number; ``None`` before the start."""
        return None if self._child is None else self._child.pid

    @property
    def running(self) -> bool:
        """Whether the child is still at work."""
        return self._child is not None and self._child.poll() is None

    def wait(self, seconds: float | None = None) -> Bound | None:
        """The best bound when the child has ended, or after so many seconds."""
        if self._reader is not None:
            self._reader.join(seconds)
        return self._bound

    def stop(self) -> Bound | None:
        """End the child and give the best bound that it had told."""
        if self._child is not None:
            self._timer.cancel()
            self._child.kill()
            self._child.wait()
            assert self._reader is not None
            self._reader.join(5.0)
            for stream in (self._child.stdin, self._child.stdout):
                with contextlib.suppress(OSError, ValueError):
                    if stream is not None and not self._reader.is_alive():
                        stream.close()
        return self._bound

    def __enter__(self) -> Prover:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _listen(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (message := watch.receive(stream)) is not None:
                head, body = message
                if "value" not in head:
                    self._met = watch.unpacked(body)["x"]
                    continue
                trace = tuple((at, value, by) for at, value, by in head["trace"])
                self._bound = Bound(head["value"], head["by"], trace)

    def _hand_over(self, stream: IO[bytes]) -> None:
        arrays: dict[str, Any] = watch.arrays_of(self._form)
        head: dict[str, Any] = {
            "seconds": self._seconds, "seed": self._options.seed, "threads": self._options.threads,
        }  # fmt: skip
        arrays["priced"] = coupling(self._form)
        if self._relaxed is not None:
            arrays["x"], head["bound"] = self._relaxed.x, self._relaxed.bound
            if self._relaxed.duals is not None:
                arrays["duals"] = self._relaxed.duals
        if self._plan is not None:
            arrays["plan"] = self._plan
        # A child that is gone cannot read; its silence is noticed by the reader.
        with contextlib.suppress(OSError, ValueError):
            watch.send(stream, head, watch.packed(arrays))


# the child ---------------------------------------------------------------------------------------


def main() -> None:
    """Read one form from standard input and tell of every better bound on standard output."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    message = watch.receive(sys.stdin.buffer)
    if message is None:
        return
    head, body = message
    threading.Thread(target=watch.follow_parent, daemon=True).start()
    # Should the parent forget: this process never outlives its time.
    end = threading.Timer(head["seconds"], lambda: os._exit(0))
    end.daemon = True
    end.start()
    arrays = watch.unpacked(body)
    x, duals, priced, plan = (arrays.pop(name, None) for name in ("x", "duals", "priced", "plan"))
    form = watch.form_of(arrays)

    def told(bound: Bound) -> None:
        watch.send(out, {"value": bound.value, "by": bound.by, "trace": bound.trace})

    def met(found: Floats) -> None:
        watch.send(out, {}, watch.packed({"x": found}))

    relaxed = None if x is None else Relaxed(x, duals, head.get("bound"))
    options = Options(seed=head["seed"], threads=head["threads"])
    best_bound(
        form, options, time_limit=head["seconds"], relaxed=relaxed, told=told, priced=priced,
        watched=True, plan=plan, met=None if plan is None else met, rest=_yield,
    )  # fmt: skip
    out.flush()
    # A thread still waits for a word of the parent on standard input, and would not let go of it.
    os._exit(0)


def _yield() -> None:
    """From now on others come first; not every system knows of it."""
    if hasattr(os, "nice"):
        os.nice(COURTESY)


if __name__ == "__main__":
    main()
