"""How large a random district is."""

from __future__ import annotations

from dataclasses import dataclass

from citygrid.errors import Fault, InputError

#: Least and most spare hours between a job's duration and its window.
SLACK = (3, 14)
#: Longest job [h].
LONGEST = 6


@dataclass(frozen=True)
class Size:
    """Hours of the horizon, number of data centres and of jobs."""

    hours: int
    sites: int
    jobs: int

    def __str__(self) -> str:
        parts = ((self.sites, "site"), (self.jobs, "job"))
        return f"{self.hours} h, " + ", ".join(f"{n} {name}{'s' * (n != 1)}" for n, name in parts)

    def check(self) -> None:
        """Raise :class:`InputError` for a district that cannot be: all faults at once."""
        most = {"hours": 8784, "sites": 1000, "jobs": 100_000}
        least = {"hours": 1 + SLACK[0], "sites": 1, "jobs": 1}
        why = {"hours": "so that a job of an hour has its slack"}
        faults = [
            Fault(f"--{name}", "too small", getattr(self, name),
                  f"give at least {limit} {why.get(name, '')}".rstrip())
            for name, limit in least.items() if getattr(self, name) < limit
        ]  # fmt: skip
        faults += [
            Fault(f"--{name}", "too large for a district", getattr(self, name),
                  f"give at most {limit:,}")
            for name, limit in most.items() if getattr(self, name) > limit
        ]  # fmt: skip
        if faults:
            raise InputError(faults)


#: Sizes that benchmarks name.
CLASSES = {
    "S": Size(24, 4, 40),
    "M": Size(48, 20, 600),
    "L": Size(168, 20, 1500),
    "XL": Size(48, 40, 1500),
}


def size_of(name: str | None, hours: int | None, sites: int | None, jobs: int | None) -> Size:
    """The size of a class, in which single numbers may be replaced; without one, of all three.

    Raises :class:`InputError` for an unknown class or a number that is missing.
    """
    given = {"hours": hours, "sites": sites, "jobs": jobs}
    if name is not None and name not in CLASSES:
        raise InputError(Fault("--class", "no such size", name, f"use one of {', '.join(CLASSES)}"))
    if name is not None:
        given = {key: getattr(CLASSES[name], key) if v is None else v for key, v in given.items()}
    missing = [f"--{key}" for key, value in given.items() if value is None]
    if missing:
        raise InputError(Fault(
            "synth", f"{' and '.join(missing)} missing", None,
            "give all three of --hours, --sites and --jobs, or a --class",
        ))  # fmt: skip
    return Size(**{key: int(value) for key, value in given.items() if value is not None})
