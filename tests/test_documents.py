"""What the documents say is true: their examples run, and nothing names a private place.

In README.md and docs/, ```python blocks run as they stand (those with ``>>>`` also have their
output compared) and lines ``$ citygrid …`` of ```console blocks are run and must exit 0, or N where
the line ends in ``# exit N``. A block with a ``title="…"`` is a file that the reader writes, so it
is written and not run. The blocks of one file run in order, in one namespace and one folder, in
which ``models`` and ``data`` are found.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import citygrid.components
from citygrid.components.contract import kinds

REPOSITORY = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*REPOSITORY.glob("README.md"), *REPOSITORY.glob("docs/**/*.md")])


class Example(NamedTuple):
    """A fenced block: its language, text, the line it starts at, and the file that it is."""

    language: str
    text: str
    line: int
    file: str | None = None


def examples(document: str) -> Iterator[Example]:
    """The fenced blocks of a document that are run or written."""
    for token in MarkdownIt().parse(document):
        language = token.info.strip().split(maxsplit=1)[0] if token.info.strip() else ""
        title = re.search(r'title="([^"]+)"', token.info)
        if token.type == "fence" and (title or language in ("python", "console")):
            assert token.map
            yield Example(language, token.content, token.map[0] + 1, title and title[1])


def commands(text: str) -> Iterator[tuple[str, int]]:
    """The ``citygrid`` commands of a console block, with the exit code each must have."""
    for line in re.sub(r"\\\n(?:> )?", " ", text).splitlines():
        if line.startswith("$ citygrid"):
            expected = re.search(r"#\s*exit\s+(\d+)\s*$", line)
            yield line.removeprefix("$ "), int(expected[1]) if expected else 0


def run_python(example: Example, name: str, namespace: dict[str, object]) -> None:
    """Run a python block; its lines are numbered as in the document."""
    if ">>>" not in example.text:
        code = compile("\n" * example.line + example.text, name, "exec")
        exec(code, namespace)
        return
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    session = doctest.DocTestParser().get_doctest(example.text, namespace, name, name, example.line)
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=flags)
    failed = runner.run(session, out=report.append, clear_globs=False).failed
    namespace.update(session.globs)
    assert not failed, "".join(report)


def run_console(example: Example, name: str) -> None:
    """Run the commands of a console block with this environment's programs."""
    programs = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": programs + os.pathsep + os.environ["PATH"]}
    for command, expected in commands(example.text):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == expected, (
            f"{name}:{example.line}: {command}\nexit {done.returncode}\n{done.stdout}{done.stderr}"
        )


def run_document(path: Path) -> None:
    """Run every example of a document in the current folder."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    for example in examples(path.read_text()):
        if example.file is not None:
            file = Path(example.file)
            assert not file.is_absolute() and ".." not in file.parts, file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(example.text)
        elif example.language == "python":
            run_python(example, str(path), namespace)
        else:
            run_console(example, str(path))


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A reader's folder: the shipped models and data are there, and what is written goes there."""
    for folder in ("models", "data"):
        (tmp_path / folder).symlink_to(REPOSITORY / folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITYGRID_REGISTRY", str(tmp_path / ".citygrid"))
    # A page may add a folder of kinds; other tests must not meet them.
    shipped, folders = set(kinds()), list(citygrid.components.__path__)
    yield tmp_path
    if list(citygrid.components.__path__) != folders:
        citygrid.components.__path__ = folders
        for name in set(kinds()) - shipped:
            del sys.modules[f"citygrid.components.{name}"]
            delattr(citygrid.components, name)
        kinds.cache_clear()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_example_of_the_documents_runs(path, reader):
    run_document(path)


@pytest.mark.parametrize(
    "block",
    [
        "```python\nassert 1 + 1 == 3\n```",
        "```python\n>>> 1 + 1\n3\n```",
        "```console\n$ citygrid no-such-command\n```",
        "```console\n$ citygrid --version \\\n    | false\n```",
        "```console\n$ citygrid --version  # exit 2\n```",
    ],
)
def test_a_wrong_example_is_found(block, reader):
    (reader / "wrong.md").write_text(f"# Title\n\n```python\nx = 1\n```\n\n{block}\n")
    with pytest.raises(AssertionError):
        run_document(reader / "wrong.md")


def test_examples_of_one_document_share_names_and_output_is_compared(reader):
    (reader / "right.md").write_text(
        "```python\nx = 2\n```\n\n```python\n>>> x + 1\n3\n>>> y = x\n```\n\n"
        "```python\nopen('out.txt', 'w').close()\nassert y == 2\n```\n\n"
        "```text\nnot run\n```\n\n```console\n$ ./something-else\nits output\n"
        "$ citygrid --help\n$ citygrid no-such-command  # exit 2\n```\n"
    )
    run_document(reader / "right.md")
    assert (reader / "out.txt").exists()


def test_a_block_with_a_title_is_a_file(reader):
    (reader / "titled.md").write_text(
        '```yaml title="made/by hand.yaml"\na: 1\n```\n\n'
        '```python title="mine.py"\nraise RuntimeError\n```\n\n'
        "```python\nfrom pathlib import Path\n"
        'assert Path("made/by hand.yaml").read_text() == "a: 1\\n"\n```\n'
    )
    run_document(reader / "titled.md")
    assert (reader / "mine.py").read_text() == "raise RuntimeError\n"


# Nothing in the repository names a private place -------------------------------------------------

PRIVATE = re.compile(
    rb"(?<![\w.])[/]work(?![\w-])"  # the folder of one machine
    rb"|--(?:extra-)?index[-]url|--find[-]links"
    rb"|https?://[^\s\"']*/simple\b|pypi[.]org|files[.]pythonhosted"
)


@pytest.mark.parametrize(
    ("pieces", "private"),
    [
        (("see ", "/", "work/main"), True),
        (("pip install --", "index-url x"), True),
        (("https://host.example", "/simple/numpy"), True),
        ((".github/workflows",), False),
        (("a/workers/b", "network/works"), False),
        (("--no-emit-index-url --no-emit-find-links",), False),
    ],
)
def test_private_places_are_told_from_innocent_names(pieces, private):
    assert bool(PRIVATE.search("".join(pieces).encode())) == private


def test_no_file_names_a_private_place_or_an_index():
    listing = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        capture_output=True, check=False,
    )  # fmt: skip
    if listing.returncode != 0:
        pytest.skip("not a git checkout, so nobody knows which files belong to the project")
    found = []
    for name in filter(None, listing.stdout.decode().split("\0")):
        path = REPOSITORY / name
        if path.is_file() and (match := PRIVATE.search(path.read_bytes())):
            found.append(f"{name}: {match[0].decode(errors='replace')}")
    assert found == []


# The lock is in step with pyproject.toml ---------------------------------------------------------


def test_the_lock_holds_every_declared_dependency_in_a_version_that_is_allowed():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    locked: dict[str, list[Version]] = {}
    lock = (REPOSITORY / "requirements.lock").read_text()
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock, re.MULTILINE):
        locked.setdefault(canonicalize_name(name), []).append(Version(version))
    stale = [
        str(requirement)
        for requirement in map(Requirement, declared)
        if not locked.get(canonicalize_name(requirement.name))
        or not all(v in requirement.specifier for v in locked[canonicalize_name(requirement.name)])
    ]
    assert not stale, f"run ./scripts/lock: {stale}"
