"""Where a fault stands, and what the file says there, in words that a terminal can show."""

from __future__ import annotations


def tell_place(name: str, line: int | None, path: tuple[str | int, ...]) -> str:
    """A line, where it is known, and the path: ``"models/x.yaml:12: components › pump › heat"``."""
    parts = (f"item {part + 1}" if isinstance(part, int) else show(part, 60) for part in path)
    where = name if line is None else f"{name}:{line}"
    return where + (": " + " › ".join(parts) if path else "")


def tell_position(text: str, start: int, name: str) -> str:
    """Line and column of the character at ``start``: ``"models/x.yaml:12:3"``."""
    line_start = text.rfind("\n", 0, start) + 1
    return f"{name}:{text.count(chr(10), 0, start) + 1}:{start - line_start + 1}"


def show_line(text: str, start: int) -> str:
    """The line of the text around a position, for showing."""
    end = text.find("\n", start)
    return show(text[text.rfind("\n", 0, start) + 1 : end if end >= 0 else len(text)])


def show(text: str, width: int = 100) -> str:
    """A text as it may be shown on a terminal: short, and control characters escaped."""
    text = text.strip()[: width + 1]
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe if len(safe) <= width else safe[: width - 1] + "…"
