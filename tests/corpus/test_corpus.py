"""Every input of the corpus as a user meets it: told with place, reason and repair, or read right.

The table says what must be said. Each case runs the command line in this process, and with
``--all`` once more in a process of its own, whose time and memory are bounded.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from citygrid.cli import main
from tests.corpus.corpus import FOLDER, Case, cases, unlisted

CASES = cases()
#: Processor time [s] beyond imports and memory [bytes] with imports that an input may cost.
MOST_SECONDS, MOST_BYTES = 2.0, 500 * 10**6
#: What a terminal would obey.
OBEYED = {chr(code) for code in (*range(32), *range(0x7F, 0xA0))} - {"\n", "\t"}


def seen(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Everything below a folder: its kind and rights, its size, and when it was last changed."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        size = 0 if path.is_dir() else status.st_size
        changed = 0 if path.is_dir() else status.st_mtime_ns
        found[str(path.relative_to(folder))] = (status.st_mode, size, changed)
    return found


def judge(
    case: Case, exit_code: int, stdout: str, stderr: str,
    before: dict[str, tuple[int, int, int]], after: dict[str, tuple[int, int, int]],
) -> None:  # fmt: skip
    """What holds of every case, and what the table says of this one."""
    said = stdout + stderr
    assert "Traceback" not in said, said
    assert exit_code == case.exit_code, said
    assert not OBEYED & set(said), "a terminal would obey what is said"
    if case.exit_code == 2:
        lines = [line for line in stderr.splitlines() if line.startswith("error: ")]
        assert lines and stdout == ""
        assert all("; " in line for line in lines), f"without a repair: {stderr}"
        assert any(stands(case, line) for line in lines), stderr
    else:
        assert stands(case, stdout), said
    if not case.must_work:
        assert after == before, "something was written"
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert all(name.split("/")[1] == "out" for name in changed), f"written outside: {changed}"


def stands(case: Case, text: str) -> bool:
    """Whether everything that must be said stands in a text, in its order."""
    at = 0
    for part in case.says:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_input_is_told_or_read_right(case, tmp_path, monkeypatch):
    words = case.lay(tmp_path / "case")
    monkeypatch.chdir(tmp_path / "case")
    before = seen(tmp_path)
    result = CliRunner().invoke(main, words)
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    judge(case, result.exit_code, result.stdout, result.stderr, before, seen(tmp_path))


def test_the_corpus_is_as_large_as_was_promised_and_nothing_in_it_is_left_out():
    assert sum(not case.must_work for case in CASES) >= 150
    assert sum(case.must_work for case in CASES) >= 30
    assert len({case.id for case in CASES}) == len(CASES)
    assert unlisted() == []
    for case in CASES:
        assert len(case.says) == (3 if case.exit_code == 2 else len(case.says)) and all(case.says)


def test_the_corpus_names_no_file_that_git_would_change():
    """Line ends and encodings are what is tested."""
    attributes = (FOLDER / ".gitattributes").read_text(encoding="utf-8")
    assert "* -text" in attributes.splitlines()


def test_the_page_of_the_documentation_has_a_row_for_every_case(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER.parents[1] / "docs" / "hooks"))
    page = importlib.import_module("corpus_page").corpus_page()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == len(CASES)
    for case, row in zip(CASES, rows, strict=True):
        cells = re.split(r"(?<!\\)\|", row)
        assert len(cells) == 5 and cells[1].strip() == f"`{case.name}`", row
        assert row.count("`") == 2 + 2 * len(case.says)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What every case did in a process of its own: exit code, words, seconds, bytes, files."""
    folder = tmp_path_factory.mktemp("alone")
    done = subprocess.run(
        [sys.executable, "-m", "tests.corpus.alone", str(folder)], capture_output=True, text=True,
        cwd=FOLDER.parents[1], check=False,
        env=os.environ | {"PYTHONPATH": str(FOLDER.parents[1])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_input_costs_little_in_a_process_of_its_own(case, alone):
    found = alone[case.id]
    judge(case, found["exit_code"], found["stdout"], found["stderr"], found["before"],
          found["after"])  # fmt: skip
    if not case.must_work:
        assert found["seconds"] < MOST_SECONDS and found["bytes"] < MOST_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted({case.family for case in CASES}))
def test_one_of_each_family_by_the_console_script(family, tmp_path):
    """Without anything that the tests share: interpreter, imports and all."""
    case = next(case for case in CASES if case.family == family and not case.must_work)
    words = case.lay(tmp_path / "case")
    before = seen(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "citygrid", *words], capture_output=True, text=True,
        cwd=tmp_path / "case", check=False,
        env=os.environ | {"PYTHONPATH": str(FOLDER.parents[1])},
    )  # fmt: skip
    judge(case, done.returncode, done.stdout, done.stderr, before, seen(tmp_path))
