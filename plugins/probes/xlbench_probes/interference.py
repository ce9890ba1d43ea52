"""The probe `interference`: what language adapters do to each other under a task adapter.

For every member of a set of languages: its own adapter alone under the task adapter, then combined, mixed
in named arms. The released code of arXiv 2403.20088 has the arm `untrained` only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.contracts import Composition, Job, LanguageAdapter, merged
from xlbench.errors import StudyError
from xlbench_probes.interference_sets import Settings, check_mixes, sets, variants
from xlbench_probes.stacking import Stacking, adapted_tasks, composition_job, orders, run
from xlbench_probes.zero_shot import ZeroShot

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Evaluation, Lab, Page, Probe, Records, Resolved, Row
    from xlbench_probes.interference_sets import Variant


class Interference:
    """Interference between language adapters, by set, arm and setting."""

    name = "interference"
    version = 1
    summary = "Language adapters in pairs and triples under the task adapter: who harms whom"
    settings = Settings
    reads = frozenset({"transfer", "adapter_orders", "language_training", "language_adapters"})

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        """Baselines and adapters alone first, then a job for each (set, mix, seed, task) and setting."""
        settings: Settings = resolved.settings[self.name]
        check_mixes(settings, resolved)
        chosen = sets(settings, resolved)
        baselines = [ZeroShot().job(resolved, task) for task in adapted_tasks(resolved, self.name)]
        jobs = list(baselines)
        keys = {x.condition_key for x in jobs}
        members = sorted({x for one in chosen for x in one}, key=resolved.study.transfer.index)
        _check_targets(resolved, members)
        for order, seed in product(orders(resolved), resolved.study.seeds):
            for variant in variants(settings, resolved.language_training):
                resolved.check_kind(variant.training)
                before = len(keys)
                ordered = resolved.ordered(order, seed, variant.training, invertible=settings.invertible)
                alone: dict[tuple[str, str], Job] = {}
                for language in members:
                    one = resolved.language_adapter(language, seed, variant.training)
                    for job in Stacking().alone(resolved, ordered, one, invertible=settings.invertible):
                        alone[language, job.cells[0].task] = job
                more = (*alone.values(), *self._mixed(ordered, chosen, variant, seed, alone))
                jobs += more
                keys.update(x.condition_key for x in more)
                if len(keys) == before and seed == resolved.study.seeds[0]:
                    raise StudyError(
                        f"options.interference.sweep: {variant.label!r} changes nothing beside the other "
                        "settings; leave it out"
                    )
        return merged(jobs)

    def _mixed(
        self,
        resolved: Resolved,
        chosen: Sequence[tuple[str, ...]],
        variant: Variant,
        seed: int,
        alone: dict[tuple[str, str], Job],
    ) -> Iterator[Job]:
        settings: Settings = resolved.settings[self.name]
        for mix in settings.mixes:
            for members in chosen:
                mixed = [resolved.language_adapter(x, seed, variant.training) for x in members]
                for task in resolved.adapted_tasks:
                    needs = tuple(alone[x, task].condition_key for x in members)
                    cells = resolved.cells(task)
                    yield self._job(resolved, task, mixed, mix, variant, seed, cells, needs)
            if settings.random and not variant.label:
                yield from self._beside_random(resolved, chosen, mix, variant, seed, alone)

    def _beside_random(
        self,
        resolved: Resolved,
        chosen: Sequence[tuple[str, ...]],
        mix: str,
        variant: Variant,
        seed: int,
        alone: dict[tuple[str, str], Job],
    ) -> Iterator[Job]:
        """Each member's own adapter with a random one, on that member alone: a partner without a language."""
        noise = LanguageAdapter("random", "", variant.training, seed)
        for language in dict.fromkeys(x for one in chosen for x in one):
            own = resolved.language_adapter(language, seed, variant.training)
            for task in resolved.adapted_tasks:
                cells = tuple(c for c in resolved.cells(task) if c.target == language)
                needs = (alone[language, task].condition_key,)
                if cells:
                    yield self._job(resolved, task, [own, noise], mix, variant, seed, cells, needs)

    def _job(
        self,
        resolved: Resolved,
        task: str,
        mixed: Sequence[LanguageAdapter],
        mix: str,
        variant: Variant,
        seed: int,
        cells: tuple[Cell, ...],
        needs: tuple[str, ...],
    ) -> Job:
        settings: Settings = resolved.settings[self.name]
        under = Composition(tuple(mixed), mix, settings.invertible, variant.fusion, seed)
        job = composition_job(resolved, (self.name, self.version), task, under, cells, needs)
        return replace(job, label=f"{job.label}, {variant.label}") if variant.label else job

    def run(self, job: Job, lab: Lab) -> Sequence[Evaluation]:
        """Train or load the adapters, mix them, tune the mix where it is to be tuned, then score."""
        return run(job, lab)

    def pages(self, records: Records) -> Sequence[Page]:
        """A page a task: the matrix of pairs, who inflicts and who suffers, kinds, sensitivity."""
        from xlbench_probes import interference_pages

        return interference_pages.pages(records)

    def frames(self, records: Records) -> Mapping[str, Iterable[Row]]:
        """Interference in pairs, and of larger sets."""
        from xlbench_probes import interference_frames

        return interference_frames.frames(records)


def _check_targets(resolved: Resolved, members: Sequence[str]) -> None:
    """Raise StudyError for a task that has no test data in any language of a set."""
    for task in resolved.adapted_tasks:
        if not set(members) & set(resolved.targets[task]):
            raise StudyError(
                f"{task}: no test data in any language that is mixed ({', '.join(members)}); "
                "add one to --targets, or leave the task out"
            )


@hookimpl
def xlbench_probes() -> Iterable[Probe]:
    """Register the probe."""
    yield Interference()
