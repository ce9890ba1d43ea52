"""One task of an interference study, seen as mixtures and targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xlbench.scores import Effects, Mixture, difference, interference, mean
from xlbench_probes.mixtures import RANDOM, planned, rows_of_sweep, settings_of, trials
from xlbench_probes.zero_shot_pages import baselines

if TYPE_CHECKING:
    from xlbench.scores import Estimate
    from xlbench_probes.reading import Reading

PROBE = "interference"


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the tables of one task are made from."""

    reading: Reading
    task: str
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

    @classmethod
    def of(cls, reading: Reading, task: str) -> View:
        """Gather what the records have of a task."""
        study: Mapping[str, Any] = reading.records.study
        before = baselines(reading, task)
        invertible = settings_of(reading).invertible
        alone, mixed = (trials(reading, x, task, invertible=invertible) for x in ("stacking", PROBE))
        mixtures = [x.arm for x in mixed if isinstance(x.arm, Mixture)]
        sets = tuple(dict.fromkeys(x.adapters for x in mixtures if RANDOM not in x.adapters))
        inside = {x for one in sets for x in one}
        parts = [x.condition["under"] for _, _, x, _ in planned(reading, PROBE, task)]
        return cls(
            reading,
            task,
            Effects(
                task, reading.records.metrics[task], before, [*alone, *mixed], parallel=reading.parallel(task)
            ),
            tuple(x for x in study["transfer"] if x in inside),
            tuple(before),
            sets,
            tuple(dict.fromkeys(x.mix for x in mixtures)),
            tuple(x.label for x in rows_of_sweep(reading)),
            any(RANDOM in x.adapters for x in mixtures),
            invertible if any("invertible" in x for x in parts) else None,  # type: ignore[operator]
            (
                *(x for x in before.values() if isinstance(x, str)),
                *(x.missing for x in (*alone, *mixed) if x.counts is None),
            ),
        )

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
