"""One line of a notebook that is written again and again. It needs no widgets, and stays as text where the
notebook is saved.
"""

from __future__ import annotations

import html
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from xlbench.output import clean


def here() -> bool:
    """Whether this process is the kernel of a notebook. Imports nothing."""
    shell = sys.modules.get("IPython")
    if shell is None:
        return False
    found: Any = shell.get_ipython()
    return found is not None and getattr(found, "kernel", None) is not None


@contextmanager
def without_widgets() -> Iterator[None]:
    """Without the warning of libraries that would rather have ipywidgets, for bars of their own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        yield


class Shown:
    """What a notebook shows, as HTML and as plain text."""

    def __init__(self, text: str, share: float | None = None) -> None:
        self.text, self.share = clean(text), share

    def _repr_html_(self) -> str:
        bar = "" if self.share is None else f'<progress value="{self.share:.3f}" max="1"></progress> '
        return f"{bar}{html.escape(self.text)}"

    def __repr__(self) -> str:
        return self.text


class Line:
    """A place in a notebook's output."""

    def __init__(self, first: Shown) -> None:
        from IPython.display import display

        self._place: Any = display(first, display_id=True)

    def write(self, shown: Shown) -> None:
        """Instead of what stood there."""
        if self._place is not None:
            self._place.update(shown)
