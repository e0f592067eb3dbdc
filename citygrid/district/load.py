"""Read a district file: strict YAML, checked specs, every fault at once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from citygrid.cards import card, counted, line
from citygrid.components.contract import Component, Port, kinds
from citygrid.components.fields import Text, marks
from citygrid.district.sound import Path_, field_of, known_ports, sound_part
from citygrid.district.spec import DistrictSpec
from citygrid.district.strict_yaml import Tree, read
from citygrid.district.supply import unsupplied
from citygrid.errors import Fault, InputError, choice

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True)
class District:
    """A district as its file says it, checked: units converted, names resolved.

    ``components`` are the specs by name in the file's order; ``place`` names the line of a path
    inside the file, for messages.
    """

    path: Path
    spec: DistrictSpec
    components: Mapping[str, Component]
    kind_of: Mapping[str, str]
    tree: Tree
    hash: str
    #: Paths of sections left out for their faults, which nobody else is to be blamed for.
    unsound: frozenset[Path_] = frozenset()

    @property
    def name(self) -> str:
        return self.spec.name

    def __repr__(self) -> str:
        says = self.says
        return line("District", self.name, [says["file"], says["components"], says["horizon"]])

    def _repr_html_(self) -> str:
        return card("District", self.name, self.says)

    @property
    def says(self) -> dict[str, str | None]:
        """What it is in a few facts, for whoever looks at it."""
        asked = self.spec.horizon
        kinds = Counter(self.kind_of.values())
        return {
            "file": self.path.name,
            "horizon": f"{asked.length} from {asked.start}, by {asked.step}",
            "components": f"{counted(len(self.components), 'component')} of "
                          f"{counted(len(kinds), 'kind')}",
            "kinds": ", ".join(f"{number} {kind}" for kind, number in kinds.items()),
            "nodes": f"{len(self.spec.nodes):,}", "coordinate system": self.spec.crs,
            "hash": self.hash[:12],
        }  # fmt: skip

    @property
    def folder(self) -> Path:
        return self.path.parent

    def place(self, *path: str | int) -> str:
        return self.tree.place(path)

    def ports(self) -> list[tuple[str, Port]]:
        """Every port of every component, with the component's name."""
        return [(name, port) for name, component in self.components.items()
                for port in component.ports(name)]  # fmt: skip


def load(path: str | Path) -> District:
    """Read and check a district file.

    Raises :class:`InputError` with every fault found: file, line, path, value and repair. Where
    there is one, what can be checked without the faulty parts is prepared, too, so that the faults
    of series, weather and jobs are told in the same breath.
    """
    path = Path(path)
    return checked(path, read(path), hashlib.sha256(path.read_bytes()).hexdigest())


def checked(
    path: Path, tree: Tree, digest: str, known: District | None = None, further: bool = True
) -> District:
    """Check what a district file says, or would say: ``tree`` need not be what stands in it.

    ``path`` is the file whose folder series are relative to, ``digest`` what tells this text from
    others. Components whose entry is the very object that it is in ``known``, such as those that a
    scenario leaves alone, are taken from there.

    Raises :class:`InputError` like :func:`load`; without ``further`` it looks into no other file.
    """
    faults: list[Fault] = []
    spec = validated(DistrictSpec, tree.value, (), tree, faults)
    stated = tree.value.get("components")
    entries = stated if isinstance(stated, dict) else {}
    components: dict[str, Component] = {}
    before = {} if known is None else known.tree.value["components"]
    for name, entry in entries.items():
        component = (
            known.components[name]
            if known is not None and before.get(name) is entry
            else _component(name, entry, tree, faults)
        )
        if component is not None:
            components[name] = component
    if isinstance(stated, dict) and not entries:
        faults.append(Fault(tree.place(("components",)), "has no component", None,
                            "add at least a demand and its supply"))  # fmt: skip
    # Names are checked even if the frame has a fault, as long as the nodes can be read.
    nodes = tree.value.get("nodes")
    misnamed = _names(components, nodes, entries, tree) if isinstance(nodes, dict) else []
    faults += [fault for _, fault in misnamed]
    ports_of = known_ports(entries, components)
    if ports_of is not None and not misnamed:
        lines = frozenset(name for name, each in components.items() if each.line() is not None)
        faults += unsupplied(ports_of, lines, tree)
    blamed = {name for name, _ in misnamed} | (set(entries) - set(components))
    sound = {name: each for name, each in components.items() if name not in blamed}
    kind_of = {name: entries[name]["kind"] for name in sound}
    if faults and not further:
        raise InputError(dict.fromkeys(faults))
    if spec is not None:
        district = District(path, spec, sound, kind_of, tree, digest)
        if not faults:
            return district
    else:
        rest, unsound = sound_part(tree.value)
        if rest is None:
            raise InputError(faults)
        district = District(path, rest, sound, kind_of, tree, digest, unsound)
    unsound = district.unsound | {("components", name) for name in blamed}
    raise InputError(dict.fromkeys([*faults, *_further(replace(district, unsound=unsound))]))


def _further(district: District) -> list[Fault]:
    """Faults of what the sound part of a district refers to: series, weather, jobs, drawings."""
    from citygrid.district.prepare import prepare

    try:
        prepare(district)
    except InputError as error:
        return list(error.faults)
    return []


def _component(name: str, entry: Any, tree: Tree, faults: list[Fault]) -> Component | None:
    place = ("components", name)
    if not name.strip():
        faults.append(Fault(tree.place(place), "has no name", None, "give the component a name"))
        return None
    if not isinstance(entry, dict):
        faults.append(Fault(tree.place(place), "is not a component", entry,
                            "write {kind: …, node: …, …}"))  # fmt: skip
        return None
    known = kinds()
    kind = entry.get("kind")
    if kind is None:
        faults.append(Fault(tree.place(place), "has no kind", None,
                            f"add `kind:` with one of {', '.join(known)}"))  # fmt: skip
        return None
    if not isinstance(kind, str) or kind not in known:
        faults.append(Fault(tree.place((*place, "kind")), "unknown kind", kind,
                            choice(kind, known)))  # fmt: skip
        return None
    fields = {key: value for key, value in entry.items() if key != "kind"}
    return validated(known[kind].spec, fields, place, tree, faults)


def validated(
    model: type[S], value: Any, prefix: Path_, tree: Tree, faults: list[Fault]
) -> S | None:
    """A section of a file by its spec; what is wrong goes to ``faults`` in the user's words.

    ``prefix`` is where in the tree the section stands.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            faults.append(_fault(model, detail, prefix, tree))
        return None


def _fault(model: type[BaseModel], detail: Any, prefix: Path_, tree: Tree) -> Fault:
    """A pydantic error in the user's words."""
    location: Path_ = tuple(part for part in detail["loc"])
    place = tree.place((*prefix, *location))
    message, value = str(detail["msg"]), detail.get("input")
    kind = detail["type"]
    if kind == "missing" and isinstance(location[-1], int):
        return Fault(tree.place((*prefix, *location[:-1])), "has too few entries", None,
                     f"list {location[-1] + 1} or more")  # fmt: skip
    if kind == "missing":
        return Fault(tree.place((*prefix, *location[:-1])), f"lacks `{location[-1]}`", None,
                     f"add `{location[-1]}: …`{_hint(model, location)}")  # fmt: skip
    if kind == "extra_forbidden":
        known = _keys(model, location[:-1])
        return Fault(place, "unknown key", location[-1], choice(str(location[-1]), known))
    if kind in ("value_error", "assertion_error"):
        reason, _, repair = message.partition(", ")[2].partition("; ")
        return Fault(place, reason, _scalar(value), repair)
    if kind == "literal_error":
        return Fault(place, "is not one of the choices", _scalar(value),
                     f"use {detail['ctx']['expected']}")  # fmt: skip
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return Fault(
            place,
            "is not a section of its own",
            _scalar(value),
            f"write `{location[-1]}: {{…}}`, empty braces where there is nothing to say",
        )
    if kind == "string_type":
        shown = _scalar(value)
        repair = "write a text" if shown is None else f'write "{shown}" in quotes'
        return Fault(place, "is not a text", shown, repair)
    if kind == "too_short":
        least = detail["ctx"]["min_length"]
        return Fault(place, f"needs at least {least} item{'s' if least > 1 else ''}", None,
                     _hint(model, location).removeprefix(": ") or "list one")  # fmt: skip
    return Fault(place, message[0].lower() + message[1:], _scalar(value),
                 _hint(model, location).removeprefix(": ") or "correct it")  # fmt: skip


def _scalar(value: Any) -> Any:
    return value if isinstance(value, (str, int, float)) else None


def _inner(model: type[BaseModel], location: Path_) -> type[BaseModel]:
    """The model that a path inside a spec leads to, as far as it can be followed."""
    for part in location:
        field = field_of(model, part)
        annotation = None if field is None else field.annotation
        for inner in (annotation, *getattr(annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                model = inner
    return model


def _keys(model: type[BaseModel], location: Path_) -> list[str]:
    fields = _inner(model, location).model_fields
    return [field.alias or name for name, field in fields.items()]


def _hint(model: type[BaseModel], location: Path_) -> str:
    field = field_of(_inner(model, location[:-1]), location[-1]) if location else None
    return f": {field.description}" if field is not None and field.description else ""


def _names(
    components: Mapping[str, Component], nodes: Mapping[str, Any], entries: Mapping[str, Any],
    tree: Tree,
) -> list[tuple[str, Fault]]:  # fmt: skip
    """Every node, source and site that a component names must exist and fit: who is at fault."""
    faults = []
    for name in entries:
        if name in nodes:
            faults.append((name, Fault(tree.place(("components", name)), "has the name of a node",
                                       name, "rename one of the two")))  # fmt: skip
    offers: dict[str, set[str]] = {}
    for name, component in components.items():
        for port in component.ports(name):
            if port.direction == "feed" and (port.place in nodes or _is_own(port.place, name)):
                offers.setdefault(port.carrier, set()).add(port.place)
    stated_by = {name: _stated_nodes(entry) for name, entry in entries.items()}
    for name, stated in stated_by.items():
        for key, node in stated.items():
            if node not in nodes:
                faults.append((name, Fault(tree.place(("components", name, key)), "unknown node",
                                           node, choice(node, nodes))))  # fmt: skip
    for name, component in components.items():
        own = set(stated_by[name].values())
        for port in component.ports(name):
            if port.place in nodes or port.place in own or _is_own(port.place, name):
                continue
            wanted = sorted(offers.get(port.carrier, ()) if port.direction == "draw" else nodes)
            if port.place in wanted or (port.place in entries and port.place not in components):
                continue  # fits, or its own fault is reported already
            found = _key_of(entries[name], port.place)
            reason = (
                f"names a component that gives no {port.carrier.replace('_', ' ')}"
                if port.place in entries
                else "names neither a node nor a component"
            )
            faults.append((name, Fault(tree.place(("components", name, *found)), reason,
                                       port.place, choice(port.place, wanted))))  # fmt: skip
    return faults


def _is_own(place: str, name: str) -> bool:
    """Whether a place is the component itself, or one of its loops (``centre: hot``)."""
    return place == name or place.startswith(f"{name}: ")


def _key_of(entry: Any, value: str) -> Path_:
    for key, stated in entry.items():
        if stated == value:
            return (key,)
        if isinstance(stated, list) and value in stated:
            return (key, stated.index(value))
    return ()


def _stated_nodes(entry: Any) -> dict[str, str]:
    """Key → node of every field that names one, also of a component with other faults."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in kinds():
        return {}
    return {key: entry[key] for key in _node_keys(kinds()[kind].spec)
            if isinstance(entry.get(key), str)}  # fmt: skip


@cache
def _node_keys(model: type[BaseModel]) -> tuple[str, ...]:
    """Keys of a kind's spec that name a node."""
    return tuple(
        field.alias or name for name, field in model.model_fields.items()
        if any(isinstance(mark, Text) and mark.node for mark in marks(field))
    )  # fmt: skip
