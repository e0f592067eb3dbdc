"""Two writers of the same files at once: what lies there at the end is all of one of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from citygrid import files, locks
from citygrid.errors import InputError
from citygrid.files import together, whole
from citygrid.locks import holding
from tests.waiting import Other

NAMES = ("a", "b", "sub/c")


def write(folder: Path, text: str) -> None:
    with together():
        for name in NAMES:
            with whole(folder / name) as temporary:
                temporary.write_text(text)


def texts(folder: Path) -> list[str]:
    return [(folder / name).read_text() for name in NAMES]


def in_the_middle(monkeypatch: pytest.MonkeyPatch, other: Callable[[], None], after: str) -> Other:
    """Let somebody else come in between, once, when a file of that name has got its name."""
    real, comes = Path.replace, Other(other)

    def replace(self: Path, target: Path) -> Path:
        done = real(self, target)
        if Path(target).name == after and comes.ident is None:
            comes.come_in()
        return done

    monkeypatch.setattr(Path, "replace", replace)
    return comes


def test_all_files_are_of_the_one_who_comes_last(tmp_path, monkeypatch):
    """Without it, one's first file would lie beside the other's second."""
    write(tmp_path, "before")
    second = in_the_middle(monkeypatch, lambda: write(tmp_path, "second"), after="a")
    write(tmp_path, "first")
    second.end()
    assert texts(tmp_path) == ["second"] * 3
    assert not [*tmp_path.rglob(".partial-*")]


def test_who_reads_several_files_waits_until_all_have_their_names(tmp_path, monkeypatch):
    write(tmp_path, "before")
    seen: list[list[str]] = []

    def read() -> None:
        with holding([tmp_path], shared=True):
            seen.append(texts(tmp_path))

    reader = in_the_middle(monkeypatch, read, after="a")
    write(tmp_path, "new")
    reader.end()
    assert seen == [["new"] * 3]


def test_readers_do_not_wait_for_each_other(tmp_path):
    with holding([tmp_path], shared=True), holding([tmp_path], shared=True):
        pass


def test_what_a_file_was_before_is_not_taken_for_an_abandoned_one(tmp_path, monkeypatch):
    """Until all files have their names, the former one must be there to be had back."""
    write(tmp_path, "before")
    long_ago = time.time() - 2 * files.ABANDONED_AFTER
    os.utime(tmp_path / "a", (long_ago, long_ago))

    def other() -> None:
        with suppress(RuntimeError), whole(tmp_path / "a"):
            raise RuntimeError("it only looks for strays, and gives up")

    second = in_the_middle(monkeypatch, other, after="a")
    with pytest.raises(OSError), together():  # noqa: PT012
        for name in ("a", "b"):
            with whole(tmp_path / name) as temporary:
                temporary.write_text("new")
        (tmp_path / "b").unlink()
        (tmp_path / "b").mkdir()  # its name is refused
    second.end()
    assert (tmp_path / "a").read_text() == "before"


def test_a_folder_that_somebody_takes_away_is_made_again(tmp_path, monkeypatch):
    """Whoever had made it has failed, and left none of what it had made."""
    real, tries = files.tempfile.mkstemp, []

    def mkstemp(*args, **more):
        tries.append(more["dir"])
        if len(tries) == 1:
            more["dir"].rmdir()
        return real(*args, **more)

    monkeypatch.setattr(files.tempfile, "mkstemp", mkstemp)
    with whole(tmp_path / "new" / "a") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "new" / "a").read_text() == "whole" and len(tries) == 2


def test_a_folder_that_is_taken_away_over_and_over_is_one_message(tmp_path, monkeypatch):
    real = files.tempfile.mkstemp

    def mkstemp(*args, **more):
        more["dir"].rmdir()
        return real(*args, **more)

    monkeypatch.setattr(files.tempfile, "mkstemp", mkstemp)
    with pytest.raises(FileNotFoundError) as caught, whole(tmp_path / "new" / "a"):
        raise AssertionError("not reached")
    assert caught.value.filename == str(tmp_path / "new" / "a")


def test_within_another_one_names_come_at_the_end_of_that(tmp_path):
    with together() as ready:
        write(tmp_path, "inner")
        assert ready(tmp_path / "a").read_text() == "inner" and not (tmp_path / "a").exists()
        with whole(tmp_path / "d") as temporary:
            temporary.write_text("outer")
    assert texts(tmp_path) == ["inner"] * 3 and (tmp_path / "d").read_text() == "outer"


def test_of_one_within_another_that_fails_nothing_is_left_and_the_other_goes_on(tmp_path):
    def fails() -> None:
        with together():
            with whole(tmp_path / "new" / "b") as temporary:
                temporary.write_text("inner")
            raise RuntimeError("in the middle")

    with together():
        with whole(tmp_path / "a") as temporary:
            temporary.write_text("outer")
        with pytest.raises(RuntimeError):
            fails()
    assert [path.name for path in tmp_path.rglob("*")] == ["a"]


@pytest.mark.parametrize("place", ["in/a", "in/sub/a"])
def test_files_beside_an_input_are_of_what_it_is_or_are_not_written(tmp_path, place):
    given = tmp_path / "in" / "plan"
    given.parent.mkdir()
    given.write_text("old")
    with pytest.raises(InputError, match="written over by another process"), together([given]):  # noqa: PT012
        with whole(tmp_path / place) as temporary:
            temporary.write_text(f"of the {given.read_text()}")
        with pytest.MonkeyPatch.context() as patch:  # another process knows nothing of this one
            patch.setattr(files, "_batch", files.ContextVar("other", default=None))
            with whole(given) as temporary:
                temporary.write_text("new")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["plan"]
    assert not (tmp_path / "in" / "sub").exists()


def test_files_elsewhere_may_be_of_what_an_input_was(tmp_path):
    given = tmp_path / "in" / "plan"
    given.parent.mkdir()
    given.write_text("old")
    with together([given]), whole(tmp_path / "out" / "a") as temporary:
        temporary.write_text("of the old")
        given.unlink()
    assert (tmp_path / "out" / "a").read_text() == "of the old"


def test_whoever_does_not_let_go_is_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE", 0.1)
    with holding([tmp_path]):
        with holding([tmp_path], wait=False) as free:
            assert not free
        with pytest.raises(InputError, match="is held by another process"), holding([tmp_path]):
            raise AssertionError("not reached")
        with pytest.raises(InputError, match="name another folder"):
            _write_together(tmp_path / "mine.txt")
    assert [*tmp_path.iterdir()] == []
    with holding([tmp_path], shared=True), holding([tmp_path], shared=True) as free:
        assert free


def _write_together(path: Path) -> None:
    with together(), whole(path) as temporary:
        temporary.write_text("mine")
