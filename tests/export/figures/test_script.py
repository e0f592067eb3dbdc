"""The pictures of the documents: each has a maker, and none is made of what was not measured."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from citygrid.district.case import Case
from citygrid.plan.plan import Plan
from citygrid.plan.verify import Verdict

SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def script(repository: Path) -> Any:
    place = repository / "scripts" / "make_figures.py"
    found = importlib.util.spec_from_file_location("make_figures", place)
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def call(script: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The script with these arguments; its exit code."""

    def called(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["figures", *map(str, arguments)])
        return int(script.main())

    return called


def test_every_picture_that_the_documents_show_has_a_maker(script: Any) -> None:
    shown = {picture.name for picture in script.shown()}
    assert script.MAP in shown
    assert shown <= {script.MAP, *script.MEASURED}


def test_a_picture_without_a_maker_is_an_error(
    script: Any, call: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("![one](docs/new.png) ![two](https://a.b/c.png)\n")
    monkeypatch.setattr(script, "ROOT", tmp_path)
    assert call() == 2
    assert "new.png: is shown, but nothing here makes it" in capsys.readouterr().err


def test_the_map_is_drawn_from_a_plan_and_the_same_each_time(
    call: Callable[..., int], planned: tuple[Case, Plan, Verdict], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    planned[1].save(tmp_path / "plan.nc")
    pictures = []
    for folder in ("a", "b"):
        assert call("--plan", tmp_path / "plan.nc", "--out", tmp_path / folder) == 0
        pictures.append((tmp_path / folder / "frankfurt.png").read_bytes())
        # Without a folder, what shows measurements is not touched.
        assert [path.name for path in (tmp_path / folder).iterdir()] == ["frankfurt.png"]
    assert pictures[0] == pictures[1] and pictures[0].startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert said.count("written from") == 2 and said.count("left as it is") == 6


def test_measured_pictures_are_copied_from_the_folder_that_is_named(
    call: Callable[..., int], script: Any, tmp_path: Path
) -> None:
    (tmp_path / "bench").mkdir()
    for _, name, _ in script.MEASURED.values():
        (tmp_path / "bench" / name).write_text(f"{SVG}<!-- {name} -->")
    bench, out = tmp_path / "bench", tmp_path / "out"
    out.mkdir()
    before = (tmp_path / "none.nc",)
    assert call("--plan", *before, "--scale", bench, "--qubo", bench, "--out", out) == 2
    assert {path.name for path in out.iterdir()} == set(script.MEASURED)
    assert "rates.svg" in (out / "qubo-rates.svg").read_text()


def test_what_cannot_be_used_is_refused_and_nothing_is_written(
    call: Callable[..., int], planned: tuple[Case, Plan, Verdict], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    case, plan, _ = planned
    broken = plan.dataset.copy(deep=True)
    broken["boiler.heat"] += 100.0
    Plan(case, broken).save(tmp_path / "broken.nc")
    (tmp_path / "scale.svg").write_text("seconds,binaries")
    out = tmp_path / "out"
    assert call("--plan", tmp_path / "broken.nc", "--scale", tmp_path, "--qubo", tmp_path / "no",
                "--out", out) == 2  # fmt: skip
    said = capsys.readouterr().err
    assert "heat is balanced" in said and "is no SVG picture" in said and "is not there" in said
    assert not out.exists()
