"""Which transfer language to take for a target. Imports numpy: import this where advice is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xlbench.contracts import Page, Table
from xlbench.contracts.mixture import has
from xlbench.errors import ResultsError
from xlbench.probing import Reading, counted, interval
from xlbench.probing.advice import Asked, predicted_page
from xlbench_probes.transfer_features import LINES, WORDS, Pair, apart, pair_features
from xlbench_probes.transfer_readings import MEANING
from xlbench_probes.transfer_tables import MATRIX
from xlbench_probes.transfer_view import PROBE, WHAT, View, read_outs

if TYPE_CHECKING:
    from xlbench.contracts import Records
    from xlbench.scores.choices import Chooser


def advise(records: Records, task: str, target: str) -> Page:
    """A page that ranks the transfer languages for a target, measured or not. Raises ResultsError."""
    reading = Reading(records)
    if task not in reading.tasks(PROBE):
        raise ResultsError(f"the study has no transfer results of {task}; run one with --task {task}")
    # Gains before effects: what a language gives the model, not how well an old adapter reads what has moved.
    readings = sorted(read_outs(reading, task), key=lambda x: x != "retrained")
    view, *beside = (View.of(reading, task, x) for x in readings)
    return _measured(view, beside, target) if target in view.targets else _unmeasured(view, target)


def _measured(view: View, beside: Sequence[View], target: str) -> Page:
    k, name, what = view.last, view.reading.name, WHAT[view.read_out]
    found = {f: x.number for f, x in view.shortlist(target, k).items()}
    if not found:
        raise ResultsError(f"the study has no transfer language but {target} itself; run one with more")
    tied = view.tied(target, k)
    table = Table(
        f"Transfer languages for {name(target)}, {counted(k, 'step')}",
        (
            "Transfer language",
            "Seen",
            what.capitalize(),
            *(WHAT[x.read_out].capitalize() for x in beside),
            *(["Tied with the first"] if tied else []),
        ),
        tuple(
            (
                name(f),
                view.reading.seen(f),
                found[f],
                *(x.judged_effects(k)[f, target].number for x in beside),
                *(["yes" if f in tied else "no"] if tied else []),
            )
            for f in found
        ),
        f"What clearly helps first, then by the lower end of the interval of the {what}, which puts what is "
        f"sure before what may be large. {TIED if tied else ''}{MATRIX}{f' {MEANING}' if beside else ''}",
    )
    known = [f for f in found if found[f].value is not None]
    lines = [
        f"Measured. {name(known[0])} comes first: {what} {interval(found[known[0]], view.metric.unit)}."
        if known
        else "A target of the study, but no effect on it is known; run the study again."
    ]
    if known and any(found[f].word == "this run only" for f in known):
        lines.append("With one seed the order is that of this run only; run more with --seeds 3.")
    elif known and not any(found[f].word == "helps" for f in known):
        lines.append("None clearly helps; staying without a transfer language is as good a choice.")
    if gone := [name(f) for f in found if f not in known]:
        lines.append(f"Missing, and so not ranked: {', '.join(gone)}.")
    return Page(view.task, f"Recommendation: {view.task} on {name(target)}", tuple(lines), (table,))


def _unmeasured(view: View, target: str) -> Page:
    k = view.last
    arms = [x for x in view.singles(k) if not has(x.text, target)]
    found = {(x.text, g): view.effects.effect(x, g) for x in arms for g in view.targets if not has(x.text, g)}
    if missing := list(dict.fromkeys(text for x in found.values() for text in x.missing)):
        raise ResultsError(
            f"{counted(len(missing), 'evaluation')} missing, such as: {missing[0]}; "
            "a prediction needs the whole matrix: run the study again"
        )
    effects = {pair: x.value for pair, x in found.items() if x.value is not None}
    records, wanted = view.reading.records, [(x.text, target) for x in arms]
    features = pair_features(records, view.task, [*effects, *wanted])
    return predicted_page(
        Asked(
            view.reading,
            view.task,
            target,
            effects,
            features,
            apart(records, [*view.targets, target]),
            WHAT[view.read_out],
            view.metric.unit,
            f", {counted(k, 'step')}",
            rules=rules(features),
        )
    )


TIED = (
    "Tied with the first: the first is not clearly better, by paired tests with the false discovery rate "
    "held at 5% over the target's transfer languages. "
)


def rules(features: Mapping[str, Mapping[Pair, float]]) -> dict[str, Chooser]:
    """Plain rules to choose by."""

    def nearest(_: object, target: str, candidates: Sequence[str]) -> Mapping[str, float] | None:
        kin = [features.get(x, {}) for x in ("same genus", "same family")]
        return {f: sum(x[f, target] for x in kin) for f in candidates if all((f, target) in x for x in kin)}

    def most_text(_: object, target: str, candidates: Sequence[str]) -> Mapping[str, float] | None:
        tables = [features.get(x, {}) for x in (WORDS, LINES)]
        text = next((x for x in tables if all((f, target) in x for f in candidates)), tables[-1])
        return {f: text[f, target] for f in candidates if (f, target) in text}

    return {"nearest by genus and family": nearest, "most text": most_text}
