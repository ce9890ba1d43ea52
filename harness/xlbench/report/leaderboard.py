"""A folder of markdown pages and pictures, one page a probe, task and model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from xlbench.contracts import Curves, Page, Table
from xlbench.errors import ResultsError
from xlbench.report.assets import asset
from xlbench.report.curves import points
from xlbench.report.markdown import grid, markdown
from xlbench.report.picture import picture
from xlbench.report.text import escape
from xlbench.results.aside import put, writing

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.report.provenance import Provenance

_METHODS = "METHODS.md"
_MARK = re.compile(r"<!-- xlbench (\{.*\}) -->")


def write_leaderboard(
    out: Path, pages: Sequence[tuple[str, Page]], provenance: Callable[[Page], Provenance]
) -> list[Path]:
    """Write `<probe>-<task>-<model>.md` for each (probe, page), its pictures, a note of methods, and the
    index of all pages in `out`, those of earlier studies among them. Returns the files written, the index
    first.

    Raises ResultsError where `out` cannot be written to, or has such files that xlbench did not make.
    """
    index, methods = out / "README.md", out / _METHODS
    for path in (index, methods):
        _guard(path)
    written = [index, methods]
    with writing(out, "--out"):
        out.mkdir(parents=True, exist_ok=True)
    for probe, page in pages:
        made_by = provenance(page)
        stem = _slug(f"{probe}-{page.task}-{made_by.model}")
        addresses: dict[int, str] = {}
        parts = [(i, part) for i, part in enumerate(page.parts) if not isinstance(part, Table)]
        drawn = [(i, part) for i, part in parts if not isinstance(part, Curves) or points(part)]
        drawn.sort(key=lambda x: isinstance(x[1], Curves))  # the first picture is a matrix where there is one
        for number, (place, part) in enumerate(drawn, start=1):
            path = out / "pictures" / f"{stem}-{number}.png"
            picture(part, path)
            addresses[place] = f"pictures/{path.name}"
            written.append(path)
        with writing(out, "--out"):
            _remove_pictures(out / "pictures", stem, len(addresses))
        says = page.summary[0] if page.summary else page.title
        mark = _mark({"probe": probe, "task": page.task, "model": made_by.model, "says": says})
        path = out / f"{stem}.md"
        with writing(out, "--out"):
            put(path, f"{mark}\n\n{markdown(page, made_by, addresses)}".encode())
        written.append(path)
    with writing(out, "--out"):
        put(methods, f"{_mark({})}\n\n{asset('methods.md')}".encode())
        put(index, _index(out).encode())
    return written


def _index(out: Path) -> str:
    rows = []
    for path in sorted(out.glob("*.md")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        facts = json.loads(found[1]) if (found := _MARK.fullmatch(first)) else {}
        if facts:
            cells = (escape(facts[name]) for name in ("model", "task"))
            rows.append([*cells, f"[{escape(facts['probe'])}]({path.name})", escape(facts["says"])])
    rows.sort()
    table = grid(["Model", "Task", "Probe", "What it is"], rows, [False] * 4)
    return (
        f"{_mark({})}\n\n# Leaderboards\n\nOne page a probe, task and model, each with the command that "
        f"makes it; [how they come about]({_METHODS}). `xlbench leaderboard` writes this folder.\n\n{table}\n"
    )


def _remove_pictures(folder: Path, stem: str, kept: int) -> None:
    """Those that an earlier page of this name had beyond the first `kept`. Raises OSError."""
    for path in folder.glob("*.png"):
        found = re.fullmatch(rf"{re.escape(stem)}-(\d+)\.png", path.name)
        if found and int(found[1]) > kept:
            path.unlink(missing_ok=True)


def _guard(path: Path) -> None:
    """Never write over a README or a note that is not ours."""
    try:
        first = path.read_text(encoding="utf-8").partition("\n")[0]
    except (FileNotFoundError, NotADirectoryError):
        return  # where a folder should be is a file, writing will say so
    except (OSError, ValueError) as error:
        raise ResultsError(f"cannot read {path}; move what is in its way, or use another --out") from error
    if not _MARK.fullmatch(first):
        raise ResultsError(f"{path} is not a leaderboard's; use another --out")


def _mark(facts: dict[str, str]) -> str:
    """A comment by which the index knows a page; "--" would end it early."""
    return f"<!-- xlbench {json.dumps(facts).replace('--', '-' + chr(92) + 'u002d')} -->"


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")
