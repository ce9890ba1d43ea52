"""The HTML report: one file with its data, styles and JavaScript, which asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from xlbench.files.cache import remembered
from xlbench.files.disk import put_named
from xlbench.output import clean, visible
from xlbench.reporting import theme
from xlbench.reporting.assets import asset
from xlbench.reporting.engine import DrawingError, engine
from xlbench.reporting.opening import Opening
from xlbench.reporting.page_data import language_data, page_data
from xlbench.reporting.parts.ranking_chart import MARKS, ranking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from xlbench.contracts import Language, Page
    from xlbench.reporting.provenance import Provenance

_NOTHING = Opening()
NO_CHARTS = "// no charts: they could not be made where this report was written"
_SCRIPTS = (
    "address.js",
    "dom.js",
    "save.js",
    "cells.js",
    "table.js",
    "chart.js",
    "ranking.js",
    "heat_map.js",
    "page.js",
    "language.js",
    "overview.js",
    "app.js",
)
"""In the order in which they need each other."""


def write_report(
    path: Path,
    pages: Sequence[tuple[str, Page]],
    provenance: Callable[[Page], Provenance],
    languages: Mapping[str, Language],
    seen: Mapping[str, bool | None],
    opening: Opening = _NOTHING,
) -> None:
    """Write (probe, page) pairs as one HTML file. Raises ResultsError where it cannot be written."""
    put_named(path, html(pages, provenance, languages, seen, opening).encode())


def html(
    pages: Sequence[tuple[str, Page]],
    provenance: Callable[[Page], Provenance],
    languages: Mapping[str, Language],
    seen: Mapping[str, bool | None],
    opening: Opening = _NOTHING,
) -> str:
    """The whole file. Whatever comes from plugins is data, which the page's JavaScript sets as text only;
    and the file's policy lets no other script run, and nothing be fetched.
    """
    made = [(probe, page, provenance(page)) for probe, page in pages]
    data = {
        "model": clean(made[0][2].model) if made else "",
        "command": visible(made[0][2].command) if made else "",
        "study": visible(made[0][2].study) if made else "",
        "languages": language_data(languages, seen),
        "pages": [
            {**page_data(probe, page, by, languages), "several": any(page is x for x in opening.beside)}
            for probe, page, by in made
        ],
        **opening.data(),
        "ranking": ranking("points"),
        "verdicts": [[word, mark] for word, (mark, _, _) in MARKS.items()],
        "themes": {x: {"config": theme.config(x), "params": theme.colours(x)} for x in theme.NAMES},
    }
    scripts = [_vega(), "\n".join(asset(name) for name in _SCRIPTS)]
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src {' '.join(map(_digest, scripts))}"
    )
    filled = {
        "policy": policy,
        "style": asset("report.css"),
        "data": in_script(data),
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    start, *rest = asset("report.html").split("{{")
    return start + "".join(filled[name] + text for name, _, text in (x.partition("}}") for x in rest))


def no_charts() -> str:
    """Why the reports of this process have no charts; "" where they have."""
    return engine().failed if _vega() == NO_CHARTS else ""


def in_script(data: Any) -> str:
    """JSON that can stand within a <script> element: nothing in it ends the element or opens a comment."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, as the installed vl-convert puts it together; where that
    cannot be made, a comment, and the page's tables stand alone.
    """
    asked = "window.vegaEmbed = vegaEmbed;"
    depends = hashlib.sha256(f"{version('vl-convert-python')} {asked}".encode()).hexdigest()
    try:  # making it takes longer than all else of a small report
        return remembered(f"charts/{depends[:32]}.js", lambda: engine().ask(bundle=asked)).decode()
    except DrawingError:
        return NO_CHARTS


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
