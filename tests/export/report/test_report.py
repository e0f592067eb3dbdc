from __future__ import annotations

import base64
import hashlib
import html
import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import citygrid as cg
from citygrid.export.balance import energy, money
from citygrid.export.flows import dispatch
from citygrid.export.report import Entry, write_report
from citygrid.export.report.wording import number, share
from citygrid.export.stacking import by_kind
from citygrid.export.windows import windows
from citygrid.plan.compare import Try
from citygrid.plan.plan import Plan
from citygrid.plan.verify import verify


class Page(HTMLParser):
    """What a test needs to know of a page: elements, texts, headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {}
        self.stack: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("meta", "input"):
            return
        self.stack.append(tag)
        self.inside.setdefault(tag, []).append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag, f"{tag} closes another element at {self.getpos()}"

    def handle_data(self, data):
        if self.stack:
            self.inside[self.stack[-1]][-1] += data


def page_of(path, *entries):
    write_report(entries, path)
    text = path.read_text("utf-8")
    return text, Page(text)


@pytest.fixture(scope="module")
def week(make, tmp_path_factory):
    case, plan = make(hours=168)
    entry = Entry("milp", case, plan, verify(case, plan), {"solve": 3.25, "total": 4.5},
                  {"columns": 1234})  # fmt: skip
    path = tmp_path_factory.mktemp("report") / "report.html"
    text, page = page_of(path, entry)
    return text, page, entry


def refuse_remote(text, page):
    """No address, nothing that loads, links only to places of the page."""
    assert re.findall(r"\b(?:https?|ftp|wss?):|//\w+\.", text) == []
    loading = {"src", "srcset", "data", "action", "poster", "background", "xlink:href"}
    assert [a for _, attributes in page.elements for a in attributes if a in loading] == []
    links = [a["href"] for tag, a in page.elements if tag == "a"]
    ids = {a["id"] for _, a in page.elements if "id" in a}
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    assert {"link", "img", "iframe", "object"}.isdisjoint(tag for tag, _ in page.elements)


def test_a_week_stays_below_a_megabyte_and_loads_nothing(week):
    text, page, _ = week
    assert len(text.encode()) < 1_000_000
    refuse_remote(text, page)


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(week):
    text, page, _ = week
    policies = [a["content"] for _, a in page.elements if "http-equiv" in a]
    assert len(policies) == 1
    policy = policies[0]
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", text, re.S)
    styles = re.findall(r"<style>(.*?)</style>", text, re.S)
    assert len(scripts) == len(styles) == 1
    for kind, content in (("script", scripts[0]), ("style", styles[0])):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    # Neither would work under the policy.
    assert not any(a == "style" or a.startswith("on") for _, at in page.elements for a in at)


def test_ids_are_unique_and_headings_in_order(week):
    _, page, _ = week
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_every_picture_has_a_title_or_is_decoration(week):
    _, page, _ = week
    ids = {a["id"] for _, a in page.elements if "id" in a}
    pictures = [a for tag, a in page.elements if tag == "svg"]
    assert len(pictures) > 10
    for picture in pictures:
        named = (picture.get("aria-labelledby") or "").split()
        assert picture.get("aria-hidden") == "true" or (named and set(named) <= ids)


def test_a_plan_that_holds_and_one_that_does_not_look_different(week, tmp_path):
    text, _, entry = week
    assert "Verified: the plan holds" in text and "Not verified" not in text
    broken = entry.plan.dataset.copy(deep=True)
    broken["boiler.heat"][0, 5] += 40.0
    plan = Plan(entry.case, broken)
    verdict = verify(entry.case, plan)
    text, _ = page_of(tmp_path / "r.html", Entry("milp", entry.case, plan, verdict))
    assert "Not verified: the plan breaks rules" in text
    assert "heat is balanced" in text and "2023-01-16T04:00Z" in text


def test_a_plan_that_lacks_a_kind_is_still_reported(week, tmp_path):
    _, _, entry = week
    plan = Plan(entry.case, entry.plan.dataset.drop_vars(["boiler.heat", "heat_pipe.flow"]))
    verdict = verify(entry.case, plan)
    text, _ = page_of(tmp_path / "r.html", Entry("milp", entry.case, plan, verdict))
    assert "the plan lacks or misshapes" in text


def test_routes_stand_side_by_side_and_the_best_that_holds_is_shown(week, tmp_path):
    _, _, entry = week
    worse = entry.plan.dataset.copy(deep=True)
    worse.attrs |= {"objective": entry.plan.objective - 500.0, "route": "qubo"}
    worse.attrs.pop("bound")
    worse.attrs["telemetry"] = json.dumps({})
    plan = Plan(entry.case, worse)
    text, _ = page_of(
        tmp_path / "r.html", entry,
        Entry("hybrid:random", entry.case, plan, verify(entry.case, plan)),
    )  # fmt: skip
    assert "1 of 2 routes gave a plan that holds" in text
    rows = re.findall(r"<tr[^>]*><th scope=\"row\">(.*?)</tr>", text, re.S)
    shown, other = rows[:2]
    assert shown.startswith("milp") and "✓ holds" in shown and "shown below" in shown
    assert "3.25" in shown and "87.5 %" in shown and "0.050 %" in shown
    assert other.startswith("hybrid:random") and "✗ broken" in other and "control" in other
    assert other.count(">–<") >= 4  # bound, gap, seconds, feasibility


def test_names_from_the_district_cannot_become_markup(make, tmp_path):
    evil = "</script><script>alert(1)</script>"
    case, plan = make(rename=lambda name: f"{evil}{name}")
    text, _ = page_of(tmp_path / "r.html", Entry(evil, case, plan, verify(case, plan)))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_what_the_slider_shows_is_the_plan(week):
    text, page, entry = week
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text, re.S)[1])
    assert len(data["times"]) == 168 and data["times"][0] == "Mon 16 Jan, 00:00"
    fed, drawn = by_kind(dispatch(entry.case, entry.plan), "heat")
    first = data["stacks"][0]
    assert len(first["values"]) == len(fed) + len(drawn)
    sums = np.array(first["values"]).sum(axis=0)
    np.testing.assert_allclose(sums, 2 * sum(fed.values()), atol=4.0)
    # The script takes every element of this class for a case with data of its own.
    assert [tag for tag, a in page.elements if "part" in (a.get("class") or "").split()] == ["div"]
    slider = next(a for tag, a in page.elements if tag == "input")
    assert slider["max"] == "167" and len(data["lines"]) == 6 and len(data["lines"][0]) == 168


def test_a_year_shows_daily_means_and_its_hardest_week(make, tmp_path):
    case, plan = make(hours=8760)
    moved = dispatch(case, plan)
    overview, close = windows(case, moved)
    assert overview.points == 365 and close.points == 168
    # The season's peak is at both ends of the year.
    assert close.first in (0, 8760 - 24 - 168 + 24)
    heat = moved.carriers["heat"][0]
    assert overview.means(heat).mean() == pytest.approx(heat.mean())
    text, _ = page_of(tmp_path / "r.html", Entry("milp", case, plan, verify(case, plan)))
    assert "Daily means over the horizon" in text and "The hardest week" in text
    assert len(text.encode()) < 1_000_000


def test_fine_steps_are_drawn_as_means_of_a_few(make):
    case, plan = make(hours=700, step=0.25)
    moved = dispatch(case, plan)
    overview, close = windows(case, moved)
    assert overview is None and close.block == 3 and close.points == 234
    last = close.means(moved.carriers["heat"][0])[-1]
    assert last == pytest.approx(moved.carriers["heat"][0][-1])


def test_a_case_without_positions_has_no_map_and_says_so(make, tmp_path):
    case, plan = make(places=False)
    text, _ = page_of(tmp_path / "r.html", Entry("milp", case, plan, verify(case, plan)))
    assert "gives no node a position" in text and "Map of" not in text
    assert "Pipes and cables as a table" in text


def test_cases_of_different_districts_share_a_page(week, make, tmp_path):
    _, _, entry = week
    case, plan = make(hours=24)
    _, page = page_of(tmp_path / "r.html", entry, Entry("milp", case, plan, verify(case, plan)))
    assert len(page.inside["h1"]) == 2
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("nan"), "–"), (0.0, "0"), (-0.0, "0"), (12345.6, "12,346"),
     (-3.456, "−3.46"), (0.0456, "0.046"), (123.45, "123.5"), (-0.0001, "0.000")],
)  # fmt: skip
def test_numbers_are_written_for_people(value, text):
    assert number(value) == text


def test_a_share_that_does_not_apply_is_a_dash():
    assert share(None) == "–" and share(0.875) == "87.5 %"


def told(plan, route, trace, **attributes):
    """A plan as another route hands it out, with the way to it."""
    dataset = plan.dataset.copy(deep=True)
    dataset.attrs |= {"route": route, "telemetry": json.dumps(trace), **attributes}
    return Plan(plan.case, dataset)


def test_controls_are_judged_in_words_and_gaps_drawn_over_time(week, tmp_path):
    _, _, entry = week
    cost, bound = entry.plan.objective, entry.plan.bound
    way = [{"seconds": 0.5, "objective": 1.1 * cost, "bound": bound},
           {"seconds": 2.0, "objective": cost, "bound": bound}]  # fmt: skip
    entries = [
        Entry(route, entry.case, plan, verify(entry.case, plan))
        for route, plan in (
            ("milp", told(entry.plan, "milp", {"trace": way, "seconds": {"total": 9.0}})),
            ("hybrid", told(entry.plan, "hybrid", {"trace": way[1:], "seconds": {"total": 4.0}})),
            ("hybrid:greedy", told(entry.plan, "hybrid:greedy", {"seconds": {"total": 3.5}},
                                   time_limit=4.0)),
        )
    ]  # fmt: skip
    text, _ = page_of(tmp_path / "r.html", *entries)
    assert "greedy ties" in text and "given the time that hybrid took" in text
    # Both were equal when hybrid had ended, and in the end: a tie is milp's.
    assert "<strong>Here milp is the better choice: its plan costs the same after 4.0 s" in text
    assert "was proven by milp" in text
    chart = re.search(r'<svg class="pace".*?</svg>', text, re.S)[0]
    lines = re.findall(r'<path d="(M[^"]*)" [^>]*><title>(.*?)</title>', chart)
    assert [name for _, name in lines] == ["milp", "hybrid", "hybrid:greedy"]
    # Down once, from 10 % to the last gap; hybrid begins there; greedy is its end alone.
    assert [path.count("V") for path, _ in lines] == [2, 1, 0]
    drops = re.findall(r"V([\d.]+)", lines[0][0])
    assert float(drops[0]) > float(re.match(r"M\S+ ([\d.]+)", lines[0][0])[1])
    dashes = re.findall(r'stroke-dasharray="(.*?)"', chart)
    assert len(set(dashes)) == 2  # and milp's line is whole: a print tells them apart


def test_runs_without_a_plan_and_of_other_seeds_are_in_the_table(week, tmp_path):
    _, _, entry = week
    tries = [
        Try("hybrid", 0, 100.0, 90.0, 2.0), Try("hybrid", 1, 102.0, 90.0, 3.0),
        Try("hybrid:raw", 0, None, 90.0, 2.0, 2.0), Try("hybrid:raw", 1, None, None, 3.0, 3.0),
    ]  # fmt: skip
    write_report([entry], tmp_path / "r.html", tries)
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "Medians over the seeds 0, 1" in text
    row = re.search(r'<tr><th scope="row">hybrid:raw</th>(.*?)</tr>', text)[1]
    assert "0 of 2" in row and "raw found no plan (seed by seed: better 0, ties 0, worse 2)" in row
    row = re.search(r'<tr><th scope="row">hybrid</th>(.*?)</tr>', text)[1]
    assert "2 of 2" in row and "101.00" in row and "2.50" in row


def test_a_stored_trace_of_nonsense_does_no_harm(week, tmp_path):
    _, _, entry = week
    plan = told(entry.plan, "milp", {"trace": [{"seconds": "x"}, 7]})
    text, _ = page_of(tmp_path / "r.html", Entry("milp", entry.case, plan, entry.verdict))
    assert "Gap over time" not in text


def test_the_report_of_the_frankfurt_week_is_small_and_loads_nothing(repository, tmp_path):
    """As large as a plan's: the relaxation is solved at once, and every job put where it is most.

    What it breaks as a plan makes the page larger, not smaller.
    """
    form = cg.formulate(cg.prepare(cg.load(repository / "models" / "frankfurt.yaml")))
    plan = cg.solve(replace(form, integer=np.zeros_like(form.integer)))
    dataset = plan.dataset.copy(deep=True)
    starts, jobs = dataset["job_pool.start"].values, plan.case.units["job_pool"]["start_job"]
    order = np.lexsort((-starts, jobs))
    first = order[np.unique(jobs[order], return_index=True)[1]]
    starts[:] = 0.0
    starts[first] = 1.0
    whole = Plan(plan.case, dataset)
    text, page = page_of(
        tmp_path / "r.html", Entry("milp", plan.case, whole, verify(plan.case, whole))
    )
    assert re.search(r"(\d+) of \1 jobs run in the whole horizon", text)
    assert len(text.encode()) < 1_500_000
    refuse_remote(text, page)


def test_energy_and_money_are_drawn_and_said_as_tables(week):
    text, page, entry = week
    for drawn in (energy(entry.case, dispatch(entry.case, entry.plan)),
                  money(entry.verdict, entry.case.prices)):  # fmt: skip
        rows = [tuple(map(html.unescape, row)) for row in re.findall(
            r'<tr><th scope="row">([^<]*)</th><td>([^<]*)</td><td class="n">([^<]*)</td></tr>', text
        )]  # fmt: skip
        for flow in drawn.flows:
            assert (flow.source, flow.target, number(flow.amount)) in rows
    charts = re.findall(r'<svg class="sankey".*?</svg>', text, re.S)
    assert len(charts) == 2
    filled = set(re.findall(r"url\(#(k-\w+)\)", charts[0]))
    assert filled <= {a.get("id") for tag, a in page.elements if tag == "pattern"}
    assert {"k-boiler", "k-data_center", "k-heat_pump"} <= filled


def test_a_single_mark_is_no_chart_of_gaps(week):
    text, _, _ = week
    assert "Gap over time" not in text and 'class="pace"' not in text


def test_a_single_place_has_a_small_map_with_a_scale_of_metres(repository, tmp_path):
    text = (repository / "models" / "tiny.yaml").read_text()
    for old, new in (("../data", str(repository / "data")),
                     ("block: {}", "block: {at: [476000, 5550000]}\ncrs: EPSG:25832")):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "one.yaml").write_text(text)
    case = cg.prepare(cg.load(tmp_path / "one.yaml"))
    plan = cg.solve(cg.formulate(case))
    text, _ = page_of(tmp_path / "r.html", Entry("milp", case, plan, verify(case, plan)))
    drawn = re.search(r"Map of tiny.*?</svg>", text, re.S)[0]
    assert 'height="220"' in drawn and re.search(r'class="bar-text"[^>]*>\d+ m<', drawn)
