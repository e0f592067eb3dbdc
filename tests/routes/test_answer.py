"""Somebody else's samples: refused where they are wrong, a verified plan where they are not."""

from __future__ import annotations

import copy
import json
import math

import dimod
import numpy as np
import pytest

from citygrid import routes
from citygrid.errors import InputError
from citygrid.model.builder import Model
from citygrid.model.formulate import Speaker
from citygrid.model.labelled import Axis, Data
from citygrid.model.writing import column_names
from citygrid.routes.contract import Options
from citygrid.routes.exchange.bits import encoded
from citygrid.routes.exchange.decode import keeps
from citygrid.routes.exchange.key import bit_names
from citygrid.routes.exchange.problem import problem
from citygrid.routes.exchange.samples import document, read_samples
from citygrid.routes.samplers.exchange import constrained
from citygrid.verbs.exchange import export_problem

SHARP = Options(gap=1e-7)
INF = math.inf


def answer(form, points, path, **info):
    """A file of samples of the form's CQM at these points (s × n), as a solver would write it."""
    model = constrained(problem(form))
    found = dimod.SampleSet.from_samples_cqm(
        (np.atleast_2d(points), list(column_names(form))), model
    )
    stored = found.to_serializable(pack_samples=False)
    stored["info"] |= info
    path.write_text(json.dumps(stored))
    return path


def optimum(form):
    return routes.solve(form, "milp", SHARP)


@pytest.fixture(scope="module")
def form(district_maker):
    return district_maker(jobs=3, sites=2, steps=3)


@pytest.fixture(scope="module")
def best(form):
    return optimum(form)


def test_the_optimum_sampled_elsewhere_comes_back_as_it_is(form, best, tmp_path):
    path = answer(form, best.x, tmp_path / "a.json", form_hash=form.hash)
    found = routes.solve(form, f"answer:{path}", SHARP)
    assert found.objective == pytest.approx(best.objective, rel=1e-9)
    assert form.residual(found.x) <= 1e-7
    told = found.telemetry
    assert told["answers"] == "cqm" and told["samples"] == told["samples_raw"] == 1
    assert told["feasibility_rate"] == 1.0 and not told["repaired"] and told["milps"] == 0
    assert told["energies_wrong"] == 0
    assert told["best_energy_stated"] == pytest.approx(best.objective)
    assert told["best_energy_recomputed"] == pytest.approx(best.objective)
    assert found.bound is not None and found.bound <= found.objective
    assert told["trace"][-1]["objective"] == pytest.approx(found.objective)
    assert told["trace"][-1]["bound"] == pytest.approx(found.bound)


def test_integers_are_theirs_and_the_rest_is_one_linear_programme(form, best, tmp_path):
    """Reals that mean nothing do no harm: with the optimum's integers the plan is the optimum."""
    blurred = np.where(form.integer, best.x + 1e-7, 3.0)
    found = routes.solve(form, f"answer:{answer(form, blurred, tmp_path / 'a')}", SHARP)
    assert found.objective == pytest.approx(best.objective, rel=1e-9)
    told = found.telemetry
    assert told["samples_raw"] == 0 and told["feasibility_rate"] == 1.0
    assert not told["repaired"] and told["milps"] == 0


def test_the_best_of_several_samples_is_taken_and_feasible_ones_are_counted(form, best, tmp_path):
    worse = routes.solve(form, "hybrid:random", Options(extras={"rounds": "1", "reads": "1"}))
    points = np.array([worse.x, best.x, np.zeros(len(best.x))])
    found = routes.solve(form, f"answer:{answer(form, points, tmp_path / 'a')}", SHARP)
    assert found.objective == pytest.approx(best.objective, rel=1e-9)
    assert found.telemetry["samples"] == 3 and found.telemetry["samples_raw"] == 2
    assert found.telemetry["feasibility_rate"] == pytest.approx(2 / 3)


def test_samples_without_a_plan_are_repaired_group_by_group(district_maker, tmp_path):
    """All jobs at once on one site of 25 kW: those that overrun it are placed again."""
    form = district_maker(jobs=3, sites=2, steps=3, capacity=25.0)
    point = np.zeros(len(form.cost))
    point[form.columns["pool.start"].span] = np.tile(np.eye(6)[0], 3)
    found = routes.solve(form, f"answer:{answer(form, point, tmp_path / 'a')}", SHARP)
    assert found.x is not None and form.residual(found.x) <= 1e-7
    assert found.telemetry["repaired"] and found.telemetry["milps"] >= 1
    assert found.objective >= optimum(form).objective * (1 - 1e-9)


def test_rates_count_samples_and_not_distinct_choices(make, tmp_path):
    """Three of four samples are the same choice, which allows a plan; the fourth does not."""
    form = make([1, 1], [[1, 1]], [1], [INF], [0, 0], [1, 1], [1, 1])
    path = answer(form, [[1, 0], [0, 0]], tmp_path / "a")
    stored = json.loads(path.read_text())
    stored["vectors"]["num_occurrences"]["data"] = [3, 1]
    path.write_text(json.dumps(stored))
    told = routes.solve(form, f"answer:{path}", SHARP).telemetry
    assert told["samples"] == 4 and told["samples_raw"] == 3 and told["samples_distinct"] == 2
    assert told["feasibility_rate"] == pytest.approx(3 / 4)


def test_empty_and_doubled_groups_are_repaired(form, best, tmp_path):
    points = np.array([np.zeros(len(form.cost)), np.where(form.integer, 1.0, 0.0)])
    found = routes.solve(form, f"answer:{answer(form, points, tmp_path / 'a')}", SHARP)
    assert found.x is not None and form.residual(found.x) <= 1e-7
    assert found.telemetry["repaired"] and found.telemetry["counts"]["samples_repaired"] >= 1
    assert found.telemetry["feasibility_rate"] == 0.0


def test_without_groups_the_plan_that_turns_the_fewest_binaries_over_is_taken(make, tmp_path):
    """Five switches of which at least three are on; one is: two turn over, the cheapest ones."""
    form = make([5, 4, 3, 2, 1], [[1, 1, 1, 1, 1]], [3], [math.inf], [0] * 5, [1] * 5, [1] * 5)
    path = answer(form, [1.0, 0, 0, 0, 0], tmp_path / "a")
    found = routes.solve(form, f"answer:{path}", SHARP)
    assert found.x[0] == 1.0 and found.x.sum() == 3.0
    told = found.telemetry
    assert told["repaired"] and told["milps"] == 1 and told["counts"]["repair_milps"] == 1
    assert found.status == "feasible" and found.bound == pytest.approx(6.0)


def test_no_plan_near_any_sample_is_said_with_the_bound(make, tmp_path):
    """2 x + 2 y = 1 has mixed solutions only: the relaxation is bounded, no integers fit."""
    form = make([1, 1], [[2, 2]], [1], [1], [0, 0], [1, 1], [1, 1])
    found = routes.solve(form, f"answer:{answer(form, [0.0, 1.0], tmp_path / 'a')}", SHARP)
    assert found.status == "no_plan" and found.x is None
    assert found.bound == pytest.approx(0.5) and "no sample" in found.telemetry["message"]


def test_integers_beyond_their_bounds_are_brought_back(make, tmp_path):
    form = make([1, 1], [[1, 1]], [3], [math.inf], [0, 0], [4, 9], [1, 0])
    path = tmp_path / "a"
    answer(form, [4.0, 0.0], path)
    stored = json.loads(path.read_text())
    stored["sample_data"]["data"] = [[70, 0]]
    path.write_text(json.dumps(stored))
    found = routes.solve(form, f"answer:{path}", SHARP)
    assert list(found.x) == [4.0, 0.0] and found.telemetry["counts"]["samples_rounded"] == 1
    assert found.telemetry["energies_wrong"] == 1 and "computed anew" in found.telemetry["note"]


@pytest.mark.parametrize(
    "parts",
    [
        ([1, 2], [[1, 1]], [3], [INF], [0, 0], [2, 9], [0, 0]),  # no integers
        ([1, -1], np.zeros((0, 2)), [], [], [-1, 0], [4, 2], [0, 1]),  # no rows
        ([1.0], [[0.0]], [-1], [1], [2], [3], [0]),  # an empty row
        ([1, 1, 1], [[1, 2, 0], [0, 1, 1]], [4, 3], [4, 3], [0] * 3, [9] * 3, [1, 0, 0]),
        ([1, 1], [[1, -1]], [-2], [1], [-INF, -3], [INF, 5], [0, 1]),  # a free column, a range
        ([0, 0], [[1, 1]], [1], [1], [0, 1], [1, 1], [1, 1]),  # a binary with one value
    ],
)
def test_forms_of_every_shape_come_back_from_their_cqm(make, tmp_path, parts):
    """From the optimum, and from a sample that means nothing, to a plan within its bound."""
    form = make(*parts, constant=2.0)
    best = optimum(form)
    first = routes.solve(form, f"answer:{answer(form, best.x, tmp_path / 'a')}", SHARP)
    assert first.objective == pytest.approx(best.objective, abs=1e-9)
    second = routes.solve(form, f"answer:{answer(form, 0 * best.x, tmp_path / 'b')}", SHARP)
    for found in (first, second):
        assert found.x is not None and form.residual(found.x) <= 1e-7
        assert found.bound is not None and found.bound <= found.objective


def test_an_infeasible_form_is_said_to_be_so(make, tmp_path):
    form = make([1], [[1]], [3], [INF], [0], [1], [0])
    found = routes.solve(form, f"answer:{answer(form, [1.0], tmp_path / 'a')}", SHARP)
    assert found.status == "infeasible" and found.x is None


def test_the_same_file_gives_the_same_plan(form, best, tmp_path):
    points = np.random.default_rng(3).random((6, len(form.cost)))
    path = answer(form, points, tmp_path / "a")
    first, second = (routes.solve(form, f"answer:{path}", SHARP) for _ in range(2))
    assert np.array_equal(first.x, second.x)


def test_curved_costs_are_met_exactly_through_an_answer(tmp_path):
    """A form with a convex square is refined around the answer as around every route."""
    hours = np.datetime64("2023-01-16T00:00", "ns") + np.arange(2) * np.timedelta64(1, "h")
    model = Model(hours, 1.0)
    unit = Axis("unit", np.array(["u"], dtype=object))
    maker = Speaker(model, "maker")
    power = maker.variable("power", unit, model.time, upper=10.0, about="power")
    cost = maker.variable("cost", unit, model.time, unit="EUR/h", upper=1e4, about="its cost")
    maker.constrain("square", cost >= power.square() * Data(np.asarray(0.5), (), "EUR/kW^2/h"))
    maker.constrain("asked", power >= Data(np.asarray(4.3), (), "kW"))
    maker.cost("fuel", cost * model.step)
    form = model.form()
    assert form.curves
    path = answer(form, np.zeros(len(form.cost)), tmp_path / "a", form_hash=form.hash)
    found = routes.solve(form, f"answer:{path}", Options(gap=1e-6))
    assert found.objective == pytest.approx(4.3**2, rel=1e-5)
    assert found.gap <= 1e-6


# answers in bits ----------------------------------------------------------------------------------


def sampled(binary, bits, path, kind="BINARY", labels=None, energy=None, **info):
    """A file of samples of the binary model, packed as dimod does unless told otherwise."""
    bits = np.atleast_2d(bits).astype(np.int8)
    stated = binary.energy(bits) if energy is None else energy
    values = 2 * bits - 1 if kind == "SPIN" else bits
    names = bit_names(binary) if labels is None else labels
    found = dimod.SampleSet.from_samples((values, names), kind, energy=stated, sort_labels=False)
    path.write_text(json.dumps(found.to_serializable() | {"info": info}))
    return path


@pytest.fixture
def knapsack(make):
    """Take the most worth of weights 2, 3, 1, 4 up to 5: the third and the fourth."""
    return make([-5, -4, -3, -7], [[2, 3, 1, 4]], [-math.inf], [5], [0] * 4, [1] * 4, [1] * 4)


def every(binary):
    return np.indices((2,) * len(binary.linear)).reshape(len(binary.linear), -1).T


@pytest.mark.parametrize("kind", ["BINARY", "SPIN"])
def test_ground_states_of_the_binary_model_are_the_optimum(knapsack, tmp_path, kind):
    binary = encoded(knapsack, {})
    bits = every(binary)
    best = bits[np.argmin(binary.energy(bits))]
    found = routes.solve(knapsack, f"answer:{sampled(binary, best, tmp_path / 'a', kind)}", SHARP)
    assert found.objective == pytest.approx(-10.0) and list(found.x) == [0, 0, 1, 1]
    told = found.telemetry
    assert told["answers"] == "bqm" and told["feasibility_rate"] == 1.0
    assert told["energies_wrong"] == 0 and told["best_energy_recomputed"] == pytest.approx(-10.0)


def test_samples_numbered_as_in_a_coo_file_are_taken_too(knapsack, tmp_path):
    binary = encoded(knapsack, {})
    bits = every(binary)
    best = bits[np.argmin(binary.energy(bits))]
    path = sampled(binary, best, tmp_path / "a", labels=range(len(best)))
    assert routes.solve(knapsack, f"answer:{path}", SHARP).objective == pytest.approx(-10.0)


def test_what_fits_is_counted_before_anything_is_repaired(knapsack, tmp_path):
    """All 16 choices, each once: 9 fit into the knapsack; the best ten are worked out."""
    binary = encoded(knapsack, {})
    bits = every(binary)
    _, first = np.unique([binary.restore(b) for b in bits], axis=0, return_index=True)
    path = sampled(binary, bits[first], tmp_path / "a")
    told = routes.solve(knapsack, f"answer:{path}", SHARP).telemetry
    fits = sum(2 * a + 3 * b + c + 4 * d <= 5 for a, b, c, d in np.ndindex(2, 2, 2, 2))
    assert told["samples"] == 16 and told["samples_raw"] == fits == 9
    assert told["samples_distinct"] == 16 and told["counts"]["choices_valued"] == 10
    assert told["feasibility_rate"] == pytest.approx(9 / 10)


def test_stated_energies_are_never_believed(knapsack, tmp_path):
    binary = encoded(knapsack, {})
    bits = np.array([every(binary)[0]])
    path = sampled(binary, bits, tmp_path / "a", energy=[-1e9])
    found = routes.solve(knapsack, f"answer:{path}", SHARP)
    told = found.telemetry
    assert told["best_energy_stated"] == -1e9 and told["energies_wrong"] == 1
    assert told["best_energy_recomputed"] == pytest.approx(float(binary.energy(bits)[0]))
    assert found.bound <= found.objective == pytest.approx(knapsack.objective(found.x))


def test_options_of_the_export_come_back_by_the_map(knapsack, tmp_path):
    export_problem(knapsack, ["bqm"], tmp_path, {"encoding": "domainwall"})
    binary = encoded(knapsack, {"encoding": "domainwall"})
    bits = every(binary) if len(binary.linear) < 12 else np.zeros((1, len(binary.linear)))
    path = sampled(binary, bits, tmp_path / "a")
    assert routes.solve(knapsack, f"answer:{path}", SHARP).x is not None
    key = json.loads((tmp_path / "map.json").read_text())
    key["bqm"]["hash"] = "0" * 64
    (tmp_path / "map.json").write_text(json.dumps(key))
    with pytest.raises(InputError, match="other weights"):
        routes.solve(knapsack, f"answer:{path}", SHARP)


def test_numbers_that_are_no_bits_are_refused(knapsack, tmp_path):
    binary = encoded(knapsack, {})
    path = sampled(binary, every(binary)[0], tmp_path / "a")
    stored = json.loads(path.read_text())
    values = [[0.5] * len(binary.linear)]
    stored |= {"variable_type": "REAL", "sample_packed": False}
    stored["sample_data"] = {"type": "array", "data": values, "data_type": "float64",
                             "shape": [1, len(binary.linear)], "use_bytes": False}  # fmt: skip
    path.write_text(json.dumps(stored))
    with pytest.raises(InputError, match="no bit"):
        routes.solve(knapsack, f"answer:{path}", SHARP)


# what is wrong with a file ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(form, best, tmp_path_factory):
    path = answer(form, best.x, tmp_path_factory.mktemp("good") / "a.json")
    return json.loads(path.read_text())


def set_in(*keys, to):
    def change(stored):
        place = stored
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return change


def rename(stored):
    stored["variable_labels"][0] = "somebody_elses"


def lose(stored):
    stored["variable_labels"].pop()
    stored["num_variables"] -= 1
    stored["sample_data"]["data"] = [row[:-1] for row in stored["sample_data"]["data"]]
    stored["sample_data"]["shape"][1] -= 1


def add(stored):
    stored["variable_labels"].append("one_more")
    stored["num_variables"] += 1
    stored["sample_data"]["data"] = [[*row, 0] for row in stored["sample_data"]["data"]]
    stored["sample_data"]["shape"][1] += 1


def double(stored):
    stored["variable_labels"][1] = stored["variable_labels"][0]


def empty(stored):
    stored["num_rows"] = 0
    stored["sample_data"] |= {"data": [], "shape": [0, stored["num_variables"]]}
    stored["vectors"] = {}


def ragged(stored):
    stored["sample_data"]["data"][0].append(1)


def uneven(stored):
    stored["num_rows"] = 2
    rows = stored["sample_data"]["data"]
    stored["sample_data"] |= {"data": [*rows, [1]], "shape": [2, stored["num_variables"]]}


def word(stored):
    stored["sample_data"]["data"][0][2] = "import os"


def short_energy(stored):
    stored["vectors"]["energy"] |= {"data": [1.0, 2.0], "shape": [2]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (rename, ["lacks 1", "has also 1 (somebody_elses)"]),
        (lose, ["lacks 1"]),
        (add, ["has also 1 (one_more)"]),
        (double, ["twice"]),
        (empty, ["holds no sample"]),
        (ragged, ["another shape", "49"]),
        (uneven, ["different length"]),
        (word, ["no number", "import os"]),
        (short_energy, ["energy", "another shape"]),
        (set_in("type", to="BinaryQuadraticModel"), ["no SampleSet"]),
        (set_in("version", to={"sampleset_schema": "1.0"}), ["schema 3"]),
        (set_in("version", to=[]), ["schema 3"]),
        (set_in("variable_type", to="SPIN"), ["no value of a SPIN variable"]),
        (set_in("variable_type", to="BINARY"), ["no value of a BINARY variable"]),
        (set_in("variable_type", to="COMPLEX"), ["no kind of variable"]),
        (set_in("variable_labels", to="all"), ["no list"]),
        (set_in("variable_labels", 0, to={"a": 1}), ["neither a name nor a position"]),
        (set_in("num_rows", to=10**12), ["another shape"]),
        (set_in("num_variables", to=-1), ["no number of things"]),
        (set_in("sample_packed", to=True), ["one bit", "pack_samples=False"]),
        (set_in("sample_data", "use_bytes", to=True), ["bytes"]),
        (set_in("sample_data", "data_type", to="object"), ["no array of numbers"]),
        (set_in("sample_data", "data", 0, 0, to=1e999), ["Infinity is no number"]),
        (set_in("sample_data", "data", 0, 0, to=math.nan), ["NaN is no number"]),
        (set_in("sample_data", "data", 0, 0, to=10**400), ["no number"]),
        (set_in("vectors", "num_occurrences", "data", 0, to=-3), ["at least 1"]),
        (set_in("vectors", to=None), ["vectors"]),
        (set_in("info", "form_hash", to="f" * 64), ["another form", "ffff"]),
    ],
)
def test_every_wrong_file_is_told_by_what_is_wrong_with_it(form, good, tmp_path, change, words):
    stored = copy.deepcopy(good)
    change(stored)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(stored))
    with pytest.raises(InputError) as refused:
        routes.solve(form, f"answer:{path}", SHARP)
    (fault,) = refused.value.faults
    assert str(path) in str(fault) and fault.repair, fault
    assert all(word in str(fault) for word in words), fault


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "no JSON"), (b"{", "no JSON"), (b"[]", "no JSON object"), (b"\x80\x04\x95", "no JSON"),
     (b"[" * 100_000, "nested too deeply"), (b'{"type": 1e400}', "no SampleSet")],
)  # fmt: skip
def test_what_is_no_json_is_refused_and_never_run(tmp_path, content, words):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_samples(tmp_path / "x")


def test_files_that_are_missing_or_too_large_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_samples(tmp_path / "none")
    with pytest.raises(InputError, match="is not an ordinary file"):
        read_samples(tmp_path)
    (tmp_path / "x").write_bytes(b" " * 200)
    with pytest.raises(InputError, match="larger than"):
        document(tmp_path / "x", largest=100)


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ("{", "map.json", "is no JSON"),
        ("[1]", "map.json", "is no JSON object"),
        ('{"bqm": NaN}', "map.json", "NaN is no number"),
        ({"format": "2"}, "map.json", "no map of exported files"),
        ({"bqm": []}, "map.json: bqm", "not what an export writes"),
        ({"bqm": {"settings": [1]}}, "map.json: bqm › settings", "not what an export writes"),
        ({"bqm": {"settings": {"bits": "99"}}}, "settings: bits", "whole number"),
        ({"bqm": {"settings": {"bits": [1]}}}, "settings: bits", "whole number"),
        ({"bqm": {"settings": {"encoding": {}}}}, "settings: encoding", "no such word"),
        ({"bqm": {"settings": {"os": "x"}}}, "settings: os", "no such option"),
        ({"moves": [1]}, "map.json: moves", "not what an export writes"),
        ({"moves": {"moves-1.bqm": 3}}, "moves › moves-1.bqm", "not what an export writes"),
    ],
)
def test_a_damaged_map_is_told_as_such_and_not_as_a_wrong_answer(
    knapsack, tmp_path, change, place, words
):
    """Advice how to write samples sends people to the wrong file."""
    binary = encoded(knapsack, {})
    path = sampled(binary, every(binary)[0], tmp_path / "a")
    export_problem(knapsack, ["bqm"], tmp_path)
    file = tmp_path / "map.json"
    key = json.loads(file.read_text())
    file.write_text(change if isinstance(change, str) else json.dumps({**key, **change}))
    with pytest.raises(InputError) as error:
        routes.solve(knapsack, f"answer:{path}", SHARP)
    (fault,) = error.value.faults
    assert place in fault.place and words in str(fault), fault
    assert "export it anew" in fault.repair and "sampleset" not in fault.repair


def test_an_answer_to_another_form_is_refused_by_the_map_beside_it(
    form, best, district_maker, tmp_path
):
    other = district_maker(jobs=3, sites=2, steps=3, seed=1)
    export_problem(other, ["cqm"], tmp_path)
    path = answer(form, best.x, tmp_path / "a.json")
    with pytest.raises(InputError, match="the map beside it: belongs to another form"):
        routes.solve(form, f"answer:{path}", SHARP)
    (tmp_path / "map.json").write_text("{}")
    with pytest.raises(InputError, match="no map of exported files"):
        routes.solve(form, f"answer:{path}", SHARP)


@pytest.mark.parametrize(
    ("route", "extras", "words"),
    [("answer", {}, "no such route"), ("answer:", {}, "no such route"),
     ("answer:/none/x", {}, "cannot be read"), ("answer:/none/x", {"sweeps": "3"}, "plans"),
     ("answer:/none/x", {"answer.plans": "0"}, "whole number")],
)  # fmt: skip
def test_routes_and_options_that_do_not_exist_are_refused_beforehand(route, extras, words):
    with pytest.raises(InputError, match=words):
        routes.check(route, Options(extras=extras))


def test_packed_samples_are_unpacked_as_dimod_does(tmp_path):
    """Bits in words of 32, more than one of them, of both kinds of variables."""
    bits = np.random.default_rng(0).integers(0, 2, (5, 71))
    for kind, values in (("BINARY", bits), ("SPIN", 2 * bits - 1)):
        found = dimod.SampleSet.from_samples(values.astype(np.int8), kind, energy=np.zeros(5))
        stored = found.to_serializable()
        assert stored["sample_packed"]
        (tmp_path / "a").write_text(json.dumps(stored))
        read = read_samples(tmp_path / "a")
        assert np.array_equal(read.values, values) and read.labels == tuple(range(71))


def test_points_keep_limits_relative_to_their_size(make):
    form = make([0, 0], [[1, 1]], [1e6], [1e6], [0, 0], [2e6, 1], [0, 1])
    points = np.array([[1e6, 0], [1e6 + 0.5, 0], [1e6 - 4, 1], [1e6 - 1, 1], [1e6 - 0.4, 0.4]])
    assert list(keeps(form, points)) == [True, True, False, True, False]
