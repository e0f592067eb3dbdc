"""Samplers that fail in one way each, as backends far away do."""

from __future__ import annotations

import concurrent.futures
import threading
import time

import dimod
import numpy as np

#: Lets samplers that would sleep for ever go when the tests are over.
RELEASE = threading.Event()


class Sound(dimod.Sampler):
    """Steepest descent from random states: correct, and the base of those that are not."""

    parameters = None
    properties = None

    def __init__(self):
        self.parameters, self.properties = {"num_reads": [], "seed": []}, {}
        self.calls = 0

    def sample(self, bqm, num_reads=4, seed=None, **_):
        from dwave.samplers import SteepestDescentSampler

        self.calls += 1
        good = SteepestDescentSampler().sample(bqm, num_reads=num_reads, seed=seed)
        return self.spoiled(good, bqm)

    def spoiled(self, good, bqm):
        return good


class TimeOut(Sound):
    """Never answers."""

    def spoiled(self, good, bqm):
        RELEASE.wait(60.0)
        return good


class Late(Sound):
    """Answers when nobody waits any longer."""

    def spoiled(self, good, bqm):
        time.sleep(0.3)
        return good


class Empty(Sound):
    def spoiled(self, good, bqm):
        return good.slice(0)


class WrongLength(Sound):
    """Lacks a variable and invents another."""

    def spoiled(self, good, bqm):
        return good.relabel_variables({next(iter(good.variables)): "ghost"}, inplace=False)


class NanEnergy(Sound):
    def spoiled(self, good, bqm):
        good.record.energy[:] = np.nan
        return good


class LyingEnergy(Sound):
    def spoiled(self, good, bqm):
        good.record.energy[:] -= 1e6
        return good


class Duplicate(Sound):
    def spoiled(self, good, bqm):
        return dimod.concatenate([good, good, good])


class Crash(Sound):
    def spoiled(self, good, bqm):
        raise RuntimeError("segment 7 is on fire")


class Garbage(Sound):
    def spoiled(self, good, bqm):
        return {"answer": [42]}


class OtherValues(Sound):
    """States that hold values of no kind of variable."""

    def spoiled(self, good, bqm):
        good.record.sample[:] = 7
        return good


class Cancelled(Sound):
    def spoiled(self, good, bqm):
        raise concurrent.futures.CancelledError


class SlowQueue(Sound):
    """Answers in time, but most of it was spent in the queue."""

    def spoiled(self, good, bqm):
        good.info["timing"] = {"queue_ns": 40_000_000_000, "qpu_sampling_time": 2500.0}
        return good


class Partial(Sound):
    """Half of the reads, one of them unreadable."""

    def spoiled(self, good, bqm):
        good.record.sample[0] = 5
        return good.slice(max(len(good) // 2, 2))


class VersionSkew(Sound):
    """The other kind of variables, floats instead of bytes."""

    def spoiled(self, good, bqm):
        other = dimod.SPIN if bqm.vartype is dimod.BINARY else dimod.BINARY
        turned = good.change_vartype(other, inplace=False)
        fields = [
            ("sample", float, (len(turned.variables),)),
            ("energy", float),
            ("num_occurrences", float),
        ]
        record = np.rec.array(np.zeros(len(turned), dtype=fields))
        record.sample, record.energy = turned.record.sample, turned.record.energy
        record.num_occurrences = turned.record.num_occurrences
        return dimod.SampleSet(record, list(turned.variables), {}, other)


class SolverAuthenticationError(Exception):
    pass


class Authentication(Sound):
    def spoiled(self, good, bqm):
        raise SolverAuthenticationError("token not accepted")


class TooManyRequests(Exception):
    status_code = 429
    retry_after = 0.01


class RateLimit(Sound):
    def spoiled(self, good, bqm):
        raise TooManyRequests("slow down")


class RateLimitOnce(Sound):
    """Says when to come back, and means it."""

    def spoiled(self, good, bqm):
        if self.calls == 1:
            raise TooManyRequests("slow down")
        return good


#: Injected faults: class → what it is called, whether the answer can be mended.
FAULTS = {
    TimeOut: ("time-out", False), Empty: ("empty", False), WrongLength: ("wrong length", False),
    NanEnergy: ("NaN energy", True), LyingEnergy: ("lying energy", True),
    Duplicate: ("duplicate", True), Late: ("time-out", False), Crash: ("crash", False),
    Garbage: ("garbage", False), OtherValues: ("garbage", False), Cancelled: ("cancelled", False),
    SlowQueue: ("slow queue", True), Partial: ("partial", True),
    VersionSkew: ("version skew", True), Authentication: ("authentication", False),
    RateLimit: ("rate limit", False),
}  # fmt: skip
