"""Whether every place that draws a carrier is fed with it, if need be through lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from citygrid.components.contract import Port
from citygrid.district.strict_yaml import Tree
from citygrid.errors import Fault


def unsupplied(
    ports_of: Mapping[str, Sequence[Port]], lines: frozenset[str], tree: Tree
) -> list[Fault]:
    """Who draws a carrier where nothing feeds it.

    ports_of
        Name → ports of every component.
    lines
        Names of those that carry from one node to another: what they draw of a carrier at one
        they feed at the other.
    """
    supplied: set[tuple[str, str]] = set()
    pairs: list[tuple[tuple[str, str], tuple[str, str]]] = []
    for name, ports in ports_of.items():
        if name in lines:
            # What a line draws and does not hand on, such as a pump's power, is a demand.
            fed = {port.carrier for port in ports if port.direction == "feed"}
            senders = [p for p in ports if p.direction == "draw" and p.carrier in fed]
            receivers = [p for p in ports if p.direction == "feed"]
            pairs += [((s.carrier, s.place), (r.carrier, r.place))
                      for s, r in zip(senders, receivers, strict=True)]  # fmt: skip
        else:
            supplied |= {(p.carrier, p.place) for p in ports if p.direction == "feed"}
    grown = True
    while grown:
        reached = {receiver for sender, receiver in pairs if sender in supplied} - supplied
        supplied |= reached
        grown = bool(reached)
    faults = []
    for name, ports in ports_of.items():
        for port in ports:
            if port.direction == "draw" and (port.carrier, port.place) not in supplied:
                carrier = port.carrier.replace("_", " ")
                repair = f"add a component that feeds {carrier} at {port.place}, or a line to it"
                faults.append(Fault(tree.place(("components", name)),
                                    f"draws {carrier} where nothing supplies it",
                                    port.place, repair))  # fmt: skip
    return faults
