"""Lists of names in one line: what stands between signs, and quotes around names that hold them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygrid.district.names import groups_in, names_in, quoted
from citygrid.errors import InputError


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("a", ["a"]),
        (" a , b,,c ,", ["a", "b", "c"]),
        ('"a, b", c', ["a, b", "c"]),
        ('c ,"a ""b"", c"', ["c", 'a "b", c']),
        ('3/4" pipe, b', ['3/4" pipe', "b"]),
        ('" a "', [" a "]),
    ],
)
def test_a_list_is_read_as_it_is_written(text, names):
    assert names_in(text, "--only") == names


@pytest.mark.parametrize("text", ['"', '"a', 'b,"a', '"a"b,c', '"a""'])
def test_quotes_that_do_not_close_are_refused(text):
    with pytest.raises(InputError, match="--only: has a name in quotes that does not end"):
        names_in(text, "--only")


def test_groups_are_parted_by_the_first_sign():
    assert groups_in('a+b , "c,d"+"e+f"', "--pairs") == [["a", "b"], ["c,d", "e+f"]]


@given(st.lists(st.lists(st.text(st.sampled_from(' ,+"ab'), min_size=1), min_size=1), min_size=1))
def test_what_is_written_in_quotes_where_it_needs_them_is_read_as_it_was(groups):
    text = ",".join("+".join(map(quoted, names)) for names in groups)
    assert groups_in(text, "--pairs") == groups
