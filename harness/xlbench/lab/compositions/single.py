"""One adapter alone."""

from __future__ import annotations

from xlbench.lab.compositions.composition import Together


class Single(Together):
    """The adapter itself."""

    def beneath(self) -> str:
        """See `Together`."""
        (name,) = self.names
        return name
