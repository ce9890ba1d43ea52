"""The pages of the stacking probe. Imports numpy: import this where pages are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xlbench.contracts import Matrix, Number, Page, Table
from xlbench.scores import Effects, Mixture, mean
from xlbench_probes.mixtures import (
    RANDOM,
    before,
    broken,
    change,
    judged_changes,
    planned,
    seeds_of,
    stacked,
    trials,
)
from xlbench_probes.reading import (
    Reading,
    adapters,
    counted,
    covers,
    interval,
    made_from,
    number,
    verdicts_over,
)

if TYPE_CHECKING:
    from xlbench.contracts import Records
    from xlbench.scores import Judged

PROBE = "stacking"
UNKNOWN = "unknown"
"""Family of a language of which it is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the tables of one task are made from."""

    reading: Reading
    task: str
    effects: Effects
    languages: tuple[str, ...]
    """Those whose adapters were stacked, in the study's order."""
    targets: tuple[str, ...]
    random: bool
    judged: Mapping[tuple[str, str], Judged]
    """Every change by (adapter, target)."""

    @classmethod
    def of(cls, reading: Reading, task: str) -> View:
        """Gather what the records have of a task."""
        baseline = before(reading, PROBE, task)
        whole, without = (trials(reading, PROBE, task, invertible=x) for x in (True, False))
        found = whole or without  # another probe may have asked for adapters without their invertible parts
        names, targets = stacked(reading, found), tuple(baseline)
        effects = Effects(
            task, reading.records.metrics[task], baseline, found, parallel=reading.parallel(task)
        )
        languages = tuple(x for x in names if x != RANDOM)
        judged = judged_changes(effects, names, targets)
        return cls(reading, task, effects, languages, targets, RANDOM in names, judged)

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
    return [_page(reading, View.of(reading, task)) for task in reading.tasks(PROBE)]


def _page(reading: Reading, view: View) -> Page:
    return Page(
        view.task,
        f"Stacking: {view.task}",
        tuple(_summary(view)),
        (_kinds(view), _targets(view), _adapters(view), _matrix(view)),
        tuple(broken(reading, view.judged, view.languages)),
    )


def _summary(view: View) -> Iterator[str]:
    yield (
        f"Adapters of {counted(len(view.languages), 'language')}, one at a time beneath the task adapter, "
        f"which was trained without any; {counted(len(view.targets), 'target language')}."
    )
    own = view.over("own", view.targets)
    if own is not None and own.value is not None:
        unit = view.reading.records.metrics[view.task].unit
        yield f"With a target's own adapter its score changes by {interval(own, unit)}, on average."
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
        "Change of the score with a language adapter beneath the task adapter",
        ("Adapter", "Change", "Targets", "Pairs"),
        tuple(rows),
        "Score with the adapter less the score with none, mean over targets. Related: of the target's "
        "family; unrelated: of another; random: at random initialisation, not trained.",
    )


def _targets(view: View) -> Table:
    rows = []
    for g in view.targets:
        means = (view.over(kind, (g,)) for kind in view.kinds(g))
        rows.append((view.reading.name(g), view.reading.seen(g), view.effects.zero_shot(g), *means))
    return Table(
        "Change by target",
        ("Target language", "Seen", "No adapter", "Own", "Related", "Unrelated", "Random"),
        tuple(rows),
        "Mean over the adapters of a kind (positive: the target gains). What one adapter does is a cell of "
        "the matrix, with its interval and verdict.",
    )


def _adapters(view: View) -> Table:
    """Held-out masked-LM losses of the languages' adapters, means over seeds."""
    runs: dict[str, dict[int, Mapping[str, float] | str]] = {x: {} for x in view.languages}
    for mixture, seed, job, cell in planned(view.reading, PROBE, view.task):
        if mixture.adapters[0] in runs and not mixture.variant:
            found = view.reading.evaluation(job, cell)
            runs[mixture.adapters[0]][seed] = found.extra if found else view.reading.missing(job, cell)
    rows = []
    for language, seeds in runs.items():
        means = [_mean(seeds.values(), x) for x in ("held_out_before", "held_out_after", "adapter_steps")]
        trained = sum(not isinstance(x, str) and "adapter_steps" in x for x in seeds.values())
        rows.append((view.reading.name(language), view.reading.seen(language), *means, trained or None))
    return Table(
        "Language adapters",
        ("Language", "Seen", "Held-out loss before", "After", "Steps", "Trained"),
        tuple(rows),
        "Masked-LM loss in nats a masked piece on text of the language that was not trained on, without "
        "the adapter and with it, and the steps after which its weights were kept: means over the trained "
        "ones (how many in the last column). Empty for an adapter that came with the study.",
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
        f"Stacking under {view.task}",
        tuple(view.reading.name(x) for x in names),
        tuple(view.reading.name(x) for x in view.targets),
        tuple(tuple(cell(f, g) for g in view.targets) for f in names),
        "Language adapter",
        "Target language",
        unit=view.reading.records.metrics[view.task].measure,
        note="Score with the adapter beneath the task adapter, less the score with none (positive: the "
        f"target gains). {verdicts_over('the matrix')}",
    )
