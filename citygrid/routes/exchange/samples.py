"""What may be believed of a file of samples: a dimod ``SampleSet`` as JSON, read with suspicion.

Only JSON is read, up to a size, into numbers: nothing in the file is ever run, and every field is
checked before anything is made of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from citygrid.arrays import Floats
from citygrid.errors import Fault, InputError

#: Bytes of the largest file that is read.
LARGEST = 512 * 2**20
#: Kinds of numbers that samples and energies may be stored in.
NUMBERS = (
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "bool",
)  # fmt: skip
KINDS = ("BINARY", "SPIN", "INTEGER", "DISCRETE", "REAL")
_WRITE = "write it by json.dump(sampleset.to_serializable(pack_samples=False), file)"


@dataclass(frozen=True)
class Samples:
    """Samples as somebody stated them.

    ``values`` (s × n) in the order of ``labels`` (n), which are names or positions; ``energies``
    (s) stated, ``None`` where none are; ``counts`` (s) how often each was found; ``kind`` of the
    variables (``BINARY``, ``SPIN``, ``INTEGER``, ``REAL``); ``info`` whatever else was said;
    ``digest`` the SHA-256 of the file.
    """

    path: Path
    labels: tuple[str | int, ...]
    values: Floats
    energies: Floats | None
    counts: Floats
    kind: str
    info: Mapping[str, Any]
    digest: str


def document(
    path: Path, largest: int = LARGEST, repair: str = _WRITE
) -> tuple[dict[str, Any], str]:
    """The JSON object in a file, and the SHA-256 of its bytes; ``repair`` is for one that is none.

    Raises :class:`InputError` for a file that is missing, too large, or no strict JSON object.
    """
    try:
        if not path.is_file() and path.exists():  # a pipe would wait, and a device never end
            raise InputError(Fault(str(path), "is not an ordinary file", None, "name a file"))
        with path.open("rb") as stream:
            content = stream.read(largest + 1)
    except OSError as failure:
        raise InputError(Fault(str(path), f"cannot be read: {failure.strerror or failure}", None,
                               "name a file that can be read")) from failure  # fmt: skip
    if len(content) > largest:
        raise InputError(Fault(str(path), f"is larger than {largest / 2**20:,.0f} MiB", None,
                               "keep the best samples alone"))  # fmt: skip
    try:
        found = json.loads(content, parse_constant=_no_number)
    except RecursionError as failure:
        raise InputError(Fault(str(path), "is nested too deeply", None, repair)) from failure
    except (ValueError, UnicodeDecodeError) as failure:
        raise InputError(Fault(str(path), f"is no JSON: {failure}", None, repair)) from failure
    if not isinstance(found, dict):
        raise InputError(Fault(str(path), "is no JSON object", type(found).__name__, repair))
    return found, hashlib.sha256(content).hexdigest()


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def read_samples(path: Path) -> Samples:
    """The samples of a file. Raises :class:`InputError` saying what is wrong with it."""
    found, digest = document(path)
    try:
        return _checked(path, found, digest)
    except _Wrong as wrong:
        where = f"{path}: {wrong.field}" if wrong.field else str(path)
        raise InputError(Fault(where, wrong.reason, wrong.value, wrong.repair)) from wrong


class _Wrong(Exception):
    def __init__(self, field: str, reason: str, value: object = None, repair: str = _WRITE) -> None:
        super().__init__(reason)
        self.field, self.reason, self.value, self.repair = field, reason, value, repair


def _checked(path: Path, found: Mapping[str, Any], digest: str) -> Samples:
    if found.get("type") != "SampleSet":
        raise _Wrong("type", "is no SampleSet of dimod's", found.get("type"))
    version = found.get("version")
    schema = version.get("sampleset_schema") if isinstance(version, dict) else None
    if not isinstance(schema, str) or not schema.startswith("3."):
        raise _Wrong("version", "is not schema 3 of sample sets", schema)
    kind = found.get("variable_type")
    if kind not in KINDS:
        raise _Wrong("variable_type", "is no kind of variable", kind, f"one of {', '.join(KINDS)}")
    kind = "INTEGER" if kind == "DISCRETE" else kind
    width, height = (_size(found, name) for name in ("num_variables", "num_rows"))
    labels = found.get("variable_labels")
    if not isinstance(labels, list) or len(labels) != width:
        raise _Wrong("variable_labels", f"is no list of {width:,} labels")
    for label in labels:
        if isinstance(label, bool) or not isinstance(label, str | int):
            raise _Wrong("variable_labels", "is neither a name nor a position", label,
                         "keep the labels of the exported file")  # fmt: skip
    if len(set(labels)) != width:
        double = next(label for i, label in enumerate(labels) if label in labels[:i])
        raise _Wrong("variable_labels", "names a variable twice", double)
    if not height:
        raise _Wrong("num_rows", "holds no sample", None, "ask the sampler for at least one")
    if not width:
        raise _Wrong("num_variables", "holds no variable", None, "sample the exported problem")
    values = _values(found, height, width, kind)
    _agree(values, kind, labels)
    vectors = found.get("vectors")
    if not isinstance(vectors, dict):
        raise _Wrong("vectors", "is no object of numbers by sample")
    energies = _vector(vectors, "energy", height)
    counts = _vector(vectors, "num_occurrences", height)
    if counts is not None and ((counts < 1) | (counts != np.round(counts))).any():
        raise _Wrong("num_occurrences", "is no whole number of at least 1",
                     float(counts[(counts < 1) | (counts != np.round(counts))][0]))  # fmt: skip
    info = found.get("info", {})
    return Samples(path, tuple(labels), values, energies, np.ones(height) if counts is None
                   else counts, kind, info if isinstance(info, dict) else {}, digest)  # fmt: skip


def _size(found: Mapping[str, Any], name: str) -> int:
    value = found.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _Wrong(name, "is no number of things", value)
    return value


def _values(found: Mapping[str, Any], height: int, width: int, kind: str) -> Floats:
    """The samples, unpacked where a bit each was kept."""
    packed = found.get("sample_packed", True)
    if not packed:
        return _array(found.get("sample_data"), (height, width), "sample_data")
    if kind not in ("BINARY", "SPIN"):
        raise _Wrong("sample_packed", f"keeps one bit of each variable, which {kind} needs more of",
                     None)  # fmt: skip
    words = -(-width // 32)
    bits = _array(found.get("sample_data"), (height, words), "sample_data")
    if ((bits < 0) | (bits > 2**32 - 1) | (bits != np.round(bits))).any():
        raise _Wrong("sample_data", "is no list of packed bits")
    # dimod packs 32 variables into a word, the first into its lowest bit.
    spread = (bits.astype(np.uint64)[:, :, None] >> np.arange(32, dtype=np.uint64)) & np.uint64(1)
    values = spread.reshape(height, 32 * words)[:, :width].astype(float)
    return 2.0 * values - 1.0 if kind == "SPIN" else values


def _array(stored: Any, shape: tuple[int, ...], name: str) -> Floats:
    """A stored array of exactly this shape, all of it finite numbers."""
    if not isinstance(stored, dict) or stored.get("type") != "array":
        raise _Wrong(name, "is no stored array")
    if stored.get("use_bytes"):
        raise _Wrong(name, "is stored as bytes, which JSON cannot hold")
    if stored.get("data_type") not in NUMBERS:
        raise _Wrong(name, "is no array of numbers", stored.get("data_type"))
    told = " × ".join(f"{size:,}" for size in shape)
    if stored.get("shape") != list(shape):
        raise _Wrong(name, f"has another shape than {told}", stored.get("shape"))
    try:
        array = np.asarray(stored.get("data"))
    except ValueError:
        raise _Wrong(name, "has rows of different length") from None
    if array.dtype.kind not in "biuf":
        raise _Wrong(name, "holds what is no number", _first_odd(stored.get("data")))
    if array.shape != shape:
        raise _Wrong(name, f"has another shape than {told}", list(array.shape))
    values = array.astype(float)
    if not np.isfinite(values).all():
        raise _Wrong(name, "holds a number that is not finite",
                     str(values[~np.isfinite(values)].flat[0]))  # fmt: skip
    return values


def _first_odd(data: Any) -> object:
    while isinstance(data, list) and data:
        odd = [part for part in data if isinstance(part, bool) or not isinstance(part, int | float)]
        if not odd:
            return None
        data = odd[0]
    return data


def _agree(values: Floats, kind: str, labels: list[str | int]) -> None:
    """Values must be of the kind that the file says."""
    allowed = {"BINARY": (0.0, 1.0), "SPIN": (-1.0, 1.0)}.get(kind)
    if allowed is None:
        return
    wrong = ~np.isin(values, allowed)
    if wrong.any():
        row, column = (int(at[0]) for at in np.nonzero(wrong))
        raise _Wrong(
            f"sample {row}, {labels[column]}", f"is no value of a {kind} variable",
            float(values[row, column]), "state the kind that the values are of",
        )  # fmt: skip


def _vector(vectors: Mapping[str, Any], name: str, height: int) -> Floats | None:
    return _array(vectors[name], (height,), name) if name in vectors else None
