"""Files appear whole or not at all, whatever happens to the one who writes them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from citygrid.errors import InputError
from citygrid.files import together, whole

# Writes half of the new text, says so, and waits to be killed.
WRITER = """
import sys, time
from pathlib import Path
from citygrid.errors import InputError
from citygrid.files import together, whole
with whole(Path(sys.argv[1])) as temporary:
    with temporary.open("w") as stream:
        stream.write("half of the new")
        stream.flush()
        print(temporary, flush=True)
        time.sleep(600)
"""


def killed_in_the_middle(path: Path) -> Path:
    """Start a writer, kill it with SIGKILL while it writes, and return its temporary file."""
    command = [sys.executable, "-c", WRITER, str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        assert writer.stdout is not None
        temporary = Path(writer.stdout.readline().strip())  # it is in the middle now
        writer.kill()
    assert writer.returncode == -signal.SIGKILL
    return temporary


def long_ago(stray: Path) -> None:
    """Let two days pass, so that nobody can still be writing this file."""
    os.utime(stray, (time.time() - 172_800,) * 2)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_writer_killed_in_the_middle_leaves_the_old_file_intact(tmp_path: Path) -> None:
    path = tmp_path / "plan.nc"
    path.write_text("old")
    stray = killed_in_the_middle(path)
    assert path.read_text() == "old"
    assert stray.read_text() == "half of the new"  # it really was in the middle
    long_ago(stray)
    with whole(path) as temporary:  # the next writer cleans up and is not disturbed
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["plan.nc"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_writer_killed_in_the_middle_leaves_no_new_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.nc"
    killed_in_the_middle(path)
    assert not path.exists()


def test_an_error_in_the_middle_leaves_the_old_file_and_no_stray(tmp_path: Path) -> None:
    path = tmp_path / "plan.nc"
    path.write_text("old")

    def write_half() -> None:
        with whole(path) as temporary:
            temporary.write_text("half of the new")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        write_half()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["plan.nc"]


def test_nothing_is_seen_under_the_name_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "plan.nc"
    with whole(path) as temporary:
        assert temporary.parent == path.parent  # the rename stays within one file system
        assert temporary.suffix == ".nc"  # libraries choose the format by it
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"


def test_a_library_may_replace_the_temporary_by_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.nc"
    with whole(path) as temporary:  # netCDF and SQLite unlink and create anew
        temporary.unlink()
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_the_file_is_readable_by_whom_the_umask_allows(tmp_path: Path) -> None:
    path = tmp_path / "plan.nc"
    former = os.umask(0o027)
    try:
        with whole(path) as temporary:
            temporary.write_text("new")
    finally:
        os.umask(former)
    assert path.stat().st_mode & 0o777 == 0o640


def test_names_with_signs_of_a_pattern_are_written_and_cleaned_like_others(tmp_path: Path) -> None:
    neighbour = tmp_path / ".partial-plan 1 of 2.nc-killed.nc"
    neighbour.write_text("half of another file")
    long_ago(neighbour)
    path = tmp_path / "plan [1]*.nc"
    stray = tmp_path / f".partial-{path.name}-killed.nc"
    stray.write_text("half")
    long_ago(stray)
    with whole(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert not stray.exists()
    assert neighbour.exists()


def test_two_writers_of_one_file_do_not_destroy_each_other(tmp_path: Path) -> None:
    path = tmp_path / "plan.nc"
    opened, finish = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def write_slowly() -> None:
        try:
            with whole(path) as temporary:
                temporary.write_text("first")
                opened.set()
                finish.wait(60)
        except BaseException as error:
            failures.append(error)

    slow = threading.Thread(target=write_slowly)
    slow.start()
    assert opened.wait(60)
    with whole(path) as temporary:
        temporary.write_text("second")
    assert path.read_text() == "second"
    finish.set()
    slow.join()
    assert not failures
    assert path.read_text() == "first"


def test_a_device_or_folder_is_not_replaced_and_a_link_stays_one(tmp_path: Path) -> None:
    """Renaming onto /dev/null would put an ordinary file in its place, for everybody."""
    for target in (Path(os.devnull), tmp_path):
        with pytest.raises(OSError), whole(target) as temporary:
            temporary.write_text("new", encoding="utf-8")
    assert not Path(os.devnull).is_file()
    (tmp_path / "real.txt").write_text("old", encoding="utf-8")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    with whole(tmp_path / "link.txt") as temporary:
        temporary.write_text("new", encoding="utf-8")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text(encoding="utf-8") == "new"


INTERRUPTED = """
import os, signal, sys
from pathlib import Path
from citygrid.errors import InputError
from citygrid.files import together, whole

signal.signal(signal.SIGINT, signal.default_int_handler)
path, times = Path(sys.argv[1]), int(sys.argv[2])
try:
    with whole(path) as temporary:
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
        temporary.write_text("all of it")
except KeyboardInterrupt:
    print(*[each.name for each in path.parent.iterdir()], sep="\\n")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


@pytest.mark.parametrize(("times", "left"), [(1, ["plan.nc"]), (2, [])])
def test_a_first_interrupt_waits_until_the_file_is_whole(times, left, tmp_path):
    """Libraries that are stopped while they write leave their file behind; a second one stops."""
    path = tmp_path / "plan.nc"
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, str(path), str(times)],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.split() == left
    assert not left or path.read_text() == "all of it"


def test_a_full_disk_is_named_whatever_the_library_calls_it(tmp_path, monkeypatch):
    """GDAL and netCDF have errors of their own when there is no room."""
    path = tmp_path / "plan.nc"
    path.write_text("before")
    monkeypatch.setattr("citygrid.files.LEAST_ROOM", 1 << 60)
    with pytest.raises(OSError, match="No space") as caught, whole(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError("NetCDF: HDF error")
    assert caught.value.filename == str(path)
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_a_refusal_in_the_words_of_netcdf_names_the_file(tmp_path):
    path = tmp_path / "plan.nc"
    with pytest.raises(OSError, match="could not be written: NetCDF: HDF") as caught, whole(path):
        raise RuntimeError("NetCDF: HDF error")
    assert caught.value.filename == str(path) and not list(tmp_path.iterdir())


def test_an_error_that_is_not_the_disks_stays_what_it_is(tmp_path):
    with pytest.raises(RuntimeError, match="a slip"), whole(tmp_path / "plan.nc"):
        raise RuntimeError("a slip")


def test_files_that_belong_together_are_there_at_once_or_not_at_all(tmp_path):
    (tmp_path / "a").write_text("old")

    def write(fails: bool) -> None:
        with together():
            for name in ("a", "new/b"):
                with whole(tmp_path / name) as temporary:
                    temporary.write_text("new")
            assert (tmp_path / "a").read_text() == "old" and not (tmp_path / "new" / "b").exists()
            if fails:
                raise RuntimeError("the third cannot be written")

    with pytest.raises(RuntimeError):
        write(fails=True)
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"
    write(fails=False)
    assert (tmp_path / "a").read_text() == (tmp_path / "new" / "b").read_text() == "new"
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["a", "b", "new"]


def test_a_file_that_was_read_is_not_written_over(tmp_path):
    (tmp_path / "plan.nc").write_text("mine")
    (tmp_path / "link.nc").symlink_to(tmp_path / "plan.nc")
    for name in ("plan.nc", "link.nc"):
        with (
            pytest.raises(InputError, match="is an input"),
            together([tmp_path / "plan.nc"]),
            whole(tmp_path / name) as temporary,
        ):
            temporary.write_text("other")
    assert (tmp_path / "plan.nc").read_text() == "mine"


def test_folders_that_were_made_for_a_file_that_failed_are_removed(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(RuntimeError), whole(tmp_path / "there" / "a" / "b" / "plan.nc"):
        raise RuntimeError("in the middle")
    assert [each.name for each in tmp_path.rglob("*")] == ["there"]


def test_a_name_with_a_line_break_is_refused_before_anything_is_made(tmp_path):
    """GDAL leaves the break out, and the file would stay there under another name."""
    with pytest.raises(OSError, match="control character"), whole(tmp_path / "a\nb.gpkg"):
        raise AssertionError("not reached")
    assert not list(tmp_path.iterdir())
