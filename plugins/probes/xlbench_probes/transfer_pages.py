"""The pages of the transfer probe. Imports numpy: import this where pages are asked for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from xlbench.contracts import Page
from xlbench.contracts.mixture import is_several
from xlbench.probing import Reading, adapters, components, counted, covers, difference, interval, words
from xlbench_probes import transfer_answer as answers
from xlbench_probes import transfer_checks as checking
from xlbench_probes import transfer_donors, transfer_labels
from xlbench_probes import transfer_questions as questions
from xlbench_probes import transfer_readings as readings
from xlbench_probes import transfer_tables as tables
from xlbench_probes.transfer_loss import Losses
from xlbench_probes.transfer_view import PROBE, View, read_outs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xlbench.contracts import Part, Records


def pages(records: Records) -> list[Page]:
    """A page per task: who donates, who receives, and the whole matrix of effects; then one per question."""
    reading = Reading(records)
    language_model = checking.language_model_of(reading)
    views = {
        task: [View.of(reading, task, x) for x in read_outs(reading, task)] for task in reading.tasks(PROBE)
    }
    return [*(_page(task, some, language_model) for task, some in views.items()), *questions.pages(views)]


def _page(task: str, views: Sequence[View], language_model: View | None) -> Page:
    """The page of the first reading, with what a second one says of it."""
    by_reading = {x.read_out: x for x in views}
    first = views[0]
    pair = None
    if len(views) > 1:
        pair = readings.Pair(by_reading["put-back"], by_reading["retrained"])
    read = {"Gain": pair.retrained, "Effect": pair.put_back} if pair else {"Effect": first}
    losses = Losses(dict(reversed(read.items())))
    summary, parts = [*_summary(first, losses)], [*_parts(first, next(iter(read.values())))]
    if pair is not None:
        summary += readings.summary(pair)
        parts = [*readings.parts(pair), *parts]
    how = " (task adapters retrained)" if first.read_out == "retrained" else ""
    checks = checking.checks(first, pair, language_model)
    return Page(
        task,
        f"Transfer: {task}{how}",
        tuple(summary),
        (answers.by_kinship(read), *parts, *losses.parts()),
        warnings=checking.warnings(first, pair),
        checks=checks,
        answer=tuple(answers.lines(read)),
        headlines=tuple(answers.headlines(next(iter(read.values())))),
    )


def _parts(view: View, answering: View) -> Iterator[Part]:
    """Of the first reading; the best transfer languages by that which the page's answer is of."""
    yield tables.donors(view)
    if view.controlled:
        yield tables.controls(view)
    yield tables.targets(view)
    yield tables.best_for_targets(answering)
    if any(view.reading.records.seen.get(g) is not None for g in view.targets):
        yield tables.seen_against_unseen(view)
    if view.distances and len(view.arms(view.last)) >= tables.FEWEST_DONORS:
        yield tables.distances(view)
    if (of_texts := transfer_donors.texts(view)) is not None:
        yield of_texts
    if (labels := transfer_labels.moved(view)) is not None:
        yield labels
    if (goes_with := tables.predictors(view)) is not None:
        yield goes_with
    if len(view.steps) > 1:
        yield tables.donation_by_steps(view)
        yield tables.recipience_by_steps(view)
    for steps in reversed(view.steps):
        yield tables.matrix(view, steps)
        if view.followed:
            yield tables.seeds_spent(view, steps)


def _summary(view: View, losses: Losses) -> Iterator[str]:
    k, name, unit = view.last, view.reading.name, view.metric.unit
    sizes = words(f"{counted(n, 'seed')} at {steps}" for n, steps in view.repetitions.items())
    yield (
        f"{counted(len(view.transfer), 'transfer language')}, "
        f"{counted(len(view.targets), 'target language')}, "
        f"{'up to ' if view.followed else ''}{sizes}."
    )
    if view.followed:
        yield _dropped(view)
    yield f"Unless stated otherwise, effects are in {view.metric.measure} after {counted(k, 'step')}."
    overall = view.overall(k)
    if view.pairs(k):
        yield f"Over all pairs of different languages the mean effect is {interval(overall.number(), unit)}."
    for treatment in view.treatments if view.pairs(k) else ():
        if len(view.arms(k, treatment)) < len(view.arms(k)):
            continue
        control = view.overall(k, treatment)
        ahead = interval(difference(overall, control).number(), unit)
        shuffled = treatment == answers.SHUFFLED
        of = "the tokens of the same texts shuffled" if shuffled else f"the same texts {treatment}"
        yield (
            f"With {of} it is {interval(control.number(), unit)}; "
            f"the original {'order is' if shuffled else 'texts are'} ahead by {ahead}."
        )
    if several := [x for x in view.transfer if is_several(x)]:
        yield (
            f"{words(several)} {'is a text' if len(several) == 1 else 'are texts'} of several languages: in "
            "no mean over transfer languages, with a donation over the targets that are none of them."
        )
    donors = [(code, x.number) for code, x in view.judged_donations(k).items() if x.p is not None]
    if donors:
        code, most = donors[0]
        yield f"The largest donation is that of {name(code)}: {interval(most, unit)}."
    receivers = [(code, x.number) for code, x in view.judged_recipiences(k).items() if x.p is not None]
    if len(receivers) > 1:
        (first, most), (last, least) = receivers[0], receivers[-1]
        yield (
            f"{name(first)} has the largest recipience, {interval(most, unit)}; "
            f"{name(last)} the smallest, {interval(least, unit)}."
        )
    yield from losses.summary()
    if line := adapters(view.reading, view.task, len(view.effects.adapters)):
        yield line
    if len(view.effects.adapters) > 1 and overall.value is not None:
        shares = words(f"{100 * x:.0f}% of {what}" for what, x in components(overall).items())
        yield f"Variance of that mean: {shares}."
    if line := transfer_donors.coincidence(view):
        yield line
    seeds = max(view.repetitions)
    tests = (
        " They are not corrected for multiple comparisons. Verdicts come from two-sided tests with the false "
        "discovery rate held at 5% over all effects, all donations or all recipiences at one number of steps."
    )
    yield covers(seeds) + (tests if seeds > 1 else "")
    if view.reading.parallel(view.task):
        yield (
            "Test rows are parallel across languages; what the languages have in common is in the intervals "
            "of means."
        )
    if missing := view.missing:
        more = f", and {len(missing) - 3} more" if len(missing) > 3 else ""
        yield (
            f"Of {counted(view.planned, 'evaluation')} planned, {len(missing)} are missing: "
            f"{'; '.join(missing[:3])}{more}. Means that need them are empty."
        )


def _dropped(view: View) -> str:
    """What an adaptive study did without."""
    why = Counter(
        reason for (_, cell), reason in view.reading.records.dropped.items() if cell.task == view.task
    )
    reasons = ", ".join(f"{n} as {x}" for x, n in sorted(why.items()))
    return (
        "Seeds were spent where the answer was open: of "
        f"{counted(view.planned + why.total(), 'evaluation')}, {why.total()} were dropped"
        f"{f' ({reasons})' if reasons else ''}. Verdicts of effects come from sequential tests. A mean "
        "is over the effects' own means; an effect with one seed takes its standard error from the others."
    )
