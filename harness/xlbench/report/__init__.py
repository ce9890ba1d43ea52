"""Pages as people read them: in a terminal, as markdown, as pictures, as an HTML file."""

from xlbench.report.html import html, write_report
from xlbench.report.leaderboard import write_leaderboard
from xlbench.report.markdown import markdown
from xlbench.report.picture import picture
from xlbench.report.provenance import Provenance, provenance
from xlbench.report.terminal import terminal
from xlbench.report.text import clean

__all__ = [
    "Provenance",
    "clean",
    "html",
    "markdown",
    "picture",
    "provenance",
    "terminal",
    "write_leaderboard",
    "write_report",
]
