"""Somebody else who comes in between, in a thread, as another process would."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from typing import Any
from unittest import mock


class Other(threading.Thread):
    """Somebody who does something while we are in the middle of something else."""

    def __init__(self, target: Any) -> None:
        super().__init__(target=target, daemon=True)
        self._waits = threading.Event()

    def come_in(self) -> None:
        """Begin, and go on until it is done or has to wait for a folder that we hold."""
        real = fcntl.flock

        def flock(handle: Any, operation: int) -> None:
            number = handle if isinstance(handle, int) else handle.fileno()
            if threading.current_thread() is self and stat.S_ISDIR(os.fstat(number).st_mode):
                self._waits.set()
            real(handle, operation)

        with mock.patch.object(fcntl, "flock", flock):
            self.start()
            while self.is_alive() and not self._waits.is_set():
                self.join(0.005)

    def end(self) -> None:
        """Wait for its end."""
        self.join(120)
        assert not self.is_alive()
