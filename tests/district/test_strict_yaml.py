"""The strict YAML reader: it reads what is surely meant and refuses, with a repair, what is not."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from citygrid.district import strict_yaml
from citygrid.errors import Fault, InputError

# --- both grammars -------------------------------------------------------------------------------

GRAMMARS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]


@pytest.fixture(params=GRAMMARS, ids=lambda grammar: grammar.__name__)
def grammar(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type:
    """PyYAML is built with or without libyaml: the answers must be the same."""
    monkeypatch.setattr(strict_yaml, "_Loader", request.param)
    return request.param


def value_of(text: str) -> Any:
    return strict_yaml.parse(text, "x.yaml").value


def faults_of(text: str) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as refused:
        strict_yaml.parse(text, "x.yaml")
    return refused.value.faults


# --- what is read --------------------------------------------------------------------------------

DISTRICT = """\
# yaml-language-server: $schema=district.schema.json
name: Frankfurt west
crs: EPSG:25832
horizon: {start: 2023-01-16T00:00+01:00, length: 168 h, step: 1 h}
nodes:
  plant:  {at: [560100, 5568900.5]}
components:
  pump east:
    kind: heat_pump
    heat: 700 kW
    minimum_load: 35 %
    day: 2023-01-16
"""


def test_a_district_reads_as_it_is_written(grammar: type) -> None:
    assert value_of(DISTRICT) == {
        "name": "Frankfurt west",
        "crs": "EPSG:25832",
        "horizon": {"start": "2023-01-16T00:00+01:00", "length": "168 h", "step": "1 h"},
        "nodes": {"plant": {"at": [560100, 5568900.5]}},
        "components": {
            "pump east": {
                "kind": "heat_pump", "heat": "700 kW", "minimum_load": "35 %", "day": "2023-01-16",
            }
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("false", False),
        ("0", 0), ("-0", 0), ("12", 12), ("+12", 12), ("-3", -3), ("0.5", 0.5), ("+0.5", 0.5),
        ("1e3", 1000.0), ("1E+3", 1000.0), ("2.5e-3", 0.0025), ("0e999", 0.0),
        ("9007199254740993", 9007199254740993),
        ("'no'", "no"), ('"010"', "010"), ("'1:30'", "1:30"), ("'5'", "5"), ("''", ""),
        ('"\\u00e4\\t\\n"', "ä\t\n"), ("|\n  no\n", "no\n"), (">-\n  1:30\n", "1:30"),
        ("2023-01-16", "2023-01-16"), ("2023-01-16 00:00:00", "2023-01-16 00:00:00"),
        ("1.2.3", "1.2.3"), ("250 kW", "250 kW"), ("10:00 to 12:00", "10:00 to 12:00"),
        ("none", "none"), ("nano", "nano"), ("1e", "1e"), ("1,5", "1,5"),
        ("3号館", "3号館"), ("120 m²", "120 m²"), ("Straße 5", "Straße 5"),
        ("2020–2030", "2020–2030"),
    ],
)  # fmt: skip
def test_a_scalar_means_one_thing(grammar: type, written: str, meant: object) -> None:
    read = value_of(f"a: {written}\n")
    assert read == {"a": meant}
    assert type(read["a"]) is type(meant)


def test_byte_order_mark_and_line_ends_of_other_systems_change_nothing(grammar: type) -> None:
    plain = strict_yaml.parse(DISTRICT, "x.yaml")
    for text in (
        "\ufeff" + DISTRICT,
        DISTRICT.replace("\n", "\r\n"),
        DISTRICT.replace("\n", "\r"),
        "---\n" + DISTRICT + "...\n",
    ):
        tree = strict_yaml.parse(text, "x.yaml")
        assert tree.value == plain.value
        assert tree.lines[("name",)] == plain.lines[("name",)] + text.startswith("---")


def test_small_anchors_are_written_out_as_copies(grammar: type) -> None:
    read = value_of("a: &shape {x: [1, 2]}\nb: *shape\nc: [*shape]\n")
    assert read == {"a": {"x": [1, 2]}, "b": {"x": [1, 2]}, "c": [{"x": [1, 2]}]}
    read["a"]["x"].append(3)
    assert read["b"] == {"x": [1, 2]}  # a change in one place must not reach another


def test_a_path_of_windows_in_double_quotes_is_told_about_its_backslash(grammar: type) -> None:
    (fault,) = faults_of('a: "C:\\data"\n')
    assert "backslash" in fault.reason
    assert "single quotes" in fault.repair
    assert value_of("a: 'C:\\data'\n") == {"a": "C:\\data"}


# --- round trips ---------------------------------------------------------------------------------

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\n\t"),
    max_size=12,
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**300), 10**300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.sampled_from(["no", "Y", "1:30", "010", "~", ".inf", "0x1F", "2023-01-16", "<<", "="])
)
trees = st.dictionaries(
    texts,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


class _Quoting(yaml.SafeDumper):
    """Writes every text in double quotes, as the reader asks for in doubt."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_Quoting.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def paths_in(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_in(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths_in(inner, (*path, index))


def same(first: object, second: object) -> bool:
    """Equal with equal types: True is not 1, and 1.0 not 1."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


@given(trees, st.booleans(), st.sampled_from([None, True, False]))
def test_what_is_dumped_with_quotes_reads_back_equal(
    tree: dict[str, Any], allow_unicode: bool, flow: bool | None
) -> None:
    allow_unicode = allow_unicode and not re.search("[\u2028\u2029\ufeff]", repr(tree))
    text = yaml.dump(
        tree, Dumper=_Quoting, allow_unicode=allow_unicode, default_flow_style=flow, width=1000
    )
    read = strict_yaml.parse(text, "x.yaml")
    assert same(read.value, tree)
    assert set(read.lines) == set(paths_in(tree))


@given(trees)
def test_what_pyyaml_dumps_reads_back_equal_or_is_refused_but_never_otherwise(
    tree: dict[str, Any],
) -> None:
    try:
        read = value_of(yaml.safe_dump(tree))
    except InputError:
        return
    assert same(read, tree)


@given(trees)
def test_json_means_what_json_says(tree: dict[str, Any]) -> None:
    text = json.dumps(tree, ensure_ascii=False)
    if re.search("[\u2028\u2029\ufeff]", text):
        return
    assert same(value_of(text), json.loads(text))


# The core schema of YAML 1.2.2 (10.3.2), the other half of what a plain scalar may be taken for.
CORE_1_2 = re.compile(
    r"null|Null|NULL|~|true|True|TRUE|false|False|FALSE|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?(?:\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN"
)
TEXT_IN_1_1 = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp")


@settings(max_examples=1500)
@given(
    st.from_regex(r"\A[-+]?[0-9.:_eE]{1,8}\Z")
    | st.from_regex(r"\A[-+]?0[xob]?[0-9a-fA-F_]{1,5}\Z")
    | st.text("-+.0123456789:_eExobinfaNulltrysTF~", min_size=1, max_size=6)
)
def test_no_text_is_a_number_or_truth_value_to_another_yaml_reader(written: str) -> None:
    try:
        read = value_of(f"a: {written}\n")["a"]
    except InputError:
        return
    if isinstance(read, str) and read == written:
        resolver = yaml.SafeLoader("")
        assert resolver.resolve(yaml.ScalarNode, written, (True, False)) in TEXT_IN_1_1
        assert not CORE_1_2.fullmatch(written)


# --- what is refused -----------------------------------------------------------------------------

PLAIN = [
    *("yes", "no", "on", "off", "y", "n", "Yes", "NO", "On", "oFF", "Y", "N"),
    *("True", "TRUE", "tRue", "FALSE", "False", "Null", "NULL"),
    *("1:30", "12:30:00", "08:30", "-1:30", "1:30.5", "1_0:30"),
    *("010", "-010", "007", "08", "01067", "00", "00.5", "01e3"),
    *("0o17", "0x1F", "0X1f", "-0x1f", "0b101"),
    *("1_000", "1_000.5", "-1_0", "1_", "0_7", ".5_0"),
    *(".nan", ".NaN", ".inf", "-.inf", "+.INF", "nan", "NaN", "inf", "-inf", "Infinity"),
    *("1e999", "-1e999", "1" + "0" * 309, "1e-999", "0." + "0" * 450 + "1", "1" * 500),
    *(".5", "-.5", "5.", "1.e3", "5.e3"),
    *("٣", "１２", "１２.５", "−5", "0．5", "1：30"),
]  # fmt: skip


@pytest.mark.parametrize("written", PLAIN, ids=lambda text: text[:12])
def test_a_doubtful_scalar_is_refused_as_value_as_item_and_as_key(
    grammar: type, written: str
) -> None:
    value, item, key = faults_of(f"a:\n  b: {written}\n  c:\n  - {written}\n  {written}: 1\n")
    assert value.place == "x.yaml:2: a › b"
    assert item.place == "x.yaml:4: a › c › item 1"
    assert key.place == "x.yaml:5: a"
    for fault in (value, item, key):
        assert str(fault.value)[:99] == written[:99]
        assert "quote it" in fault.repair
    assert value_of(f"a: '{written}'\n'{written}': 1\n") == {"a": written, written: 1}


# text, place of the fault, a word of its reason, a word of its repair
STRUCTURES = [
    ("", "x.yaml:1", "empty", "write"),
    ("\n# nothing\n", "x.yaml:1", "empty", "write"),
    ("- a\n", "x.yaml:1", "top level", "colon"),
    ("just text\n", "x.yaml:1", "top level", "colon"),
    ("\n5\n", "x.yaml:2", "top level", "colon"),
    ("a: 1\nb: 2\na: 3\n", "x.yaml:3: a", "lines 1 and 3", "rename"),
    ("a: 1\n'a': 3\n", "x.yaml:2: a", "lines 1 and 2", "rename"),
    ("a:\n- {b: 1,\n   b: 2}\n", "x.yaml:3: a › item 1 › b", "lines 2 and 3", "rename"),
    ("a: 1\n---\nb: 2\n", "x.yaml:2", "second document", "split"),
    ("a: 1\n---\n", "x.yaml:2", "second document", "split"),
    ("a: !!python/object/apply:os.system [date]\n", "x.yaml:1", "tags", "remove"),
    ("a: !!python/name:os.system\n", "x.yaml:1", "tags", "remove"),
    ("a: !!str 5\n", "x.yaml:1", "tags", "remove"),
    ("a: !!binary aGk=\n", "x.yaml:1", "tags", "remove"),
    ("a: !!timestamp 2023-01-16\n", "x.yaml:1", "tags", "remove"),
    ("a: !mine {b: 1}\n", "x.yaml:1", "tags", "remove"),
    ("a: ! b\n", "x.yaml:1", "tags", "remove"),
    ("!!map {a: 1}\n", "x.yaml:1", "tags", "remove"),
    ("a: !!omap [b: 1]\n", "x.yaml:1", "tags", "remove"),
    ("a: !x!y b\n", "x.yaml:1:4", "tags", "quote"),
    ("%YAML 1.1\n---\na: 1\n", "x.yaml:1:1", "directive", "remove"),
    ("%TAG ! tag:example.org,2000:\n---\na: 1\n", "x.yaml:1:1", "directive", "remove"),
    ("a: *b\n", "x.yaml:1", "no anchor", "set &b"),
    ("a: &b [1, *b]\n", "x.yaml:1", "inside the value", "itself"),
    ("a: &b {c: {d: *b}}\n", "x.yaml:1", "inside the value", "itself"),
    ("a: &b 1\nc: &b 2\n", "x.yaml:2", "line 1", "another name"),
    ("a: &b 5\nc: {*b : 1}\n", "x.yaml:2", "a key must stand", "itself"),
    ("a: &b {c: 1}\nd:\n  <<: *b\n", "x.yaml:3: d", "merge", "fields"),
    ("5: a\n", "x.yaml:1", "a number", 'quote it: "5"'),
    ("a: {1.5: b}\n", "x.yaml:1: a", "a number", 'quote it: "1.5"'),
    ("true: a\n", "x.yaml:1", "truth value", 'quote it: "true"'),
    ("null: a\n", "x.yaml:1", "empty", 'quote it: "null"'),
    ("a: {~: b}\n", "x.yaml:1: a", "empty", 'quote it: "~"'),
    ("a: {: b}\n", "x.yaml:1:5", "missing", "close"),
    ("? [a, b]\n: c\n", "x.yaml:1", "is a list", "quote"),
    ("a: {{name}}\n", "x.yaml:1: a", "is a mapping", "quote"),
    ("a:\n\tb: 1\n", "x.yaml:2:1", "tab", "spaces"),
    ("a:\n  \tb: 1\n", "x.yaml:2:3", "tab", "spaces"),
    ("a: {\n\tb: 1}\n", "x.yaml:2:1", "tab", "spaces"),
    ("a: 1\nb: \0\n", "x.yaml:2:4", "control character", "remove"),
    ("a: \x1b[31mred\n", "x.yaml:1:4", "control character", "remove"),
    ("a: x\x85y\n", "x.yaml:1:5", "control character", "remove"),
    ("a: x\u2028y\n", "x.yaml:1:5", "control character", "remove"),
    ("a: x\ufeffy\n", "x.yaml:1:5", "control character", "remove"),
    ("a: \ud800\n", "x.yaml:1:4", "control character", "remove"),
    ('a: "x\\0y"\n', "x.yaml:1: a", "control character U+0000", "remove"),
    ('"\\x1b": 1\n', "x.yaml:1", "control character U+001B", "remove"),
    ("a: b: c\n", "x.yaml:1:5", "colon", "quote"),
    ("a: 1\nb\nc: 2\n", "x.yaml:2:1", "'name: value'", "colon"),
    ("a: 1\nb\n", "x.yaml:2:1", "'name: value'", "colon"),
    ("a: 'b\nc: 1\n", "x.yaml:2:5", "not closed; it starts on line 1", "close"),
    ('a: "b\n', "x.yaml:1:6", "not closed", "close"),
    ("a: [1, 2\nb: 3\n", "x.yaml:2:2", "not closed", "commas"),
    ("a: [1, 2\n", "x.yaml:1:9", "not closed", "commas"),
    ("a: {b: 1\nc: 2\n", "x.yaml:2:2", "not closed", "colon"),
    ("a: [1, 2}\n", "x.yaml:1:9", "not closed", "close"),
    ("a: ]\n", "x.yaml:1:4", "missing", "quote"),
    ("a: @b\n", "x.yaml:1:4", "start with this character", "quote"),
    ("a: %b\n", "x.yaml:1:4", "start with this character", "quote"),
    ("a: * b\n", "x.yaml:1:5", "needs a name", "quote"),
    ('a: "C:\\Users"\n', "x.yaml:1:9", "backslash", "single quotes"),
    ("a:\n  b: 1\n c: 2\n", "x.yaml:3:2", "not aligned", "indentation"),
    ("a:\n  - 1\n  b: 2\n", "x.yaml:3:3", "not aligned", "indentation"),
    ("a: - b\n", "x.yaml:1:4", "item", "below"),
    ("a: |b\n", "x.yaml:1:5", "after |", "next line"),
    ("a: 'b' c\n", "x.yaml:1:8", "goes on", "quote"),
]


@pytest.mark.parametrize(("text", "place", "reason", "repair"), STRUCTURES)
def test_a_wrong_file_is_refused_with_place_reason_and_repair(
    grammar: type, text: str, place: str, reason: str, repair: str
) -> None:
    fault, *others = faults_of(text)
    assert fault.place == place
    assert reason in fault.reason
    assert repair in fault.repair
    assert not others
    assert str(fault).isprintable()  # nothing that a terminal would obey


def test_all_faults_are_told_at_once_in_the_order_of_lines(grammar: type) -> None:
    faults = faults_of("a: no\nb: !x 1\nc: 010\na: 1:30\n5: &t 1\nd: [*t, yes]\n---\n")
    lines = [int(re.match(r"x\.yaml:(\d+)", fault.place)[1]) for fault in faults]
    assert lines == [1, 2, 3, 4, 4, 5, 6, 7]


def test_a_key_written_three_times_is_told_twice_with_its_first_line(grammar: type) -> None:
    second, third = faults_of("a: 1\nb: 0\na: 2\na: 3\n")
    assert "lines 1 and 3" in second.reason
    assert "lines 1 and 4" in third.reason


def test_a_fault_behind_an_alias_is_told_once(grammar: type) -> None:
    text = "a: &x {b: no, b: 1, 5: 2}\nc: [*x, *x]\nd: &y yes\ne: *y\n"
    assert [fault.value for fault in faults_of(text)] == ["no", "b", "5", "yes"]


def test_thousands_of_faults_are_counted_but_not_all_listed() -> None:
    faults = faults_of("a:\n" + "- no\n" * 3000)
    assert len(faults) == strict_yaml.MAX_FAULTS + 1
    assert "2000 more" in faults[-1].reason


@given(st.text(max_size=60) | st.text("ab01:-?[]{}&*!|>'\"%@`#,\n \t.~<_", max_size=60))
@settings(max_examples=400)
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    for loader in GRAMMARS:
        before, strict_yaml._Loader = strict_yaml._Loader, loader
        faults: tuple[Fault, ...] = ()
        try:
            tree = strict_yaml.parse(text, "x.yaml")
            assert set(tree.lines) == set(paths_in(tree.value))
            assert all(0 < line <= len(re.split("\r\n?|\n", text)) for line in tree.lines.values())
        except InputError as refused:
            faults = refused.faults
        finally:
            strict_yaml._Loader = before
        assert all(fault.place.startswith("x.yaml:") for fault in faults)
        assert all(fault.reason and fault.repair for fault in faults)


# --- hostile files -------------------------------------------------------------------------------


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
        pytest.param("a: " + "[" * 5000 + "]" * 5000, "50 deep", id="flow lists"),
        pytest.param("a: " + "{a: " * 5000 + "}" * 5000, "50 deep", id="flow mappings"),
        pytest.param("- " * 5000 + "a", "50 deep", id="block lists"),
        pytest.param("? " * 5000 + "a", "50 deep", id="keys in keys"),
        pytest.param(chain(5000), "50 deep", id="aliases in aliases"),
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


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="millions of characters need libyaml")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: [" + "1," * 4_000_000 + "]", id="four million numbers"),
        pytest.param("a: 1\n" * 1_000_000, id="a million equal keys"),
        pytest.param("a: &a\n" + "- *a\n" * 1_000_000, id="a million cycles"),
        pytest.param("%TAG !a! x\n" * 500_000 + "--- \na: 1", id="directives"),
        pytest.param("\0\n" * 4_000_000, id="zeros"),
        pytest.param("\t\n" * 4_000_000, id="tabs"),
        pytest.param("a: " + "1:" * 4_000_000 + "1", id="an endless sexagesimal"),
        pytest.param("a: " + "1" * 9_000_000, id="an endless number"),
        pytest.param("a: &a " + "1_" * 4_000_000 + "\nb: [" + "*a," * 99_000 + "]",
                     id="an endless number again and again"),
    ],
)  # fmt: skip
def test_a_large_hostile_file_is_refused_with_few_words(text: str) -> None:
    assert len(faults_of(text)) <= strict_yaml.MAX_FAULTS + 1


# --- places --------------------------------------------------------------------------------------


def test_a_place_names_the_line_of_the_deepest_part_that_is_there(grammar: type) -> None:
    tree = strict_yaml.parse(DISTRICT, "models/x.yaml")
    known = ("components", "pump east", "heat")
    assert tree.place(known) == "models/x.yaml:10: components › pump east › heat"
    missing = ("components", "pump east", "sink", "at")
    assert tree.place(missing) == "models/x.yaml:8: components › pump east › sink › at"
    assert tree.place(("nodes", "plant", "at", 1)) == "models/x.yaml:6: nodes › plant › at › item 2"
    assert tree.place(("studies",)) == "models/x.yaml:2: studies"
    assert tree.place(()) == "models/x.yaml:2"


# --- files ---------------------------------------------------------------------------------------


def refusal(path: Path) -> Fault:
    with pytest.raises(InputError) as refused:
        strict_yaml.read(path)
    (fault,) = refused.value.faults
    assert fault.repair
    assert fault.value is not None
    return fault


def test_a_file_is_read_with_its_name_in_every_place(tmp_path: Path) -> None:
    path = tmp_path / "größe.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + "name: Köln 😀\r\n".encode())
    tree = strict_yaml.read(path)
    assert tree.value == {"name": "Köln 😀"}
    assert tree.place(("name",)) == f"{path}:1: name"


@pytest.mark.parametrize(
    ("data", "line", "reason", "byte"),
    [
        ("a: 1\nname: Köln\n".encode("latin-1"), 2, "not UTF-8", "0xF6"),
        ("name: Köln\n".encode("utf-16"), 1, "UTF-16", "0xFF"),
        (b"a: \xed\xa0\x80\n", 1, "not UTF-8", "0xED"),  # half of a surrogate pair
        (b"a: \xc0\x80\n", 1, "not UTF-8", "0xC0"),  # NUL in disguise
    ],
)
def test_another_encoding_is_refused_at_its_first_byte(
    tmp_path: Path, data: bytes, line: int, reason: str, byte: str
) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    fault = refusal(path)
    assert fault.place == f"{path}:{line}"
    assert reason in fault.reason
    assert byte in str(fault.value)
    assert "UTF-8" in fault.repair


def test_what_is_no_readable_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no such file" in refusal(tmp_path / "missing.yaml").reason
    assert "folder" in refusal(tmp_path).reason
    assert "cannot be read" in refusal(tmp_path / ("long" * 200)).reason
    assert "cannot be read" in refusal(tmp_path / "a\0b").reason
    file = tmp_path / "x.yaml"
    file.write_text("a: 1\n")
    assert "cannot be read" in refusal(file / "y.yaml").reason

    def forbid(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)  # the tests may run as root, who may read anything
    assert "Permission denied" in refusal(file).reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "ordinary file" in refusal(tmp_path / "pipe").reason


def test_a_file_above_ten_megabytes_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with path.open("wb") as stream:
        stream.truncate(50_000_000)
    fault = refusal(path)
    assert "10 MB" in fault.reason
    assert fault.value == "50000000 bytes"
    assert "10 MB" in faults_of("#" * 10_000_001)[0].reason


def test_numbers_stay_finite_whatever_is_read() -> None:
    largest = value_of("a: 1.7976931348623157e308\n")["a"]
    assert math.isfinite(largest)
    assert "too large" in faults_of("a: 1.8e308\n")[0].reason
