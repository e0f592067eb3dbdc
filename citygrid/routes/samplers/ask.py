"""One call to a chain of samplers, whatever goes wrong: retries, time-outs, the next sampler.

A sampler may be a machine far away, behind a queue, run by others. Each attempt ends in an answer
that was checked (:mod:`.answers`), or in a fault that has a name; every fault is counted. When its
retries are used up the next sampler of the chain is asked, and after the last one it is said why
there is no answer.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Mapping
from typing import Any

import dimod

from citygrid.errors import CitygridError, Fault, InputError, NoPlanError
from citygrid.routes.contract import Clock, Journal
from citygrid.routes.samplers import adapters
from citygrid.routes.samplers.answers import BadAnswerError, checked
from citygrid.routes.samplers.chain import Chain, Patience
from citygrid.routes.samplers.timing import seconds_of

#: Faults that another attempt cannot mend.
FINAL = ("authentication", "refused")
#: Part of the time-out that a queue may take before it is called slow.
SLOW = 0.5
#: HTTP's words for it.
UNAUTHORISED, TOO_MANY = (401, 403), 429


def ask(
    chain: Chain, bqm: dimod.BinaryQuadraticModel, wishes: Mapping[str, Any],
    journal: Journal | None = None, limit: float | None = None,
) -> dimod.SampleSet:  # fmt: skip
    """A checked sample set of the model from the first sampler of the chain that gives one.

    Of the wishes every sampler gets those that it has parameters for, and what the user set
    replaces them. ``limit`` [s] ends everything. Who has failed for good is not asked again in the
    calls of one journal, as long as others are left. The journal counts ``sampler_faults``, lists
    them with sampler, fault and attempt, and adds up the seconds of queue, sampling and
    postprocessing that samplers state.

    Raises :class:`InputError` where no sampler can take the problem or lets us in, and
    :class:`NoPlanError` where none gave an answer.
    """
    journal = journal or Journal()
    asked = _Asking(journal, Clock(limit), chain.patience, bool(chain.settings))
    # Whom an earlier call of the same run has given up is only asked again if nobody else is left.
    given_up: list[str] = journal.figures.setdefault("samplers_given_up", [])
    order = list(zip(chain.names, chain.samplers, strict=True))
    for name, sampler in [each for each in order if each[0] not in given_up] or order:
        reason = adapters.fits(sampler, bqm)
        if reason is not None:
            asked.note(name, "refused", 1, reason)
            continue
        known = adapters.parameters(sampler)
        given = {**wishes, **chain.settings}
        taken = {key: value for key, value in given.items() if key in known}
        found = asked.one(name, sampler, bqm, taken)
        if found is not None:
            journal.figures["answered_by"] = name
            return found
        # Another problem may fit who has refused this one.
        if name not in given_up and asked.reasons[-1][1] != "refused":
            given_up.append(name)
    raise asked.failure(chain, bqm)


class _Asking:
    """One call with its faults so far."""

    def __init__(self, journal: Journal, clock: Clock, patience: Patience, set_: bool) -> None:
        self.journal, self.clock, self.patience, self.set = journal, clock, patience, set_
        self.reasons: list[tuple[str, str, str]] = []
        self._begun = time.perf_counter()

    def note(self, name: str, fault: str, attempt: int, reason: str = "") -> None:
        """Count a fault."""
        self.journal.count("sampler_faults")
        listed = self.journal.figures.setdefault("sampler_faults", [])
        listed.append({"sampler": name, "fault": fault, "attempt": attempt})
        if reason:
            self.reasons.append((name, fault, reason))

    def one(
        self, name: str, sampler: Any, bqm: dimod.BinaryQuadraticModel, taken: dict[str, Any]
    ) -> dimod.SampleSet | None:
        """The answer of one sampler within its retries, or ``None``."""
        pause = self.patience.pause
        for attempt in range(1, self.patience.retries + 2):
            if self.clock.over:
                self.note(name, "time-out", attempt, "no time was left to ask")
                return None
            rest = None
            try:
                answer = self._attempt(name, sampler, bqm, taken, attempt)
                found, mended = checked(answer, bqm, taken.get("num_reads"))
            except BadAnswerError as bad:
                fault = bad.fault
                self.note(name, fault, attempt, str(bad))
            except Exception as failure:  # whatever a stranger's sampler raises
                fault, reason, rest = classified(failure)
                if self.set and isinstance(failure, (TypeError, OverflowError)):
                    # What the user set is of no kind that it takes; it would fail again.
                    fault = "refused"
                self.note(name, fault, attempt, reason)
            else:
                for fault in mended:
                    self.note(name, fault, attempt)
                self._spent(name, found, attempt)
                return found
            if fault in FINAL or attempt > self.patience.retries:
                return None
            wait = min(pause if rest is None else max(rest, 0.0), self.patience.longest)
            left = self.clock.left
            if left is not None and wait >= left:
                return None
            time.sleep(wait)
            pause = min(2.0 * pause, self.patience.longest)
        return None

    def _attempt(
        self, name: str, sampler: Any, bqm: dimod.BinaryQuadraticModel, taken: dict[str, Any],
        attempt: int,
    ) -> Any:  # fmt: skip
        """What the sampler gives; in a thread of its own where its time is limited."""
        limits = [t for t in (self.patience.timeout, self.clock.left) if t is not None]
        if not limits:
            try:
                return _sampled(sampler, bqm, taken)
            except (Exception, KeyboardInterrupt):
                raise
            except BaseException as failure:
                raise _tamed(failure) from failure
        box: dict[str, Any] = {}
        ended, gate, state = threading.Event(), threading.Lock(), {"abandoned": False}

        def work() -> None:
            try:
                box["answer"] = _sampled(sampler, bqm, taken)
            except BaseException as failure:  # handed on to who asked
                box["failure"] = failure
            with gate:
                if state["abandoned"] and "answer" in box:
                    # Somebody else may have answered meanwhile: discarded, but not unseen.
                    self.note(name, "late", attempt)
                ended.set()

        threading.Thread(target=work, daemon=True, name=f"sampler {name}").start()
        ended.wait(max(min(limits), 0.001))
        with gate:
            if not ended.is_set():
                state["abandoned"] = True
                raise TimeoutError(f"no answer within {min(limits):.3g} s")
        if "failure" in box:
            thrown = box["failure"]
            raise thrown if isinstance(thrown, Exception) else _tamed(thrown)
        return box["answer"]

    def _spent(self, name: str, found: dimod.SampleSet, attempt: int) -> None:
        """Add up what the sampler says of its time; ``None`` stays where none said anything."""
        said = seconds_of(found.info)
        total = self.journal.figures.setdefault("sampler_seconds", dict.fromkeys(said))
        for key, value in said.items():
            if value is not None:
                total[key] = (total[key] or 0.0) + value
        limit = self.patience.timeout
        if limit is not None and (said["queue"] or 0.0) > SLOW * limit:
            self.note(name, "slow queue", attempt)

    def failure(self, chain: Chain, bqm: dimod.BinaryQuadraticModel) -> CitygridError:
        """What is raised when nobody has answered."""
        last = {name: (fault, reason) for name, fault, reason in self.reasons}
        faults = [
            Fault("sampler", f"gave no answer, {fault}: {reason}", name,
                  "choose another, or name one to fall back on: --sampler first,neal")
            for name, (fault, reason) in last.items()
        ]  # fmt: skip
        if all(fault == "refused" for fault, _ in last.values()):
            told = ", ".join(f"sampler.{key}={value}" for key, value in chain.settings.items())
            place = f"--set {told}" if told else "sampler"
            repair = "set another value, or " if told else ""
            return InputError([
                Fault(place, f"{name} refuses the problem of {bqm.num_variables:,} variables: "
                      f"{reason}", None, f"{repair}choose another sampler, or a smaller problem")
                for name, (_, reason) in last.items()
            ])  # fmt: skip
        if all(fault in FINAL for fault, _ in last.values()):
            return InputError(faults)
        error = NoPlanError(faults)
        error.telemetry = self.journal.telemetry()
        return error


def _sampled(sampler: Any, bqm: dimod.BinaryQuadraticModel, taken: dict[str, Any]) -> Any:
    """The answer itself: what was promised for later is waited for here."""
    answer = sampler.sample(bqm, **taken)
    if isinstance(answer, dimod.SampleSet):
        answer.resolve()  # type: ignore[no-untyped-call]
    return answer


def _tamed(failure: BaseException) -> Exception:
    """What would end the program, such as ``SystemExit``, as a fault of the sampler."""
    if "cancel" in type(failure).__name__.lower():
        return concurrent.futures.CancelledError()
    return RuntimeError(f"the sampler ended with {type(failure).__name__}")


def classified(failure: Exception) -> tuple[str, str, float | None]:
    """Fault, reason, and seconds after which to come back, of what a sampler raised."""
    said = _line(str(failure))
    reason = f"{type(failure).__name__}: {said}" if said else type(failure).__name__
    name = type(failure).__name__.lower()
    response = getattr(failure, "response", None)
    status = getattr(failure, "status_code", getattr(response, "status_code", None))
    if isinstance(failure, (InputError, NotImplementedError)):
        return "refused", said or reason, None
    if status in UNAUTHORISED or "authentic" in name or "unauthor" in name:
        return "authentication", reason, None
    if isinstance(failure, PermissionError):
        return "authentication", reason, None
    if status == TOO_MANY or "ratelimit" in name or "toomany" in name:
        return "rate limit", reason, _retry_after(failure, response)
    if isinstance(failure, concurrent.futures.CancelledError) or "cancel" in name:
        return "cancelled", reason, None
    if isinstance(failure, TimeoutError) or "timeout" in name:
        return "time-out", said or reason, None
    if type(failure) is ValueError or "structure" in name:
        # dimod's way to say that a problem does not fit the machine.
        return "refused", said or reason, None
    return "crash", reason, None


def _line(text: str, width: int = 300) -> str:
    """The first line of what somebody else's program says, as far as anybody reads."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    first = "".join(c if c.isprintable() else "?" for c in first)
    return first if len(first) <= width else first[: width - 1] + "…"


def _retry_after(failure: Exception, response: Any) -> float | None:
    """Seconds in an attribute or a header that says when to come back."""
    headers = getattr(failure, "headers", None) or getattr(response, "headers", None) or {}
    for said in (getattr(failure, "retry_after", None), dict(headers).get("Retry-After")):
        try:
            if said is not None:
                return float(said)
        except (TypeError, ValueError):
            continue
    return None
