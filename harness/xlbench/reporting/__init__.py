"""Pages as people read them: in a terminal, as markdown, as pictures, as an HTML file."""

from xlbench.reporting.html import html, no_charts, write_report
from xlbench.reporting.leaderboard import write_leaderboard
from xlbench.reporting.markdown import in_markdown, markdown
from xlbench.reporting.opening import Opening, opening
from xlbench.reporting.page_json import pages_as_json
from xlbench.reporting.provenance import Origin, Provenance, provenance_of_several
from xlbench.reporting.published import Publisher
from xlbench.reporting.summary import Block, Summary, joined, summary
from xlbench.reporting.summary_json import as_json
from xlbench.reporting.terminal import in_terminal, terminal

__all__ = [
    "Block",
    "Opening",
    "Origin",
    "Provenance",
    "Publisher",
    "Summary",
    "as_json",
    "html",
    "in_markdown",
    "in_terminal",
    "joined",
    "markdown",
    "no_charts",
    "opening",
    "pages_as_json",
    "provenance_of_several",
    "summary",
    "terminal",
    "write_leaderboard",
    "write_report",
]
