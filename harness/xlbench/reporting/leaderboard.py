"""A folder of markdown pages and pictures, one page per probe, task and model."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from xlbench.contracts import Curves
from xlbench.errors import ResultsError
from xlbench.files.disk import make_folder, put, put_named, sweep, writing
from xlbench.reporting.assets import asset
from xlbench.reporting.board import board, found, said
from xlbench.reporting.engine import DrawingError
from xlbench.reporting.folder import (
    PICTURES,
    Subject,
    mark,
    marked,
    owned,
    page_mark,
    pictures,
    sign,
    stem,
    stored,
)
from xlbench.reporting.markdown import markdown
from xlbench.reporting.parts import view
from xlbench.reporting.picture import picture
from xlbench.reporting.summary import summary
from xlbench.reporting.text import label

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from xlbench.contracts import Language, Page, Part
    from xlbench.reporting.provenance import Provenance

_METHODS = "METHODS.md"


def write_leaderboard(
    out: Path,
    pages: Sequence[tuple[str, Page]],
    provenance: Callable[[Page], Provenance],
    undrawn: Callable[[str], None] = lambda why: None,
    languages: Mapping[str, Language] | None = None,
) -> list[Path]:
    """Write `<probe>-<task>-<model>.md` for each (probe, page), its pictures, a note of methods, and the
    index of all pages in `out`, those of earlier studies among them. Returns the files written, the index
    first. Other files in `out` are left alone, and `undrawn` is told why a picture is not there; `languages`
    are by code.

    Raises ResultsError where `out` cannot be written to, or its index or note is a file that xlbench did not
    make.
    """
    index, methods = out / "README.md", out / _METHODS
    for path in (index, methods):
        _guard(path)
    written = [index, methods]
    with writing(out, "--out"):
        make_folder(out)
        sweep(out, out / PICTURES)
    made = [(page, provenance(page)) for _, page in pages]
    about = [
        Subject(label(probe, page), page.task, by.model, by.identity, by.fingerprint)
        for (probe, _), (page, by) in zip(pages, made, strict=True)
    ]
    for place, (subject, (page, by)) in enumerate(zip(about, made, strict=True)):
        with writing(out, "--out"):
            name = stem(out, subject, about)
        drawn = _draw(out, name, page, by, undrawn)
        # Warnings stand whole above it.
        says = summary([(pages[place][0], replace(page, warnings=()))], by.model, languages)
        addresses = {i: [f"{PICTURES}/{x.name}" for x in paths] for i, paths in drawn.items()}
        path = out / f"{name}.md"
        files = [x for paths in drawn.values() for x in paths]
        with writing(out, "--out"):
            _remove_pictures(out, name, files)
            first = page_mark(subject, said(page, says), found(page, says, by.study_id, place))
            put(path, f"{first}\n\n{markdown(page, by, addresses, says)}".encode())
        written += [*files, path]
    with writing(out, "--out"):
        put(methods, f"{mark({})}\n\n{asset('methods.md')}".encode())
        put(index, f"{mark({})}\n\n{board(stored(out), _METHODS)}".encode())
    return written


def _draw(
    out: Path, name: str, page: Page, by: Provenance, undrawn: Callable[[str], None]
) -> dict[int, list[Path]]:
    """Pictures of a page as PNG and SVG, by the place of their parts."""
    shown = [(i, _title(x), drawing) for i, x in enumerate(page.parts) if (drawing := view(x).drawing())]
    shown.sort(key=lambda x: x[2].rank)
    drawn: dict[int, list[Path]] = {}
    for place, title, drawing in shown:
        named = page.task in re.findall(r"[\w-]+", title)
        where = by.model if named or not page.task else f"{page.task}, {by.model}"
        try:
            forms = [
                picture(drawing, f"{title} ({where})", by.basis, vector=vector) for vector in (False, True)
            ]
        except DrawingError as error:
            undrawn(str(error))
            continue
        start = f"{name}-{len(drawn) + 1}"
        drawn[place] = [out / PICTURES / f"{start}{ending}" for ending in (".png", ".svg")]
        for path, content in zip(drawn[place], forms, strict=True):
            put_named(path, sign(content))
    return drawn


def _title(part: Part) -> str:
    """With the number of steps, where that is no axis of the picture."""
    if isinstance(part, Curves) and len(part.x) == 1:
        what = part.x_title.lower()
        return f"{part.title}, {part.x[0]:g} {what.removesuffix('s') if part.x[0] == 1 else what}"
    return part.title


def _remove_pictures(out: Path, name: str, kept: Collection[Path]) -> None:
    """Those that an earlier page of this name had beyond those kept. Raises OSError."""
    for path in pictures(out, name):
        if path not in kept and owned(path, name):
            path.unlink(missing_ok=True)


def _guard(path: Path) -> None:
    """Never write over a README or a note that is not ours."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return  # where a folder should be is a file, writing will say so
    except OSError as error:
        raise ResultsError(f"cannot read {path}; move what is in its way, or use another --out") from error
    if marked(path) is None:
        raise ResultsError(f"{path} was not written by xlbench; use another --out")
