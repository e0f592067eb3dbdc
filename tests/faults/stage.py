"""A process that loads each library once; every command runs in a fork of it, under strace.

Reads one JSON object a line from standard input (``arguments``, ``folder``, ``environment``,
``trace``, ``inject``) and answers each by the wait status of the command. The system calls that
change files are written to ``trace``; ``inject`` is what strace shall do to one of them, such as
``pwrite64:error=ENOSPC:when=3``. Only the main thread is traced, which is where files are written.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

#: System calls that change what is on a disk; those that a processor does not have are passed over.
CALLS = (
    "open", "openat", "creat", "write", "pwrite64", "writev", "pwritev", "pwritev2", "fsync",
    "fdatasync", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "unlink",
    "unlinkat", "truncate", "ftruncate", "fallocate", "link", "linkat", "symlink", "symlinkat",
    "chmod", "fchmod", "fchmodat", "utimensat", "copy_file_range", "sendfile",
)  # fmt: skip
#: Lets any process trace this one where only parents may (``PR_SET_PTRACER``, any).
PTRACER, ANYBODY = 0x59616D61, -1


def load(names: Path) -> None:
    """Import what a fork had to import, so that the next one need not."""
    with contextlib.suppress(FileNotFoundError):
        for name in names.read_text().split():
            if name not in sys.modules:
                with contextlib.suppress(Exception):  # what cannot be, the next one tries itself
                    importlib.import_module(name)
        names.unlink()


def redirect(begin: object) -> None:
    """In a fork: standard output and errors go to files whose names begin so."""
    for handle, name in ((1, "stdout"), (2, "stderr")):
        opened = os.open(f"{begin}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, handle)
        os.close(opened)


def leave(begin: object, code: object) -> NoReturn:
    """In a fork: tell what it had imported, and end as Python would with this exit code."""
    sys.stdout.flush()
    sys.stderr.flush()
    Path(f"{begin}.modules").write_text("\n".join(sys.modules))
    os._exit(code if isinstance(code, int) else 1)


def be_the_command(asked: dict[str, object], ready: int, go: int) -> None:
    """In the fork: wait until strace looks on, then run the command to its end."""
    code: object = 70
    try:
        folder = Path(str(asked["folder"]))
        os.chdir(folder)
        os.environ.update(asked["environment"])  # type: ignore[call-overload]
        redirect(asked["trace"])
        ctypes.CDLL(None).prctl(PTRACER, ctypes.c_long(ANYBODY), 0, 0, 0)
        os.write(ready, b".")
        os.read(go, 1)
        from citygrid.cli import main

        sys.argv = ["citygrid", *asked["arguments"]]  # type: ignore[misc]
        main(asked["arguments"])
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    leave(asked["trace"], code)


def run(asked: dict[str, object]) -> int:
    """A command under strace; gives its wait status."""
    (go, gone), (waits, ready) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(gone)
        be_the_command(asked, ready, go)
    os.close(go)
    os.close(ready)
    os.read(waits, 1)  # what it does before is not the command's, and not to be counted
    os.close(waits)
    words = ["strace", "-qq", "-y", "-s", "0", "-e", "signal=none", "-o", str(asked["trace"]),
             "-e", "trace=" + ",".join(f"?{call}" for call in CALLS)]  # fmt: skip
    if asked["inject"]:
        words += ["-e", f"inject={asked['inject']}"]
    with subprocess.Popen([*words, "-p", str(child)], stdin=subprocess.DEVNULL) as watching:
        while "TracerPid:\t0\n" in Path(f"/proc/{child}/status").read_text():
            if watching.poll() is not None:
                break  # it may not trace: the command waits no longer, and the trace is empty
            time.sleep(0.002)
        os.write(gone, b".")
        os.close(gone)
        _, status = os.waitpid(child, 0)
    load(Path(f"{asked['trace']}.modules"))
    return status


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), file=answers, flush=True)
