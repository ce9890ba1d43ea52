"""One task of a transfer study, seen as arms and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from xlbench.contracts.mixture import has, is_several
from xlbench.contracts.treatment import PLAIN
from xlbench.probing import Effects, Trial, difference, judge, mean, tiers, words
from xlbench_probes.arms import Arm, donation, recipience
from xlbench_probes.headlines import ranked
from xlbench_probes.transfer import reading_of, run_of
from xlbench_probes.transfer_features import pair_features
from xlbench_probes.transfer_rounds import arm_of, courses, judged
from xlbench_probes.zero_shot_pages import adapter_seed_of, baselines, holes, majorities

if TYPE_CHECKING:
    from xlbench.contracts import Distance, Metric, ReadBy, ReadOut
    from xlbench.probing import Condition, Estimate, Followed, Judged, Reading

PROBE = "transfer"
WHAT: Mapping[ReadOut, str] = {"put-back": "effect", "retrained": "gain"}
"""What a difference of two scores is called, by how the models were read."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the tables of one task are made from."""

    reading: Reading
    task: str
    metric: Metric
    effects: Effects
    majority: Mapping[str, float]
    transfer: tuple[str, ...]
    targets: tuple[str, ...]
    steps: tuple[int, ...]
    """Ascending."""
    reference: str | None
    """The reference language, where that control was asked for."""
    planned: int
    missing: tuple[str, ...]
    """What was planned and is not there, for people."""
    seeds: int
    """That the study has."""
    controls: tuple[str, ...]
    """Treatments that were planned besides plain text."""
    followed: Mapping[tuple[Arm, str], Followed]
    """Of an adaptive study: what the sequential tests say of each effect; otherwise empty."""
    read_out: ReadOut
    """How the fine-tuned models were read."""
    _judged: dict[tuple[str, int], dict[Any, Judged]] = field(default_factory=dict, init=False, repr=False)
    """By kind of number and steps: each table of numbers is tested once, for every surface that shows it."""

    @classmethod
    def of(cls, reading: Reading, task: str, read_out: ReadOut | None = None) -> View:
        """Gather what the records have of a task in one reading, the first that was asked for if None."""
        study: Mapping[str, Any] = reading.records.study
        read_out = read_out or read_outs(reading, task)[0]
        adapter: ReadBy | None = None
        trials: dict[tuple[Arm, int, int, str], Trial] = {}
        for job, cell in reading.planned(PROBE, task):
            if reading_of(job) != read_out:
                continue
            adapter, arm = job.typed.adapter, arm_of(job)
            found = reading.evaluation(job, cell)
            seed, own, target = run_of(job).seed, adapter_seed_of(job), cell.target
            counts, missing = (found.counts, "") if found else (None, reading.missing(job, cell))
            trials[arm, seed, own, target] = Trial(arm, seed, target, counts, missing, own)
        before = baselines(reading, task, adapter)
        metric = reading.records.metrics[task]
        reached = {x.target for x in trials.values()}
        adaptive = bool(study.get("adaptive"))
        effects = Effects(
            task,
            metric,
            before,
            trials.values(),
            alike=_kind if adaptive else None,
            parallel=reading.parallel(task),
        )
        followed: dict[tuple[Arm, str], Followed] = {}
        if adaptive:
            some = courses(task, metric, before, list(trials.values()), parallel=reading.parallel(task))
            for table in judged(some, study["transfer"], len(study["seeds"])):
                followed |= table
        return cls(
            reading,
            task,
            metric,
            effects,
            majorities(reading, task, adapter),
            tuple(study["transfer"]),
            tuple(x for x in study["targets"] if x in reached),
            tuple(sorted({arm.steps for arm, _, _, _ in trials})),
            study.get("reference") if "reference" in (study.get("controls") or ()) else None,
            sum(map(len, before.values())) + len(trials),
            (*holes(before), *(x.missing for x in trials.values() if x.counts is None)),
            len(study["seeds"]),
            tuple(dict.fromkeys(arm.treatment for arm, _, _, _ in trials if arm.treatment != PLAIN)),
            followed,
            read_out,
        )

    @property
    def last(self) -> int:
        """The largest number of steps."""
        return self.steps[-1]

    @property
    def treatments(self) -> tuple[str, ...]:
        """Treatments of the transfer languages' own text that donations can be held against, in the order of
        the study's controls.
        """
        return tuple(x for x in self.controls if self.arms(self.last, x))

    @property
    def controlled(self) -> bool:
        """Whether there is any text to hold donations against."""
        owned = any(self.own(g, self.last) is not None for g in self.targets)
        return bool(self.treatments) or self.reference is not None or owned

    @property
    def what(self) -> str:
        """What its differences are called, "effect" or "gain"; "" of a task without an adapter to retrain."""
        return WHAT[self.read_out] if self.reading.has_adapter(self.task) else ""

    @property
    def distances(self) -> tuple[Distance, ...]:
        """Known distances that say something of a pair of this study's."""
        pairs = [(f, g) for f in self.transfer for g in self.targets if f != g]
        return tuple(x for x in self.reading.records.distances if any(pair in x.table for pair in pairs))

    @property
    def repetitions(self) -> dict[int, str]:
        """For people: the numbers of steps by how many seeds they have."""
        found: dict[int, list[int]] = {}
        for k in self.steps:
            found.setdefault(max(len(self.effects.seeds(arm)) for arm in self.arms(k)), []).append(k)
        return {n: f"{words(ks)} {'step' if ks == [1] else 'steps'}" for n, ks in found.items()}

    def arms(self, steps: int, treatment: str = PLAIN) -> list[Arm]:
        """Arms of the transfer languages that were planned, in the study's order."""
        arms = [Arm(text, steps, treatment) for text in self.transfer]
        return [arm for arm in arms if self.effects.seeds(arm)]

    def singles(self, steps: int, treatment: str = PLAIN) -> list[Arm]:
        """As `arms`, without texts of several languages, which means over transfer languages leave out; all
        of them where there are no others.
        """
        arms = self.arms(steps, treatment)
        return [x for x in arms if not is_several(x.text)] or arms

    def donation(self, arm: Arm, *left_out: str) -> Estimate:
        """Mean effect of an arm on the targets other than its language and those left out."""
        return donation(self.effects, arm, [g for g in self.targets if g not in left_out])

    def recipience(self, target: str, steps: int) -> Estimate:
        """Mean effect on a target over transfer languages other than it."""
        return recipience(self.effects, target, self.singles(steps))

    def overall(self, steps: int, treatment: str = PLAIN) -> Estimate:
        """Mean effect over all pairs of different languages."""
        return mean(self.effects.effect(arm, g) for arm, g in self.pairs(steps, treatment))

    def pairs(self, steps: int, treatment: str = PLAIN) -> list[tuple[Arm, str]]:
        """All pairs of a transfer language and another language as the target; there may be none."""
        arms = self.singles(steps, treatment)
        return [(arm, g) for arm in arms for g in self.targets if not has(arm.text, g)]

    def own(self, target: str, steps: int) -> Estimate | None:
        """Effect of a target's own text; None where that was not planned."""
        arm = Arm(target, steps)
        return self.effects.effect(arm, target) if self.effects.seeds(arm) else None

    def judged_effects(self, steps: int) -> dict[tuple[str, str], Judged]:
        """Every effect by (transfer, target), tested once: the family over which verdicts are corrected is
        the effect matrix at one number of steps, its diagonal included.
        """
        return self._once("effect", steps, self._judge_effects)

    def judged_own(self, steps: int) -> dict[str, Judged]:
        """Adaptation to each target's own text: of transfer languages the diagonal of the effect matrix; own
        texts of other targets are a family of their own.
        """
        return self._once("own", steps, self._judge_own)

    def judged_donations(self, steps: int) -> dict[str, Judged]:
        """Donations by transfer language, the largest first, tested once: a family at one number of steps."""
        return self._once("donation", steps, lambda k: judge(dict(self.ranked_donors(k))))

    def judged_recipiences(self, steps: int) -> dict[str, Judged]:
        """Recipiences by target, the largest first, tested once: a family at one number of steps."""
        return self._once("recipience", steps, lambda k: judge(dict(self.ranked_targets(k))))

    def _once(self, kind: str, steps: int, make: Callable[[int], dict[Any, Judged]]) -> dict[Any, Judged]:
        if (kind, steps) not in self._judged:
            self._judged[kind, steps] = make(steps)
        return self._judged[kind, steps]

    def _judge_effects(self, steps: int) -> dict[tuple[str, str], Judged]:
        arms = self.arms(steps)
        found = {(arm.text, g): self.effects.effect(arm, g) for arm in arms for g in self.targets}
        if not self.followed:
            return judge(found)
        plain = judge(found, alike=lambda key: self.effects.count(Arm(key[0], steps), key[1]))
        return {key: self._by_sequence(x, Arm(key[0], steps), key[1]) for key, x in plain.items()}

    def _judge_own(self, steps: int) -> dict[str, Judged]:
        matrix = self.judged_effects(steps)
        found = {g: x for g in self.targets if (x := self.own(g, steps)) is not None}
        others = judge({g: x for g, x in found.items() if (g, g) not in matrix})
        return {
            g: matrix[g, g] if (g, g) in matrix else self._by_sequence(others[g], Arm(g, steps), g)
            for g in found
        }

    def _by_sequence(self, one: Judged, arm: Arm, target: str) -> Judged:
        """With the verdict of the sequential test, of an adaptive study."""
        followed = self.followed.get((arm, target))
        if followed is None or one.p is None or one.number.word == "this run only":
            return one
        return one._replace(number=replace(one.number, word=followed.word), p=followed.p, q=followed.q)

    def shortlist(self, target: str, steps: int) -> dict[str, Judged]:
        """Transfer languages other than a target by what they do to it, in the order of `ranked`."""
        judged = self.judged_effects(steps)
        donors = (arm.text for arm in self.arms(steps))
        return ranked({f: judged[f, target] for f in donors if not has(f, target)})

    def tied(self, target: str, steps: int) -> frozenset[str]:
        """Transfer languages than which the first of the shortlist is not clearly better, by paired tests
        corrected over the target's; the first is one. None of them where that cannot be tested: with one
        seed, or something missing.
        """
        first, *others = self.shortlist(target, steps) or [""]
        effects = {f: self.effects.effect(Arm(f, steps), target) for f in (first, *others) if f}
        if not effects or any(x.alone or x.value is None for x in effects.values()):
            return frozenset()
        apart = judge({f: difference(effects[first], effects[f]) for f in others})
        return frozenset({first} | {f for f, x in apart.items() if x.number.word != "helps"})

    def known_pairs(
        self, steps: int
    ) -> tuple[dict[tuple[str, str], float], dict[str, dict[tuple[str, str], float]]]:
        """Effects of all pairs of different languages, and what is known of them, by name; no effects where
        one is missing.
        """
        arms = self.singles(steps)
        found = {
            (x.text, g): self.effects.effect(x, g).value
            for x in arms
            for g in self.targets
            if not has(x.text, g)
        }
        effects = {pair: x for pair, x in found.items() if x is not None}
        if len(effects) < len(found):
            return {}, {}
        return effects, pair_features(self.reading.records, self.task, effects)

    def tiers(self, steps: int) -> dict[str, int | None]:
        """Transfer languages whose donations cannot be told apart; two are compared on the targets that are
        neither of them.
        """

        def apart(f: str, other: str) -> Estimate:
            one, two = self.donation(Arm(f, steps), other), self.donation(Arm(other, steps), f)
            return difference(one, two)

        ranked = [f for f, _ in self.ranked_donors(steps)]
        judged = self.judged_donations(steps).values()
        if any(x.p is None or x.number.word == "this run only" for x in judged):
            return dict.fromkeys(ranked)  # a single language too: there is nothing to compare it with
        return tiers(ranked, apart)

    def ranked_donors(self, steps: int) -> list[tuple[str, Estimate]]:
        """Transfer languages by donation, the largest first; what is missing last."""
        return _ranked({arm.text: self.donation(arm) for arm in self.arms(steps)})

    def ranked_targets(self, steps: int) -> list[tuple[str, Estimate]]:
        """Targets by recipience, the largest first; what is missing last."""
        return _ranked({target: self.recipience(target, steps) for target in self.targets})


def are_one_quantity(views: Iterable[View]) -> bool:
    """Whether effects of one task in several studies can be subtracted: likelihoods of models that read text
    in different ways cannot.
    """
    each = list(views)
    in_points = all(x.metric.unit == "points" for x in each)
    return in_points or len({x.reading.records.family for x in each}) == 1


def read_outs(reading: Reading, task: str) -> list[ReadOut]:
    """The readings in which a task was to be scored, in order."""
    return list(dict.fromkeys(reading_of(job) for job, _ in reading.planned(PROBE, task)))


def _kind(arm: Condition) -> tuple[int, str]:
    """What arms have in common whose seeds differ alike."""
    return (arm.steps, arm.treatment) if isinstance(arm, Arm) else (0, "")


def _ranked(estimates: Mapping[str, Estimate]) -> list[tuple[str, Estimate]]:
    def place(item: tuple[str, Estimate]) -> tuple[bool, float, str]:
        value = item[1].value
        return value is None, -(value or 0.0), item[0]

    return sorted(estimates.items(), key=place)
