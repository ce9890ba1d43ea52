"""Targets for which a study's languages cannot speak: no advice is better than a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import mixture
from xlbench.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Collection

    from xlbench.contracts import Distance, Records


def refuse_stranger(records: Records, task: str, code: str) -> None:
    """Raises ResultsError, one line, for a target that was not measured and is in no known way like the
    study's languages; or whose family and script are none of theirs, and which is farther from the nearest
    transfer language, by every known distance, than any measured target is.
    """
    targets = {cell.target for job in records.expected for cell in job.cells if cell.task == task}
    transfer = records.study.get("transfer")
    donors = [x for x in mixture.each(map(str, transfer)) if x != code] if isinstance(transfer, list) else []
    if code in targets or not donors:
        return
    nearest = {x.name: near for x in records.distances if (near := _nearest(x, code, donors)) is not None}
    few = f"{', '.join(donors[:4])}{', ...' if len(donors) > 4 else ''}"
    if not nearest and not _shares(records, code, donors, "family"):
        raise ResultsError(
            f"{code} was not measured, and the study's transfer languages ({few}) share no family and no "
            f"known distance with it; run a study of {task} with --targets {code}"
        )
    everyone = {*donors, *targets}
    if any(_shares(records, code, everyone, what) for what in ("family", "script")):
        return
    farthest = {}
    for distance in records.distances:
        own = [_nearest(distance, g, donors) for g in targets]
        if distance.name in nearest and (known := [x for x in own if x is not None]):
            farthest[distance.name] = max(known)
    if farthest and all(nearest[x] > limit for x, limit in farthest.items()):
        name = next(iter(farthest))
        raise ResultsError(
            f"{code} was not measured, and the study's languages cannot speak for it: none shares its family "
            f"or script, and it is farther from the nearest transfer language ({name} {nearest[name]:.2f}) "
            f"than any measured target ({farthest[name]:.2f} at most); run a study of {task} with --targets "
            f"{code}"
        )


def _nearest(distance: Distance, target: str, donors: Collection[str]) -> float | None:
    """To a transfer language other than the target; None where nothing is known."""
    pairs = ((f, target) for f in donors if f != target)
    return min((float(distance.table[pair]) for pair in pairs if pair in distance.table), default=None)


def _shares(records: Records, code: str, others: Collection[str], what: str) -> bool:
    own = getattr(records.languages.get(code), what, "unknown")
    kin = (getattr(records.languages.get(x), what, None) for x in others)
    return own != "unknown" and own in kin
