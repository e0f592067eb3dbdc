"""What a user may set of the route ``qubo``, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from citygrid.errors import Fault, InputError
from citygrid.model.encoding import BITS, ENCODINGS
from citygrid.model.qubo import SLACKS
from citygrid.routes import samplers
from citygrid.routes.contract import Options
from citygrid.routes.settings import no_whole, whole_number

#: Largest numbers that make sense: of reads and sweeps, of bits per column.
MOST, MOST_BITS = 1_000_000, 12
#: Bits of one problem, unless a user says otherwise: dense couplings take about 100 B each.
VARIABLES = 4000
#: Steps as a number, or a length of time in hours.
_WINDOW = re.compile(r"(?P<size>\d+)\s*(?P<unit>h?)")


@dataclass(frozen=True)
class Settings:
    """How the form is written in bits and how much is searched.

    ``bits`` per continuous column; ``encoding`` and ``slack`` as in
    :func:`citygrid.model.qubo.qubo`; ``reads`` and ``sweeps`` per round; ``rounds`` of penalties;
    ``plans`` completed per round at most; ``variables`` that one problem may have; ``window`` as
    its size and whether that is in hours (else in steps), ``None`` for the whole horizon at once.
    """

    bits: int = BITS
    encoding: str = "binary"
    slack: str = "slack"
    reads: int = 256
    sweeps: int = 2000
    rounds: int = 5
    plans: int = 100
    variables: int = VARIABLES
    window: tuple[int, bool] | None = None


_WORDS = {"encoding": ENCODINGS, "slack": SLACKS}
_LIMITS = {"bits": MOST_BITS, "reads": MOST, "sweeps": MOST, "rounds": 5, "plans": MOST,
           "variables": MOST}  # fmt: skip


def check(options: Options) -> Settings:
    """The settings that the options ask for. Raises :class:`InputError` for any that is none."""
    chosen: dict[str, Any] = {}
    faults = []
    for name, text in options.extras.items():
        if name.startswith(samplers.PREFIX):
            continue
        place = f"--set {name}"
        if name in _WORDS:
            if text in _WORDS[name]:
                chosen[name] = text
            else:
                faults.append(Fault(place, "is none of its words", text,
                                    f"choose one of {', '.join(_WORDS[name])}"))  # fmt: skip
        elif name in _LIMITS:
            number = whole_number(text, _LIMITS[name])
            if number is None:
                faults.append(no_whole(name, text, _LIMITS[name]))
            else:
                chosen[name] = number
        elif name == "window":
            found = _WINDOW.fullmatch(text.strip())
            size = whole_number(found["size"], MOST) if found else None
            if found and size is not None:
                chosen[name] = size, found["unit"] == "h"
            else:
                faults.append(Fault(place, "expected a number of steps or of hours", text,
                                    "write window=6 or window='6 h'"))  # fmt: skip
        else:
            known = ", ".join([*_WORDS, *_LIMITS, "window"])
            faults.append(Fault(place, "qubo has no such option", text, f"choose one of {known}"))
    try:
        samplers.chain(options.sampler, options.extras)
    except InputError as refused:
        faults += refused.faults
    if faults:
        raise InputError(faults)
    return Settings(**chosen)
