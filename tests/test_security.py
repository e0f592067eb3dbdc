"""What SECURITY.md names as kept by and held by is there."""

from __future__ import annotations

import re

from citygrid.district import strict_yaml
from citygrid.inputs import tables, time
from citygrid.plan import plan
from tests.corpus.corpus import cases


def test_code_and_tests_that_promises_name_are_there(repository):
    text = (repository / "SECURITY.md").read_text(encoding="utf-8")
    path = r"`((?:citygrid|tests)/[\w/.]*|pyproject\.toml|requirements\.lock)`"
    named = set(re.findall(path, text))
    assert len(named) > 25
    assert [name for name in sorted(named) if not (repository / name).exists()] == []


def test_cases_that_promises_name_are_in_the_corpus(repository):
    text = (repository / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(?:\w+/)?(\w+\.(?:yaml|csv|nc|parquet|zip|esdl|\*))`", text)
    there = {case.name for case in cases()}
    there |= {f"{name.partition('.')[0]}.*" for name in there}
    assert len(named) >= 10 and set(named) <= there


def test_bounds_are_those_of_the_code(repository):
    text = (repository / "SECURITY.md").read_text(encoding="utf-8")
    for told in (
        f"{strict_yaml.MAX_BYTES // 10**6} MB, {strict_yaml.MAX_DEPTH} levels, "
        f"{strict_yaml.MAX_VALUES:,} values",
        f"text {tables.MOST_TEXT // 2**20} MiB, {tables.MOST_ROWS:,} rows, "
        f"{tables.MOST_COLUMNS:,} columns; other files {tables.MOST_BYTES // 2**20} MiB",
        f"{tables.MOST_CELLS:,} values", f"{time.STEPS_MAX:,} steps",
        f"{plan.MOST_BYTES // 2**30} GiB of values",
    ):  # fmt: skip
        assert told in text
