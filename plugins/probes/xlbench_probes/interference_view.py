"""One task of an interference study, seen as mixtures and targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from xlbench.probing import Effects, difference, judge, mean, number
from xlbench_probes.interference_scores import Mixture, inflicted, interference, suffered
from xlbench_probes.mixtures import (
    RANDOM,
    before,
    judged_changes,
    planned,
    rows_of_sweep,
    said_of,
    settings_of,
    stacked,
    trials,
)
from xlbench_probes.stacking import mixed_of
from xlbench_probes.zero_shot_pages import holes

if TYPE_CHECKING:
    from xlbench.contracts import AdapterOrder, Number
    from xlbench.probing import Estimate, Judged, Reading

PROBE = "interference"


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
    members: tuple[str, ...]
    """Languages that are in a set, in the study's order."""
    targets: tuple[str, ...]
    sets: tuple[tuple[str, ...], ...]
    mixes: tuple[str, ...]
    variants: tuple[str, ...]
    """Labels of the sweep, that of the study's own settings ("") first."""
    random: bool
    invertible: bool | None
    """Whether invertible parts act; None where no adapter has one."""
    missing: tuple[str, ...]
    """What was planned and is not there, for people."""
    stacked: tuple[str, ...]
    """Adapters that were put alone beneath the task adapter."""
    _judged: dict[str, dict[tuple[str, str], Judged]] = field(default_factory=dict, init=False, repr=False)
    """By mix: each pair is tested once, for every table that shows it."""

    @classmethod
    def of(cls, reading: Reading, task: str, order: AdapterOrder, *, several: bool) -> View:
        """Gather what the records have of a task in one order of training."""
        study: Mapping[str, Any] = reading.records.study
        baseline = before(reading, PROBE, task)
        invertible = settings_of(reading).invertible
        alone, mixed = (trials(reading, x, task, order, invertible=invertible) for x in ("stacking", PROBE))
        mixtures = [x.arm for x in mixed if isinstance(x.arm, Mixture)]
        sets = tuple(dict.fromkeys(x.adapters for x in mixtures if RANDOM not in x.adapters))
        inside = {x for one in sets for x in one}
        parts = [mixed_of(x) for _, _, x, _ in planned(reading, PROBE, task, order)]
        return cls(
            reading,
            task,
            order,
            several,
            Effects(
                task,
                reading.records.metrics[task],
                baseline,
                [*alone, *mixed],
                parallel=reading.parallel(task),
            ),
            tuple(x for x in study["transfer"] if x in inside),
            tuple(baseline),
            sets,
            tuple(dict.fromkeys(x.mix for x in mixtures)),
            tuple(x.label for x in rows_of_sweep(reading)),
            any(RANDOM in x.adapters for x in mixtures),
            invertible if any(x.invertible is not None for x in parts) else None,
            (
                *holes(baseline),
                *(x.missing for x in (*alone, *mixed) if x.counts is None),
            ),
            stacked(reading, alone),
        )

    @property
    def title(self) -> str:
        """What titles say of the order."""
        return said_of(self.order, self.several)

    @property
    def sizes(self) -> dict[int, int]:
        """How many sets there are of each size."""
        return dict(sorted(Counter(map(len, self.sets)).items()))

    @property
    def has_pairs(self) -> bool:
        """Whether any set is a pair."""
        return 2 in self.sizes

    def pairs(self, mix: str) -> dict[tuple[str, str], Estimate]:
        """Interference of b on a, by (a, b), for the pairs whose a has test data."""
        found = {}
        for one in self.sets:
            if len(one) == 2:
                for a, b in (one, one[::-1]):
                    if a in self.targets:
                        found[a, b] = interference(self.effects, Mixture(one, mix), a)
        return found

    def judged_pairs(self, mix: str) -> dict[tuple[str, str], Judged]:
        """Interference of b on a, by (a, b), tested once: all pairs of a mix are the family of their
        verdicts.
        """
        if mix not in self._judged:
            self._judged[mix] = judge(self.pairs(mix))
        return self._judged[mix]

    def exchange(self, mix: str, what: Literal["inflicted", "suffered"]) -> dict[str, Number]:
        """Means by member of what it does to the others in pairs, or they to it; these of a mix are a family.
        What is a mean of a single pair has the number of that pair.
        """
        pairs, judged, side = self.pairs(mix), self.judged_pairs(mix), 1 if what == "inflicted" else 0
        own = {x: [pair for pair in pairs if pair[side] == x] for x in self.members}
        average = inflicted if what == "inflicted" else suffered
        several = judge({x: average(pairs, x) for x, some in own.items() if len(some) > 1})
        return {
            x: several[x].number if x in several else judged[some[0]].number
            for x, some in own.items()
            if some
        }

    def judged_alone(self) -> dict[tuple[str, str], Judged]:
        """Changes with one adapter alone against none, as the stacking page has them."""
        return judged_changes(self.effects, self.stacked, self.targets)

    def combined(self, sets: Sequence[tuple[str, ...]], mix: str, variant: str = "") -> Number | None:
        """`over_sets` as a number; of a single pair and target the number of that pair."""
        cells = [(one, a) for one in sets for a in one if a in self.targets]
        if len(cells) == 1 and len(cells[0][0]) == 2 and not variant:
            ((one, a),) = cells
            (b,) = (x for x in one if x != a)
            return self.judged_pairs(mix)[a, b].number
        return number(self.over_sets(sets, mix, variant))

    def both(self, a: str, b: str, mix: str) -> tuple[Estimate, Estimate]:
        """Scores of a with its own adapter alone, and mixed with that of b."""
        (one,) = (x for x in self.sets if set(x) == {a, b})
        after = self.effects.after
        return after(Mixture((a,)), a), after(Mixture(one, mix), a)

    def over_sets(self, sets: Sequence[tuple[str, ...]], mix: str, variant: str = "") -> Estimate:
        """Mean interference over all members, with test data, of all sets."""
        return mean(
            interference(self.effects, Mixture(one, mix, variant), a)
            for one in sets
            for a in one
            if a in self.targets
        )

    def was_run(self, one: tuple[str, ...], mix: str, variant: str) -> bool:
        """Whether the sweep has such a row: settings of the fusion change nothing where none is tuned."""
        return bool(self.effects.seeds(Mixture(one, mix, variant)))

    def outside(self, sets: Sequence[tuple[str, ...]], mix: str) -> Estimate | None:
        """Mean change against no language adapter over targets outside the sets; None if there are none."""
        found = [
            difference(self.effects.after(Mixture(one, mix), g), self.effects.before(g))
            for one in sets
            for g in self.targets
            if g not in one
        ]
        return mean(found) if found else None

    def beside_random(self, mix: str) -> Estimate:
        """Mean interference of a random adapter on the members."""
        return mean(
            interference(self.effects, Mixture((a, RANDOM), mix), a)
            for a in self.members
            if a in self.targets
        )
