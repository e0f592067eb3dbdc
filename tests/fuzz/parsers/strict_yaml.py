"""Strict YAML: what is read is plain, every part has its line, and as JSON it reads back equal."""

from __future__ import annotations

import json
import re
from pathlib import Path

from citygrid.district import strict_yaml
from tests.district.strict_yaml.helpers import paths_in
from tests.random_districts import district

SEEDS = [district(1).text.encode(), b"a: {b: [1, 2.5, true, null, 'x']}\nc: &x [1]\nd: *x\n",
         b'"k": "\\u00e4\\n"\nt: |\n  two\n  lines\n']  # fmt: skip


def read(data: bytes, folder: Path) -> None:
    path = folder / "x.yaml"
    path.write_bytes(data)
    tree = strict_yaml.read(path)
    assert set(tree.lines) == set(paths_in(tree.value))
    text = json.dumps(tree.value, ensure_ascii=False, allow_nan=False)
    if len(text) < 100_000 and not re.search("[\u2028\u2029\ufeff\x7f-\x9f\ud800-\udfff]", text):
        assert strict_yaml.parse(text, "x.json").value == tree.value
