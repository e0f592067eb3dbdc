"""Change the checker in one small place at a time, and count how many changes the tests find.

    python scripts/mutate verify replay --sample 300

What is changed: ``verify`` is all of ``citygrid/plan/verify.py``; ``log`` is what replays report
with; ``replay`` is every function of ``citygrid/components`` that is called so, and what it calls
in its own file. Which changes are made stands in ``mutants.py``. Prints the changes that no test
finds, and a table by file. Exit code 1: the tests fail before anything is changed.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.chdir(ROOT)

import pytest  # noqa: E402
from hunting import Hunt  # noqa: E402
from mutants import Mutant, Source, mutants  # noqa: E402

#: The quick ones: those that solve many districts, or one again and again, take minutes.
SLOW = ("common/test_commitment", "test_burning", "test_mixed_fleets", "test_mutation")
COMPONENTS = ["tests/components", *(f"--ignore=tests/components/{name}.py" for name in SLOW)]
#: What may be changed → the tests that are to find it.
TESTS = {
    "verify": ["tests/plan/test_verdict.py", "tests/plan/test_verify.py", "tests/test_cards.py"],
    "log": COMPONENTS,
    "replay": COMPONENTS,
}  # fmt: skip


def source(path: Path) -> Source:
    return Source(path, ".".join(path.with_suffix("").parts))


def chosen(what: str) -> Iterator[Mutant]:
    """All mutants of ``verify``, ``log`` or ``replay``."""
    if what == "replay":
        files = [source(path) for path in sorted(Path("citygrid/components").rglob("*.py"))]
    else:
        path = {"verify": "citygrid/plan/verify.py", "log": "citygrid/components/log.py"}[what]
        files = [source(Path(path))]
    for each in files:
        for function in replays(each) if what == "replay" else each.functions():
            yield from mutants(each, function)


def replays(file: Source) -> list[str]:
    """Functions called ``replay…``, and those of the same file that they call."""
    functions = file.functions()
    found = [name for name in functions if name.startswith("replay")]
    for name in found:  # grows as it goes
        for node in ast.walk(functions[name]):
            called = node.id if isinstance(node, ast.Name) else None
            if called in functions and called not in found:
                found.append(called)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="+", choices=sorted(TESTS))
    parser.add_argument("--sample", type=int, help="so many of each, drawn by chance; else all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="those whose line of the list has this text")
    parser.add_argument("--again", type=Path, help="those that stand in the output of another run")
    parser.add_argument("--most", type=int, default=10_000, help="tests that are run on a mutant")
    parser.add_argument("-k", default="", help="only tests that match, as pytest has it")
    arguments = parser.parse_args()
    again = arguments.again and set(arguments.again.read_text(encoding="utf-8").splitlines())
    for what in arguments.what:
        every = [each for each in chosen(what) if arguments.only in str(each)]
        if again is not None:
            every = [each for each in every if f"survives: {each}" in again]
        few = every
        if arguments.sample is not None and arguments.sample < len(every):
            few = random.Random(arguments.seed).sample(every, arguments.sample)
        hunt = Hunt(few, arguments.most)
        options = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist"]
        pytest.main([*options, "-k", arguments.k, *TESTS[what]], plugins=[hunt])
        if hunt.error is not None:
            print(hunt.error, file=sys.stderr)
            return 1
        print(f"\n{what}: {len(few)} of {len(every)} mutants")
        left = [str(each.source.path) for each in hunt.survivors]
        for path, asked in sorted(hunt.asked.items()):
            print(f"{path:60}{asked - left.count(path):6} of{asked:6}")
        print(f"{'all':60}{len(few) - len(left):6} of{len(few):6}")
        for key in hunt.untested:
            print(f"no test calls {key}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
