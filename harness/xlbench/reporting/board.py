"""The index of a folder of leaderboards: what each study found, and models side by side.

Pages of earlier studies stay in the folder, and all that is known of them is what their first lines say
(`folder.page_mark`): so each page says there what the index needs of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xlbench.output import clean
from xlbench.reporting.grid import grid
from xlbench.reporting.summary_lines import HARMS, HELPS, UNCLEAR, lines
from xlbench.reporting.text import ALL_TASKS, escape

if TYPE_CHECKING:
    from xlbench.contracts import Headline, Page
    from xlbench.reporting.folder import Stored
    from xlbench.reporting.summary import Summary

_WIDE = 120
"""Columns of what is said of a page."""
_TASKS = 3
"""Tasks of a study whose findings stand in its line."""
_LAST = 10**9


def said(page: Page, summary: Summary) -> str:
    """What a page found, in a line."""
    if not page.headlines:
        return next(iter((*page.answer, *page.summary)), page.title)
    kinds = ("title", "check", "check failed", "how sure", "next step", "files")
    text = "; ".join(x.text for x in lines(summary, _WIDE, 1) if x.role not in kinds)
    return f"{text} (see its warning)" if page.warnings else text


def found(page: Page, summary: Summary, study: str, place: int) -> dict[str, str]:
    """What the index needs of a page besides: of which study it is and where it stands there, what its
    numbers are, and the best donor of each target.
    """
    facts = {"study": study, "place": str(place)} if study else {}
    by_target: dict[str, list[Headline]] = {}
    for x in page.headlines:
        if x.target:
            by_target.setdefault(x.target, []).append(x)
    if not by_target or page.topic:
        return facts
    first = next(iter(by_target.values()))[0]
    after = "" if first.steps is None else f" after {first.steps} step{'' if first.steps == 1 else 's'}"
    best = {code: [summary.name(code), _best(summary, some)] for code, some in by_target.items()}
    return facts | {
        "what": clean(f"{first.reading or 'change'} in {first.measure or first.unit}{after}"),
        "best": json.dumps(best, ensure_ascii=False),
    }


def board(pages: Sequence[Stored], methods: str) -> str:
    """The index; `methods` is the address of the note of methods."""
    studies: dict[tuple[str, str], list[Stored]] = {}
    for x in pages:
        studies.setdefault((x.subject.model, x.facts.get("study") or x.path.name), []).append(x)
    models = [model for model, _ in studies]
    rows = []
    for (model, study), own in studies.items():
        own.sort(key=_place)
        short = study[:8] if own[0].facts.get("study") else own[0].subject.short
        name = f"{model} ({short})" if models.count(model) > 1 else model
        rows.append([escape(name), _found(own), ", ".join(map(_link, own))])
    rows.sort()
    table = grid(["Model", "What was found", "Pages"], rows, [False] * 3)
    legend = ""
    if any(map(_read, pages)):
        legend = (
            f"{HELPS} helps, {HARMS} harms, {UNCLEAR} no clear effect: verdicts of corrected tests, with how "
            "many targets have one. Numbers are changes of the target's score, with their 95% CI in brackets "
            "(positive: the target gains).\n\n"
        )
    return (
        "# Leaderboards\n\nOne line per study, then models side by side. `xlbench leaderboard` writes this "
        f"folder; each page has the command that makes it; [methods]({methods}).\n\n{table}\n\n{legend}"
        f"{_side_by_side(pages)}"
    ).rstrip() + "\n"


def _found(pages: Sequence[Stored]) -> str:
    """What a study found: on the tasks of the first probe that has verdicts, or what its first page says."""
    leading = [x for x in pages if _read(x)]
    if not leading:
        return escape(pages[0].says)
    leading = [x for x in leading if x.subject.probe == leading[0].subject.probe]
    texts = [
        f"{escape(x.subject.task)} ({escape(x.facts['what'])}): {escape(x.says)}" for x in leading[:_TASKS]
    ]
    more = len(leading) - _TASKS
    return "<br>".join(texts) + (f"<br>and {more} more task{'' if more == 1 else 's'}" if more > 0 else "")


def _link(page: Stored) -> str:
    name = ", ".join(x for x in (page.subject.probe, page.subject.task) if x)
    return f"[{escape(name)}]({page.path.name})"


def _side_by_side(pages: Sequence[Stored]) -> str:
    """A table for each probe and task that several studies have with the same targets and measure."""
    groups: dict[tuple[str, str, str, tuple[str, ...]], list[tuple[Stored, dict[str, list[str]]]]] = {}
    for x in pages:
        best = _read(x)
        if best:
            key = (x.subject.probe, x.subject.task, x.facts.get("what", ""), tuple(sorted(best)))
            groups.setdefault(key, []).append((x, best))
    blocks = []
    for (probe, task, what, targets), own in groups.items():
        if len(own) < 2:
            continue
        own.sort(key=lambda x: (x[0].subject.model, _place(x[0])))
        names = [x.subject.model for x, _ in own]
        heads = [
            f"{name} ({x.facts.get('study', '')[:8]})" if names.count(name) > 1 else name
            for name, (x, _) in zip(names, own, strict=True)
        ]
        rows = [[escape(own[0][1][code][0]), *(escape(best[code][1]) for _, best in own)] for code in targets]
        table = grid(["Target language", *map(escape, heads)], rows, [False] * (1 + len(heads)))
        title = f"## {escape(task or ALL_TASKS)}: models side by side"
        blocks.append(f"{title}\n\n{escape(f'Best donor of each target ({probe}): {what}.')}\n\n{table}\n")
    return "\n".join(blocks)


def _best(summary: Summary, some: Sequence[Headline]) -> str:
    """The donor that helps a target most, and the one that harms it most, with their numbers."""
    texts = []
    for role, mark in (("helps", HELPS), ("harms", HARMS)):
        one = next((x for x in some if x.role == role), None)
        if one is not None and one.number is not None:
            number = one.number
            within = (
                f" [{number.text(number.low)}, {number.text(number.high)}]" if number.low is not None else ""
            )
            texts.append(f"{mark} {summary.name(one.donor)} {number.text()}{within}")
    if not any(x.role == "helps" for x in some):
        open_ = next((x.role for x in some if x.role in ("this run only", "not known")), "")
        texts.insert(
            0,
            {"this run only": "one seed, no verdict", "not known": "not known"}.get(
                open_, f"{UNCLEAR} none clearly helps"
            ),
        )
    return clean("; ".join(texts))


def _place(page: Stored) -> tuple[int, str]:
    said = page.facts.get("place", "")
    return (int(said) if said.isascii() and said.isdigit() else _LAST), page.path.name


def _read(page: Stored) -> dict[str, list[str]]:
    """The best donors that `found` wrote, by target; nothing for anything else."""
    try:
        best = json.loads(page.facts["best"]) if {"best", "what"} <= page.facts.keys() else {}
    except (ValueError, RecursionError):
        return {}
    sound = isinstance(best, Mapping) and all(
        isinstance(x, list) and len(x) == 2 and all(isinstance(y, str) for y in x) for x in best.values()
    )
    return dict(best) if sound else {}
