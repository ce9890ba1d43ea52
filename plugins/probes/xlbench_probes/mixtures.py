"""Stored scores of compositions of language adapters, as mixtures with seeds. Imports numpy."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xlbench.contracts import LanguageTraining
from xlbench.scores import Mixture, Trial, difference
from xlbench_probes.interference_sets import Settings, Variant, variants

if TYPE_CHECKING:
    from xlbench.scores import Effects, Estimate
    from xlbench_probes.reading import Reading

RANDOM = "random"
TOLERANCE = 2.0
"""Points that a score may drop beneath a language adapter before it is called broken."""


def rows_of_sweep(reading: Reading) -> list[Variant]:
    """The study's own settings and those of its sweep."""
    study: Mapping[str, Any] = reading.records.study
    said = study.get("options", {}).get("interference", {})
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in said.items()}
    settings = Settings(**values)
    return variants(settings, LanguageTraining(**study.get("language_training", {})))


def trials(reading: Reading, probe: str, task: str) -> list[Trial]:
    """What a probe planned on compositions, and what was measured; settings of nobody's row are left out."""
    rows = rows_of_sweep(reading)
    found = []
    for job, cell in reading.planned(probe, task):
        under: Any = job.condition["under"]
        row = next((x for x in rows if _is_of(under, x)), None)
        if row is None:
            continue
        adapters = tuple(x["language"] or RANDOM for x in under["adapters"])
        mixture = Mixture(adapters, under["mix"], row.label)
        seed = max([under.get("seed", 0), *(x.get("seed", 0) for x in under["adapters"])])
        evaluation = reading.evaluation(job, cell)
        found.append(
            Trial(mixture, seed, cell.target, evaluation.counts)
            if evaluation
            else Trial(mixture, seed, cell.target, None, reading.missing(job, cell))
        )
    return found


def change(effects: Effects, language: str, target: str) -> Estimate:
    """Score with one language's adapter beneath the task adapter, less the score with none."""
    return difference(effects.after(Mixture((language,)), target), effects.before(target))


def broken(reading: Reading, effects: Effects, languages: Sequence[str], targets: Sequence[str]) -> list[str]:
    """A warning where a language's own adapter clearly costs its score more than the tolerance."""
    drops = []
    for language in languages:
        if language in targets:
            found = change(effects, language, language).number()
            if found.value is not None and found.high is not None and found.high < -TOLERANCE:
                drops.append(f"{reading.name(language)} {found.value:.1f}")
    if not drops:
        return []
    return [
        f"stacking alone costs more than {TOLERANCE:g} points, the whole interval below that, on "
        f"{', '.join(drops)}; what mixes do to such a score says little about interference."
    ]


def _is_of(under: Mapping[str, Any], row: Variant) -> bool:
    how = row.training
    wanted = {x.name: getattr(how, x.name) for x in dataclasses.fields(how)}
    wanted["reduction_factor"] = how.reduction
    for one in under["adapters"]:
        if any(one[k] != v for k, v in wanted.items() if k in one):
            return False
    if "fusion" in under:
        return all(getattr(row.fusion, k) == v for k, v in under["fusion"].items())
    return True
