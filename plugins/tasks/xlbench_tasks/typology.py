"""Typological distances of URIEL (Littell et al. 2017), from the data that the package `urielplus` brings.

Only where that package is installed (`pip install 'xlbench[typology]'`). It is not imported: its tables are
read as they lie in its folder, and distances computed as it computes them (URIEL+, Khan et al. 2025).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from xlbench import hookimpl
from xlbench.contracts import Distance
from xlbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

PACKAGE = "urielplus"
KINDS = {
    "syntactic": ("features.npz", "S_", "word order, agreement and other syntax"),
    "phonological": ("features.npz", "P_", "sound patterns"),
    "inventory": ("features.npz", "INV_", "sounds"),
    "genetic": ("family_features.npz", "F_", "families and their branches"),
    "geographic": ("geocoord_features.npz", "GC_", "nearness to points on the globe"),
}
"""By distance: the table, how names of its features begin, and what they are."""


class Source:
    """One of the package's tables, read when first asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def rows(self) -> dict[str, int]:
        """Of each language. Raises DataError, as all here."""
        return {str(code): row for row, code in enumerate(self._read("langs"))}

    @cached_property
    def names(self) -> list[str]:
        """Of the features."""
        return [str(name) for name in self._read("feats")]

    @cached_property
    def values(self) -> NDArray[Any]:
        """Shape (languages, features): the largest over all sources, -1 where none has any."""
        import numpy as np

        found: NDArray[Any] = self._read("data").max(axis=-1)
        small = found.astype(np.int8)
        return small if bool((small == found).all()) else found

    def _read(self, name: str) -> NDArray[Any]:
        import numpy as np

        try:
            with np.load(self._path, allow_pickle=False) as tables:
                found: NDArray[Any] = tables[name]
                return found
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                f"{self._path}: cannot be read ({error}); install {PACKAGE} again, or remove it"
            ) from error


class Features:
    """One kind of features."""

    def __init__(self, source: Source, beginning: str) -> None:
        self._source, self._beginning = source, beginning

    @cached_property
    def _columns(self) -> list[int]:
        return [i for i, name in enumerate(self._source.names) if name.startswith(self._beginning)]

    def _of(self, language: str) -> NDArray[np.float64]:
        import numpy as np

        own = self._source.values[self._source.rows[language]][self._columns]
        return np.asarray(own, dtype=np.float64)

    def distance(self, one: str, other: str) -> float | None:
        """Angle between the features that are known of both, in right angles, 0 to 1; None where there are
        none, or all that a language has are 0. Raises DataError.
        """
        import numpy as np

        if one not in self._source.rows or other not in self._source.rows:
            return None
        a, b = self._of(one), self._of(other)
        known = (a >= 0) & (b >= 0)
        lengths = np.linalg.norm(a[known]) * np.linalg.norm(b[known])
        if not lengths:
            return None
        cosine = min(1.0, float(a[known] @ b[known]) / float(lengths))
        return 0.0 if one == other else float(2 * np.arccos(cosine) / np.pi)

    def languages(self) -> list[str]:
        """Those of which something is known. Raises DataError."""
        return [x for x in self._source.rows if self.distance(x, x) is not None]


class Table(Mapping[tuple[str, str], float]):
    """A symmetric table whose cells are computed when asked for: naming a distance costs nothing."""

    def __init__(self, features: Features) -> None:
        self._features = features

    def __getitem__(self, pair: tuple[str, str]) -> float:
        found = self._features.distance(*pair)
        if found is None:
            raise KeyError(pair)
        return found

    def __iter__(self) -> Iterator[tuple[str, str]]:
        codes = self._features.languages()
        return ((a, b) for a in codes for b in codes if (a, b) in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def tables(folder: Path) -> dict[str, Table]:
    """The distances, by name, of the tables in a folder."""
    sources = {file: Source(folder / file) for file, _, _ in KINDS.values()}
    return {name: Table(Features(sources[file], beginning)) for name, (file, beginning, _) in KINDS.items()}


def installed() -> Path | None:
    """The folder of the package's tables; None where it is not installed. Does not import it."""
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "database" / "original_uriel"


@hookimpl
def xlbench_distances() -> Iterable[Distance]:
    """The distances, where the package is installed."""
    folder = installed()
    if folder is None:
        return
    for name, table in tables(folder).items():
        yield Distance(name, f"angle between features of URIEL: {KINDS[name][2]}; 0 to 1", table)
