"""A page as markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.reporting.parts import view
from xlbench.reporting.text import escape, fenced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xlbench.contracts import Page
    from xlbench.reporting.provenance import Provenance


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
