"""Progress: in place on a terminal, silent in a pipe, and never on standard output."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from citygrid.cli.progress import BLOCKS, Progress, Stage

TINY = "models/tiny.yaml"
PLAIN = re.compile(r"^ *\d+\.\d s  \S.* …$")


def start(arguments: list[str], repository: Path, err: int, **more: str) -> subprocess.Popen[bytes]:
    """The program with its standard error somewhere of our own."""
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200", "PYTHONPATH": str(repository),
                   **more}  # fmt: skip
    for name in ("NO_COLOR", "FORCE_COLOR", "CI"):
        environment.pop(name, None)
    return subprocess.Popen(
        [sys.executable, "-m", "citygrid", *arguments], cwd=repository, env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err,
        # Where the tests run in the background, interrupts are ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def on_a_terminal(arguments: list[str], repository: Path, **more: str) -> tuple[int, str, str]:
    """Exit code, what went to standard output (a pipe) and to standard error (a terminal)."""
    master, slave = os.openpty()
    process = start(arguments, repository, slave, **more)
    os.close(slave)
    said = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the terminal's other side is closed
            break
        if not part:
            break
        said += part
    os.close(master)
    assert process.stdout is not None
    out = process.stdout.read()
    process.stdout.close()
    return process.wait(), out.decode(), said.decode()


def in_a_pipe(arguments: list[str], repository: Path) -> tuple[int, str, str]:
    process = start(arguments, repository, subprocess.PIPE)
    out, err = process.communicate()
    return process.returncode, out.decode(), err.decode()


def controls(text: str) -> set[str]:
    """Control characters other than the ends of lines."""
    return {c for c in text.replace("\r\n", "\n") if (ord(c) < 32 and c != "\n") or ord(c) == 127}


def test_a_terminal_sees_stages_and_what_a_solve_found(repository: Path, tmp_path: Path) -> None:
    code, out, said = on_a_terminal(["plan", TINY, "--out", str(tmp_path)], repository)
    assert code == 0 and not controls(out) and "56.00" in out
    assert "\x1b[" in said  # moved in place
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)
    assert "reading the district" in shown
    assert re.search(r"solving 36 columns, 3 binaries by milp: 56\.00 EUR, at least 56\.00 EUR, "
                     r"gap 0\.000%", shown)  # fmt: skip
    assert said.rstrip().endswith("\x1b[?25h") or said.count("\x1b[?25h") == said.count("\x1b[?25l")


def test_json_on_a_terminal_stays_one_document_with_plain_lines(
    repository: Path, tmp_path: Path
) -> None:
    code, out, said = on_a_terminal(["plan", TINY, "--json", "--out", str(tmp_path)], repository)
    assert code == 0 and json.loads(out)["objective"] == pytest.approx(56.0)
    assert not controls(said)
    lines = [line for line in said.splitlines() if line.strip()]
    assert lines and all(PLAIN.match(line) for line in lines)


def test_a_terminal_that_cannot_move_gets_plain_lines(repository: Path, tmp_path: Path) -> None:
    _, _, said = on_a_terminal(["plan", TINY, "--out", str(tmp_path)], repository, TERM="dumb")
    assert "reading the district …" in said and not controls(said)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_pipe_hears_nothing(repository: Path, tmp_path: Path, more: list[str]) -> None:
    code, out, said = in_a_pipe(["plan", TINY, "--out", str(tmp_path), *more], repository)
    assert code == 0 and said == "" and not controls(out)
    assert not more or json.loads(out)["status"] == "optimal"


def test_verbose_is_heard_in_a_pipe_and_leaves_the_answer_alone(
    repository: Path, tmp_path: Path
) -> None:
    code, out, said = in_a_pipe(
        ["plan", TINY, "--verbose", "--json", "--out", str(tmp_path)], repository
    )
    assert code == 0 and json.loads(out)["objective"] == pytest.approx(56.0)
    assert not controls(said)
    assert "solving 36 columns" in said and "HiGHS" in said


def test_a_closed_standard_error_stops_nothing(repository: Path, tmp_path: Path) -> None:
    command = f'"{sys.executable}" -m citygrid plan {TINY} --json --out "{tmp_path}" 2>&-'
    done = subprocess.run(
        ["bash", "-c", command], cwd=repository, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )  # fmt: skip
    assert json.loads(done.stdout)["status"] == "optimal"


def test_imports_say_what_they_do(repository: Path, tmp_path: Path) -> None:
    arguments = ["import", "network", "data/frankfurt_2023/streets.gpkg", "--group", "200 kW",
                 "--out"]  # fmt: skip
    quiet = in_a_pipe([*arguments, str(tmp_path / "a.yaml")], repository)
    assert quiet[0] == 0 and quiet[2] == ""
    told = in_a_pipe([*arguments, str(tmp_path / "b.yaml"), "--verbose"], repository)
    assert [line for line in told[2].splitlines() if PLAIN.match(line)] and "laying pipes" in told[
        2
    ]
    code, _, said = on_a_terminal([*arguments, str(tmp_path / "c.yaml")], repository)
    assert code == 0 and "laying pipes" in said and "\x1b[" in said


def test_an_error_ends_the_display_before_it_is_told(repository: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "none.yaml"
    code, out, said = on_a_terminal(["plan", str(wrong), "--out", str(tmp_path)], repository)
    assert code == 2 and out == ""
    assert said.rstrip().splitlines()[-1].startswith("error: ")
    assert said.count("\x1b[?25l") == said.count("\x1b[?25h")


def test_an_interrupt_gives_the_cursor_back(repository: Path, tmp_path: Path) -> None:
    master, slave = os.openpty()
    process = start(["plan", "models/frankfurt.yaml", "--gap", "0", "--out", str(tmp_path)],
                    repository, slave)  # fmt: skip
    os.close(slave)
    said, waited = "", time.monotonic() + 120
    while "\x1b[?25l" not in said and time.monotonic() < waited:
        if select.select([master], [], [], 1.0)[0]:
            said += os.read(master, 65536).decode(errors="replace")
    process.send_signal(signal.SIGINT)
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        said += part.decode(errors="replace")
    os.close(master)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait() == 130, said
    assert "interrupted" in said
    assert said.rfind("\x1b[?25h") > said.rfind("\x1b[?25l") >= 0


# what is said -------------------------------------------------------------------------------------


def test_a_stage_keeps_the_last_of_both_sides() -> None:
    stage = Stage("solving")
    assert stage.found == "" and stage.gap is None
    stage.hear({"seconds": 1.0, "bound": 90.0})
    assert stage.found == "at least 90.00 EUR"
    stage.hear({"objective": 100.0})
    assert stage.found == "100.00 EUR, at least 90.00 EUR, gap 10.000%"
    stage.hear({"objective": None, "bound": float("-inf")})
    assert "100.00 EUR" in stage.found and "gap" not in stage.found


def test_the_gap_over_time_falls_like_the_gap() -> None:
    stage = Stage("solving")
    for bound in (50.0, 90.0, 99.0, 99.0, 99.9):
        stage.hear({"objective": 100.0, "bound": bound})
    heights = [BLOCKS.index(block) for block in stage.course]
    assert len(heights) == 4 and heights[0] == 7 and heights[-1] == 0
    assert heights == sorted(heights, reverse=True)
    assert Stage("solving").course == ""


def test_what_names_say_moves_no_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Progress(verbose=True).say("imposing \x1b[2J\x07evil.py")
    said = capsys.readouterr().err
    assert not controls(said) and "\\x1b[2J" in said
    assert not controls(Stage("\x1b[2J[bold]x").text)


# completion ---------------------------------------------------------------------------------------


def test_bash_completes_commands_and_options(repository: Path) -> None:
    programs = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": programs + os.pathsep + os.environ["PATH"],
                   "PYTHONPATH": str(repository)}  # fmt: skip

    def completed(line: str) -> list[str]:
        words = line.split(" ")
        script = (
            'eval "$(citygrid completion bash)"; '
            f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; "
            '_citygrid_completion citygrid; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True,
                              text=True, check=True)  # fmt: skip
        return done.stdout.split()

    assert completed("citygrid co") == ["compare", "compare-layouts", "completion"]
    assert completed("citygrid plan --ti") == ["--time-limit"]
    assert completed("citygrid completion z") == ["zsh"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_its_script(repository: Path, shell: str) -> None:
    code, out, said = in_a_pipe(["completion", shell], repository)
    assert code == 0 and said == "" and f"_CITYGRID_COMPLETE={shell}_complete" in out
    assert in_a_pipe(["completion", "tcsh"], repository)[0] == 2
