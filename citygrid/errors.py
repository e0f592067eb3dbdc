"""The one error family: every fault names the thing, the value and the repair.

A :class:`Fault` is one thing that is wrong; a :class:`CitygridError` carries all faults that were
found at once, so that a user repairs a district in one round. The class decides the exit code of
the command line, and nothing else does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, in words for the person who can repair it.

    place
        Where: ``file:line``, a path inside the file (``components › pump east › heat``), or both.
    reason
        What is wrong, in one sentence without the value.
    value
        The offending value as the user wrote it; ``None`` when there is none.
    repair
        What to do about it.
    """

    place: str
    reason: str
    value: object = None
    repair: str = ""

    @classmethod
    def of(cls, error: ValueError, place: str, value: object = None) -> Fault:
        """A ``ValueError`` whose text is ``reason; repair``, at its place."""
        reason, _, repair = str(error).partition("; ")
        return cls(place, reason, value, repair)

    def __hash__(self) -> int:
        """Equal faults are one, also where the value is a list."""
        return hash((self.place, self.reason, self.repair))

    def within(self, place: str) -> Fault:
        """The same fault as told from further out, such as from who asked for a file."""
        return replace(self, place=f"{place}: {self.place}")

    def __str__(self) -> str:
        shown = "" if self.value is None else f" (got {_short(self.value)})"
        repair = f"; {self.repair}" if self.repair else ""
        return plain(f"{self.place}: {self.reason}{shown}{repair}")


#: What a terminal would obey, or cannot show: controls, half pairs, and what turns the direction.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """A text as it may be shown on a terminal: what this would obey is written as an escape."""
    return _UNSHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _short(value: object, width: int = 80) -> str:
    plain = isinstance(value, str) and value.isprintable()
    text = f'"{value}"' if plain else repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"


#: Most names that one message lists.
LISTED = 30


def near(name: object, known: Iterable[str]) -> str:
    """``did you mean "heat_pump" or "heat_pipe"?``, or nothing where no known name is like it."""
    from difflib import get_close_matches

    found = get_close_matches(str(name), list(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(map(_short, found))}?" if found else ""


def choice(name: object, known: Iterable[str]) -> str:
    """The repair for a name that is not known: near names, then what there is, up to a length.

    Empty where nothing is known.
    """
    names = list(known)
    some = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
    parts = (near(name, names), f"use one of {some}" if some else "")
    return " ".join(part for part in parts if part)


def unknown(what: str, name: object, known: Iterable[str], where: str = "this plan") -> Fault:
    """The fault of a name (``what`` it is to be) that stands for nothing in a plan."""
    return Fault(what, f"is not in {where}", name, choice(name, known))


class CitygridError(Exception):
    """Anything citygrid refuses or cannot do; ``exit_code`` is what the command line returns."""

    exit_code = 2
    details: dict[str, object] = {}  # noqa: RUF012  (set per instance where there are any)

    def __init__(self, faults: Fault | Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class InputError(CitygridError):
    """A district, series, option or plan file is wrong (exit 2)."""


class InfeasibleError(CitygridError):
    """No plan can meet every balance and limit; the faults say where it lacks how much (exit 3).

    ``details`` says the same for programs: shortages by carrier, place and step, how far they are
    proved, and the limits in conflict.
    """

    exit_code = 3


class NoPlanError(CitygridError):
    """No plan was found within the limits, or the solver failed (exit 4).

    ``status``, ``bound`` and ``telemetry`` are what the route could still say.
    """

    exit_code = 4
    status: str = "error"
    bound: float | None = None
    telemetry: dict[str, object] = {}  # noqa: RUF012  (set per instance where there is any)


class VerificationError(CitygridError):
    """A plan breaks the physics or the accounts (exit 5)."""

    exit_code = 5


class FormulationError(CitygridError):
    """A component's mathematics is inconsistent: units, labels or names do not fit.

    This is a mistake in a component file and not in a district, so it is raised while the form
    is built and never shown for a district that only ships well-tested kinds.
    """
