"""A small file cannot become expensive, nor a large one: tests that would hang, not fail."""

from __future__ import annotations

import pytest
import yaml

from citygrid.district import strict_yaml
from tests.district.strict_yaml.helpers import faults_of, value_of


def chain(length: int) -> str:
    """Anchors that each hold the one before: flat to write, deep to write out."""
    rest = (f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, length))
    return "a0: &a0 [x]\n" + "".join(rest)


LAUGHS = "a0: &a0 [" + "x," * 10 + "]\n" + "".join(
    f"a{i}: &a{i} [" + f"*a{i - 1}," * 10 + "]\n" for i in range(1, 40)
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("a: " + "[" * 1500 + "]" * 1500, "50 deep", id="flow lists"),
        pytest.param("a: " + "{a: " * 1500 + "}" * 1500, "50 deep", id="flow mappings"),
        pytest.param("- " * 1500 + "a", "50 deep", id="block lists"),
        pytest.param("? " * 1500 + "a", "50 deep", id="keys in keys"),
        pytest.param(chain(1500), "50 deep", id="aliases in aliases"),
        pytest.param(LAUGHS, "100000 values", id="billion laughs"),
    ],
)
def test_what_would_grow_deep_or_large_is_refused_before_it_is_built(
    grammar: type, text: str, reason: str
) -> None:
    (fault,) = faults_of(text)
    assert reason in fault.reason


def test_nesting_is_read_up_to_the_limit_and_not_beyond(grammar: type) -> None:
    deepest = strict_yaml.MAX_DEPTH - 1  # the top-level mapping is the first level
    value_of("a: " + "[" * deepest + "]" * deepest)
    value_of(chain(deepest))
    assert "deep" in faults_of("a: " + "[" * (deepest + 1) + "]" * (deepest + 1))[0].reason
    assert "deep" in faults_of(chain(deepest + 1))[0].reason


def test_values_are_counted_with_aliases_written_out(
    grammar: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_yaml, "MAX_VALUES", 14)
    text = "a: &x [1, {b: 2}]\nc: [*x, *x"  # 1 + 1 + 5, then 1 + 1 + 5 for each alias
    assert "14 values" in faults_of(text + "]")[0].reason
    monkeypatch.setattr(strict_yaml, "MAX_VALUES", 19)
    assert value_of(text + "]")["c"] == [[1, {"b": 2}]] * 2
    assert "20 values" in str(faults_of(text + ", 5]")[0].value)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="so many characters need libyaml")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: [" + "1," * 200_000 + "]", id="200 000 numbers"),
        pytest.param("a: 1\n" * 20_000, id="20 000 equal keys"),
        pytest.param("a: &a\n" + "- *a\n" * 20_000, id="20 000 cycles"),
        pytest.param("%TAG !a! x\n" * 50_000 + "--- \na: 1", id="directives"),
        pytest.param("\0\n" * 400_000, id="zeros"),
        pytest.param("\t\n" * 400_000, id="tabs"),
        pytest.param("a: " + "1:" * 400_000 + "1", id="an endless sexagesimal"),
        pytest.param("a: " + "1" * 900_000, id="an endless number"),
        pytest.param("a: &a " + "1_" * 400_000 + "\nb: [" + "*a," * 20_000 + "]",
                     id="an endless number again and again"),
    ],
)  # fmt: skip
def test_a_large_hostile_file_is_refused_with_few_words(text: str) -> None:
    assert len(faults_of(text)) <= strict_yaml.MAX_FAULTS + 1
