"""What pages come to together, as data: what the ten lines that end a run and open a report are made of.

Pages give headlines and checks, typed by the contracts; no probe is known here. Renderers are apart:
`summary_lines` fits it into lines, `terminal`, `markdown` and `summary_json` show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from xlbench.contracts import Headline

if TYPE_CHECKING:
    from xlbench.contracts import Check, Language, Page

NOT_A_VERDICT = ("how sure", "note")
"""Roles of headlines that are about no one target."""


@dataclass(frozen=True, slots=True)
class Block:
    """What one page says: a probe on a task with a model, or on all tasks."""

    model: str
    probe: str
    task: str
    headlines: tuple[Headline, ...]
    """Verdicts and notes, in the page's order."""
    checks: tuple[Check, ...] = ()
    sure: tuple[Headline, ...] = ()
    """How sure the numbers are: what they are of."""
    warnings: tuple[str, ...] = ()
    """What puts the page in doubt."""

    @property
    def verdicts(self) -> tuple[Headline, ...]:
        """The headlines about targets."""
        return tuple(x for x in self.headlines if x.role not in NOT_A_VERDICT)

    @property
    def targets(self) -> tuple[str, ...]:
        """Codes of the targets that it speaks of, in its order."""
        return tuple(dict.fromkeys(x.target for x in self.verdicts if x.target))

    @property
    def reading(self) -> str:
        """Of its numbers: that of its first verdict."""
        return next((x.reading for x in self.verdicts), "")

    @property
    def steps(self) -> int | None:
        """Of its numbers, where they are of fine-tuning."""
        return next((x.steps for x in (*self.verdicts, *self.sure) if x.steps is not None), None)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a study, or several, come to."""

    blocks: tuple[Block, ...]
    """The most important first: what is said of targets, then notes; in both the probe that was asked for
    first, task by task, then the next."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Label of each language, "Toruk (qag)", by code."""
    commands: tuple[str, ...] = ()
    """To look further, the most useful first."""
    files: tuple[str, ...] = ()
    """Where to read more."""

    def name(self, code: str) -> str:
        """A language's label; the code of one that is not known, or of several."""
        return self.names.get(code, code)

    @property
    def models(self) -> tuple[str, ...]:
        """In order."""
        return tuple(dict.fromkeys(x.model for x in self.blocks))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What puts pages in doubt, each once."""
        return tuple(dict.fromkeys(line for block in self.blocks for line in block.warnings))

    def with_(self, *, commands: Sequence[str] = (), files: Sequence[str] = ()) -> Summary:
        """The same with what to do next and where to read more, which whoever shows it knows."""
        return replace(self, commands=tuple(commands), files=tuple(files))


def summary(
    pages: Iterable[tuple[str, Page]], model: str, languages: Mapping[str, Language] | None = None
) -> Summary:
    """Of (probe, page) pairs of one study, in order. A page without headlines has its title and the first
    line of its answer or summary for one, unless other pages of its probe have some.
    """
    each = list(pages)
    contributes = {probe for probe, page in each if page.headlines}
    blocks = []
    for probe, page in each:
        said = page.headlines
        if not said and (probe in contributes or _is_further(probe, page, each)):
            continue
        if not said:
            first = next(iter((*page.answer, *page.summary)), "")
            said = (Headline("note", f"{page.title}. {first}".strip() if first else page.title),)
        sure = tuple(x for x in said if x.role == "how sure")
        rest = tuple(x for x in said if x.role != "how sure")
        blocks.append(Block(model, probe, page.task, rest, page.checks, sure, page.warnings))
    blocks.sort(key=lambda x: not x.verdicts)
    labels = {code: x.label for code, x in (languages or {}).items()}
    return Summary(tuple(blocks), labels)


def joined(summaries: Iterable[Summary]) -> Summary:
    """Several studies as one, in order: tasks stand together, and in them models."""
    each = list(summaries)
    blocks = [block for one in each for block in one.blocks]
    places = list(dict.fromkeys((block.probe, block.task) for block in blocks))
    blocks.sort(key=lambda x: (not x.verdicts, places.index((x.probe, x.task))))
    return Summary(
        tuple(blocks),
        {code: name for one in each for code, name in one.names.items()},
        tuple(dict.fromkeys(x for one in each for x in one.commands)),
        tuple(dict.fromkeys(x for one in each for x in one.files)),
    )


def _is_further(probe: str, page: Page, pages: Sequence[tuple[str, Page]]) -> bool:
    """Whether it is one question of a probe that has pages by task, too."""
    return bool(page.topic) and any(other == probe and not x.topic for other, x in pages)
