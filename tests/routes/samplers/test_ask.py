"""Sixteen faults of backends against the one call, and against the route that makes it."""

from __future__ import annotations

import time

import dimod
import dimod.testing
import numpy as np
import pytest

from citygrid import routes
from citygrid.errors import CitygridError, InputError, NoPlanError
from citygrid.routes import samplers
from citygrid.routes.contract import Journal, Options
from citygrid.routes.samplers.answers import checked
from citygrid.routes.samplers.ask import ask, classified
from citygrid.routes.samplers.chain import Chain, Patience
from citygrid.routes.samplers.timing import seconds_of
from tests.routes.samplers import faulty

QUICK = Patience(timeout=0.05, retries=1, pause=0.001)
MODEL = dimod.BinaryQuadraticModel({"a": 1.0, "b": -2.0, "c": 0.5}, {"ab": 3.0, "bc": -1.0}, 0.25,
                                   "BINARY")  # fmt: skip
KINDS = pytest.mark.parametrize("kind", faulty.FAULTS, ids=lambda kind: kind.__name__)


@pytest.fixture(scope="module", autouse=True)
def _release():
    yield
    faulty.RELEASE.set()


def asked(*made, patience=QUICK, journal=None, **wishes):
    return ask(Chain.of(*made, patience=patience), MODEL, {"num_reads": 4, "seed": 3, **wishes},
               journal)  # fmt: skip


def named(journal):
    return [(entry["sampler"], entry["fault"], entry["attempt"])
            for entry in journal.figures.get("sampler_faults", [])]  # fmt: skip


@KINDS
@pytest.mark.parametrize("vartype", ["BINARY", "SPIN"])
def test_every_fault_ends_in_an_answer_or_in_words(kind, vartype):
    """Mended answers have the model's variables, values and energies; others name their fault."""
    fault, mended = faulty.FAULTS[kind]
    model, journal = MODEL.change_vartype(vartype, inplace=False), Journal()
    chain = Chain.of(kind(), patience=QUICK)
    if mended:
        found = ask(chain, model, {"num_reads": 4, "seed": 3}, journal)
        dimod.testing.assert_sampleset_energies(found, model)
        assert len(np.unique(found.record.sample, axis=0)) == len(found)
    else:
        with pytest.raises(CitygridError, match=fault) as refused:
            ask(chain, model, {"num_reads": 4, "seed": 3}, journal)
        assert refused.value.exit_code == (2 if fault == "authentication" else 4)
        assert kind.__name__ in str(refused.value)
    assert (kind.__name__, fault, 1) in named(journal)
    assert journal.counts["sampler_faults"] == len(named(journal))


@KINDS
def test_the_next_sampler_of_the_chain_answers(kind):
    journal = Journal()
    found = asked(kind(), faulty.Sound(), journal=journal)
    dimod.testing.assert_sampleset_energies(found, MODEL)
    fault, mended = faulty.FAULTS[kind]
    assert journal.figures["answered_by"] == (kind.__name__ if mended else "Sound")
    attempts = sum(name == kind.__name__ and said == fault for name, said, _ in named(journal))
    assert attempts == (1 if mended or fault == "authentication" else 2)


def test_a_late_answer_is_discarded_and_counted():
    journal = Journal()
    patience = Patience(timeout=0.25, retries=0)
    chain = Chain.of(faulty.Late(), faulty.Sound(), patience=patience)
    ask(chain, MODEL, {}, journal)
    assert journal.figures["answered_by"] == "Sound"
    patiently = time.perf_counter() + 5.0
    while ("Late", "late", 1) not in named(journal) and time.perf_counter() < patiently:
        time.sleep(0.01)
    assert named(journal) == [("Late", "time-out", 1), ("Late", "late", 1)]


def test_who_says_when_to_come_back_is_obeyed():
    journal = Journal()
    found = asked(faulty.RateLimitOnce(), journal=journal, patience=Patience(pause=30.0))
    assert len(found) and named(journal) == [("RateLimitOnce", "rate limit", 1)]
    assert classified(faulty.TooManyRequests())[2] == 0.01


def test_pauses_are_bounded_and_end_with_the_limit():
    class Tomorrow(faulty.TooManyRequests):
        retry_after = 86400.0

    class Closed(faulty.Sound):
        def spoiled(self, good, bqm):
            raise Tomorrow

    begun = time.perf_counter()
    chain = Chain.of(Closed(), patience=Patience(retries=50, longest=60.0))
    with pytest.raises(NoPlanError, match="rate limit"):
        ask(chain, MODEL, {}, Journal(), limit=0.2)
    with pytest.raises(NoPlanError):
        asked(Closed(), patience=Patience(retries=3, longest=0.001))
    assert time.perf_counter() - begun < 20.0


def test_lying_energies_are_those_of_the_model_and_order_the_samples():
    found = asked(faulty.LyingEnergy(), journal=Journal())
    exact = dimod.ExactSolver().sample(MODEL)
    assert found.first.energy == pytest.approx(exact.first.energy)


def test_equal_samples_are_merged_and_keep_their_number():
    found = asked(faulty.Duplicate(), journal=Journal())
    assert found.record.num_occurrences.sum() == 12


def test_partial_answers_keep_what_can_be_read():
    found, faults = checked(faulty.Partial().sample(MODEL, num_reads=8), MODEL, 8)
    assert faults[0] == "partial" and found.record.num_occurrences.sum() == 3


def test_absurd_numbers_of_occurrences_are_bounded():
    answer = faulty.Sound().sample(MODEL)
    answer.record.num_occurrences[:] = 2**40
    found, _ = checked(answer, MODEL, 4)
    assert found.record.num_occurrences.max() <= 10_000 * 4 * 4


def test_single_precision_is_no_lie():
    answer = faulty.Sound().sample(MODEL)
    answer.record.energy[:] *= 1.0 + 1e-6
    assert "lying energy" not in checked(answer, MODEL)[1]


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({}, (None, None, None)),
        ({"timing": {"sampling_ns": 2e9, "postprocessing_ns": 5e8}}, (None, 2.0, 0.5)),
        ({"timing": {"qpu_access_time": 3e6, "qpu_sampling_time": 2e6, "queue_time": 1e6}},
         (1.0, 2.0, None)),
        ({"timing": {"qpu_access_time": 2e6}, "time_received": "2026-01-01T00:00:00+00:00",
          "time_solved": "2026-01-01T00:00:07+00:00"}, (5.0, 2.0, None)),
        ({"timing": {"sampling_ns": "soon", "queue_ns": float("nan")}}, (None, None, None)),
        ({"timing": "none of your business"}, (None, None, None)),
    ],
)  # fmt: skip
def test_seconds_are_what_the_sampler_says_or_nothing(info, said):
    assert tuple(seconds_of(info).values()) == said


def test_seconds_of_all_calls_are_added_up():
    journal = Journal()
    patient = Patience(timeout=60.0)
    for _ in range(2):
        asked(faulty.SlowQueue(), journal=journal, patience=patient)
    assert journal.figures["sampler_seconds"] == {
        "queue": 80.0, "sampling": pytest.approx(0.005), "postprocessing": None,
    }  # fmt: skip
    assert [fault for _, fault, _ in named(journal)] == ["slow queue"] * 2


def test_what_is_too_large_is_refused_unless_the_chain_goes_on():
    large = dimod.BinaryQuadraticModel(dict.fromkeys(range(40), 1.0), {}, 0.0, dimod.BINARY)
    exact = samplers.get("exact")
    with pytest.raises(InputError, match="enumerate"):
        samplers.sample(exact, large)
    found = ask(Chain.of(exact, faulty.Sound()), large, {}, Journal())
    assert found.first.energy == 0.0


@KINDS
@pytest.mark.parametrize("rescue", ["", ",neal"])
def test_a_route_ends_in_a_plan_or_in_words(kind, rescue, district_maker):
    """The whole way: a form, the route hybrid, a sampler that fails, and perhaps one that helps."""
    fault, mended = faulty.FAULTS[kind]
    form = district_maker(jobs=3, sites=2, steps=3, seed=5)
    extras = {"rounds": "1", "reads": "4", "sweeps": "20", "sampler.retries": "0"}
    if fault in ("time-out", "slow queue"):
        extras["sampler.patience"] = "0.1" if fault == "time-out" and not rescue else "0.2"
    name = f"tests.routes.samplers.faulty:{kind.__name__}{rescue}"
    options = Options(sampler=name, extras=extras)
    if not mended and not rescue:
        with pytest.raises(CitygridError, match=fault) as refused:
            routes.solve(form, "hybrid", options)
        assert refused.value.exit_code == (2 if fault == "authentication" else 4)
        return
    outcome = routes.solve(form, "hybrid", options)
    assert outcome.status in ("optimal", "feasible")
    assert form.residual(outcome.x) <= 1e-6
    assert fault in {entry["fault"] for entry in outcome.telemetry["sampler_faults"]}
    assert outcome.telemetry["counts"]["sampler_faults"] >= 1
