"""Stored scores of compositions of language adapters, as mixtures with seeds. Imports numpy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xlbench.contracts import OF_SHAPE, LanguageTraining
from xlbench.contracts.settings import check, make
from xlbench.probing import Trial, judge
from xlbench_probes.interference_scores import Mixture
from xlbench_probes.interference_sets import Settings, Variant, variants
from xlbench_probes.stacking import mixed_of, order_of
from xlbench_probes.zero_shot_pages import adapter_seed_of, baselines

if TYPE_CHECKING:
    from xlbench.contracts import AdapterOrder, Cell, Counts, Job, Mixed
    from xlbench.probing import Effects, Estimate, Judged, Reading

RANDOM = "random"
FUSIONS = ("untrained", "tuned")
"""Compositions whose name alone does not say that they are fusions."""
TOLERANCE = 2.0
"""Points that a score may drop beneath a language adapter before it is called broken."""


def called(composition: str) -> str:
    """How pages name a composition: "tuned fusion"."""
    return f"{composition} fusion" if composition in FUSIONS else composition


def settings_of(reading: Reading) -> Settings:
    """What the study set for the probe `interference`, or its defaults."""
    said = _study(reading).get("options", {}).get("interference", {})
    made: Settings = make(Settings, check(said, Settings, "options.interference"))
    return made


def rows_of_sweep(reading: Reading) -> list[Variant]:
    """The study's own settings and those of its sweep."""
    training = make(LanguageTraining, _study(reading).get("language_training", {}))
    return variants(settings_of(reading), training)


def orders(reading: Reading, probe: str, task: str) -> list[AdapterOrder]:
    """In which orders a probe was to put adapters together, in the study's own order."""
    return list(dict.fromkeys(order_of(job) for job, _ in reading.planned(probe, task)))


def said_of(order: AdapterOrder, several: bool) -> str:
    """What a title says of the order: nothing where it is plain and the only one."""
    if order == "plain":
        return ", plain order" if several else ""
    return ", MAD-X's order"


def planned(
    reading: Reading, probe: str, task: str, order: AdapterOrder
) -> Iterator[tuple[Mixture, int, Job, Cell]]:
    """What a probe planned on compositions in an order of training: mixture, seed, job and cell; what is in
    no row is left out.
    """
    rows, kinds = rows_of_sweep(reading), reading.records.adapters
    for job, cell in reading.planned(probe, task):
        parts = _parts(job)
        row = next((x for x in rows if all(_is_of(part, x, kinds) for part in parts)), None)
        if row is not None and order_of(job) == order:
            under = mixed_of(job)
            adapters = tuple(x or RANDOM for x in under.languages)
            seed = max(x.seed for x in parts)
            yield Mixture(adapters, under.mix, row.label), seed, job, cell


def trials(reading: Reading, probe: str, task: str, order: AdapterOrder, *, invertible: bool) -> list[Trial]:
    """What was planned and what was measured, with invertible parts, where there are any, on or off."""
    found = []
    for mixture, seed, job, cell in planned(reading, probe, task, order):
        if all(x.invertible in (None, invertible) for x in _parts(job)):
            evaluation = reading.evaluation(job, cell)
            counts = evaluation.counts if evaluation else None
            missing = "" if evaluation else reading.missing(job, cell)
            found.append(Trial(mixture, seed, cell.target, counts, missing, adapter_seed_of(job)))
    return found


def before(reading: Reading, probe: str, task: str) -> dict[str, dict[int, Counts | str]]:
    """Baselines of the one task adapter that a probe of language adapters takes, trained on the model alone:
    whatever the order, changes are against a model without any language adapter.
    """
    adapter = next(job.typed.adapter for job, _ in reading.planned(probe, task))
    return baselines(reading, task, None if adapter is None else adapter.alone, alone=True)


def change(effects: Effects, language: str, target: str) -> Estimate:
    """Score with one language's adapter beneath the task adapter, less the score with none."""
    return effects.effect(Mixture((language,)), target)


def stacked(reading: Reading, found: Sequence[Trial]) -> tuple[str, ...]:
    """What was put alone beneath the task adapter, with the study's own settings: its transfer languages, in
    the study's order, then RANDOM.
    """
    arms = [x.arm for x in found if isinstance(x.arm, Mixture)]
    there = {x.adapters[0] for x in arms if len(x.adapters) == 1 and not x.variant}
    return tuple(x for x in (*(_study(reading).get("transfer") or ()), RANDOM) if x in there)


def judged_changes(
    effects: Effects, names: Sequence[str], targets: Sequence[str]
) -> dict[tuple[str, str], Judged]:
    """Every change by (adapter, target), tested once: what is stacked is the family of its verdicts, on
    whatever page it is shown.
    """
    return judge({(f, g): change(effects, f, g) for f in names for g in targets})


def seeds_of(effects: Effects, languages: Sequence[str]) -> int:
    """The most seeds that an adapter alone has."""
    return max((len(effects.seeds(Mixture((x,)))) for x in languages), default=0)


def broken(
    reading: Reading, judged: Mapping[tuple[str, str], Judged], languages: Sequence[str], title: str = ""
) -> list[str]:
    """A warning where a language's own adapter clearly costs its score more than the tolerance; the numbers
    are those of `judged_changes`. `title`: what titles say of the order.
    """
    drops = []
    for language in languages:
        found = judged[language, language].number if (language, language) in judged else None
        if found is not None and found.high is not None and found.high < -TOLERANCE:
            drops.append(f"{reading.name(language)} {found.text()}")
    if not drops:
        return []
    return [
        f"{f'in {title[2:]}, ' if title else ''}one adapter alone costs more than {TOLERANCE:g} points, the "
        "whole interval below that, on "
        f"{', '.join(drops)}; what combinations do to such a score says little about interference."
    ]


def _study(reading: Reading) -> Mapping[str, Any]:
    return reading.records.study


def _parts(job: Job) -> tuple[Mixed, ...]:
    """The language adapters of a job, and those that its task adapter was trained over."""
    over = None if job.typed.adapter is None else job.typed.adapter.over
    return (mixed_of(job), over) if over is not None else (mixed_of(job),)


def _is_of(part: Mixed, row: Variant, kinds: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether what lies beneath was made with the settings of a row; `kinds` as `Records.adapters`."""
    how = row.training
    wanted = {x.name: getattr(how, x.name) for x in dataclasses.fields(how) if x.name not in OF_SHAPE}
    shape: dict[str, Any] = {
        x: default if (said := getattr(how, x)) is None else said
        for x, default in kinds.get(how.config, {}).items()
    }
    if how.leave_out:
        shape["leave_out"] = sorted(set(how.leave_out))
    for one in part.adapters:
        if one["kind"] == "given":
            continue
        if any(one[k] != v for k, v in wanted.items() if k in one):
            return False
        if shape != {k: v for k, v in one.items() if k in OF_SHAPE}:
            return False
    return all(getattr(row.fusion, k) == v for k, v in part.fusion.items())
