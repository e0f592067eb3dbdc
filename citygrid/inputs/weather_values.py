"""Quantities of the weather by name, the dear ones of which wait until somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from citygrid.arrays import Floats


class Values(Mapping[str, Floats]):
    """Quantities by name, some of which are worked out together when the first of them is read.

    Where the sun stands takes longer than all else of a district's weather, and a district without
    roofs and collectors never asks.
    """

    def __init__(
        self, known: Mapping[str, Floats], later: tuple[str, ...] = (),
        work_out: Callable[[], Mapping[str, Floats]] = dict,
    ) -> None:  # fmt: skip
        self._known, self._later, self._work_out = dict(known), later, work_out

    def __getitem__(self, name: str) -> Floats:
        if name in self._later:
            self._known |= {each: values for each, values in self._work_out().items()
                            if each in self._later}  # fmt: skip
            self._later = ()
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._later  # without working anything out

    def __iter__(self) -> Iterator[str]:
        return iter((*self._known, *self._later))

    def __len__(self) -> int:
        return len(self._known) + len(self._later)

    def mapped(self, change: Callable[[Floats], Floats]) -> Values:
        """The same quantities, each changed; what is not worked out yet stays for later."""
        known = {name: change(values) for name, values in self._known.items()}
        later = self._later
        return Values(known, later, lambda: {name: change(self[name]) for name in later})
