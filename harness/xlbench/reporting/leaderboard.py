"""A folder of markdown pages and pictures, one page per probe, task and model."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from xlbench.errors import ResultsError
from xlbench.files.disk import make_folder, put, put_named, sweep, writing
from xlbench.reporting.assets import asset
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
from xlbench.reporting.grid import grid
from xlbench.reporting.markdown import markdown
from xlbench.reporting.parts import view
from xlbench.reporting.picture import picture
from xlbench.reporting.text import ALL_TASKS, escape, label

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from xlbench.contracts import Page
    from xlbench.reporting.provenance import Provenance

_METHODS = "METHODS.md"


def write_leaderboard(
    out: Path,
    pages: Sequence[tuple[str, Page]],
    provenance: Callable[[Page], Provenance],
    undrawn: Callable[[str], None] = lambda why: None,
) -> list[Path]:
    """Write `<probe>-<task>-<model>.md` for each (probe, page), its pictures, a note of methods, and the
    index of all pages in `out`, those of earlier studies among them. Returns the files written, the index
    first. Other files in `out` are left alone, and `undrawn` is told why a picture is not there.

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
    for subject, (page, by) in zip(about, made, strict=True):
        with writing(out, "--out"):
            name = stem(out, subject, about)
        drawn = _draw(out, name, page, undrawn)
        says = next(iter((*page.answer, *page.summary)), page.title)
        addresses = {place: f"{PICTURES}/{path.name}" for place, path in drawn.items()}
        path = out / f"{name}.md"
        with writing(out, "--out"):
            _remove_pictures(out, name, drawn.values())
            put(path, f"{page_mark(subject, says)}\n\n{markdown(page, by, addresses)}".encode())
        written += [*drawn.values(), path]
    with writing(out, "--out"):
        put(methods, f"{mark({})}\n\n{asset('methods.md')}".encode())
        put(index, _index(out).encode())
    return written


def _draw(out: Path, name: str, page: Page, undrawn: Callable[[str], None]) -> dict[int, Path]:
    """Pictures of a page, by the place of their parts."""
    found = [(i, part.title, view(part).drawing()) for i, part in enumerate(page.parts)]
    shown = [(i, title, drawing) for i, title, drawing in found if drawing is not None]
    shown.sort(key=lambda x: x[2].rank)
    drawn: dict[int, Path] = {}
    for place, title, drawing in shown:
        try:
            content = picture(drawing, title)
        except DrawingError as error:
            undrawn(str(error))
            continue
        drawn[place] = out / PICTURES / f"{name}-{len(drawn) + 1}.png"
        put_named(drawn[place], sign(content))
    return drawn


def _index(out: Path) -> str:
    pages = stored(out)
    names = Counter((x.subject.model, x.subject.task, x.subject.probe) for x in pages)
    rows = []
    for path, subject, says in ((x.path, x.subject, x.says) for x in pages):
        several = names[subject.model, subject.task, subject.probe] > 1
        model = f"{subject.model} ({subject.short})" if several else subject.model
        link = f"[{escape(subject.probe)}]({path.name})"
        rows.append([escape(model), escape(subject.task or ALL_TASKS), link, escape(says)])
    rows.sort()
    table = grid(["Model", "Task", "Probe", "What it is"], rows, [False] * 4)
    return (
        f"{mark({})}\n\n# Leaderboards\n\nOne page per probe, task and model, each with the command that "
        f"makes it; [how they come about]({_METHODS}). `xlbench leaderboard` writes this folder.\n\n{table}\n"
    )


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
