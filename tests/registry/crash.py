"""Processes that write a registry and are killed while they do; run as ``python crash.py …``.

``write FOLDER NAME NUMBER`` adds so many runs. ``kill FOLDER ROUNDS`` forks a writer in every round
and kills it at a random moment. Ids that the registry has acknowledged are printed, so that a test
knows what must be there whatever happened.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from citygrid.registry import Registry, new_record


def write(folder: Path, name: str, number: int, out: int) -> None:
    """Add so many runs, each with a content of its own, and say which are safe."""
    with Registry(folder, write=True, timeout=120) as registry:
        for i in range(number):
            data = (f"{name} {i} " * 2000).encode()
            digest = registry.blobs.put(data)
            kept = {"role": "data", "name": f"{name}.csv", "sha256": digest, "kept": True}
            record = new_record("test", f"{name}-{i:06d}", inputs=[kept], objective=float(i))
            registry.begin(record)
            registry.add([record])
            os.write(out, f"{record.id}\n".encode())


def kill(folder: Path, rounds: int) -> None:
    """In every round a fresh writer is killed at any moment, from before it has opened anything."""
    chance = random.Random(7)
    for number in range(rounds):
        heard, said = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(heard)
            write(folder, f"r{number:03d}", 1_000_000, said)
            os._exit(1)  # it should never get so far
        os.close(said)
        with open(heard, "rb") as acknowledged:
            for _ in range(chance.randrange(0, 10)):
                os.write(1, acknowledged.readline())
            time.sleep(chance.random() * 0.05)
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            # The end may be cut; what is whole was acknowledged.
            rest = acknowledged.read()
            os.write(1, rest[: rest.rfind(b"\n") + 1])
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            sys.exit(f"round {number}: the writer ended by itself: {status}")


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), 1)
    else:
        kill(Path(sys.argv[2]), int(sys.argv[3]))
