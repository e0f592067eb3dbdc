"""The model says what components are promised: word by word, argument by argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from citygrid.components import words
from citygrid.model import algebra, fleet, formulate, labelled

PAIRS = [
    (words.Speaker, formulate.Speaker),
    (words.Fleet, fleet.Fleet),
    (words.Amount, algebra.Linear),
    (words.Known, labelled.Data),
    (words.Axis, labelled.Axis),
]


def promised(protocol: type) -> dict[str, Any]:
    """What a protocol declares itself."""
    own = vars(protocol)
    return {
        name: own[name]
        for name in own
        if (callable(own[name]) or isinstance(own[name], property))
        and name not in {"__init__", "__subclasshook__", "__class_getitem__"}
        and not name.startswith(("_abc", "_is", "__proto"))
    }


def arguments(function: Callable[..., Any]) -> list[tuple[str, Any, bool]]:
    """Names, ways and whether there is a default: what a caller relies on."""
    return [
        (p.name, p.kind, p.default is not p.empty)
        for p in inspect.signature(function).parameters.values()
    ]


def broken_promises(protocol: type, model: type) -> list[str]:
    """Words that the model lacks, or takes other arguments for."""
    wrong = []
    for name, promise in promised(protocol).items():
        kept = getattr(model, name, None)
        if isinstance(promise, property):
            fields = getattr(model, "__dataclass_fields__", {})
            if (
                kept is None
                and name not in fields
                and f"self.{name} =" not in inspect.getsource(model.__init__)
            ):
                wrong.append(name)
        elif kept is None or (not name.startswith("__") and arguments(promise) != arguments(kept)):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize(("protocol", "model"), PAIRS)
def test_the_model_keeps_what_components_are_promised(protocol, model):
    assert len(promised(protocol)) >= 3
    assert broken_promises(protocol, model) == []


def test_a_word_with_other_arguments_is_a_broken_promise():
    class Mumbler(formulate.Speaker):
        def feed(self, carrier, flow):
            """Forgets the places."""

    assert broken_promises(words.Speaker, Mumbler) == ["feed"]
