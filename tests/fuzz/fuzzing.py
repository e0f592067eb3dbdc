"""One way to attack every parser: seeds, slips of the pen and malice, and what may come of them.

A parser's file in ``parsers/`` holds ``SEEDS`` (bytes of right files) and ``read(data, folder)``,
which writes what is needed into an empty folder, parses, and asserts what must hold of what was
read. What may happen is that, or a refusal: a :class:`CitygridError` each of whose faults has a
place and a reason. Anything else is a defect.

    python -m tests.fuzz.fuzzing weather --runs 100000     # by atheris, guided by coverage
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import os
import pkgutil
import re
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import numpy as np

import tests.fuzz.parsers
from citygrid.errors import CitygridError

NAMES = sorted(info.name for info in pkgutil.iter_modules(tests.fuzz.parsers.__path__))
#: Seconds of processor time in which any input must be read or refused.
BOUND = 30.0
#: What people and tools write that readers trip over.
WORDS = (
    b"nan", b"NaN", b"inf", b"-Infinity", b"1e999", b"-1", b"0", b"1e-320", b"9" * 40, b"null",
    b"true", b"no", b"1:30", b"0x1F", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\r\n", b"\t", b"\n",
    b"'", b'"', b"[", b"]", b"{", b"}", b"&a", b"*a", b"!!python/object:os.system", b"<<", b"#",
    b"%", b",", b";", b"|", b":", b"-", b"2023-02-30", b"2023-03-26T02:30", b"2024-02-29T24:00Z",
    b"+25:00", b"-00:00", b"99999-01-01", b"\xd9\xa3", b"\xe2\x80\xa8", b"\xc2\xa0",
    b"\xed\xa0\x80",
    b"../../etc/passwd", b"/dev/zero", b"<!ENTITY x 'y'>", b"&x;", b"kW", b"degC", b"EUR/MWh",
    b"()", b"[[[[", b"{}", b'""', b"1" * 400, b"\\ud800",
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")


class OutOfTimeError(Exception):
    """The parser is still at work after :data:`BOUND`."""


def parser_of(name: str) -> Any:
    """The module of a parser: ``SEEDS`` and ``read``."""
    return importlib.import_module(f"tests.fuzz.parsers.{name}")


def attempt(name: str, data: bytes) -> Literal["read", "refused"]:
    """Give bytes to a parser; raises whatever is neither a reading nor a proper refusal."""
    parser = parser_of(name)
    with tempfile.TemporaryDirectory() as folder, bounded(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parser.read(data, Path(folder))
        except CitygridError as error:
            refusal = error
        else:
            return "read"
    assert refusal.faults, "a refusal says at least one thing"
    for fault in refusal.faults:
        assert fault.place.strip() and fault.reason.strip(), repr(fault)
        assert "\x1b" not in str(fault), "a message must not steer a terminal"
    assert refusal.exit_code == 2, f"a wrong file is bad input, not {refusal.exit_code}"
    return "refused"


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """An end to what would run for ever, in processor time, so that a busy machine is no fault."""

    def over(signum: int, frame: FrameType | None) -> None:
        raise OutOfTimeError(f"still at work after {BOUND:g} s of processor time")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, BOUND)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def mutated(seeds: Sequence[bytes], seed: int) -> bytes:
    """A seed with a change or a few by lot: always the same for a number."""
    lot = np.random.default_rng(seed)
    data = seeds[int(lot.integers(len(seeds)))]
    for _ in range(int(lot.geometric(0.6))):
        data = _change(data, seeds, lot)
    return data


def _change(data: bytes, seeds: Sequence[bytes], lot: np.random.Generator) -> bytes:
    at = int(lot.integers(len(data) + 1))
    end = min(at + int(lot.geometric(0.05)), len(data))
    word = WORDS[int(lot.integers(len(WORDS)))]
    lines = data.split(b"\n")
    match int(lot.integers(10)):
        case 0:  # a bit of a byte
            return data[:at] + bytes(b ^ (1 << int(lot.integers(8))) for b in data[at : at + 1]) + (
                data[at + 1 :])  # fmt: skip
        case 1:
            return data[:at] + word + data[at:]
        case 2:
            return data[:at] + word + data[end:]
        case 3:
            return data[:at] + data[end:]
        case 4:
            return data[:at]
        case 5:
            return data[:end] + data[at:end] * int(lot.integers(1, 4)) + data[end:]
        case 6 | 7:  # one number for another
            found = list(_NUMBER.finditer(data))
            if not found:
                return data + word
            chosen = found[int(lot.integers(len(found)))]
            return data[: chosen.start()] + word + data[chosen.end() :]
        case 8:  # two lines for each other
            one, other = (int(lot.integers(len(lines))) for _ in range(2))
            lines[one], lines[other] = lines[other], lines[one]
            return b"\n".join(lines)
        case _:  # half of another seed
            other = seeds[int(lot.integers(len(seeds)))]
            return data[:at] + other[int(lot.integers(len(other) + 1)) :]


def why_no_atheris() -> str:
    """Why inputs are not guided by coverage here; empty where they are."""
    if importlib.util.find_spec("atheris") is None:
        return "atheris is not installed: `pip install atheris` (CPython 3.11 to 3.13 on Linux)"
    return ""


def main() -> None:
    """Attack one parser: by atheris where it is installed, else by mutations by lot."""
    wish = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wish.add_argument("name", choices=NAMES)
    wish.add_argument("--runs", type=int, default=2000)
    wish.add_argument("--first", type=int, default=0)
    chosen = wish.parse_args()
    if why_no_atheris():
        for seed in range(chosen.first, chosen.first + chosen.runs):
            attempt(chosen.name, mutated(parser_of(chosen.name).SEEDS, seed))
        return
    import atheris

    with atheris.instrument_imports(include=["citygrid"], enable_loader_override=False):
        seeds = parser_of(chosen.name).SEEDS
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds):
            (Path(corpus) / f"seed{number}").write_bytes(data)
        arguments = [sys.argv[0], f"-runs={chosen.runs}", f"-seed={chosen.first + 1}",
                     "-timeout=60",
                     f"-max_len={2 * max(map(len, seeds)) + 200}", f"-artifact_prefix={os.devnull}",
                     "-print_final_stats=1", corpus]  # fmt: skip
        atheris.Setup(arguments, lambda data: attempt(chosen.name, data) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
