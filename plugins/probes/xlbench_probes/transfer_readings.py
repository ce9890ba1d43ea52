"""What of an effect is the language model's gain, and what the task adapter's mismatch with moved vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from xlbench.contracts import Matrix, Number, Table
from xlbench.probing import TARGET_GAINS, counted, difference, interval, judge
from xlbench_probes.arms import Arm
from xlbench_probes.transfer_answer import SHUFFLED
from xlbench_probes.transfer_tables import FEWEST_DONORS, by_pair, distances

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from xlbench.contracts import Part
    from xlbench.probing import Estimate, Judged
    from xlbench_probes.transfer_view import View

KINDS = ("Effect", "Gain", "Read-out mismatch")
MEANING = (
    "Effect: score with the task adapter put back, minus zero-shot. Gain: score with the task adapter "
    "retrained on the fine-tuned weights, same data and seed, minus the zero-shot score of an adapter "
    "trained alike. Read-out mismatch: effect minus gain, what is lost or won only because vectors have "
    "moved under an adapter that stayed. Positive: the target gains."
)
TESTED = "Verdicts come from two-sided tests with the false discovery rate held at 5% over each column."


@dataclass(frozen=True)
class Pair:
    """A task read both ways. Every number of one side is paired with that of the other: same runs, same test
    examples.
    """

    put_back: View
    retrained: View

    @property
    def last(self) -> int:
        """The largest number of steps."""
        return self.put_back.last

    def mismatch(self, ask: Callable[[View], Estimate]) -> Estimate:
        """Effect minus gain of what is asked of each side."""
        return difference(ask(self.put_back), ask(self.retrained))

    @cached_property
    def overall(self) -> dict[str, Number]:
        """Of all pairs of different languages, at the largest number of steps."""

        def mean_of(view: View) -> Estimate:
            return view.overall(self.last)

        three = (mean_of(self.put_back), mean_of(self.retrained), self.mismatch(mean_of))
        return {kind: judge({kind: x})[kind].number for kind, x in zip(KINDS, three, strict=True)}


def summary(pair: Pair) -> Iterator[str]:
    """What the difference between the readings comes to."""
    found, unit = pair.overall, pair.put_back.metric.unit
    effect, gain, mismatch = (found[x] for x in KINDS)
    yield (
        f"With the task adapter retrained after fine-tuning, the mean gain is {interval(gain, unit)}; "
        f"the rest of the effect, {interval(mismatch, unit)}, is read-out mismatch: the adapter put back no "
        "longer fits vectors that have moved."
    )
    if effect.word == "harms" and gain.word != "harms":
        yield "So the harm that the adapter put back shows is no harm to what the model knows of the targets."


def parts(pair: Pair) -> Iterator[Part]:
    """The tables of both readings, and the matrix of gains."""
    yield by_transfer_language(pair)
    yield by_target(pair)
    for treatment in pair.put_back.treatments:
        if treatment in pair.retrained.treatments:
            yield against_treated(pair, treatment)
    if pair.retrained.distances and len(pair.retrained.arms(pair.last)) >= FEWEST_DONORS:
        yield distances(pair.retrained, "Gain")
    for steps in reversed(pair.retrained.steps):
        yield matrix(pair.retrained, steps)


def by_transfer_language(pair: Pair) -> Table:
    """Donations, and adaptation of each transfer language to its own text."""
    k, both = pair.last, (pair.put_back, pair.retrained)
    columns = _three(
        "", [x.judged_donations(k) for x in both], lambda f: pair.mismatch(lambda x: x.donation(Arm(f, k)))
    )
    return _table(
        pair, f"Effect, gain and read-out mismatch by transfer language, {counted(k, 'step')}",
        "Transfer language", [f for f, _ in pair.retrained.ranked_donors(k)], columns | _own(pair),
        "Means over targets other than the transfer language itself.",
        ("Gain", "Effect", "Read-out mismatch"),
    )  # fmt: skip


def by_target(pair: Pair) -> Table:
    """Recipiences, and adaptation to each target's own text."""
    k, both = pair.last, (pair.put_back, pair.retrained)
    columns = _three(
        "", [x.judged_recipiences(k) for x in both], lambda g: pair.mismatch(lambda x: x.recipience(g, k))
    )
    return _table(
        pair, f"Effect, gain and read-out mismatch by target, {counted(k, 'step')}", "Target language",
        [g for g, _ in pair.retrained.ranked_targets(k)], columns | _own(pair),
        "Means over transfer languages other than the target itself.",
    )  # fmt: skip


def against_treated(pair: Pair, treatment: str) -> Table:
    """A control of the transfer languages' own text in both readings."""
    k, name = pair.last, treatment.capitalize()
    codes = [x.text for x in pair.put_back.arms(k, treatment)]

    def treated(view: View, f: str) -> Estimate:
        return view.donation(Arm(f, k, treatment))

    def ahead(view: View, f: str) -> Estimate:
        return difference(view.donation(Arm(f, k)), treated(view, f))

    def three(prefix: str, ask: Callable[[View, str], Estimate]) -> dict[str, dict[str, Number]]:
        sides = [judge({f: ask(view, f) for f in codes}) for view in (pair.put_back, pair.retrained)]
        return _three(prefix, sides, lambda f: pair.mismatch(lambda view: ask(view, f)))

    columns = three(f"{name}: ", treated) | three(f"Plain minus {treatment}: ", ahead)
    how, due = "under that treatment", "what the treatment takes away"
    if treatment == SHUFFLED:
        how, due = "with its tokens in random order", "due to the language, not to any update"
    return _table(
        pair, f"{name} text in both readings, {counted(k, 'step')}", "Transfer language", codes, columns,
        f"Donations of the same text {how}. What plain text gains over it is {due}.",
    )  # fmt: skip


def _own(pair: Pair) -> dict[str, dict[str, Number]]:
    """Columns of adaptation to the target's own text; none where there was no such text."""
    k = pair.last
    sides = [x.judged_own(k) for x in (pair.put_back, pair.retrained)]

    def adapted(view: View, g: str) -> Estimate:
        return view.effects.effect(Arm(g, k), g)

    if not all(sides):
        return {}
    return _three("Own text: ", sides, lambda g: pair.mismatch(lambda x: adapted(x, g)))


def _three(
    prefix: str,
    sides: Sequence[Mapping[str, Judged]],
    mismatch: Callable[[str], Estimate],
) -> dict[str, dict[str, Number]]:
    """Columns of numbers by language. Effects and gains, the two sides, have the verdicts that they have
    everywhere; the mismatches of a column are one family of tests.
    """
    effects, gains = sides
    apart = judge({x: mismatch(x) for x in effects if x in gains})
    found = zip(KINDS, (effects, gains, apart), strict=True)
    return {_head(prefix, kind): {x: one.number for x, one in some.items()} for kind, some in found}


def _head(prefix: str, kind: str) -> str:
    return prefix + (kind.lower() if prefix else kind)


def _table(
    pair: Pair,
    title: str,
    first: str,
    codes: Sequence[str],
    columns: Mapping[str, Mapping[str, Number]],
    note: str,
    drawn: tuple[str, ...] = (),
) -> Table:
    rows = tuple((pair.put_back.reading.name(x), *(some.get(x) for some in columns.values())) for x in codes)
    return Table(
        title, (first, *columns), rows, f"{MEANING} {note}{retraining(pair)} {TESTED}",
        drawn, pair.put_back.metric.measure, TARGET_GAINS,
    )  # fmt: skip


def retraining(pair: Pair) -> str:
    """How the retrained adapters are unlike those put back; "" where their training is the same."""
    said = pair.put_back.reading.records.study.get("retraining")
    how = said if isinstance(said, dict) else {}
    found = ""
    if (few := how.get("examples")) is not None:
        found += f" Retrained adapters and their zero-shot partners have {few} training examples."
    if isinstance(further := how.get("warm_start_steps"), int):
        found += (
            " Retrained adapters have a warm start: the adapter trained on the pretrained weights is trained "
            f"further for {counted(further, 'step')} on the fine-tuned weights, and is compared with the "
            "same adapter, trained further for as many steps on the pretrained weights."
        )
    return found


def matrix(view: View, steps: int) -> Matrix:
    """Every gain."""
    return by_pair(
        view,
        steps,
        "Gain",
        "Change of the target's score after fine-tuning on the transfer language's text, with the task "
        "adapter retrained on the fine-tuned weights.",
        ties=True,
    )
