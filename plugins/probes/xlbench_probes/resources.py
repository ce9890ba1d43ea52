"""Levels of languages by how much text of them a model was pretrained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import decimal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xlbench.contracts import Records


def levels(records: Records, codes: Sequence[str]) -> dict[str, list[str]]:
    """Languages by level, from none to most: unseen ones, then thirds of all sizes of the model's list; seen
    ones of which no size is known, or where all sizes are one, are "seen", and others are "not known".
    """
    sizes = {} if records.sizes is None else dict(records.sizes.table)
    ranked = sorted(sizes.values())
    found: dict[str, list[str]] = {"unseen": []}
    names: list[tuple[float, str]] = []
    if ranked and ranked[0] < ranked[-1]:
        ends = [ranked[(len(ranked) * i + 2) // 3 - 1] for i in (1, 2, 3)]
        for end, share in zip(ends, ("smallest", "middle", "largest"), strict=True):
            if not names or end > names[-1][0]:
                names.append((end, f"{share} third (to {_short(end)})"))
        found |= {name: [] for _, name in names}
    found |= {"seen": [], "not known": []}
    for code in codes:
        seen = records.seen.get(code)
        if seen is None:
            found["not known"].append(code)
        elif not seen:
            found["unseen"].append(code)
        elif code in sizes and names:
            found[next(name for end, name in names if sizes[code] <= end)].append(code)
        else:
            found["seen"].append(code)
    return {name: some for name, some in found.items() if some}


def size_of(records: Records, code: str) -> str:
    """The size for people; "0" of an unseen language, empty where it is not known."""
    if records.seen.get(code) is False:
        return "0"
    size = None if records.sizes is None else records.sizes.table.get(code)
    return "" if size is None else _short(size)


def _short(size: float) -> str:
    return decimal(size, 0 if size >= 10 or size == int(size) else 1)
