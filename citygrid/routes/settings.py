"""What users set by ``--set NAME=VALUE``, read the same way by every route."""

from __future__ import annotations

from citygrid.errors import Fault


def whole_number(text: object, most: int, least: int = 1) -> int | None:
    """A whole number from ``least`` to ``most`` as people write it; ``None`` for all else."""
    digits = str(text)
    if not (digits.isascii() and digits.isdigit()):  # other alphabets have digits, too
        return None
    digits = digits.lstrip("0") or "0"
    if len(digits) > len(str(most)):  # of thousands of digits Python makes no number
        return None
    number = int(digits)
    return number if least <= number <= most else None


def no_whole(name: str, text: object, most: int) -> Fault:
    """The fault of a setting that :func:`whole_number` does not read."""
    return Fault(f"--set {name}", "expected a whole number of at least 1", text,
                 f"write one of at most {most:,}")  # fmt: skip
