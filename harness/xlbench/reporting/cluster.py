"""An order of rows that puts like beside like: average-linkage clustering, its leaves in optimal order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def clustered(table: Sequence[Sequence[float | None]]) -> list[int]:
    """Places of the rows in the order of the leaves of their tree (UPGMA), neighbours as near as the tree
    allows (Bar-Joseph et al. 2001); of the two directions, that in which the larger mean comes first.

    The distance of two rows is the root mean square of their differences where both have a value, and the
    largest of all where they share none.
    """
    import numpy as np

    values = np.array([[np.nan if x is None else x for x in row] for row in table], dtype=np.float64)
    if not values.size or len(values) < 2:
        return list(range(len(table)))
    # Only where there is something to order: it takes a while to import.
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    apart = squareform(distances(values), checks=False)
    order = [int(i) for i in leaves_list(linkage(apart, "average", optimal_ordering=True))]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.nan_to_num(np.nansum(values, axis=1) / (~np.isnan(values)).sum(axis=1))
    half = len(order) // 2
    return order[::-1] if means[order[:half]].mean() < means[order[-half:]].mean() else order


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
