"""The binary model of a form as it is exported, and made anew when an answer comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from citygrid.errors import CitygridError, Fault, InputError
from citygrid.model.encoding import BITS, ENCODINGS
from citygrid.model.form import Form
from citygrid.model.qubo import SLACKS, Qubo, in_bits, penalise
from citygrid.routes.settings import no_whole, whole_number

#: Couplings up to which a binary model is written: about 100 bytes each for whoever reads them.
MOST_COUPLINGS = 20_000_000
#: Bits per continuous column that may be asked for.
MOST_BITS = 12
_SMALLER = (
    "shorten the horizon or write fewer --set bits, or leave bqm and coo out: cqm, lp, mps and npz "
    "take a form of any size"
)


def encoded(form: Form, settings: Mapping[str, Any]) -> Qubo:
    """The binary model of a form.

    settings
        ``encoding`` (binary, onehot, domainwall), ``bits`` of a continuous column, and ``slack``
        (slack, unbalanced), as text.

    Raises :class:`InputError` for an option that does not exist and for a form that no bits can
    hold or that is too large.
    """
    chosen = check(settings)
    try:
        found = in_bits(form, **chosen)
    except CitygridError as refused:
        raise InputError([
            Fault(f"the binary model, {fault.place}", fault.reason, fault.value,
                  f"{fault.repair}, or leave bqm and coo out".removeprefix(", or "))
            for fault in refused.faults
        ]) from refused  # fmt: skip
    matrix = found.reduction.form.matrix
    entries = np.diff(matrix.indptr).astype(np.int64)
    # Every row couples all its bits with each other; rows that share pairs are counted twice.
    couplings = int((entries * (entries - 1) // 2).sum())
    if couplings > MOST_COUPLINGS:
        raise InputError(Fault(
            "the binary model", f"would have {len(found.groups):,} bits and up to {couplings:,} "
            f"couplings, more than {MOST_COUPLINGS:,}", None, _SMALLER,
        ))  # fmt: skip
    return penalise(found)


def check(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the binary model. Raises :class:`InputError` for those that are none."""
    chosen: dict[str, Any] = {"encoding": "binary", "bits": BITS, "slack": "slack"}
    words = {"encoding": ENCODINGS, "slack": SLACKS}
    faults = []
    for name, value in settings.items():
        if name in words and value in words[name]:
            chosen[name] = value
        elif name == "bits" and (number := whole_number(value, MOST_BITS)) is not None:
            chosen[name] = number
        elif name in words:
            faults.append(Fault(f"--set {name}", "the binary model has no such word", value,
                                f"choose one of {', '.join(words[name])}"))  # fmt: skip
        elif name == "bits":
            faults.append(no_whole(name, value, MOST_BITS))
        else:
            faults.append(Fault(f"--set {name}", "the binary model has no such option", value,
                                f"choose one of {', '.join(chosen)}"))  # fmt: skip
    if faults:
        raise InputError(faults)
    return chosen
