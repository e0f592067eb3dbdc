"""A process that loads each library once; what runs at once runs in forks of it.

Reads one JSON object a line from standard input. ``{"start": WORDS, …}`` begins a command, or a
function of :mod:`tests.concurrency.writers` where the first word is ``!``, and is answered by its
process id at once; ``{"wait": PID}`` is answered by its wait status once it is over.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.faults.stage import leave, load, redirect


def perform(asked: dict[str, Any]) -> None:
    """In the fork: run the command to its end."""
    code: object = 70
    try:
        os.chdir(asked["folder"])
        os.environ.update(asked["environment"])
        redirect(asked["streams"])
        words = asked["start"]
        if words[0] == "!":
            from tests.concurrency import writers

            getattr(writers, words[1])(*words[2:])
            code = 0
        else:
            from citygrid.cli import main

            sys.argv = ["citygrid", *words]
            main(words)
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    leave(asked["streams"], code)


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    streams: dict[int, str] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            answer = os.fork()
            if answer == 0:
                perform(asked)
            streams[answer] = asked["streams"]
        else:
            _, answer = os.waitpid(asked["wait"], 0)
            load(Path(f"{streams.pop(asked['wait'])}.modules"))
        print(json.dumps(answer), file=answers, flush=True)
