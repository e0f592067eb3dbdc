"""A queue in front of a machine, on a clock of its own: nobody really waits.

Jobs arrive at random (Poisson) and are served one after the other in times that are random, too
(exponential): the queue M/M/1. A job waits as long as those before it have still to go,

``W_{n+1} = max(0, W_n + S_n − A_{n+1})``

(Lindley 1952), with service times ``S`` and times between arrivals ``A``. With arrivals at rate λ
and service at rate μ, ``ρ = λ / μ < 1``, the mean wait in the long run is ``ρ / (μ − λ)``.
"""

from __future__ import annotations

import math

import numpy as np

from citygrid.model.form import Floats


class Queue:
    """Waiting times of one job after the other, in s; ``arrival_rate`` and ``service_rate`` in 1/s.

    Raises ``ValueError`` for rates that are not positive, or where more arrives than is served.
    """

    def __init__(self, arrival_rate: float, service_rate: float, seed: int = 0) -> None:
        if not (0.0 < arrival_rate < service_rate < math.inf):
            raise ValueError("rates must be positive, and less must arrive than can be served")
        self.arrival_rate, self.service_rate = float(arrival_rate), float(service_rate)
        self._random = np.random.default_rng(seed)
        self._wait = 0.0

    @property
    def mean(self) -> float:
        """The mean wait of the queue in the long run, ``ρ / (μ − λ)`` [s]."""
        arrival, service = self.arrival_rate, self.service_rate
        return arrival / service / (service - arrival)

    def waits(self, count: int) -> Floats:
        """The waits of the next jobs (count) [s]."""
        service = self._random.exponential(1.0 / self.service_rate, count)
        between = self._random.exponential(1.0 / self.arrival_rate, count)
        # Lindley's recursion, unrolled: a walk that is lifted wherever it would fall below nothing.
        walk = self._wait + np.cumsum(service - between)
        after = walk - np.minimum(np.minimum.accumulate(walk), 0.0)
        waits = np.concatenate([[self._wait], after[:-1]]) if count else after
        if count:
            self._wait = float(after[-1])
        return np.asarray(waits)

    def wait(self) -> float:
        """The wait of the next job [s]."""
        return float(self.waits(1)[0])
