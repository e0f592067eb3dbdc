"""Where shipped data come from: entries of ``data/MANIFEST.yaml``, the one home of origins.

Scripts enter what they write; what was typed out from a publication is entered by hand, with its
SHA-256. An entry says ``origin`` (repository @ commit : path, or publication), ``licence``,
``attribution``, what is ``real``, what is ``changed`` and ``assumed``, and its ``columns``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml

from citygrid.files import whole

HEAD = """\
# Where every shipped file comes from. Those of frankfurt_2023 and flensburg_2019 are entered by the
# scripts that write them, make_data.py and make_frankfurt.py in scripts/, the others by hand.
"""


def enter(data: Path, about: dict[str, dict[str, Any]]) -> None:
    """Write entries with the SHA-256 of their files into the manifest; all others stay.

    data
        The folder of the manifest.
    about
        File, relative to that folder → its entry.
    """
    path = data / "MANIFEST.yaml"
    known = yaml.safe_load(path.read_text("utf-8"))["files"] if path.exists() else {}
    for name, entry in about.items():
        digest = hashlib.sha256((data / name).read_bytes()).hexdigest()
        known[name] = {**entry, "sha256": digest}
    body = yaml.dump(
        {"files": known}, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100
    )
    with whole(path) as temporary:
        temporary.write_text(HEAD + body, encoding="utf-8")


class _Plain(yaml.SafeDumper):
    """Writes equal parts twice: an alias sends readers looking for its anchor."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
