"""An order of rows that puts like beside like: average-linkage clustering (UPGMA, Sokal & Michener 1958)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def clustered(table: Sequence[Sequence[float | None]]) -> list[int]:
    """Places of the rows in the order of the leaves of their tree; of two branches, that with the larger
    mean comes first.

    The distance of two rows is the root mean square of their differences where both have a value, and the
    largest of all where they share none.
    """
    import numpy as np

    values = np.array([[np.nan if x is None else x for x in row] for row in table], dtype=np.float64)
    if not values.size:
        return list(range(len(table)))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.nan_to_num(np.nansum(values, axis=1) / (~np.isnan(values)).sum(axis=1), nan=-np.inf)
    branches = {i: [i] for i in range(len(values))}
    for one, other in merges(distances(values)):
        first, second = branches.pop(one), branches.pop(other)
        swap = means[second].mean() > means[first].mean()
        branches[one] = second + first if swap else first + second
    return next(iter(branches.values()))


def distances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shape (rows, rows), from (rows, columns) with nan for what is missing."""
    import numpy as np

    there = ~np.isnan(values)
    filled, weight = np.where(there, values, 0.0), there.astype(np.float64)
    shared = weight @ weight.T
    squares = (filled**2) @ weight.T
    sums = np.maximum(squares + squares.T - 2 * filled @ filled.T, 0.0)
    found: NDArray[np.float64] = np.sqrt(
        np.divide(sums, shared, out=np.full_like(sums, np.nan), where=shared > 0)
    )
    np.fill_diagonal(found, 0.0)
    found[np.isnan(found)] = np.nanmax(found)
    return found


def merges(apart: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Which two clusters become one, nearest first; the merged keeps the first's (smaller) number."""
    import numpy as np

    apart = apart.copy()
    np.fill_diagonal(apart, np.inf)
    sizes, found = np.ones(len(apart)), []
    for _ in range(len(apart) - 1):
        one, other = sorted(int(i) for i in np.unravel_index(int(np.argmin(apart)), apart.shape))
        merged = (sizes[one] * apart[one] + sizes[other] * apart[other]) / (sizes[one] + sizes[other])
        apart[one] = apart[:, one] = merged
        apart[one, one] = np.inf
        apart[other] = apart[:, other] = np.inf
        sizes[one] += sizes[other]
        found.append((one, other))
    return found
