"""The process that computes: it reads a setup, then tasks, and answers each with its row.

It lives as long as its parent holds its standard input open, and takes its own children with it
when that ends, however the parent died.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

from citygrid.routes.watch import receive, send

#: ``prctl``'s word for the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Read messages from standard input, compute, and answer on standard output."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a solver or a library prints must not mix with the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    if "--with-parent" in sys.argv:
        _die_with_parent()
    message = receive(sys.stdin.buffer)
    if message is None:
        return
    tasks: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    from citygrid.study.execution.compute import Computer
    from citygrid.study.execution.contract import Setup

    computer = Computer(Setup.of(message[0]))
    send(out, {"kind": "ready"})
    while True:
        task = tasks.get()
        send(out, {"kind": "row", "key": task["key"], "row": computer.compute(task)})


def _listen(tasks: queue.Queue[dict[str, Any]]) -> None:
    """Take tasks as they come; the end of the input is the end of the process and its children."""
    while (message := receive(sys.stdin.buffer)) is not None:
        tasks.put(message[0])
    with suppress(OSError):
        if os.getpgid(0) == os.getpid():  # the group is ours alone
            os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _die_with_parent() -> None:
    """On Linux the kernel ends us with our parent, also while a library holds the interpreter."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
