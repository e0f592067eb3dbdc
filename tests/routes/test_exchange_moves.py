"""Changes of a plan as small files, and what somebody makes of them."""

from __future__ import annotations

import json

import dimod
import numpy as np
import pytest

from citygrid import routes
from citygrid.errors import InputError
from citygrid.model.writing import column_names
from citygrid.routes.contract import Options
from citygrid.routes.exchange.decode import decode
from citygrid.routes.exchange.key import read_map
from citygrid.routes.exchange.samples import read_samples
from citygrid.routes.samplers.exchange import read_bqm
from citygrid.verbs.exchange import export_problem

SHARP = Options(gap=1e-7)


@pytest.fixture(scope="module")
def form(district_maker):
    return district_maker(jobs=2, sites=2, steps=3)


@pytest.fixture(scope="module")
def exported(form, tmp_path_factory):
    return export_problem(form, ["cqm", "moves"], tmp_path_factory.mktemp("moves"))


def encode(*given):
    pytest.fail("an answer to moves needs no other binary model")


def sampled(exported, bits, name, kind="BINARY"):
    """A file of samples of the first move model, beside its map."""
    path = exported.files["moves-1"]
    with path.open("rb") as stream:
        bqm = dimod.BinaryQuadraticModel.from_file(stream)
    values = np.atleast_2d(bits)
    energies = bqm.energies((values, list(bqm.variables)))
    values = 2 * values - 1 if kind == "SPIN" else values
    found = dimod.SampleSet.from_samples(
        (values.astype(np.int8), list(bqm.variables)), kind, energy=energies, sort_labels=False
    )
    answer = path.parent / name
    answer.write_text(json.dumps(found.to_serializable()))
    return answer


def width(exported):
    return exported.problems["moves-1"]["variables"]


def test_map_has_the_plan_and_what_every_move_sets(form, exported):
    key = json.loads(exported.key.read_text())
    names = column_names(form).tolist()
    start = np.zeros(len(names))
    for name, value in key["incumbent"].items():
        start[names.index(name)] = value
    assert form.residual(start) <= 1e-7
    *_, offset, labels = read_bqm(exported.files["moves-1"])
    assert offset == pytest.approx(form.objective(start), rel=1e-9)
    moves = key["moves"]["moves-1.bqm"]["bits"]
    assert set(moves) == set(labels) and len(labels) == width(exported) > 3
    for move in moves.values():
        assert move["sets"] and set(move["sets"].values()) <= {0.0, 1.0}
        assert all(start[names.index(name)] != value for name, value in move["sets"].items())


def test_a_single_moves_energy_is_the_cost_of_its_plan(form, exported):
    """What the model says of each of the first moves, an LP over all rows confirms."""
    count = width(exported)
    for at in range(0, count, max(count // 6, 1)):
        path = sampled(exported, np.eye(count, dtype=int)[at], "one.json")
        told = decode(form, read_samples(path), read_map(path.parent), encode)
        assert told.problem == "moves" and told.wrong_energies == 0
        found = routes.solve(form, f"answer:{path}", SHARP)
        if not found.telemetry["repaired"]:
            assert found.objective == pytest.approx(float(told.energies[0]), rel=1e-7)


@pytest.mark.parametrize("kind", ["BINARY", "SPIN"])
def test_no_move_at_all_gives_the_plan_back(form, exported, kind):
    path = sampled(exported, np.zeros(width(exported), dtype=int), "none.json", kind)
    found = routes.solve(form, f"answer:{path}", SHARP)
    *_, offset, _ = read_bqm(exported.files["moves-1"])
    assert found.objective == pytest.approx(offset, rel=1e-9)
    assert found.telemetry["answers"] == "moves" and found.telemetry["samples_raw"] == 1
    assert found.bound is not None and found.bound <= found.objective


def test_moves_that_exclude_each_other_are_repaired(form, exported):
    path = sampled(exported, np.ones(width(exported), dtype=int), "all.json")
    found = routes.solve(form, f"answer:{path}", SHARP)
    assert found.x is not None and form.residual(found.x) <= 1e-7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda key: key["incumbent"].update({"nobodys": 1.0}), "no sense"),
        (lambda key: key["incumbent"].update(dict.fromkeys(key["incumbent"], "x")), "no sense"),
        (lambda key: key.pop("incumbent"), "no sense"),
        (lambda key: next(iter(key["moves"]["moves-1.bqm"]["bits"].values())).pop("sets"),
         "no sense"),
        (lambda key: key["moves"].update({"../../x.bqm": key["moves"].pop("moves-1.bqm")}),
         "none of ours"),
        (lambda key: key["moves"].update({"moves-9.bqm": key["moves"].pop("moves-1.bqm")}),
         "cannot be read"),
        (lambda key: key.update(moves=3), "moves: is not what an export writes"),
    ],
)  # fmt: skip
def test_maps_that_somebody_spoilt_are_refused(form, exported, tmp_path, change, words):
    answer = sampled(exported, np.zeros(width(exported), dtype=int), "again.json")
    for path in (answer, exported.key, exported.files["moves-1"]):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    key = json.loads(exported.key.read_text())
    change(key)
    (tmp_path / "map.json").write_text(json.dumps(key))
    with pytest.raises(InputError, match=words):
        routes.solve(form, f"answer:{tmp_path / 'again.json'}", SHARP)


def test_a_form_without_anything_to_switch_has_no_moves(make, tmp_path):
    form = make([1, 1], [[1, 1]], [1], [np.inf], [0, 0], [2, 2], [0, 0])
    with pytest.raises(InputError, match="leave moves out"):
        export_problem(form, ["moves"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
