"""What is not surely meant is refused, with its place, the reason and a repair."""

from __future__ import annotations

import re

import pytest

from citygrid.district import strict_yaml
from tests.district.strict_yaml.helpers import faults_of, value_of

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


def test_a_key_that_is_no_text_behind_an_alias_is_told_once(grammar: type) -> None:
    (fault,) = faults_of("a: &x {? [1] : 2}\nb: *x\nc: *x\n")
    assert "a key must be a text and is a list" in fault.reason


def test_thousands_of_faults_are_counted_but_not_all_listed() -> None:
    faults = faults_of("a:\n" + "- no\n" * 3000)
    assert len(faults) == strict_yaml.MAX_FAULTS + 1
    assert "2000 more" in faults[-1].reason
