"""Pages as plain data for the HTML report: what its JavaScript reads, with nothing left to guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlbench.output import clean
from xlbench.reporting.parts import view
from xlbench.reporting.text import ALL_TASKS, label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xlbench.contracts import Language, Page
    from xlbench.reporting.provenance import Provenance


def page_data(
    probe: str, page: Page, made_by: Provenance, languages: Mapping[str, Language]
) -> dict[str, Any]:
    """A page; `languages` is by code."""
    return {
        "probe": clean(label(probe, page)),
        "task": clean(page.task or ALL_TASKS),
        "title": clean(page.title),
        "summary": [clean(line) for line in page.summary],
        "answer": [clean(line) for line in page.answer],
        "warnings": [clean(line) for line in page.warnings],
        "checks": [{"name": clean(x.name), "outcome": x.outcome, "text": clean(x.text)} for x in page.checks],
        "parts": [view(part).data(languages) for part in page.parts],
        "facts": [[clean(name), clean(text)] for name, text in made_by.facts],
    }


def language_data(languages: Mapping[str, Language], seen: Mapping[str, bool | None]) -> dict[str, Any]:
    """By label and by code, whichever a page uses."""
    said = {True: "yes", False: "no", None: "not known"}
    return {
        name: {
            "code": clean(code),
            "label": clean(x.label),
            "family": clean(x.family),
            "genus": clean(x.genus),
            "script": clean(x.script),
            "seen": said[seen.get(code)],
        }
        for code, x in sorted(languages.items())
        for name in (clean(x.label), clean(code))
    }
