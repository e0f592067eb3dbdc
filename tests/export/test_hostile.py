"""Names that somebody else would run: through every export inert, and intact."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import xml.etree.ElementTree as ElementTree
from contextlib import closing
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import yaml

import citygrid as cg
from citygrid.export import FORMATS, write
from citygrid.export.report import Entry, write_report
from citygrid.plan.plan import Plan
from citygrid.routes.contract import Options

REPOSITORY = Path(__file__).resolve().parents[2]

FORMULAS = [
    f"{sign}{body}" for sign, body in product(
        ("=", "+", "-", "@", "\t="),
        ('HYPERLINK("http://a.example","b")', "cmd|' /C calc'!A0", "SUM(1+1)*A1",
         "IMPORTXML(CONCAT(A1),A2)", "WEBSERVICE(A1)", "1+1", "DDE(A;B;C)", "A1,B1"),
    )
]  # fmt: skip
SCRIPTS = [
    "<script>alert(1)</script>", "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>", "<svg onload=alert(4)>", "\"><script>alert(5)</script>",
    "' onmouseover='alert(6)", "javascript:alert(7)", "<a href='javascript:alert(8)'>x</a>",
    "<iframe src=//a.example></iframe>",
    "]]><script>alert(9)</script>", "<!--<script>alert(10)", "&lt;script&gt;alert(11)",
    "{{ 7 * 7 }}", "{% for x in y %}", "${alert(12)}", "<style>*{display:none}</style>",
    "<base href=//a.example>", "<meta http-equiv=refresh content=0>", "<body onload=alert(13)>",
    "</title><script>alert(14)</script>",
]  # fmt: skip
STATEMENTS = [
    "'; DROP TABLE dispatch; --", '"; DROP TABLE assets; --', "' OR '1'='1",
    "x'); DELETE FROM kpis; --", "1; ATTACH DATABASE 'x' AS y; --",
    "' UNION SELECT * FROM sqlite_master; --", "Robert'); DROP TABLE x",
    "\\'; DROP TABLE ledger; --", "'' ''", "a';--", "/* */ DROP TABLE jobs", "`dispatch`",
    "[dispatch]", "%s %d {0}", ":name ?1 @x $y", "NULL", "' || (SELECT 1) || '", 'x"y',
    "'; PRAGMA user_version=9; --", "'; VACUUM; --",
]  # fmt: skip
OTHERS = [
    "../../etc/passwd", "..\\..\\boot.ini", "a/b\\c", "n" * 300, "🏭🔥❄️", "مضخة حرارية",
    "\u202egnp.exe", "名前", "Ωμέγα & <Söhne>", "a\u0301e\u0301", "nul",
]  # fmt: skip
NAMES = [*FORMULAS, *SCRIPTS, *STATEMENTS, *OTHERS]
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+|inf)(e[-+]?\d+)?")


class Page(HTMLParser):
    """Elements and attributes of a page as a browser sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements, self.handlers, self.links = [], [], []

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        self.links += [value for name, value in attributes
                       if name in ("src", "href") and not value.startswith("#")]  # fmt: skip


def test_there_are_as_many_as_were_promised():
    assert len(FORMULAS) == 40 and len(SCRIPTS) == 20 and len(STATEMENTS) == 20


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A district with all the names, on components, nodes and jobs; what is written of its plan."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "data").symlink_to(REPOSITORY / "data")
    district = yaml.safe_load((REPOSITORY / "models" / "tiny.yaml").read_text("utf-8"))
    district |= {"name": SCRIPTS[0], "crs": "EPSG:25832"}
    places = ["block", *(f"{name} " for name in NAMES[::9])]
    district["nodes"] = {name: {"at": [561000.0 + 20 * i, 5568000.0]}
                         for i, name in enumerate(places)}  # fmt: skip
    for i, name in enumerate(NAMES):
        district["components"][name] = {"kind": "power_demand", "node": "block", "load": "0.1 kW"}
        if i % 9 == 0:
            district["components"][name] = {"kind": "power_line", "from": "block", "to": f"{name} ",
                                            "capacity": "10 kW", "length": "20 m",
                                            "loss_share": "1 %"}  # fmt: skip
    jobs = district["components"]["jobs"]["jobs"]
    jobs += [{**jobs[0], "job": name, "power": "0.1 kW"} for name in NAMES[::10]]
    (folder / "models").mkdir()
    model = folder / "models" / "hostile.yaml"
    model.write_text(yaml.safe_dump(district, allow_unicode=True), encoding="utf-8")
    run = cg.plan_model(model, "milp", Options())
    assert run.verdict.ok, run.verdict.violations
    files = write(run.plan, FORMATS, folder / "out", run.verdict)
    write_report([Entry("milp", run.case, run.plan, run.verdict)], folder / "report.html")
    return run.case, files, folder, set(NAMES)


def test_no_cell_of_a_table_is_a_formula(hostile):
    _, files, _, names = hostile
    cells = set()
    for path in files["csv"].glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as stream:
            cells |= {cell for row in csv.reader(stream) for cell in row}
    live = [
        c
        for c in cells
        if re.match(r"[=+\-@\t\r\n]", c) and not re.fullmatch(r"[-+]?[\d.einf]+(e[-+]?\d+)?", c)
    ]
    assert not live
    assert {
        c.removeprefix("'") if c[:1] == "'" and c[1:2] in "=+-@\t" else c for c in cells
    } >= names


def test_tables_and_layers_keep_every_name(hostile):
    _, files, _, names = hostile
    assert set(pd.read_parquet(files["parquet"] / "dispatch.parquet")["asset"]) >= names
    drawn = set()
    for layer in ("assets", "feeders"):
        drawn |= set(gpd.read_parquet(files["geoparquet"] / f"{layer}.parquet")["name"])
    assert drawn >= names
    drawn = set()
    for name in ("assets", "network"):
        text = (files["geojson"] / f"{name}.geojson").read_text("utf-8")
        drawn |= {f["properties"]["name"] for f in json.loads(text)["features"]}
    assert drawn >= names
    city = json.loads(files["cityjson"].read_text("utf-8"))
    assert {o["attributes"]["name"] for o in city["CityObjects"].values()} >= names
    assert {asset.name for asset in Plan.load(files["nc"]).case.assets} >= names


def test_nothing_ran_in_the_database(hostile):
    _, files, _, names = hostile
    with closing(sqlite3.connect(files["gpkg"])) as database:
        there = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        assert {"dispatch", "assets", "kpis", "ledger", "jobs", "provenance"} <= there
        assert database.execute("PRAGMA user_version").fetchone() == (10200,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert {n for (n,) in database.execute("SELECT DISTINCT asset FROM dispatch")} >= names


def test_markup_stays_text(hostile):
    case, files, folder, names = hostile
    page = Page()
    text = (folder / "report.html").read_text("utf-8")
    page.feed(text)
    assert page.elements.count("script") == 2 and page.elements.count("style") == 1
    assert not {"img", "iframe", "base", "object", "embed"} & set(page.elements)
    assert not page.handlers and not page.links
    placed = {a.name for a in case.assets if a.node} & names
    for path in (files["kml"], files["esdl"]):
        raw = path.read_text("utf-8")
        assert "<script" not in raw and "<img" not in raw
        root = ElementTree.fromstring(raw.encode())
        texts = [t for each in root.iter() for t in (each.text, *each.attrib.values()) if t]
        words = "\n".join(" ".join(text.split()) for text in texts)
        assert not {name for name in placed if " ".join(name.split()) not in words}, path
