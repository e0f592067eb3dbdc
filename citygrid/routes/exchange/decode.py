"""From somebody's samples to points of the form: what problem they answer, and how well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from citygrid.arrays import Flags, Floats, Positions
from citygrid.errors import Fault, InputError
from citygrid.model.form import Form
from citygrid.model.writing import column_names
from citygrid.routes.exchange import Binary
from citygrid.routes.exchange.bits import check
from citygrid.routes.exchange.key import KEEP, MAP, bit_names, digest_of
from citygrid.routes.exchange.moves import moved, stated_model
from citygrid.routes.exchange.samples import Samples
from citygrid.routes.samplers.exchange import read_bqm

#: How far a sample may miss a limit, relative to it, and a whole number; as dimod's own check.
CLOSE = 1e-6
#: How far a stated energy may lie from the recomputed one, relative to the size of its terms.
SAME = 1e-6

#: Makes the binary model of a form anew, by the settings that a map has kept.
Encode = Callable[[Form, Mapping[str, Any]], Binary]
#: Linear terms, couplings, offset and labels of a binary model.
Stated = tuple[Floats, tuple[Positions, Positions, Floats], float, Sequence[str]]


@dataclass(frozen=True)
class Decoded:
    """Samples as points of the form.

    ``problem`` they answer (``cqm``, ``bqm``); ``points`` (s × n), integers as they were stated;
    ``energies`` (s) by the problem's own weights [EUR]; ``raw`` (s): those that keep every limit
    of the form as they are; ``differ`` (s) how far stated energies lie off.
    """

    problem: str
    points: Floats
    energies: Floats
    raw: Flags
    differ: Floats | None

    @property
    def wrong_energies(self) -> int:
        """How many energies were stated that the problem's weights do not give."""
        return 0 if self.differ is None else int((self.differ > SAME).sum())


def decode(form: Form, samples: Samples, key: Mapping[str, Any] | None, encode: Encode) -> Decoded:
    """The points that samples stand for.

    form
        What was exported.
    key
        The map beside the samples, or ``None``.

    Raises :class:`InputError` for samples of another form, or of other variables.
    """
    _same_form(form, samples, key)
    names = column_names(form)
    if set(names) == set(samples.labels):
        if samples.kind == "SPIN":
            raise _refused(samples, "are spins, but the problem's variables are numbers", None,
                           "answer the CQM in its own kinds of variables")  # fmt: skip
        points = samples.values[:, _order(samples.labels, names.tolist())]
        energies = points @ form.cost + form.constant
        return _decoded("cqm", form, samples, points, energies,
                        np.abs(points) @ np.abs(form.cost) + abs(form.constant))  # fmt: skip
    change = moved(form, samples, key, names.tolist())
    if change is not None:
        _only_bits(samples, change.bits, change.names)
        model = read_bqm(stated_model(samples.path.parent, change.file))
        if set(model[-1]) != set(change.names):
            raise _refused(samples, f"has another {change.file} beside it than its map says", None,
                           "keep the files of one export together")  # fmt: skip
        weighed = _energies(model, change.bits, change.names)
        return _decoded("moves", form, samples, change.points, *weighed)
    binary = _encoded(form, samples, key, encode, names)
    named = bit_names(binary)
    numbered: Sequence[object] = range(len(named))  # as in a COO file
    known: Sequence[object] | None = next(
        (labels for labels in (named, numbered) if set(labels) == set(samples.labels)), None
    )
    if known is None:
        raise _other_variables(samples, names, bit_names(binary))
    bits = samples.values[:, _order(samples.labels, known)]
    if samples.kind == "SPIN":
        bits = (bits + 1.0) / 2.0
    _only_bits(samples, bits, known)
    points = np.array([binary.restore(each) for each in bits]).reshape(len(bits), -1)
    stated = binary.linear, binary.couplings, binary.offset, named
    return _decoded("bqm", form, samples, points, *_energies(stated, bits, named))


def _only_bits(samples: Samples, bits: Floats, names: Sequence[object]) -> None:
    wrong = ~np.isin(bits, (0.0, 1.0))
    if wrong.any():
        row, column = (int(at[0]) for at in np.nonzero(wrong))
        raise _refused(samples, f"has a value that is no bit at {names[column]}",
                       float(bits[row, column]), "answer in bits or spins")  # fmt: skip


def _energies(stated: Stated, bits: Floats, names: Sequence[object]) -> tuple[Floats, Floats]:
    """Energies (s) of bits (s × n) in the order of ``names``, and the size of their terms (s)."""
    linear, (first, second, weight), offset, labels = stated
    at = _order(names, labels)
    held = bits[:, at]
    energies, sizes = held @ linear + offset, held @ np.abs(linear) + abs(offset)
    for sample, each in enumerate(held):
        both = each[first] * each[second]
        energies[sample] += weight @ both
        sizes[sample] += np.abs(weight) @ both
    return energies, sizes


def _decoded(
    name: str, form: Form, samples: Samples, points: Floats, energies: Floats, size: Floats
) -> Decoded:
    differ = None
    if samples.energies is not None:
        differ = np.abs(samples.energies - energies) / np.maximum(size, 1.0)
    return Decoded(name, points, energies, keeps(form, points), differ)


def keeps(form: Form, points: Floats) -> Flags:
    """Which points (s × n) keep every row, bound and whole number of the form, as they are."""
    activity = np.asarray((sp.csr_array(form.matrix) @ points.T).T).reshape(len(points), -1)
    kept = np.ones(len(points), dtype=bool)
    for value, low, high in (
        (activity, form.row_lower, form.row_upper), (points, form.lower, form.upper)
    ):  # fmt: skip
        kept &= (value >= low - CLOSE * np.maximum(1.0, _size(low))).all(axis=1)
        kept &= (value <= high + CLOSE * np.maximum(1.0, _size(high))).all(axis=1)
    whole = points[:, form.integer]
    return np.asarray(kept & (np.abs(whole - np.round(whole)) <= CLOSE).all(axis=1))


def _size(limit: Floats) -> Floats:
    return np.where(np.isfinite(limit), np.abs(limit), 0.0)


def _order(labels: Iterable[object], wanted: Iterable[object]) -> Positions:
    """Where each wanted label stands."""
    place = {label: at for at, label in enumerate(labels)}
    return np.array([place[label] for label in wanted], dtype=np.int64)


def _same_form(form: Form, samples: Samples, key: Mapping[str, Any] | None) -> None:
    """Refuse what says of itself that it answers another form."""
    stated = samples.info.get("form_hash")
    stamps = {f"{samples.path}: info › form_hash": stated}
    if key is not None:
        stamps["the map beside it"] = key.get("form_hash")
    for place, stamp in stamps.items():
        if stamp is not None and stamp != form.hash:
            raise InputError(Fault(
                place, f"belongs to another form than this one ({form.hash[:12]}…)",
                str(stamp)[:12] + "…", "plan the very model, with the policies, that was exported, "
                "or export it anew and have it sampled again",
            ))  # fmt: skip


def _encoded(
    form: Form, samples: Samples, key: Mapping[str, Any] | None, encode: Encode, names: Any
) -> Binary:
    """The binary model that was exported: the same settings, and by its hash the same weights."""
    kept = {} if key is None else key.get("bqm")
    few = len(set(names) & set(samples.labels)) < 0.5 * len(names)
    if kept is None or not few:
        raise _other_variables(samples, names, ())  # it answers no binary model
    settings, there = kept.get("settings", {}), f"{samples.path.parent / MAP}: bqm › settings"
    if not isinstance(settings, dict):
        raise InputError(Fault(there, "is not what an export writes", None, KEEP))
    try:
        check(settings)
    except InputError as failure:
        raise InputError([
            replace(fault, place=f"{there}: {fault.place.removeprefix('--set ')}", repair=KEEP)
            for fault in failure.faults
        ]) from failure  # fmt: skip
    try:
        binary = encode(form, settings)
    except InputError as failure:
        # No binary model of this form exists, so these were to be samples of its CQM.
        raise _other_variables(samples, names, ()) from failure
    if "hash" in kept and kept["hash"] != digest_of(binary):
        raise _refused(samples, "answers a binary model with other weights than this version makes",
                       str(kept["hash"])[:12] + "…", "export it anew and have it sampled again",
                       )  # fmt: skip
    return binary


def _other_variables(samples: Samples, names: Any, bits: Sequence[str]) -> InputError:
    """Which variables are missing and which nobody knows, of the problem that is meant."""
    stated = set(samples.labels)
    meant = max((set(names), set(bits)), key=lambda known: len(known & stated))
    which = "the CQM" if meant == set(names) else "the BQM"
    said = []
    for word, found in (("lacks", meant - stated), ("has also", stated - meant)):
        if found:
            some = ", ".join(sorted(map(str, found))[:3])
            said.append(f"{word} {len(found):,} ({some}{', …' if len(found) > 3 else ''})")
    return _refused(
        samples, f"has other variables than {which} of this form: it {' and '.join(said)}", None,
        "keep the names of the exported file, all of them, and plan the very model that was "
        "exported",
    )  # fmt: skip


def _refused(samples: Samples, reason: str, value: object, repair: str) -> InputError:
    return InputError(Fault(str(samples.path), reason, value, repair))
