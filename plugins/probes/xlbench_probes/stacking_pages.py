"""The pages of the stacking probe. Imports numpy: import this where pages are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xlbench.contracts import Headline, Matrix, Number, Page, Table
from xlbench.probing import (
    TARGET_GAINS,
    Effects,
    Reading,
    adapters,
    counted,
    covers,
    difference,
    interval,
    judge,
    made_from,
    mean,
    number,
    tidy,
    verdicts_over,
)
from xlbench_probes.headlines import Teller, by_target
from xlbench_probes.interference_scores import Mixture
from xlbench_probes.mixtures import (
    RANDOM,
    before,
    broken,
    change,
    judged_changes,
    orders,
    planned,
    said_of,
    seeds_of,
    stacked,
    trials,
)

if TYPE_CHECKING:
    from xlbench.contracts import AdapterOrder, Part, Records, Row
    from xlbench.probing import Judged

PROBE = "stacking"
ORDERS = (
    "Plain: the task adapter was trained on the model alone. MAD-X: it was trained over the language "
    "adapters of its training languages, each beneath its own language's examples (Pfeiffer et al. 2020)."
)
UNKNOWN = "unknown"
"""Family of a language of which it is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the tables of one task are made from."""

    reading: Reading
    task: str
    order: AdapterOrder
    """In which the adapters were trained."""
    several: bool
    """Whether the page has both orders."""
    effects: Effects
    languages: tuple[str, ...]
    """Those whose adapters were stacked, in the study's order."""
    targets: tuple[str, ...]
    random: bool
    judged: Mapping[tuple[str, str], Judged]
    """Every change by (adapter, target)."""

    @classmethod
    def of(cls, reading: Reading, task: str, order: AdapterOrder, *, several: bool) -> View:
        """Gather what the records have of a task in one order of training."""
        baseline = before(reading, PROBE, task)
        whole, without = (trials(reading, PROBE, task, order, invertible=x) for x in (True, False))
        found = whole or without  # another probe may have asked for adapters without their invertible parts
        names, targets = stacked(reading, found), tuple(baseline)
        effects = Effects(
            task, reading.records.metrics[task], baseline, found, parallel=reading.parallel(task)
        )
        languages = tuple(x for x in names if x != RANDOM)
        judged = judged_changes(effects, names, targets)
        return cls(reading, task, order, several, effects, languages, targets, RANDOM in names, judged)

    @property
    def title(self) -> str:
        """What titles say of the order."""
        return said_of(self.order, self.several)

    @property
    def reference(self) -> str:
        """What notes say of the score with no adapter: in any order that of the plain task adapter."""
        return "" if self.order == "plain" else " of the task adapter that was trained without any"

    def kinds(self, target: str) -> dict[str, list[str]]:
        """The stacked languages by what they are to a target."""
        family = self.family(target)
        others = [x for x in self.languages if x != target]
        known = [x for x in others if UNKNOWN not in (family, self.family(x))]
        return {
            "own": [target] if target in self.languages else [],
            "related": [x for x in known if self.family(x) == family],
            "unrelated": [x for x in known if self.family(x) != family],
            "random": [RANDOM] if self.random else [],
        }

    def family(self, code: str) -> str:
        """Language family; UNKNOWN where it is not known."""
        language = self.reading.records.languages.get(code)
        return language.family if language else UNKNOWN

    def over(self, kind: str, targets: Sequence[str]) -> Number | None:
        """Mean change over targets that have such adapters, each target's adapters averaged first; of a
        single pair its own number. None where there is no pair.
        """
        found = {g: some for g in targets if (some := self.kinds(g)[kind])}
        pairs = [(f, g) for g, some in found.items() for f in some]
        if len(pairs) == 1:
            return self.judged[pairs[0]].number
        return number(mean(mean(change(self.effects, f, g) for f in some) for g, some in found.items()))


def pages(records: Records) -> list[Page]:
    """A page a task."""
    reading = Reading(records)
    return [_page(reading, task) for task in reading.tasks(PROBE)]


def frames(records: Records) -> Mapping[str, Iterable[Row]]:
    """The change by every stacked adapter on every target, as the matrix has it."""
    reading = Reading(records)
    views = (
        View.of(reading, task, x, several=False)
        for task in reading.tasks(PROBE)
        for x in orders(reading, PROBE, task)
    )
    return {"stacking": (row for view in views for row in _rows(view))}


def _rows(view: View) -> Iterator[Row]:
    effects, unit = view.effects, view.reading.records.metrics[view.task].unit
    for (adapter, target), one in view.judged.items():
        arm = Mixture((adapter,))
        yield {
            "task": view.task,
            "adapter": adapter,
            "target": target,
            "order": view.order,
            **tidy(one, n=effects.examples(target), seeds=effects.count(arm, target) or None, unit=unit),
            "before": effects.before(target).value,
            "after": effects.after(arm, target).value,
        }


def _page(reading: Reading, task: str) -> Page:
    found = orders(reading, PROBE, task)
    views = [View.of(reading, task, x, several=len(found) > 1) for x in found]
    parts: list[Part] = [] if len(views) == 1 else [_both(*views)]
    for view in views:
        parts += (_kinds(view), _targets(view), _adapters(view), _matrix(view))
    return Page(
        task,
        f"Stacking: {task}{said_of(found[0], False) if len(found) == 1 else ' in both orders'}",
        tuple(line for view in views for line in _summary(view)),
        tuple(parts),
        tuple(line for view in views for line in broken(reading, view.judged, view.languages, view.title)),
        headlines=tuple(_headlines(views[0])),
    )


def _headlines(view: View) -> list[Headline]:
    """Of adapters alone beneath the task adapter, a target's own among them."""
    metric, name = view.reading.records.metrics[view.task], view.reading.name
    teller = Teller(
        name,
        lambda f: f"The language adapter of {name(f)}",
        metric.unit,
        metric.measure,
        view.order if view.several else "",
        difference="change",
    )
    pairs = {(g, f): x for (f, g), x in view.judged.items() if f != RANDOM}
    return teller.of(by_target(pairs, view.targets))


def _both(one: View, other: View) -> Table:
    """What a target's own adapter does under task adapters of both orders."""
    targets = [x for x in one.targets if x in one.languages]
    trained = one.reading.records.study.get("train_languages")
    known = trained if isinstance(trained, list | tuple) else ()
    pairs = {g: [change(x.effects, g, g) for x in (one, other)] for g in targets}
    apart = {g: difference(second, first) for g, (first, second) in pairs.items()}
    if len(targets) > 1:
        apart |= {"": mean(apart.values())}
    tested = judge(apart)
    rows: list[tuple[str | Number | None, ...]] = [
        (
            one.reading.name(g), "yes" if g in known else "no", one.effects.zero_shot(g),
            one.judged[g, g].number, other.judged[g, g].number, tested[g].number,
        )
        for g in targets
    ]  # fmt: skip
    if len(targets) > 1:
        means = (x.over("own", targets) for x in (one, other))
        rows.append(("mean", "", None, *means, tested[""].number))
    heads = ("Plain", "MAD-X") if one.order == "plain" else ("MAD-X", "Plain")
    return Table(
        "A target's own adapter under task adapters of both orders",
        ("Target language", "Trained on", "No adapter", *heads, f"{heads[1]} minus {heads[0]}"),
        tuple(rows),
        f"{ORDERS} No adapter: score of the plain task adapter with no language adapter. Then what the "
        "target's own adapter changes of that score, beneath the task adapter of each order, and the "
        "difference of both (positive: the target gains). Trained on: whether the language is one of the "
        "task adapter's training languages.",
    )


def _summary(view: View) -> Iterator[str]:
    how = "without any" if view.order == "plain" else "over those of its training languages (MAD-X's order)"
    yield (
        f"Adapters of {counted(len(view.languages), 'language')}, one at a time beneath the task adapter, "
        f"which was trained {how}; {counted(len(view.targets), 'target language')}."
    )
    own = view.over("own", view.targets)
    if own is not None and own.value is not None:
        unit = view.reading.records.metrics[view.task].unit
        against = "" if view.order == "plain" else ", against the plain task adapter with none"
        yield f"With a target's own adapter its score changes by {interval(own, unit)}, on average{against}."
    yield (
        f"{covers(seeds_of(view.effects, view.languages))} "
        f"{adapters(view.reading, view.task, len(view.effects.adapters))}"
    )


def _kinds(view: View) -> Table:
    rows = []
    for kind in ("own", "related", "unrelated", "random"):
        sizes = [len(view.kinds(g)[kind]) for g in view.targets]
        found = view.over(kind, view.targets)
        rows.append((kind, found, sum(x > 0 for x in sizes), sum(sizes)))
    return Table(
        f"Change of the score with a language adapter beneath the task adapter{view.title}",
        ("Adapter", "Change", "Targets", "Pairs"),
        tuple(rows),
        f"Score with the adapter less the score with none{view.reference}, mean over targets. Related: of "
        "the target's family; unrelated: of another; random: at random initialisation, not trained.",
    )


def _targets(view: View) -> Table:
    rows = []
    for g in view.targets:
        means = (view.over(kind, (g,)) for kind in view.kinds(g))
        rows.append((view.reading.name(g), view.reading.seen(g), view.effects.zero_shot(g), *means))
    return Table(
        f"Change by target{view.title}",
        ("Target language", "Seen", "No adapter", "Own", "Related", "Unrelated", "Random"),
        tuple(rows),
        "Mean over the adapters of a kind (positive: the target gains). What one adapter does is a cell of "
        "the matrix, with its interval and verdict.",
    )


def _adapters(view: View) -> Table:
    """Held-out losses of the languages' adapters, means over seeds."""
    runs: dict[str, dict[int, Mapping[str, float] | str]] = {x: {} for x in view.languages}
    for mixture, seed, job, cell in planned(view.reading, PROBE, view.task, view.order):
        if mixture.adapters[0] in runs and not mixture.variant:
            found = view.reading.evaluation(job, cell)
            runs[mixture.adapters[0]][seed] = found.extra if found else view.reading.missing(job, cell)
    rows = []
    for language, seeds in runs.items():
        means = [_mean(seeds.values(), x) for x in ("held_out_before", "held_out_after", "adapter_steps")]
        trained = sum(not isinstance(x, str) and "adapter_steps" in x for x in seeds.values())
        rows.append((view.reading.name(language), view.reading.seen(language), *means, trained or None))
    return Table(
        f"Language adapters{view.title}",
        ("Language", "Seen", "Held-out loss before", "After", "Steps", "Trained"),
        tuple(rows),
        "Loss of the model's objective, in nats per predicted token, on text that was not trained on, "
        "without the adapter and with it, and the steps after which its weights were kept: means over the "
        "trained ones (how many in the last column). Empty for an adapter that came with the study.",
    )


def _mean(runs: Iterable[Mapping[str, float] | str], what: str) -> Number | None:
    """Over seeds; empty where one is missing, and where nothing was trained."""
    missing = [x for x in runs if isinstance(x, str)]
    if missing:
        return Number(None, missing=tuple(missing))
    found = [x[what] for x in runs if not isinstance(x, str) and what in x]
    return Number(sum(found) / len(found)) if found else None


def _matrix(view: View) -> Matrix:
    names, effects = [*view.languages, *([RANDOM] if view.random else [])], view.effects

    def cell(f: str, g: str) -> Number:
        after = effects.after(Mixture((f,)), g)
        return made_from(view.judged[f, g].number, before=effects.before(g), after=after)

    return Matrix(
        f"Stacking under {view.task}{view.title}",
        tuple(view.reading.name(x) for x in names),
        tuple(view.reading.name(x) for x in view.targets),
        tuple(tuple(cell(f, g) for g in view.targets) for f in names),
        "Language adapter",
        "Target language",
        unit=view.reading.records.metrics[view.task].measure,
        sign=TARGET_GAINS,
        note=f"Score with the adapter beneath the task adapter, less the score with none{view.reference}. "
        f"{verdicts_over('the matrix')}",
    )
