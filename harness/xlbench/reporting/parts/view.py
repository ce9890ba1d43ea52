"""What every kind of part can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from xlbench.contracts import Language


class Drawing(NamedTuple):
    """A picture, before it is drawn."""

    specification: dict[str, Any]
    """Vega-Lite's, with its data; title, colours and fonts are added."""
    below: str = ""
    """What stands under its title."""
    rank: int = 1
    """Pictures of a page stand in this order."""


class View(Protocol):
    """A part of a page, on every surface."""

    def terminal(self) -> Iterator[RenderableType]:
        """What to print with rich. Texts are plain: no markup or escape in them has any effect."""

    def markdown(self) -> Iterator[str]:
        """Blocks in GitHub's dialect, its heading and picture apart."""

    def data(self, languages: Mapping[str, Language]) -> dict[str, Any]:
        """What the JavaScript of the HTML report reads; `kind` says which of its views shows it."""

    def drawing(self) -> Drawing | None:
        """Its picture; None where it has none."""
