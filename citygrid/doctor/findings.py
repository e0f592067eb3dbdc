"""What a look or a trial has found: fine or not, in one line, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from citygrid.errors import CitygridError, InputError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    ``exit_code`` is 0 where it is fine, and else what a command returns that meets it; ``seconds``
    are those of a trial.
    """

    name: str
    said: str
    exit_code: int = 0
    seconds: float | None = None

    @property
    def ok(self) -> bool:
        """Whether it is fine."""
        return self.exit_code == 0

    def as_dict(self) -> dict[str, Any]:
        """The finding as one document."""
        return {**asdict(self), "ok": self.ok}

    @classmethod
    def of(cls, name: str, error: Exception, seconds: float | None = None) -> Finding:
        """What stopped a trial, as the command line would tell it."""
        code = error.exit_code if isinstance(error, CitygridError) else InputError.exit_code
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        return cls(name, said, code, seconds)
