"""What all pages are made with: templates, a policy of hashes, and data that stay data."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"


def template(
    name: str, filters: Mapping[str, Callable[..., str]] | None = None, folder: Path = TEMPLATES
) -> jinja2.Template:
    """A template that escapes what is filled in, and refuses what is not given."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters |= filters or {}
    return environment.get_template(name)


def resource(name: str, folder: Path = TEMPLATES) -> str:
    """A style or script that stands beside the templates."""
    return (folder / name).read_text("utf-8")


def policy(style: str, scripts: Iterable[str], more: str = "") -> str:
    """A content security policy: nothing is loaded, and these scripts alone are run, if any.

    ``style`` are the sources of styles as the policy writes them, ``more`` further directives.
    """
    run = " ".join(digest(script) for script in scripts)
    runs = f"script-src {run}; " if run else ""
    return (f"default-src 'none'; style-src {style}; {more}{runs}"
            "base-uri 'none'; form-action 'none'")  # fmt: skip


def digest(text: str) -> str:
    """The source by which a policy knows a text."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def script_json(found: Any) -> str:
    """Data for a script, as JSON that cannot end its element."""
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
