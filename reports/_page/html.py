"""The page as one file: template, styles and scripts together, data as JSON that no name can break out of."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ASSETS = Path(__file__).parent / "assets"
_STYLES = ("page.css", "gallery.css")
_SCRIPTS = ("dom.js", "chart.js", "figures.js", "tables.js", "matrix.js", "page.js")
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def embedded(data: Any) -> str:
    """JSON that may stand inside of a script element: the characters that could end it are escaped."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


def render(context: dict[str, Any], data: dict[str, Any]) -> str:
    """The page.

    Args:
        context: what the template names.
        data: id of a script element -> what it holds as JSON.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_ASSETS), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    # The gallery's names and the others' are apart: theirs are those of a block.
    script = f'"use strict";\n{_together(["gallery.js"])}{{{_together(_SCRIPTS)}}}\n'
    page = environment.get_template("page.html.j2").render(
        # the page's own files, and JSON in which `embedded` has made every < harmless
        **context, style=Markup(_together(_STYLES)), script=Markup(script), policy=policy(script),  # noqa: S704
        data={name: Markup(embedded(content)) for name, content in data.items()},  # noqa: S704
    )  # fmt: skip
    return page.encode("utf-8", "replace").decode("utf-8")  # file names may hold halves of characters


def policy(script: str) -> str:
    """Content-Security-Policy: nothing from anywhere, images and styles of the page, and this script alone."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _together(names: Sequence[str]) -> str:
    """Assets, one after the other."""
    return "\n" + "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in names)
