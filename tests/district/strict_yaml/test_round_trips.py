"""What is written reads back equal, and nothing means another thing to another reader."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from citygrid.district import strict_yaml
from citygrid.district.strict_yaml.scalars import DoubtError, interpret
from citygrid.errors import Fault, InputError
from tests.district.strict_yaml.helpers import GRAMMARS, paths_in, value_of

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
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)

# A tree holds dozens of values, so that fewer of them say as much.
fewer = settings(max_examples=settings.default.max_examples // 3)


class _Quoting(yaml.SafeDumper):
    """Writes every text in double quotes, as the reader asks for in doubt."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_Quoting.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def same(first: object, second: object) -> bool:
    """Equal with equal types: True is not 1, and 1.0 not 1."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


@fewer
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


@fewer
@given(trees)
def test_what_pyyaml_dumps_reads_back_equal_or_is_refused_but_never_otherwise(
    tree: dict[str, Any],
) -> None:
    try:
        read = value_of(yaml.safe_dump(tree))
    except InputError:
        return
    assert same(read, tree)


@fewer
@given(trees)
def test_json_means_what_json_says(tree: dict[str, Any]) -> None:
    text = json.dumps(tree, ensure_ascii=False)
    if re.search("[\u2028\u2029\ufeff]", text):
        return
    assert same(value_of(text), json.loads(text))


# --- other readers --------------------------------------------------------------------------------

# The core schema of YAML 1.2.2 (10.3.2), the other half of what a plain scalar may be taken for.
CORE_1_2 = re.compile(
    r"null|Null|NULL|~|true|True|TRUE|false|False|FALSE|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?(?:\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN"
)
TEXT_IN_1_1 = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp")
RESOLVER = yaml.SafeLoader("")


def assert_no_other_reader_disagrees(written: str, read: object) -> None:
    """A plain scalar that we read as a text is a text to YAML 1.1 and to YAML 1.2."""
    if isinstance(read, str):
        assert read == written
        assert RESOLVER.resolve(yaml.ScalarNode, written, (True, False)) in TEXT_IN_1_1
        assert not CORE_1_2.fullmatch(written)


def test_no_short_text_is_a_number_or_truth_value_to_another_yaml_reader() -> None:
    texts_read = 0
    for length in range(1, 5):
        for characters in itertools.product("+-.:_0178eExob", repeat=length):
            written = "".join(characters)
            try:
                read = interpret(written)
            except DoubtError:
                continue
            texts_read += isinstance(read, str)
            assert_no_other_reader_disagrees(written, read)
    assert texts_read > 1000  # not all is refused


@given(
    st.from_regex(r"\A[-+]?[0-9.:_eE]{1,8}\Z")
    | st.from_regex(r"\A[-+]?0[xob]?[0-9a-fA-F_]{1,5}\Z")
    | st.text("-+.0123456789:_eExobinfaNulltrysTF~", min_size=1, max_size=6)
)
def test_no_text_in_a_file_is_a_number_or_truth_value_to_another_yaml_reader(
    written: str,
) -> None:
    try:
        read = value_of(f"a: {written}\n")["a"]
    except InputError:
        return
    if read == written:  # else the syntax has cut it, as at a comment
        assert_no_other_reader_disagrees(written, read)


@given(st.text(max_size=60) | st.text("ab01:-?[]{}&*!|>'\"%@`#,\n \t.~<_", max_size=60))
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
