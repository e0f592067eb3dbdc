"""The documentation's site: builds without a warning, has every kind and command, fetches nothing.

What the pages say is run by ``test_documents.py``.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from citygrid.cli import main
from citygrid.components.contract import kinds
from citygrid.district.spec import DistrictSpec
from tests.conftest import REPOSITORY

pytest.importorskip("material", reason="the extra `docs` is not installed")
NOTEBOOKS = sorted((REPOSITORY / "docs" / "notebooks").glob("*.ipynb"))


def build(target: Path, config: Path = REPOSITORY / "mkdocs.yml") -> subprocess.CompletedProcess:
    """The site in a folder, as ``mkdocs build --strict`` makes it."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target),
         "--config-file", str(config)],
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1",
                             "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once; its building must say no word of warning."""
    target = tmp_path_factory.mktemp("site") / "site"
    done = build(target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return target


def page(site: Path, name: str) -> str:
    return (site / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_has_its_page_with_every_field(site: Path, kind: str) -> None:
    text = page(site, f"reference/kinds/{kind}.html")
    lacking = [name for name, field in kinds()[kind].spec.model_fields.items()
               if f"<code>{field.alias or name}</code>" not in text]  # fmt: skip
    assert lacking == []
    for heading in ("Fields", "Carriers", "What the plan decides", "Example"):
        assert f'id="{heading.lower().replace(" ", "-")}"' in text, heading
    assert f'href="{kind}.html"' in page(site, "reference/kinds/index.html")


def test_a_new_kind_gets_its_page_by_its_file_alone(tmp_path: Path) -> None:
    """In a process of its own, for kinds are read once; it has no district of its tests yet."""
    text = (REPOSITORY / "citygrid" / "components" / "hydrogen_sale.py").read_text()
    (tmp_path / "oxygen_sale.py").write_text(text.replace("take-off; left", "bottles; left"))
    script = (
        "import sys, citygrid.components\n"
        f"citygrid.components.__path__.append({str(tmp_path)!r})\n"
        f"sys.path.insert(0, {str(REPOSITORY / 'docs' / 'hooks')!r})\n"
        "from kind_pages import kind_page, kinds_page\n"
        "print(kinds_page(), kind_page('oxygen_sale'))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "[`oxygen_sale`](oxygen_sale.md)" in done.stdout
    assert "| `max` | kW, ≥ 0 | – | largest bottles; left out, no limit |" in done.stdout


def test_units_bounds_defaults_and_sources_come_from_the_code(site: Path) -> None:
    text = re.sub(r"\s+", " ", page(site, "reference/kinds/heat_pump.html"))
    row = "<td><code>isentropic_efficiency</code></td> <td>number or %, ≥ 0.001, ≤ 1</td>"
    assert f"{row} <td>0.8</td> <td>of the compressor</td>" in text
    assert "<code>heat</code></td> <td>kW, ≥ 0</td> <td>must be given</td>" in text
    assert "H. Pieper et al., Energy 205 (2020) 117994" in text
    assert "heat_pump.minimum_load [kW] output while on" in text  # the golden text
    assert "EUR/kWh, by the hour</td>" in page(site, "reference/kinds/grid.html")


def test_the_district_file_has_every_section(site: Path) -> None:
    text = page(site, "reference/district.html")
    assert all(f"<code>{name}</code>" in text for name in DistrictSpec.model_fields)
    assert all(f'id="{form}"' in text for form in ("reference", "timetable", "profile", "window"))


def walk(command, words=("citygrid",)):
    """Every command with the words that call it, as click knows them."""
    for name, each in getattr(command, "commands", {}).items():
        yield (*words, name), each
        yield from walk(each, (*words, name))


@pytest.mark.parametrize(("words", "command"), list(walk(main)), ids=lambda each: str(each)[:40])
def test_every_command_has_its_section_with_every_option(site: Path, words, command) -> None:
    text = page(site, "reference/commands.html")
    start = text.index(f'id="{"-".join(words)}"')
    section = text[start : text.find('<h2 id="citygrid-', start + 1)]
    options = [name for option in command.params if option.param_type_name == "option"
               for name in option.opts]  # fmt: skip
    assert [name for name in options if f"<code>{name}</code>" not in section] == []


def test_the_front_door_is_in_the_python_reference(site: Path) -> None:
    import citygrid

    text = page(site, "reference/python.html")
    for name in (*(f"citygrid.{verb}" for verb in citygrid.__all__), "citygrid.plan.plan.Plan",
                 "citygrid.plan.verify.Verdict", "citygrid.district.load.District"):  # fmt: skip
        assert f'id="{name}"' in text, name
    assert ":class:" not in text and ":func:" not in text
    assert 'href="#citygrid.errors.InfeasibleError"' in text  # what `solve` says it raises


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    """Links may lead away; scripts, styles, fonts and pictures may not."""
    fetched = re.compile(
        r"<(?:script|img|iframe|source)[^>]+src=[\"']?(?:https?:)?//[^\s\"'>]+"
        r"|<link[^>]+href=[\"']?(?:https?:)?//[^\s\"'>]+|url\((?:[\"']?)https?:[^)]+"
    )
    found = {
        str(path.relative_to(site)): match[0]
        for path in [*site.rglob("*.html"), *site.rglob("*.css")]
        if (match := fetched.search(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_files_of_the_repository_that_pages_name_are_in_the_site(site: Path) -> None:
    assert 'href="files/models/policies.py"' in page(site, "policies.html")
    shipped = (REPOSITORY / "models" / "policies.py").read_bytes()
    assert (site / "files" / "models" / "policies.py").read_bytes() == shipped


def test_a_broken_link_stops_the_building(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Title\n\n[gone](gone.md)\n")
    settings = (REPOSITORY / "mkdocs.yml").read_text().partition("\nnav:")[0]
    settings = settings.replace("docs/hooks/site.py", str(REPOSITORY / "docs/hooks/site.py"))
    (tmp_path / "mkdocs.yml").write_text(settings)
    done = build(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert done.returncode != 0 and "gone.md" in done.stderr, done.stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code and all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    for folder in ("models", "data"):
        (tmp_path / folder).symlink_to(REPOSITORY / folder)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    pictures = [output for cell in notebook.cells if cell.cell_type == "code"
                for output in cell.outputs if "image/png" in output.get("data", {})]  # fmt: skip
    assert pictures, "it draws nothing"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_search_works_and_asks_nobody_else(site: Path) -> None:
    """In a browser: every request goes to the site itself, and nothing is complained of."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no Chromium to open the site with")
    from playwright.sync_api import TimeoutError as PlaywrightTimeout
    from playwright.sync_api import sync_playwright

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    handler = functools.partial(Quiet, directory=str(site))
    asked, complaints = [], []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}/"
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
            tab = chromium.new_page()
            tab.on("request", lambda request: asked.append(request.url))
            tab.on("console", lambda said: complaints.append(said.text)
                   if said.type == "error" else None)  # fmt: skip
            tab.goto(f"{base}index.html")
            query = tab.locator("input[name=query]")
            first = tab.locator(".md-search-result__link").first
            for _ in range(24):  # what is typed before the index is read is not searched for
                query.fill("")
                query.press_sequentially("absorption")  # the page listens to keys
                with contextlib.suppress(PlaywrightTimeout):
                    first.wait_for(timeout=5_000)
                    break
            assert "absorption_chiller.html" in str(first.get_attribute("href"))
            chromium.close()
        server.shutdown()
    assert [url for url in asked if not url.startswith(base)] == []
    assert complaints == []


def test_every_file_that_the_readme_names_exists() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", (REPOSITORY / "README.md").read_text())
    assert len(targets) > 10
    assert [target for target in targets if not (REPOSITORY / target).exists()] == []
