"""Typological distances of URIEL (Littell et al. 2017), from the data that the package `urielplus` brings.

Only where that package is installed (`pip install 'xlbench[typology]'`). It is not imported: its tables are
read as they lie in its folder, and distances computed as it computes them (URIEL+, Khan et al. 2025).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from xlbench import hookimpl
from xlbench.contracts import Distance

if TYPE_CHECKING:
    from pathlib import Path

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


class Content(NamedTuple):
    """What a table says."""

    names: list[str]
    """Of the features."""
    values: NDArray[Any]
    """Shape (languages, features): the largest over all sources, -1 where none has any."""


class Source:
    """One of the package's tables, read when first asked for. A broken one is empty, as a warning says."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def rows(self) -> dict[str, int]:
        """Of each language, by ISO 639-3 code."""
        langs = self._read("langs")
        return {} if langs is None else {str(code): row for row, code in enumerate(langs[0])}

    @cached_property
    def content(self) -> Content | None:
        """Features and their values, or None."""
        import numpy as np

        if (found := self._read("feats", "data")) is None:
            return None
        names, data = found
        if data.ndim != 3 or data.shape[:2] != (len(self.rows), len(names)):
            self._warn(f"its shape is {data.shape}")
            return None
        values = data.max(axis=-1) if data.shape[-1] > 1 else data[..., 0]
        small = values.astype(np.int8)
        return Content([str(name) for name in names], small if np.array_equal(small, values) else values)

    def _read(self, *names: str) -> list[NDArray[Any]] | None:
        from zipfile import BadZipFile
        from zlib import error as BadDataError  # noqa: N812

        import numpy as np

        try:
            with np.load(self._path, allow_pickle=False) as arrays:
                return [arrays[name] for name in names]
        except (OSError, EOFError, ValueError, KeyError, BadZipFile, BadDataError) as error:
            short = error.strerror if isinstance(error, OSError) else None
            self._warn(short or " ".join(str(error).split()))
            return None

    def _warn(self, why: str) -> None:
        lost = ", ".join(kind for kind, (file, _, _) in KINDS.items() if file == self._path.name)
        logging.getLogger(__name__).warning(
            "no distances of these kinds: %s; %s cannot be read (%s): install %s again, or remove it",
            lost,
            self._path,
            why,
            PACKAGE,
        )


class Features:
    """One kind of features."""

    def __init__(self, source: Source, beginning: str) -> None:
        self._source, self._beginning = source, beginning
        self._known: dict[str, NDArray[Any] | None] = {}
        self._distances: dict[tuple[str, str], float | None] = {}

    @cached_property
    def _values(self) -> NDArray[Any] | None:
        """Shape (languages, features of this kind)."""
        if (content := self._source.content) is None:
            return None
        mine = [i for i, name in enumerate(content.names) if name.startswith(self._beginning)]
        return content.values[:, mine]

    def _of(self, language: str) -> NDArray[Any] | None:
        """A language's features, or None."""
        if language not in self._known:
            values = self._values
            self._known[language] = (
                None if values is None else values[self._source.rows[language]].astype("float64")
            )
        return self._known[language]

    def distance(self, one: str, other: str) -> float | None:
        """Angle between the features that are known of both, in right angles, 0 to 1, to four decimals as
        URIEL+ has it; None where there are none, or all that a language has are 0.
        """
        if one not in self._source.rows or other not in self._source.rows:
            return None
        pair = (one, other) if one < other else (other, one)
        if pair not in self._distances:
            self._distances[pair] = self._angle(*pair)
        return self._distances[pair]

    def _angle(self, one: str, other: str) -> float | None:
        import numpy as np

        a, b = self._of(one), self._of(other)
        if a is None or b is None:
            return None
        known = (a >= 0) & (b >= 0)
        a, b = a[known], b[known]
        length = float(np.sqrt((a @ a) * (b @ b)))
        if not length:
            return None
        cosine = min(1.0, float(a @ b) / length)
        return 0.0 if one == other else round(float(2 * np.arccos(cosine) / np.pi), 4)

    def languages(self) -> list[str]:
        """Those of which something is known."""
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
