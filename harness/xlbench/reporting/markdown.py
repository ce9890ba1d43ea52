"""Summaries and pages as markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.reporting.parts import view
from xlbench.reporting.summary_lines import lines
from xlbench.reporting.text import escape, fenced

_WIDE = 160
"""Columns of a line of a summary, which a browser breaks where it likes."""

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xlbench.contracts import Page
    from xlbench.reporting.provenance import Provenance
    from xlbench.reporting.summary import Summary


def in_markdown(summary: Summary) -> str:
    """A summary: its title, and a list of its lines; commands and files are left to the page around it."""
    shown = [x for x in lines(summary, _WIDE) if x.role not in ("next step", "files")]
    label, blocks = "", []
    for line in shown:
        label = line.label or label
        text = escape(line.text)
        blocks.append(f"**{text}**\n" if line.role == "title" else f"- **{escape(label)}**: {text}")
    return "\n".join(blocks)


def markdown(page: Page, provenance: Provenance, pictures: Mapping[int, str]) -> str:
    """The whole page, in GitHub's dialect; `pictures` has a relative address by place of a part."""
    blocks = [
        f"# {escape(f'{page.title} ({provenance.model})')}",
        "\n".join(f"> **Warning.** {escape(line)}\n" for line in page.warnings).strip(),
        "  \n".join(escape(line) for line in page.answer),
        "\n".join(f"- **{escape(x.name)}: {x.outcome}.** {escape(x.text)}" for x in page.checks),
        "<!-- -->" if page.checks else "",
        "\n".join(f"- {escape(line)}" for line in page.summary),
    ]
    for place, part in enumerate(page.parts):
        blocks.append(f"## {escape(part.title)}")
        if place in pictures:
            blocks.append(f"![{escape(part.title)}]({pictures[place]})")
        blocks += view(part).markdown()
    blocks.append("## Provenance")
    blocks += _provenance(provenance)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _provenance(provenance: Provenance) -> Iterator[str]:
    yield "The command that makes these results:"
    yield fenced(provenance.command, "sh")
    yield "\n".join(f"- {escape(name)}: {escape(text)}" for name, text in provenance.facts)
    if provenance.study:
        yield "The study, with all defaults filled in:"
        yield fenced(provenance.study, "toml")
