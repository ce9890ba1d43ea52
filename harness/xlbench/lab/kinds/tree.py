"""The best dependency tree under given scores of arcs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def best_tree(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """Heads of the maximum spanning arborescence with just one word at the root, shape (n,).

    `scores[d, h]`, shape (n, n + 1), is the score of word d + 1 hanging from word h, or from the root, 0; a
    word's arc to itself is never taken. Chu and Liu (1965), Edmonds (1967). That one word hangs from the root
    is enforced by a penalty on the root's arcs so large that every tree with fewer of them is better.
    """
    n = len(scores)
    full = np.full((n + 1, n + 1), -np.inf)
    full[1:] = scores
    np.fill_diagonal(full, -np.inf)
    greedy: NDArray[np.int64] = full.argmax(axis=1)
    greedy[0] = 0
    if (greedy[1:] == 0).sum() == 1 and _cycle(greedy) is None:
        return greedy[1:]
    arcs = full[np.isfinite(full)]
    full[1:, 0] -= (arcs.max() - arcs.min() + 1) * (n + 1)
    return _arborescence(full)[1:]


def _arborescence(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """Heads of all nodes, that of the root, node 0, being itself. `scores[d, h]` is square."""
    # Down: contract the cycles among everyone's best heads into a node each, until there is none.
    levels = []
    while True:
        heads: NDArray[np.int64] = scores.argmax(axis=1)
        heads[0] = 0
        cycle = _cycle(heads)
        if cycle is None:
            break
        rest = np.setdiff1d(np.arange(len(scores)), cycle)
        # What it takes to hang one of the cycle from outside instead, and the best way out of it.
        entering = scores[np.ix_(cycle, rest)] - scores[cycle, heads[cycle]][:, None]
        leaving = scores[np.ix_(rest, cycle)]
        levels.append((heads, cycle, rest, entering.argmax(axis=0), leaving.argmax(axis=1)))
        smaller = np.full((len(rest) + 1, len(rest) + 1), -np.inf)
        smaller[:-1, :-1] = scores[np.ix_(rest, rest)]
        smaller[:-1, -1] = leaving.max(axis=1)
        smaller[-1, :-1] = entering.max(axis=0)
        scores = smaller
    # Up: open each cycle where it is entered.
    for larger, cycle, rest, entered, left in reversed(levels):
        inner = np.array([cycle[left[i]] if h == len(rest) else rest[h] for i, h in enumerate(heads[:-1])])
        outer = heads[-1]
        heads = larger
        heads[rest] = inner
        heads[cycle[entered[outer]]] = rest[outer]
        heads[0] = 0
    return heads


def _cycle(heads: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64] | None:
    """The nodes of one cycle, sorted, if there is any; the root, 0, is its own head and no cycle."""
    seen = np.zeros(len(heads), np.int64)
    for start in range(1, len(heads)):
        node = start
        while node and not seen[node]:
            seen[node] = start
            node = int(heads[node])
        if node and seen[node] == start:
            nodes = [node]
            while (node := int(heads[node])) != nodes[0]:
                nodes.append(node)
            return np.array(sorted(nodes))
    return None
