"""No input makes a parser do anything but read it or refuse it with a place and a reason."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citygrid.errors import Fault, InputError
from tests.conftest import REPOSITORY
from tests.fuzz.fuzzing import NAMES, attempt, mutated, parser_of, why_no_atheris

every_parser = pytest.mark.parametrize("name", NAMES)

#: A file is parsed in milliseconds to tenths of a second, and there are a dozen parsers.
FEWER = settings(max_examples=settings.default.max_examples // 10)


@every_parser
def test_every_seed_is_read(name: str) -> None:
    """Without this, a parser that refuses everything would pass all that follows."""
    for seed in parser_of(name).SEEDS:
        assert attempt(name, seed) == "read"


@every_parser
@FEWER
@given(st.integers(0, 2**32 - 1))
def test_a_file_with_slips_is_read_or_refused(name: str, seed: int) -> None:
    attempt(name, mutated(parser_of(name).SEEDS, seed))


@every_parser
@settings(max_examples=settings.default.max_examples // 10)
@given(
    st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode(errors="replace"))
)
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    attempt(name, data)


@every_parser
@pytest.mark.slow
@pytest.mark.parametrize("runs", [20_000])
def test_parsers_under_atheris(name: str, runs: int) -> None:
    """Guided by coverage where atheris is there; the same number by lot where it is not."""
    why = why_no_atheris()
    found = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.fuzzing", name, "--runs", str(2000 if why else runs)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=1800,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-1500:] + found.stderr[-3000:]
    if why:
        pytest.skip(f"2,000 inputs by lot passed; none guided by coverage: {why}")


def test_what_is_no_refusal_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(error: Exception):
        def read(data, folder):
            raise error

        return read

    parser = parser_of("units")
    monkeypatch.setattr(parser, "read", raising(InputError(Fault("x.yaml:3", "is wrong"))))
    assert attempt("units", b"") == "refused"
    for wrong in (KeyError("a"), InputError([]), InputError(Fault("", "no place"))):
        monkeypatch.setattr(parser, "read", raising(wrong))
        with pytest.raises((KeyError, AssertionError)):
            attempt("units", b"")
