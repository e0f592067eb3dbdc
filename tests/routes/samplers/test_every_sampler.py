"""What every sampler must keep, by name: variables, values, energies, seeds, and tiny optima."""

from __future__ import annotations

import importlib.util
import unittest

import dimod
import dimod.testing
import numpy as np
import pytest

from citygrid.errors import InputError
from citygrid.routes import samplers
from citygrid.routes.contract import Journal
from citygrid.routes.samplers.adapters import OPTIONAL, parameters
from citygrid.routes.samplers.chain import Chain, chain, parsed
from citygrid.routes.samplers.noise import NoisySampler
from tests.routes.samplers.faulty import Sound

HERE = [
    name for name in samplers.names()
    if name not in OPTIONAL or importlib.util.find_spec(OPTIONAL[name])
]  # fmt: skip
NAMES = [*HERE, "noisy:neal", "noisy:onehot", "dimod:ExactSolver"]
#: Those that search rather than draw at random.
SEARCHING = [name for name in NAMES if name != "random"]


def models():
    """Small models: without couplings, frustrated, with one variable, both kinds of variables."""
    generator = np.random.default_rng(4)
    pairs = {(i, j): float(generator.normal()) for i in range(7) for j in range(i)}
    biases = {i: float(generator.normal()) for i in range(7)}
    yield dimod.BinaryQuadraticModel({"only": -1.5}, {}, 2.0, "BINARY")
    yield dimod.BinaryQuadraticModel({("long", 1): 1.0, "b": -1.0}, {}, 0.0, "SPIN")
    yield dimod.BinaryQuadraticModel({}, {"ab": 1.0, "bc": 1.0, "ca": 1.0}, 0.0, "SPIN")
    yield dimod.BinaryQuadraticModel(biases, pairs, -3.0, "BINARY")
    yield dimod.BinaryQuadraticModel(biases, pairs, -3.0, "SPIN")


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_the_models_and_so_are_energies(name):
    for model in models():
        found = samplers.sample(samplers.chain(name), model, num_reads=5, seed=1)
        assert set(found.variables) == set(model.variables)
        assert found.vartype is model.vartype and len(found)
        dimod.testing.assert_sampleset_energies(found, model)


@pytest.mark.parametrize("name", SEARCHING)
def test_tiny_optima_are_found(name):
    for model in models():
        best = dimod.ExactSolver().sample(model).first.energy
        found = samplers.sample(samplers.chain(name), model, num_reads=30, seed=1)
        assert found.first.energy == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("name", [n for n in NAMES if "seed" in parameters(samplers.get(n))])
def test_same_seed_gives_the_same_samples(name):
    # Tabu stops by the clock; with restarts counted it does not.
    more = {"timeout": 10_000, "num_restarts": 3} if name == "tabu" else {}
    *_, model = models()
    first, second, other = (
        samplers.sample(samplers.get(name), model, num_reads=6, num_sweeps=1, seed=seed, **more)
        for seed in (5, 5, 6)
    )
    assert np.array_equal(first.record.sample, second.record.sample)
    if name == "random":
        assert not np.array_equal(first.record.sample, other.record.sample)


def test_own_sampler_comes_first_and_all_are_dimods():
    assert samplers.names()[0] == samplers.OWN == "onehot"
    for name in HERE:
        if name not in OPTIONAL:
            dimod.testing.assert_sampler_api(samplers.get(name))
    dimod.testing.assert_composite_api(samplers.get("noisy:neal"))


def test_what_is_no_sampler_is_refused():
    wrong = ("dimod:Nothing", "nowhere:Thing", "json:dumps", "groups", "noisy", "noisy:",
             "noisy:nael", ":x", "x:", "", "neal,", "neal,nael")  # fmt: skip
    for name in wrong:
        with pytest.raises(InputError, match=r"module:Class|noisy:neal"):
            samplers.chain(name)


def test_a_sampler_that_is_not_installed_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openjij", None)
    with pytest.raises(InputError, match="pip install openjij"):
        samplers.get("openjij")


def test_tree_is_exact_on_trees():
    generator = np.random.default_rng(0)
    pairs = {(i, (i - 1) // 2): float(generator.normal()) for i in range(1, 60)}
    tree = dimod.BinaryQuadraticModel({}, pairs, 0.0, "SPIN")
    found = samplers.sample(samplers.chain("tree"), tree)
    assert found.first.energy == pytest.approx(-sum(map(abs, pairs.values())))


def test_settings_reach_the_samplers_that_have_such_a_parameter():
    extras = {"sampler.num_sweeps": "3", "sampler.bit_flip": "0.25", "sampler.patience": "7.5",
              "sampler.retries": "0", "sweeps": "9"}  # fmt: skip
    made = chain("noisy:neal,tabu", extras)
    assert made.settings == {"num_sweeps": 3, "bit_flip": 0.25}
    assert (made.patience.timeout, made.patience.retries) == (7.5, 0)
    assert made.names == ("noisy:neal", "tabu") and isinstance(made.samplers[0], NoisySampler)
    seen = {}

    class Listening(Sound):
        def sample(self, bqm, **given):
            seen.update(given)
            return super().sample(bqm, **given)

    listening = Chain(("l",), (Listening(),), {"num_reads": 3, "num_sweeps": 4})
    samplers.ask(listening, next(models()), {"num_reads": 8, "seed": 1, "time": 2}, Journal())
    assert seen == {"num_reads": 3, "seed": 1}


@pytest.mark.parametrize(
    ("name", "extras", "said"),
    [
        ("neal", {"sampler.num_sweep": "3"}, "num_sweeps"),
        ("neal", {"sampler.patience": "never"}, "seconds"),
        ("neal", {"sampler.patience": "0"}, "seconds"),
        ("neal", {"sampler.retries": "-1"}, "whole number"),
        ("neal", {"sampler.retries": "true"}, "whole number"),
        ("exact", {"sampler.num_reads": "3"}, "no such parameter"),
    ],
)
def test_settings_that_no_sampler_has_are_refused_with_those_that_exist(name, extras, said):
    with pytest.raises(InputError, match=said):
        chain(name, extras)


def test_values_are_read_as_written():
    texts = ("4", "-4", "0.5", "1e3", "true", "False", "tile", "[0.1, 3]", "[1,a]")
    assert [parsed(text) for text in texts] == [
        4, -4, 0.5, 1000.0, True, False, "tile", [0.1, 3], [1, "a"],
    ]  # fmt: skip


@dimod.testing.load_sampler_bqm_tests(lambda: samplers.get("onehot"))
class TestOneHotAsDimod(unittest.TestCase):
    """dimod's own tests of samplers."""


@dimod.testing.load_sampler_bqm_tests(lambda: samplers.get("noisy:onehot"))
class TestNoisyAsDimod(unittest.TestCase):
    """dimod's own tests of samplers, without any noise."""
