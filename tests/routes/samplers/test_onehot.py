"""The annealer of this package: groups by construction, limits, and cuts of known graphs."""

from __future__ import annotations

import time

import dimod
import dimod.testing
import numpy as np
import pytest
import scipy.sparse as sp

from citygrid.bench.samplers import graph
from citygrid.routes.samplers import moves, spins
from citygrid.routes.samplers.onehot import OneHotAnnealer, _limits, _read
from citygrid.routes.samplers.problem import Groups, Limits, Quadratic
from citygrid.routes.samplers.runs import Deadline, _Replicas, anneal, price_of, temper

OWN = OneHotAnnealer()


def random_model(size, seed, vartype="BINARY", density=0.6):
    generator = np.random.default_rng(seed)
    pairs = {(i, j): float(generator.normal()) for i in range(size) for j in range(i)
             if generator.random() < density}  # fmt: skip
    return dimod.BinaryQuadraticModel({i: float(generator.normal()) for i in range(size)}, pairs,
                                      float(generator.normal()), vartype)  # fmt: skip


def best_valid(model, groups):
    found = dimod.ExactSolver().sample(model)
    return min(energy for sample, energy in found.data(["sample", "energy"])
               if all(sum(sample[i] == 1 for i in group) == 1 for group in groups))  # fmt: skip


@pytest.mark.parametrize("vartype", ["BINARY", "SPIN"])
@pytest.mark.parametrize("seed", range(4))
def test_groups_are_kept_and_the_best_choice_is_found(vartype, seed):
    """Two groups of four and five, three free variables: the optimum among valid states."""
    model, groups = random_model(12, seed, vartype), [[0, 2, 4, 6], [1, 3, 5, 7, 8]]
    found = OWN.sample(model, groups=groups, num_reads=6, num_sweeps=200, seed=seed)
    assert len(found) == 6
    dimod.testing.assert_sampleset_energies(found, model)
    for sample in found.samples():
        assert all(sum(sample[i] == 1 for i in group) == 1 for group in groups)
    assert found.first.energy == pytest.approx(best_valid(model, groups))


def test_heat_bath_draws_options_by_their_boltzmann_weights():
    """One group of three with nothing else: frequencies of the state after every sweep."""
    model = Quadratic.of(dimod.BinaryQuadraticModel({"a": 0.0, "b": 1.0, "c": 2.0}, {}, 0.0,
                                                    "BINARY"))  # fmt: skip
    groups = Groups.of(["abc"], "abc")
    replicas = _Replicas(model, groups, Limits.none(3), np.array([[1, 0, 0]]), 5)
    seen = np.zeros(3)
    for _ in range(20_000):
        replicas.sweep(0, 1, 1.0)
        seen += replicas.state[0]
    weight = np.exp(-np.arange(3.0))
    assert seen / seen.sum() == pytest.approx(weight / weight.sum(), abs=0.015)


@pytest.mark.parametrize("whole", [True, False])
def test_single_flips_sample_the_boltzmann_distribution(whole):
    """Three spins in a ring at β = 0.7, for couplings that are whole numbers and that are not."""
    pairs = {"ab": 1.0, "bc": -1.0, "ca": 1.0 if whole else 0.8173}
    bqm = dimod.BinaryQuadraticModel({"a": 1.0}, pairs, 0.0, "SPIN")
    model = Quadratic.of(bqm)
    assert (model.quantum is not None) == whole
    starts = np.ones((20_000, 3))
    states = np.array(starts, dtype=np.int8)
    # Every read is swept a few times at one temperature; what remains is its last state.
    field = np.ascontiguousarray(model.fields(states))
    matrix = model.matrix
    random = spins.seeds(3, len(states))
    for r in range(len(states)):
        arrays = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
        value, best, least = np.zeros(1), states[r].copy(), np.full(1, -np.inf)
        if whole:
            ints = field[r].astype(np.int32), *arrays, matrix.data.astype(np.int32)
            spins.sweep_whole(np.array([12]), spins.chances(np.array([0.7]), 1.0, 3), states[r],
                              *ints, False, random[r], value.astype(np.int64), best,
                              np.full(1, -(2**62)))  # fmt: skip
        else:
            spins.sweep_real(
                np.array([12]),
                np.array([0.7]),
                states[r],
                field[r],
                *arrays,
                matrix.data,
                spins.LOGARITHMS,
                random[r],
                value,
                best,
                least,
            )
    exact = dimod.ExactSolver().sample(bqm)
    weight = np.exp(-0.7 * exact.record.energy)
    order = [exact.variables.index(label) for label in bqm.variables]
    for state, chance in zip(exact.record.sample[:, order], weight / weight.sum(), strict=True):
        share = (states == state).all(axis=1).mean()
        assert share == pytest.approx(chance, abs=0.012)


def test_fields_loads_and_energies_are_kept_up_to_date():
    """After thousands of moves they are what they are when worked out anew."""
    generator = np.random.default_rng(2)
    bqm = random_model(30, 2)
    labels = list(bqm.variables)
    model, groups = Quadratic.of(bqm), Groups.of([range(6), range(10, 20)], labels)
    weights = np.round(generator.uniform(0, 3, (4, 30))) * (generator.random((4, 30)) < 0.4)
    matrix = sp.csr_array(weights)
    limits = Limits(matrix, np.full(4, -np.inf), np.full(4, 5.0), np.full(4, 0.7),
                    np.zeros(4, dtype=bool))  # fmt: skip
    replicas = _Replicas(model, groups, limits, generator.integers(0, 2, (2, 30)), 1)
    for r in range(2):
        assert replicas.sweep(r, 300, 0.8) > 300
        state = replicas.state[r]
        assert replicas.field[r] == pytest.approx(replicas.model.fields(state[None])[0])
        assert replicas.load[r] == pytest.approx(weights @ state)
        energy = bqm.energy(dict(zip(labels, state, strict=True)))
        assert replicas.value[r, 0] == pytest.approx(energy - model.offset)
        assert state[groups.members].sum() == 2


def generalised_assignment(jobs=8, sites=3, seed=0, capacity=22.0):
    """Every job at one site, sites of limited capacity: a constrained model."""
    generator = np.random.default_rng(seed)
    size = generator.integers(4, 10, jobs)
    cost = np.round(generator.uniform(1, 20, (jobs, sites)), 1)
    cqm = dimod.ConstrainedQuadraticModel()
    at = [[dimod.Binary(f"{j}@{k}") for k in range(sites)] for j in range(jobs)]
    cqm.set_objective(dimod.quicksum(cost[j, k] * at[j][k] for j in range(jobs)
                                     for k in range(sites)))  # fmt: skip
    for j in range(jobs):
        cqm.add_discrete([f"{j}@{k}" for k in range(sites)], label=f"job {j}")
    for k in range(sites):
        cqm.add_constraint(dimod.quicksum(int(size[j]) * at[j][k] for j in range(jobs))
                           <= capacity, label=f"site {k}")  # fmt: skip
    return cqm


def feasible(found):
    return found.filter(lambda datum: datum.is_feasible)


def best_feasible(cqm):
    """By enumeration of all that the discrete constraints allow."""
    return feasible(dimod.ExactCQMSolver().sample_cqm(cqm)).first.energy


@pytest.mark.parametrize("seed", range(3))
def test_limits_are_kept_and_the_best_assignment_is_found(seed):
    cqm = generalised_assignment(jobs=6, seed=seed, capacity=18.0)
    found = OWN.sample_cqm(cqm, num_reads=5, num_sweeps=400, seed=seed)
    assert len(found) == 5 and found.record.is_feasible[0]
    assert feasible(found).first.energy == pytest.approx(best_feasible(cqm))
    assert all(cqm.objective.energy(sample) == pytest.approx(energy)
               for sample, energy in found.data(["sample", "energy"]))  # fmt: skip


def test_limits_of_either_side_and_equations_hold():
    """Free binaries: at least three, at most 7 kg, and exactly two of the first four."""
    x = [dimod.Binary(i) for i in range(8)]
    cqm = dimod.ConstrainedQuadraticModel()
    cqm.set_objective(dimod.quicksum((i + 1) * x[i] for i in range(8)) + 3 * x[0] * x[1])
    cqm.add_constraint(dimod.quicksum(x) >= 3)
    cqm.add_constraint(dimod.quicksum((1 + i % 3) * x[i] for i in range(8)) <= 7)
    cqm.add_constraint(dimod.quicksum(x[:4]) == 2)
    cqm.add_constraint(x[5] + x[6] + x[7] - x[0] >= 1)
    found = OWN.sample_cqm(cqm, num_reads=4, num_sweeps=300, seed=1)
    assert feasible(found).first.energy == pytest.approx(best_feasible(cqm))


def test_soft_limits_cost_what_they_say():
    x = [dimod.Binary(i) for i in range(3)]
    for weight, kept in ((0.5, False), (5.0, True)):
        cqm = dimod.ConstrainedQuadraticModel()
        cqm.set_objective(-dimod.quicksum(x))
        cqm.add_constraint(dimod.quicksum(x) <= 1, weight=weight, penalty="linear")
        found = OWN.sample_cqm(cqm, num_reads=2, num_sweeps=50, seed=0)
        assert sum(found.first.sample.values()) == (1 if kept else 3)


def test_constrained_models_it_cannot_take_are_refused_in_words():
    number, spin, bit = dimod.Integer("i"), dimod.Spin("s"), dimod.Binary("b")
    for variable in (number, spin):
        cqm = dimod.ConstrainedQuadraticModel()
        cqm.set_objective(variable + bit)
        with pytest.raises(ValueError, match="only BINARY"):
            OWN.sample_cqm(cqm)
    cqm = dimod.ConstrainedQuadraticModel()
    cqm.set_objective(1 * bit)
    cqm.add_constraint(bit * dimod.Binary("c") <= 0, label="pair")
    with pytest.raises(ValueError, match="'pair' is of second degree"):
        OWN.sample_cqm(cqm)


@pytest.mark.parametrize("kind", ["spins", "reals", "groups", "limits"])
def test_the_answer_does_not_depend_on_threads(kind):
    def found(threads):
        given = {"num_reads": 6, "num_sweeps": 60, "seed": 3, "threads": threads}
        if kind == "limits":
            return OWN.sample_cqm(generalised_assignment(), **given)
        model = random_model(40, 1, "SPIN") if kind != "spins" else dimod.BinaryQuadraticModel(
            {}, {(i, (i * 7 + 3) % 40): (-1) ** i for i in range(40)}, 0.0, "SPIN"
        )  # fmt: skip
        groups = [range(10), range(20, 30)] if kind == "groups" else None
        return OWN.sample(model, groups=groups, **given)

    one, two, three = (found(threads).record for threads in (1, 2, 3))
    assert np.array_equal(one.sample, two.sample) and np.array_equal(one.sample, three.sample)


def test_initial_states_are_where_it_begins():
    """So cold that nothing rises: a state from which no single move gains is kept."""
    model = random_model(16, 4, "SPIN")
    low = OWN.sample(model, num_reads=1, num_sweeps=300, seed=0).first.sample
    given = {"beta_range": (1e6, 1e6), "num_sweeps": 3, "seed": 9}
    found = OWN.sample(model, initial_states=low, **given)
    assert len(found) == 1 and dict(found.first.sample) == dict(low)
    groups = [[0, 1, 2, 3]]
    binary = random_model(6, 4)
    start = {0: 0, 1: 1, 2: 0, 3: 0, 4: 1, 5: 0}
    assert len(OWN.sample(binary, initial_states=start, groups=groups, **given)) == 1


def test_time_limit_ends_a_long_run_and_still_cools():
    model = random_model(300, 0, "SPIN", density=0.1)
    OWN.sample(model, num_reads=1, num_sweeps=1)  # compiled
    for groups in (None, [range(10), range(10, 20)]):
        begun = time.perf_counter()
        found = OWN.sample(model, num_reads=2, num_sweeps=10**7, time_limit=0.3, seed=0,
                           groups=groups)  # fmt: skip
        assert time.perf_counter() - begun < 30.0
        full = OWN.sample(model, num_reads=2, num_sweeps=300, seed=0, groups=groups)
        assert found.first.energy <= 0.9 * full.first.energy


def test_limit_that_is_not_reached_changes_nothing():
    model = random_model(30, 5, "SPIN")
    given = {"num_reads": 3, "num_sweeps": 40, "seed": 2}
    free, limited = OWN.sample(model, **given), OWN.sample(model, time_limit=600.0, **given)
    assert np.array_equal(free.record.sample, limited.record.sample)


@pytest.mark.parametrize(
    "wrong", [{"num_reads": 0}, {"num_sweeps": 0}, {"num_sweeps": 1.5}, {"beta_range": (0, 1)},
              {"beta_range": (1, float("inf"))}, {"time_limit": 0}, {"seed": -1},
              {"groups": [[0, 99]]}, {"groups": [[0, 1], [1, 2]]}, {"groups": [[]]}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError):
        OWN.sample(random_model(4, 0), **wrong)


def test_biases_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="finite"):
        OWN.sample(dimod.BinaryQuadraticModel({"a": float("nan")}, {}, 0.0, "SPIN"))


def test_timing_is_told_in_nanoseconds():
    timing = OWN.sample(random_model(5, 0)).info["timing"]
    assert set(timing) == {"preprocessing_ns", "sampling_ns", "postprocessing_ns"}
    assert all(isinstance(value, int) and value > 0 for value in timing.values())


def test_quantum_is_the_step_of_whole_couplings():
    def quantum(*values):
        pairs = {(0, i + 1): value for i, value in enumerate(values)}
        return Quadratic.of(dimod.BinaryQuadraticModel({}, pairs, 0.0, "SPIN")).quantum

    assert quantum(1.0, -1.0) == 1.0
    assert quantum(0.5, 1.5, -2.0) == pytest.approx(0.5)
    assert quantum(1.0, 1.5) == pytest.approx(0.5)
    assert quantum(1.0, 2**0.5) is None
    assert quantum(1e-3, 1e3) is None  # too many steps for a table


def test_best_states_seen_are_returned_and_not_the_last():
    """Ever hotter: the last state is random, the best one is not."""
    model = Quadratic.of(random_model(60, 3, "SPIN"))
    starts = np.random.default_rng(0).integers(0, 2, (4, 60)) * 2 - 1
    cooled = anneal(model, starts, 200, (0.2, 5.0), 1, Deadline(None))
    heated = anneal(model, np.sign(cooled.states), 200, (5.0, 1e-4), 1, Deadline(None))
    assert (heated.energy <= cooled.energy + 1e-9).all()


def test_prices_of_limits_rise_until_they_are_obeyed():
    """From a first price of next to nothing."""
    cqm = generalised_assignment(seed=1)
    model, groups, rows = _read(cqm, list(cqm.variables))
    limits = _limits(rows, len(cqm.variables), model, 1.0)
    assert limits.price == pytest.approx(price_of(model, limits.weights, 1.0))
    cheap = Limits(limits.weights, limits.low, limits.high, 1e-3 * limits.price, limits.fixed)
    starts = np.zeros((8, len(cqm.variables)), dtype=np.int8)
    found = temper(model, groups, cheap, starts, 400, (0.05, 5.0), 1, Deadline(None))
    assert (found.broken <= moves.TINY * 100).any()


@pytest.mark.parametrize(
    ("name", "nodes", "good", "known"), [("G1", 800, 11_618, 11_624), ("G22", 2000, 13_350, 13_359)]
)
def test_cuts_of_known_graphs_are_near_the_best_known(name, nodes, good, known):
    """Without being told any temperature; cuts are counted anew, and none beats the best known."""
    first, second, weight = graph(name)
    model = dimod.BinaryQuadraticModel.from_numpy_vectors(
        np.zeros(nodes), (first, second, weight), 0.0, "SPIN"
    )
    found = OWN.sample(model, num_reads=8, num_sweeps=1000, seed=0)
    cut = 0.5 * (weight.sum() - found.first.energy)
    assert good <= cut <= known
    state = np.array([found.first.sample[i] for i in range(nodes)])
    assert cut == weight[state[first] != state[second]].sum()
