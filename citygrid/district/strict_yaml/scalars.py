"""What a scalar without quotes means, and what is refused because readers differ about it.

Source: YAML 1.2.2, chapter 10.3 (core schema); YAML 1.1 types; RFC 8259, chapter 6 (numbers).
"""

from __future__ import annotations

import math
import re
import unicodedata

MAX_DIGITS = 400

_JSON_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
_JSON_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?\.?(?:nan|inf|infinity)", re.IGNORECASE)
_TRUTH_1_1 = frozenset(("yes", "no", "on", "off", "y", "n"))

#: Spellings that YAML readers take for different numbers, or some for a number and some for text.
_DOUBTFUL = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, repair)
    for pattern, reason, repair in (
        (r"[+-]?[0-9][0-9_]*(?::[0-9]+)+(?:\.[0-9_]*)?",
         "a number with colons is a number to the base 60 to YAML 1.1 and a text to YAML 1.2",
         "write a duration as '90 min'"),
        (r"[+-]?0x[0-9a-f_]+|[+-]?0b[01_]+|[+-]?0o[0-7_]+",
         "hexadecimal, octal and binary numbers are not read",
         "write the number in decimal"),
        (r"[+-]?(?=[0-9._]*_)(?=[._]*[0-9])[0-9.][0-9_]*(?:\.[0-9_]*)?(?:e[+-]?[0-9_]*)?",
         "a number with underscores is a number to YAML 1.1 and a text to YAML 1.2",
         "write the digits without underscores"),
        (r"[+-]?0[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?",
         "a number with a leading zero is octal to YAML 1.1 and decimal to YAML 1.2",
         "write the number without the leading zero"),
        (r"[+-]?(?:\.[0-9]+|[0-9]+\.)(?:e[+-]?[0-9]+)?",
         "a number needs digits on both sides of its decimal point",
         "write it like 0.5 or 5.0"),
    )
)  # fmt: skip

_LONG_NUMBER = re.compile(r"[+-]?\.?[0-9][0-9a-fox_.:+-]*", re.IGNORECASE)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SIGNS = str.maketrans("\u2212\u2013\ufe63\uff0d\uff0b\uff0e\uff1a\u066b", "----+.:.")


class DoubtError(Exception):
    """A plain scalar that is refused: the reason, and what to write instead."""

    def __init__(self, reason: str, repair: str) -> None:
        super().__init__(reason)
        self.reason, self.repair = reason, repair


def interpret(text: str) -> str | int | float | bool | None:
    """What a scalar without quotes means; raises :class:`DoubtError` where readers differ."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    lower = text.lower() if len(text) < 10 else ""
    if lower in ("true", "false", "null"):
        raise DoubtError("true, false and null are written in lower case", f"write {lower}")
    if lower in _TRUTH_1_1:
        truth = "true" if lower in ("yes", "on", "y") else "false"
        raise DoubtError(
            "yes, no, on, off, y and n are truth values to YAML 1.1 and texts to YAML 1.2",
            f"write {truth}",
        )
    if len(text) > MAX_DIGITS:
        if _LONG_NUMBER.fullmatch(text):
            raise DoubtError(f"a number has more than {MAX_DIGITS} digits", "write fewer digits")
        return text
    if _JSON_NUMBER.fullmatch(text):
        return _number(text)
    if _NOT_FINITE.fullmatch(text):
        raise DoubtError("the number is not finite", "write a finite number")
    if text[0] in "+-.0123456789":
        for pattern, reason, repair in _DOUBTFUL:
            if pattern.fullmatch(text):
                raise DoubtError(reason, repair)
    if not text.isascii():
        digits = _NOT_ASCII.sub(_ascii_digit, text.translate(_SIGNS))
        shapes = (_JSON_NUMBER, *(shape for shape, _, _ in _DOUBTFUL))
        if digits != text and any(shape.fullmatch(digits) for shape in shapes):
            raise DoubtError(
                "a number is written with characters outside ASCII",
                f"write {digits} with the digits 0 to 9 and the signs + - .",
            )
    return text


def _ascii_digit(match: re.Match[str]) -> str:
    return str(unicodedata.decimal(match[0], match[0]))


def _number(text: str) -> int | float:
    """A number in JSON's spelling; refuses what a float cannot hold."""
    value = float(text)
    if math.isinf(value):
        raise DoubtError("the number is too large", "write a number below 1e308")
    if value == 0.0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise DoubtError("the number is too small and would become 0", "write 0")
    return int(text) if _JSON_INTEGER.fullmatch(text) else value
