"""Pages as people read them: in a terminal, as markdown, as pictures, as an HTML file."""

from xlbench.reporting.html import html, no_charts, write_report
from xlbench.reporting.leaderboard import write_leaderboard
from xlbench.reporting.markdown import markdown
from xlbench.reporting.provenance import Provenance, provenance, provenance_of_several
from xlbench.reporting.published import Publisher
from xlbench.reporting.terminal import terminal

__all__ = [
    "Provenance",
    "Publisher",
    "html",
    "markdown",
    "no_charts",
    "provenance",
    "provenance_of_several",
    "terminal",
    "write_leaderboard",
    "write_report",
]
