"""What noise does to answers, and how long a queue makes one wait."""

from __future__ import annotations

import dimod
import dimod.testing
import numpy as np
import pytest

from citygrid import routes
from citygrid.errors import NoPlanError
from citygrid.routes import samplers
from citygrid.routes.contract import Journal, Options
from citygrid.routes.samplers.chain import Chain, Patience
from citygrid.routes.samplers.noise import LostJobError, NoisySampler, disturbed
from citygrid.routes.samplers.timing import seconds_of
from citygrid.routes.samplers.waiting import Queue


def glass(size=40, seed=0):
    generator = np.random.default_rng(seed)
    pairs = {(i, j): float(generator.normal()) for i in range(size) for j in range(i)}
    return dimod.BinaryQuadraticModel({}, pairs, 0.0, "SPIN")


def mean_energy(**noise):
    """Mean over several models and samples, per model relative to the undisturbed best."""
    noisy = NoisySampler(samplers.get("onehot"), seed=3, **noise)
    values = []
    for seed in range(6):
        model = glass(seed=seed)
        best = samplers.get("onehot").sample(model, num_reads=8, num_sweeps=200, seed=1)
        found = noisy.sample(model, num_reads=8, num_sweeps=200, seed=seed)
        values.append(found.record.energy.mean() / best.first.energy)
    return float(np.mean(values))


@pytest.mark.parametrize(
    "ladder",
    [
        [{"bit_flip": 0.0}, {"bit_flip": 0.02}, {"bit_flip": 0.2}],
        [{"coefficient_noise": 0.0}, {"coefficient_noise": 0.1}, {"coefficient_noise": 0.5}],
        [{"precision_bits": None}, {"precision_bits": 3}, {"precision_bits": 2}],
    ],
    ids=["bit flips", "coefficients", "precision"],
)
def test_quality_falls_with_noise(ladder):
    quality = [mean_energy(**noise) for noise in ladder]
    assert quality[0] > quality[1] > quality[2]
    assert quality[0] > 0.98


def test_energies_are_those_of_the_model_that_was_meant():
    model = glass(12)
    noisy = NoisySampler(samplers.get("neal"), coefficient_noise=0.3, bit_flip=0.1)
    for seed in range(3):
        dimod.testing.assert_sampleset_energies(noisy.sample(model, num_reads=5, seed=seed), model)


def test_same_seed_disturbs_alike():
    model = glass(20)
    noise = {"coefficient_noise": 0.2, "bit_flip": 0.1, "arrival_rate": 1.0, "service_rate": 2.0}

    def found(made, call):
        noisy = NoisySampler(samplers.get("onehot"), seed=made, **noise)
        return [noisy.sample(model, num_reads=3, seed=call) for _ in range(3)]

    first, second, other = found(1, 4), found(1, 4), found(2, 4)
    for one, two in zip(first, second, strict=True):
        assert np.array_equal(one.record.sample, two.record.sample)
        assert one.info["timing"]["queue_ns"] == two.info["timing"]["queue_ns"]
    assert any(not np.array_equal(a.record.sample, b.record.sample)
               for a, b in zip(first, other, strict=True))  # fmt: skip


def test_biases_are_programmed_in_few_steps_of_the_largest_of_their_kind():
    model = dimod.BinaryQuadraticModel({"a": 8.0, "b": 0.9}, {"ab": 0.4}, 1.0, "SPIN")
    noise = {"coefficient_noise": 0.0, "precision_bits": 3}
    made = disturbed(model, noise, np.random.default_rng(0))
    # Three bits are seven steps, three to every side of nothing.
    assert made.linear["a"] == 8.0 and made.linear["b"] == 0.0
    assert made.quadratic["a", "b"] == pytest.approx(0.4)


def test_noise_is_relative_to_the_largest_coefficient_of_its_kind():
    model = dimod.BinaryQuadraticModel(dict.fromkeys(range(4000), 1.0) | {0: 10.0}, {}, 0.0, "SPIN")
    noise = {"coefficient_noise": 0.05, "precision_bits": None}
    made = disturbed(model, noise, np.random.default_rng(0))
    errors = [made.linear[i] - model.linear[i] for i in range(4000)]
    assert np.std(errors) == pytest.approx(0.5, rel=0.05)


def test_lost_jobs_are_lost_and_partial_ones_are_short():
    model = glass(5)
    with pytest.raises(LostJobError):
        NoisySampler(samplers.get("random"), lost_jobs=1.0).sample(model)
    noisy = NoisySampler(samplers.get("random"), lost_jobs=0.5, seed=0)
    journal = Journal()
    chain = Chain.of(noisy, patience=Patience(retries=9, pause=0.0))
    for _ in range(10):
        assert len(samplers.sample(chain, model, journal, num_reads=4)) >= 1
    assert 0 < journal.counts["sampler_faults"] < 30
    short = NoisySampler(samplers.get("random"), partial_jobs=1.0).sample(model, num_reads=8)
    assert len(short) == 4


@pytest.mark.parametrize(("arrival", "service"), [(0.5, 1.0), (0.8, 1.0), (3.0, 10.0)])
def test_mean_wait_is_that_of_an_m_m_1_queue(arrival, service):
    queue = Queue(arrival, service, seed=7)
    assert queue.mean == pytest.approx(arrival / service / (service - arrival))
    assert queue.waits(2_000_000).mean() == pytest.approx(queue.mean, rel=0.05)


def test_waits_follow_lindley_also_across_calls():
    whole, parts = Queue(0.7, 1.0, seed=1), Queue(0.7, 1.0, seed=1)
    generator = np.random.default_rng(1)
    service, between = generator.exponential(1.0, 50), generator.exponential(1.0 / 0.7, 50)
    waits = [0.0]
    for n in range(49):
        waits.append(max(0.0, waits[-1] + service[n] - between[n]))
    assert whole.waits(50) == pytest.approx(waits)
    assert parts.waits(0).size == 0 and parts.wait() == 0.0
    ahead = parts._wait
    assert parts.wait() == ahead


def test_the_queue_stands_in_the_timing_and_nobody_sleeps():
    noisy = NoisySampler(samplers.get("neal"), arrival_rate=0.99e-3, service_rate=1e-3, seed=1)
    waits = [seconds_of(noisy.sample(glass(4)).info)["queue"] for _ in range(5)]
    assert waits[0] == 0.0 and max(waits) > 10.0
    plain = NoisySampler(samplers.get("neal")).sample(glass(4))
    assert seconds_of(plain.info)["queue"] is None


@pytest.mark.parametrize(
    "noise", [{"bit_flip": 1.5}, {"coefficient_noise": -1.0}, {"precision_bits": 0},
              {"arrival_rate": 1.0}, {"arrival_rate": 2.0, "service_rate": 1.0}, {"hum": 1.0}],
)  # fmt: skip
def test_noise_that_cannot_be_is_refused(noise):
    with pytest.raises(ValueError):
        NoisySampler(samplers.get("random"), **noise).sample(glass(4))


def test_a_noisy_sampler_plans_a_district_from_the_command_lines_words(district_maker):
    form = district_maker(jobs=3, sites=2, steps=3, seed=5)
    extras = {"rounds": "1", "reads": "4", "sweeps": "50", "sampler.bit_flip": "0.05",
              "sampler.coefficient_noise": "0.02", "sampler.arrival_rate": "1",
              "sampler.service_rate": "2"}  # fmt: skip
    outcome = routes.solve(form, "hybrid", Options(sampler="noisy:neal", extras=extras))
    assert form.residual(outcome.x) <= 1e-6
    assert outcome.telemetry["sampler_seconds"]["queue"] >= 0.0
    extras["sampler.lost_jobs"], extras["sampler.retries"] = "1.0", "0"
    with pytest.raises(NoPlanError, match="lost"):
        routes.solve(form, "hybrid", Options(sampler="noisy:neal", extras=extras))
