"""Pages as people read them: in a terminal, as markdown, as pictures, as an HTML file."""

from xlbench.report.html import html, no_charts, write_report
from xlbench.report.leaderboard import write_leaderboard
from xlbench.report.markdown import markdown
from xlbench.report.picture import picture
from xlbench.report.provenance import Provenance, provenance, provenance_of_several
from xlbench.report.published import Publisher
from xlbench.report.terminal import terminal

__all__ = [
    "Provenance",
    "Publisher",
    "html",
    "markdown",
    "no_charts",
    "picture",
    "provenance",
    "provenance_of_several",
    "terminal",
    "write_leaderboard",
    "write_report",
]
