"""What ``--sampler`` and ``--set sampler.…`` say together: a chain of samplers and their options.

``--sampler hardware.module:Class,neal`` asks the first and, where it fails for good, the next.
``--set sampler.num_sweeps=400`` goes to every sampler of the chain that has such a parameter;
``sampler.patience`` [s] and ``sampler.retries`` say how long and how often each of them is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from citygrid.errors import Fault, InputError
from citygrid.routes.samplers import adapters

#: Before the name of an option of the samplers among the options of a route.
PREFIX = "sampler."
#: What is asked of the caller rather than of the sampler.
OWN_WORDS = ("patience", "retries")
#: Parameters of samplers that end them.
LIMITS = ("timeout", "time_limit")
#: Largest number of retries that makes sense.
MOST = 100


@dataclass(frozen=True)
class Patience:
    """How long and how often one sampler is asked before the next one is.

    ``timeout`` [s] per attempt, none when ``None``; ``retries`` beyond the first attempt;
    ``pause`` [s] before the first of them, which doubles up to ``longest``. A sampler that says
    when to come back is obeyed up to ``longest``.
    """

    timeout: float | None = None
    retries: int = 2
    pause: float = 0.25
    longest: float = 8.0


@dataclass(frozen=True)
class Chain:
    """Samplers in the order in which they are asked, with names and what the user set for them."""

    names: tuple[str, ...]
    samplers: tuple[Any, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    patience: Patience = Patience()

    @classmethod
    def of(cls, *samplers: Any, patience: Patience | None = None) -> Chain:
        """A chain of samplers that exist already."""
        made = tuple(type(sampler).__name__ for sampler in samplers)
        return cls(made, samplers, {}, patience or Patience())

    @property
    def name(self) -> str:
        return ",".join(self.names)


def chain(name: str, extras: Mapping[str, str] | None = None) -> Chain:
    """The samplers of ``first,second,…`` with the options among ``extras`` that begin ``sampler.``.

    Raises :class:`InputError` with all that is wrong.
    """
    faults: list[Fault] = []
    parts = [part.strip() for part in name.split(",")]
    samplers = []
    for part in parts:
        try:
            samplers.append(adapters.get(part))
        except InputError as error:
            faults += error.faults
    patience, settings = Patience(), {}
    known = {key for sampler in samplers for key in adapters.parameters(sampler)}
    # Where a sampler is missing nobody knows what it would have taken.
    judge = not faults
    for key, text in (extras or {}).items():
        if not key.startswith(PREFIX):
            continue
        word = key.removeprefix(PREFIX)
        try:
            if word in OWN_WORDS:
                patience = _with(patience, word, text)
            elif word in known:
                settings[word] = _value(word, text)
            elif judge:
                choice = ", ".join([*sorted(known), *OWN_WORDS])
                faults.append(Fault(f"--set {key}", f"{name} has no such parameter", text,
                                    f"choose one of {choice}"))  # fmt: skip
        except ValueError as error:
            faults.append(Fault.of(error, f"--set {key}", text))
    if faults:
        raise InputError(faults)
    return Chain(tuple(parts), tuple(samplers), settings, patience)


def _value(word: str, text: str) -> Any:
    """What the sampler is given. Without an end it would never come back."""
    value = parsed(text)
    if word in LIMITS and isinstance(value, (int, float)) and not 0.0 < value < float("inf"):
        raise ValueError("would never end; write a number of more than 0")
    return value


def _with(patience: Patience, word: str, text: str) -> Patience:
    value = parsed(text)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if word == "retries":
        if not whole or not 0 <= value <= MOST:
            raise ValueError(f"expected a whole number; write one of 0 to {MOST}")
        return replace(patience, retries=value)
    if not (whole or isinstance(value, float)) or not 0.0 < value < float("inf"):
        raise ValueError("expected seconds; write a number of more than 0")
    return replace(patience, timeout=float(value))


def parsed(text: str) -> Any:
    """A value as written: a whole number, a number, ``true``, ``false``, a list of these, text."""
    stripped = text.strip()
    for kind in (int, float):
        try:
            return kind(stripped)
        except ValueError:
            continue
    if stripped.lower() in ("true", "false"):
        return stripped.lower() == "true"
    if stripped.startswith("[") and stripped.endswith("]"):
        return [parsed(part) for part in stripped[1:-1].split(",") if part.strip()]
    return stripped
