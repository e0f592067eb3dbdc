"""Whether what a sampler gave is an answer: variables, values, length, energies.

Nothing is believed: energies are worked out anew from the model, values and variables are compared
with it. What can be put right without guessing is put right and named; the rest is no answer.
"""

from __future__ import annotations

from typing import Any

import dimod
import numpy as np

#: Relative size of an error of energies that is rounding; samplers may compute in single precision.
ROUNDING = 1e-4
#: Occurrences of one sample, at most, per sample that was asked for.
MANY = 10_000


class BadAnswerError(Exception):
    """What came is no answer; ``fault`` names what is wrong with it."""

    def __init__(self, fault: str, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault


def checked(
    answer: Any, bqm: dimod.BinaryQuadraticModel, wanted: int | None = None
) -> tuple[dimod.SampleSet, list[str]]:
    """A sample set of the model's variables with true energies, and the faults put right in it.

    Rows that are no states are dropped (``partial``), equal ones merged, energies that are not the
    model's replaced (``lying energy``, ``NaN energy``), the other kind of variables converted and
    missing fields filled (``version skew``). Fewer samples than ``wanted`` are ``partial``, too,
    and more than that with equal ones among them ``duplicate``. Raises :class:`BadAnswerError`.
    """
    if not isinstance(answer, dimod.SampleSet):
        answer = _unknown(answer)
    faults: list[str] = []
    record = answer.record
    if getattr(record, "sample", None) is None or record.sample.ndim != 2:
        raise BadAnswerError("garbage", "the answer holds no samples")
    if not len(record):
        raise BadAnswerError("empty", "the answer holds no sample")
    missing = set(bqm.variables) - set(answer.variables)
    strange = set(answer.variables) - set(bqm.variables)
    if missing or strange:
        said = f"{len(missing)} variables are missing and {len(strange)} unknown"
        raise BadAnswerError("wrong length", said)
    order = [answer.variables.index(label) for label in bqm.variables]
    states = np.asarray(record.sample)[:, order] if order else np.asarray(record.sample)
    states, converted = _in_kind(states, answer.vartype, bqm.vartype)
    if converted or not isinstance(answer.info, dict):
        faults.append("version skew")
    sound = np.isin(states, sorted(bqm.vartype.value)).all(axis=1)
    if not sound.any():
        raise BadAnswerError("garbage", "no sample holds only values of its variables")
    if not sound.all():
        faults.append("partial")
    states = states[sound].astype(np.int8)
    energies = bqm.energies((states, list(bqm.variables)))
    if not np.isfinite(energies).all():
        raise BadAnswerError("NaN energy", "the model itself has no finite energy at a sample")
    told = np.asarray(_field(record, "energy", np.full(len(record), np.nan), faults), dtype=float)
    told = told[sound]
    if np.isnan(told).any() and "version skew" not in faults:
        faults.append("NaN energy")
    off = np.abs(told - energies) > ROUNDING * np.maximum(1.0, np.abs(energies))
    if (off & ~np.isnan(told)).any():
        faults.append("lying energy")
    times = _field(record, "num_occurrences", np.ones(len(record), dtype=int), faults)
    # A machine counts its samples; nobody has taken more than some thousands for each wish.
    times = np.clip(np.asarray(times)[sound].astype(np.int64), 1, MANY * (wanted or 1))
    vectors = _vectors(record, sound)
    merge = _distinct(states) < len(states)
    if wanted is not None and merge and times.sum() > wanted:
        faults.append("duplicate")
    if wanted is not None and times.sum() < wanted and "partial" not in faults:
        faults.append("partial")
    info = dict(answer.info) if isinstance(answer.info, dict) else {}
    made = _made(
        (states, list(bqm.variables)), energy=energies, vartype=bqm.vartype, info=info,
        num_occurrences=times, aggregate_samples=False, sort_labels=False, **vectors,
    )  # fmt: skip
    if merge:
        made = made.aggregate()  # type: ignore[no-untyped-call]
    return made, faults


def sample_set(
    states: Any, bqm: dimod.BinaryQuadraticModel, info: dict[str, Any]
) -> dimod.SampleSet:
    """States, with the labels of their variables, and the energies of the model."""
    return _made(states, energy=bqm.energies(states), vartype=bqm.vartype, info=info,
                 aggregate_samples=False, sort_labels=False)  # fmt: skip


def _made(states: Any, **fields: Any) -> dimod.SampleSet:
    made: dimod.SampleSet = dimod.SampleSet.from_samples(states, **fields)  # type: ignore[no-untyped-call]
    return made


def _distinct(states: Any) -> int:
    """How many different states there are (r × n); packed, because there may be millions."""
    if not states.shape[1]:
        return min(len(states), 1)
    packed = np.ascontiguousarray(np.packbits(states > 0, axis=1))
    return len(np.unique(packed.view(np.dtype((np.void, packed.shape[1])))))


def _unknown(answer: Any) -> dimod.SampleSet:
    """Another library's sample set, if it can be read as one (version skew)."""
    try:
        variables, vartype = list(answer.variables), answer.vartype
        rows, energy = np.asarray(answer.record.sample), np.asarray(answer.record.energy)
        kind = dimod.as_vartype(getattr(vartype, "name", vartype))
        return _made((rows, variables), energy=energy, vartype=kind)
    except Exception as failure:
        said = f"expected a dimod.SampleSet, got {type(answer).__name__}"
        raise BadAnswerError("garbage", said) from failure


def _in_kind(states: Any, given: Any, wanted: Any) -> tuple[Any, bool]:
    """States in the model's kind of variables and whether they came in the other one."""
    if not (np.issubdtype(states.dtype, np.number) or states.dtype == bool):
        raise BadAnswerError("garbage", f"samples are {states.dtype}, no numbers")
    states = states.astype(np.float64)
    if given is wanted:
        return states, False
    return (2.0 * states - 1.0 if wanted is dimod.SPIN else (states + 1.0) / 2.0), True


def _field(record: Any, name: str, otherwise: Any, faults: list[str]) -> Any:
    """A field of a record; one that is missing or of another type is a matter of versions."""
    names = record.dtype.names or ()
    if name in names and np.issubdtype(record.dtype[name], np.number):
        return record[name]
    if "version skew" not in faults:
        faults.append("version skew")
    return otherwise


def _vectors(record: Any, sound: Any) -> dict[str, Any]:
    """Further fields of a record, such as the steps of a descent."""
    usual = {"sample", "energy", "num_occurrences"}
    return {name: record[name][sound] for name in record.dtype.names or () if name not in usual}
