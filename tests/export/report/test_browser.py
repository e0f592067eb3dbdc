"""A real browser draws the report without a network, and axe-core reads it as a screen reader."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import citygrid as cg
from citygrid.export.report import Entry, write_report
from citygrid.export.report.interactive import write_interactive
from citygrid.plan.verify import verify

pytestmark = pytest.mark.slow

#: Widths that a page must fit: a laptop's window and a telephone.
WIDTHS = (1280, 380)
#: Elements that stand out of the window; what scrolls in a region of its own may.
OVERFLOWING = """() => {
  const width = document.documentElement.clientWidth;
  return Array.from(document.querySelectorAll("body *")).filter((element) => {
    if (element.matches(".skip") || element.parentElement.closest(".scroll, svg")) return false;
    const box = element.getBoundingClientRect();
    return box.width && box.right > width + 1;
  }).map((element) => element.outerHTML.slice(0, 200));
}"""
#: What the slider should move: map, cursors and figures of the legends.
SHOWN = """() => Array.from(document.querySelectorAll(
  ".clock output, [data-line], [data-plate], .cursor, [data-stack]"
)).map((e) => [e.textContent, e.getAttribute("class"), e.getAttribute("width"),
               e.getAttribute("x1")].join("|"))"""


#: Pairs of a Sankey's labels that lie on each other as this browser's letters are wide.
COLLIDING = """() => Array.from(document.querySelectorAll("svg.sankey")).flatMap((drawn) => {
  const labels = Array.from(drawn.querySelectorAll("text"));
  const boxes = labels.map((label) => label.getBoundingClientRect());
  const found = [];
  boxes.forEach((a, i) => boxes.slice(0, i).forEach((b, j) => {
    const across = a.left < b.right - 1 && b.left < a.right - 1;
    if (across && a.top < b.bottom - 3 && b.top < a.bottom - 3)
      found.push(labels[i].textContent + " on " + labels[j].textContent);
  }));
  return found;
})"""


def chromium_path() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium, installed where it may be; playwright only drives it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if chromium_path() is None:
        if shutil.which("apt-get") is None or os.geteuid() != 0:
            pytest.skip("Chromium is not there: install the package chromium")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            done = subprocess.run(["apt-get", "-q", *command], env=quiet, capture_output=True,
                                  text=True, check=False)  # fmt: skip
            if done.returncode:
                pytest.skip(f"Chromium could not be installed: {done.stderr.strip()[-300:]}")
    with playwright.sync_playwright() as driver:
        # No extension, no sandbox of its own: a container's root has none, and the page is ours.
        browser = driver.chromium.launch(executable_path=chromium_path())
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=["frankfurt_day", "by hand"])
def page_file(request, planned, repository, tmp_path_factory) -> Path:
    """The report of a shipped district as it is planned now, and of the hand-made one."""
    if request.param == "by hand":
        case, plan, verdict = planned
    else:
        case = cg.prepare(cg.load(repository / "models" / f"{request.param}.yaml"))
        plan = cg.solve(cg.formulate(case))
        verdict = verify(case, plan)
    path: Path = tmp_path_factory.mktemp("browser") / "report.html"
    write_report([Entry("milp", case, plan, verdict)], path)
    return path


@contextmanager
def drawn(browser: Any, path: Path, width: int) -> Iterator[tuple[Any, list[str], list[str]]]:
    """A page, drawn without a network, with what its console said and what it asked for."""
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (e) => console.error(e.violatedDirective))"
    )
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto(path.as_uri())
    yield page, said, asked
    context.close()


@pytest.fixture(params=WIDTHS)
def opened(request, browser, page_file) -> Iterator[tuple[Any, list[str], list[str]]]:
    """The report as it is drawn."""
    with drawn(browser, page_file, request.param) as found:
        yield found


def test_the_page_draws_without_a_network_and_says_nothing(opened, page_file):
    page, said, asked = opened
    assert page.locator("h1").first.is_visible()
    assert page.evaluate("document.fonts.ready.then(() => true)")
    assert said == []
    assert asked == [page_file.as_uri()]


def test_nothing_stands_out_of_the_window(opened):
    page, _, _ = opened
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(OVERFLOWING) == []


def test_labels_of_the_flows_do_not_lie_on_each_other(opened):
    page, _, _ = opened
    assert page.locator("svg.sankey text").count() > 20
    assert page.evaluate(COLLIDING) == []


def test_the_hour_slider_moves_map_and_charts_by_keyboard(opened):
    page, said, _ = opened
    before = page.evaluate(SHOWN)
    page.locator(".clock input").first.focus()
    page.keyboard.press("ArrowRight")
    after = page.evaluate(SHOWN)
    changed = [then for then, now in zip(before, after, strict=True) if then != now]
    assert len(changed) > 10
    assert page.locator(".part.live").count() == 1
    page.locator(".clock button").first.click()
    still = [e for e in page.evaluate(SHOWN) if e.startswith("mean of the horizon")]
    assert still and page.locator(".part.live").count() == 0
    assert said == []


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_no_serious_violation(browser, page_file, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    # The page's own policy would keep axe-core out.
    context = browser.new_context(
        viewport={"width": width, "height": 900}, offline=True, bypass_csp=True
    )
    page = context.new_page()
    page.goto(page_file.as_uri())
    found = axe.Axe().run(page).response
    context.close()
    assert len(found["passes"]) > 10  # it did look
    assert grave(found) == []


def grave(found: dict[str, Any]) -> list[str]:
    """What axe calls serious or critical."""
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:120] for node in each['nodes'][:3]]}"
        for each in found["violations"] if each["impact"] in ("serious", "critical")
    ]  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
def test_the_interactive_page_draws_without_a_network(browser, planned, tmp_path, width):
    pytest.importorskip("plotly")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    case, plan, verdict = planned
    path = tmp_path / "interactive.html"
    write_interactive([Entry("milp", case, plan, verdict)], path)
    with drawn(browser, path, width) as (page, said, asked):
        assert page.locator(".js-plotly-plot .main-svg").count() > 5
        assert page.locator(".js-plotly-plot .sankey").count() == 2
        assert said == [] and asked == [path.as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.goto(path.as_uri())
    found = axe.Axe().run(page).response
    context.close()
    assert grave(found) == []


def test_what_stands_out_and_what_breaks_the_policy_is_seen(browser, tmp_path):
    """The checks above can fail: a page that breaks every one of them."""
    path = tmp_path / "bad.html"
    path.write_text(
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
        '<img src="data:image/gif;base64,R0lGODlh">'
        "<style>div { width: 3000px }</style><table width=3000><tr><td>wide</td></tr></table>"
    )
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert any("Content Security Policy" in text for text in said)
    assert page.evaluate(OVERFLOWING) != []
    page.close()
