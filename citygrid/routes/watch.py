"""A solver under watch: HiGHS in a child process with a limit that holds.

HiGHS checks its own time limit between steps, and a step can be long. The child reports every
better plan over a pipe; when it is still at work some grace after the limit, or dies, it is gone
and the best plan and bound it had reported remain. Arrays travel as npz, never as pickles.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import scipy.sparse as sp

import citygrid
from citygrid.model.form import Floats, Form
from citygrid.routes.contract import now
from citygrid.routes.highs import Report, Result, Task

_HEADER = struct.Struct("<QQ")
#: How a child ends that gets no more memory, as `sysexits` calls a lack of what the system gives.
OUT_OF_MEMORY = 71


def grace(limit: float) -> float:
    """Seconds a child may need past its limit to end by itself (and, before, to start)."""
    return 3.0 + 0.1 * limit


def run(form: Form, task: Task, report: Report, start: Floats | None = None) -> Result:
    """:func:`citygrid.routes.highs.run` in a child that is stopped when it overruns its limit."""
    child = start_child("citygrid.routes.watch")
    assert child.stdin is not None and child.stdout is not None
    news: queue.Queue[tuple[dict[str, Any], bytes] | None] = queue.Queue()
    reader = threading.Thread(target=_listen, args=(child.stdout, news), daemon=True)
    reader.start()
    best = _Best()
    try:
        # A writer of its own: a child that never reads must not hold us past the limit.
        threading.Thread(
            target=_hand_over, args=(child.stdin, form, task, start), daemon=True
        ).start()
        answer = _attend(news, best, report, task.time_limit)
    finally:
        child.kill()
        child.wait()
        reader.join(timeout=5.0)
        if not reader.is_alive():
            child.stdout.close()
        with contextlib.suppress(OSError):
            child.stdin.close()
    while answer is None and not news.empty():
        answer = best.hear(news.get(), report)
    return answer if answer is not None else best.remains(form, child.returncode)


def start_child(module: str) -> subprocess.Popen[bytes]:
    """A Python of ours that runs a module of this package and talks over its pipes."""
    root = str(Path(citygrid.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


@dataclass
class _Best:
    """What a child has reported so far."""

    x: Floats | None = None
    objective: float | None = None
    bound: float | None = None
    started_at: str = ""
    overrun: bool = False
    deadline: float | None = field(default=None)

    def hear(self, message: tuple[dict[str, Any], bytes] | None, report: Report) -> Result | None:
        if message is None:
            return None
        head, body = message
        kind = head.pop("kind")
        if kind == "started":
            self.started_at = head["at"]
            return None
        if kind == "result":
            arrays = unpacked(body)
            notes = {**head["notes"], "process": "child"}
            if self.started_at:
                notes["started_at"] = self.started_at
            return Result(head["status"], arrays.get("x"), head["objective"], head["bound"],
                          arrays.get("duals"), arrays.get("reduced"), notes)  # fmt: skip
        if head.get("bound") is not None:
            self.bound = max(head["bound"], self.bound) if self.bound is not None else head["bound"]
        x = np.frombuffer(body, dtype=float).copy() if kind == "incumbent" else None
        if x is not None and (self.objective is None or head["objective"] <= self.objective):
            self.x, self.objective = x, head["objective"]
        report(kind, head, x)
        return None

    def remains(self, form: Form, returncode: int) -> Result:
        """The result of a child that was stopped or died."""
        notes: dict[str, Any] = {"process": "child", "stopped": self.overrun}
        if self.started_at:
            notes["started_at"] = self.started_at
        if not self.overrun:
            notes["exit_code"] = returncode
        objective = None if self.x is None else form.objective(self.x)
        status = "time_limit" if self.overrun else "feasible" if self.x is not None else "error"
        return Result(status, self.x, objective, self.bound, notes=notes)  # type: ignore[arg-type]


def _attend(
    news: queue.Queue[tuple[dict[str, Any], bytes] | None], best: _Best, report: Report,
    limit: float | None,
) -> Result | None:  # fmt: skip
    """Hear the child until it answers, dies or overruns."""
    end = None if limit is None else time.monotonic() + limit + grace(limit)
    while True:
        left = None if end is None else end - time.monotonic()
        try:
            message = news.get(timeout=None if left is None else max(left, 0.0))
        except queue.Empty:
            best.overrun = True
            return None
        if message is None:
            return None
        answer = best.hear(message, report)
        if answer is not None:
            return answer


def _listen(stream: IO[bytes], news: queue.Queue[tuple[dict[str, Any], bytes] | None]) -> None:
    with contextlib.suppress(OSError, ValueError):
        while (message := receive(stream)) is not None:
            news.put(message)
    news.put(None)


def _hand_over(stream: IO[bytes], form: Form, task: Task, start: Floats | None) -> None:
    arrays = arrays_of(form)
    if start is not None:
        arrays["start"] = start
    # A child that is gone cannot read; its silence is noticed by the reader.
    with contextlib.suppress(OSError, ValueError):
        send(stream, asdict(task), packed(arrays))


# messages: two lengths, a JSON head, a body of bytes ---------------------------------------------


def send(stream: IO[bytes], head: dict[str, Any], body: bytes = b"") -> None:
    """Write one message: two lengths, a JSON head, a body."""
    written = json.dumps(head).encode()
    stream.write(_HEADER.pack(len(written), len(body)) + written)
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Read one message; ``None`` where the stream ends before it does."""
    lengths = stream.read(_HEADER.size)
    if len(lengths) < _HEADER.size:
        return None
    head, body = _HEADER.unpack(lengths)
    written, content = stream.read(head), stream.read(body)
    if len(written) < head or len(content) < body:
        return None
    return json.loads(written), content


def packed(arrays: dict[str, Any]) -> bytes:
    """Arrays by name as the bytes of an npz."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def unpacked(body: bytes) -> dict[str, Any]:
    """The arrays of :func:`packed`."""
    with np.load(io.BytesIO(body), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def arrays_of(form: Form) -> dict[str, Any]:
    """The programme as plain arrays, without names."""
    return {
        "cost": form.cost, "data": form.matrix.data, "indices": form.matrix.indices,
        "indptr": form.matrix.indptr, "row_lower": form.row_lower, "row_upper": form.row_upper,
        "lower": form.lower, "upper": form.upper, "integer": form.integer,
        "constant": np.array([form.constant]),
    }  # fmt: skip


def form_of(arrays: dict[str, Any]) -> Form:
    """The programme of :func:`arrays_of`."""
    parts = dict(arrays)
    constant = float(parts.pop("constant")[0])
    matrix = sp.csr_array(
        (parts.pop("data"), parts.pop("indices"), parts.pop("indptr")),
        shape=(len(parts["row_lower"]), len(parts["cost"])),
    )
    return Form(constant=constant, matrix=matrix, columns={}, rows={}, **parts)


# the child ---------------------------------------------------------------------------------------


def main() -> None:
    """Read one form and task from standard input, solve, and report on standard output."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever the solver prints must not mix with the messages.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    message = receive(sys.stdin.buffer)
    if message is None:
        return
    threading.Thread(target=follow_parent, daemon=True).start()
    from citygrid.routes import highs

    head, body = message
    arrays = unpacked(body)
    start = arrays.pop("start", None)
    form = form_of(arrays)
    send(out, {"kind": "started", "at": now()})

    def report(kind: str, news: dict[str, Any], x: Floats | None) -> None:
        send(out, {"kind": kind, **news}, b"" if x is None else x.tobytes())

    try:
        result = highs.run(form, highs.Task(**head), report, start)
    except MemoryError:
        # The parent keeps what it was told; a trace of ours would tell a user nothing.
        os._exit(OUT_OF_MEMORY)
    found = {"x": result.x, "duals": result.duals, "reduced": result.reduced}
    head = {"kind": "result", "status": result.status, "objective": result.objective,
            "bound": result.bound, "notes": result.notes}  # fmt: skip
    send(out, head, packed({name: part for name, part in found.items() if part is not None}))


def follow_parent() -> None:
    """The parent holds our input open; when it ends, however it dies, so do we."""
    sys.stdin.buffer.read(1)
    os._exit(1)


if __name__ == "__main__":
    main()
