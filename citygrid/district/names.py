"""Names that users list in one line: ``boiler, heat pump``, or ``boiler + grid, pipe 1 + pipe 2``.

As in a CSV file, a name in double quotes may hold any sign (``"boiler, old", pump``), and two of
them inside stand for one. Names are the user's, of components or of files, so nothing is forbidden.
"""

from __future__ import annotations

from citygrid.errors import Fault, InputError


def names_in(text: str, place: str) -> list[str]:
    """Names with commas between them; ``place`` is the option that they are given to.

    Raises :class:`InputError` for quotes that do not close.
    """
    return [name for (name,) in groups_in(text, place, ",") if name]


def groups_in(text: str, place: str, signs: str = ",+") -> list[list[str]]:
    """Groups with the first sign between them, and the names of each between all other signs.

    ``a+b,c`` is ``[["a", "b"], ["c"]]``. Raises :class:`InputError` for quotes that do not close.
    """
    groups: list[list[str]] = [[]]
    rest: str | None = text
    while rest is not None:
        name, sign, rest = _first(rest, place, text, signs)
        groups[-1].append(name)
        if sign == signs[0]:
            groups.append([])
    return groups


def quoted(name: str, signs: str = ",+") -> str:
    """A name as it is written in a list."""
    odd = name.startswith('"') or name != name.strip() or any(sign in name for sign in signs)
    return '"' + name.replace('"', '""') + '"' if odd else name


def _first(rest: str, place: str, text: str, signs: str) -> tuple[str, str, str | None]:
    """The first name of a list, the sign behind it, and what follows; ``None`` at its end."""
    start = rest.lstrip()
    if not start.startswith('"'):
        end = min((at for sign in signs if (at := rest.find(sign)) >= 0), default=len(rest))
        return rest[:end].strip(), rest[end : end + 1], rest[end + 1 :] if rest[end:] else None
    name, at = "", 1
    while (end := start.find('"', at)) >= 0:
        name += start[at:end]
        if not start.startswith('""', end):
            break
        name, at = name + '"', end + 2
    after = start[end + 1 :].lstrip()
    if end < 0 or (after and after[0] not in signs):
        raise InputError(Fault(
            place, "has a name in quotes that does not end before a sign or the end", text,
            'write such as "boiler, old",pump, a quote inside quotes twice',
        ))  # fmt: skip
    return name, after[:1], after[1:] if after else None
