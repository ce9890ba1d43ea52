"""The numbers of the transfer probe as tidy tables. Imports numpy: import this where they are asked for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from xlbench.contracts.mixture import has
from xlbench.probing import Reading, tidy
from xlbench_probes.arms import Arm
from xlbench_probes.transfer_view import PROBE, View, read_outs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from xlbench.contracts import Records, Row
    from xlbench.probing import Judged


def frames(records: Records) -> Mapping[str, Iterable[Row]]:
    """Every effect, donation and recipience, at each number of steps and in each reading."""
    reading = Reading(records)

    @cache
    def views() -> list[View]:
        """Made once, for all tables."""
        return [
            View.of(reading, task, x)
            for task in reading.tasks(PROBE)
            for x in sorted(read_outs(reading, task), key=lambda x: x != "retrained")  # as pages have them
        ]

    return {
        "effects": (row for view in views() for row in _effects(view)),
        "donations": (row for view in views() for row in _donations(view)),
        "recipiences": (row for view in views() for row in _recipiences(view)),
    }


def _effects(view: View) -> Iterator[Row]:
    """The effect matrix at each number of steps; then own texts of targets that are no transfer language."""
    effects = view.effects
    for steps in view.steps:
        found = dict(view.judged_effects(steps))
        found |= {(g, g): x for g, x in view.judged_own(steps).items() if (g, g) not in found}
        for (transfer, target), one in found.items():
            arm = Arm(transfer, steps)
            yield {
                "task": view.task,
                "transfer": transfer,
                "target": target,
                "steps": steps,
                "reading": _reading(view),
                "own_text": has(transfer, target),
                **tidy(
                    one,
                    n=effects.examples(target),
                    seeds=effects.count(arm, target) or None,
                    unit=view.metric.unit,
                ),
                "before": effects.before(target).value,
                "after": effects.after(arm, target).value,
            }


def _donations(view: View) -> Iterator[Row]:
    for steps in view.steps:
        for transfer, one in view.judged_donations(steps).items():
            pairs = [(transfer, g) for g in view.targets if not has(transfer, g)]
            yield {
                "task": view.task,
                "transfer": transfer,
                "steps": steps,
                "reading": _reading(view),
                "targets": len(pairs),
                **_mean(view, one, steps, pairs),
            }


def _recipiences(view: View) -> Iterator[Row]:
    for steps in view.steps:
        for target, one in view.judged_recipiences(steps).items():
            pairs = [(x.text, target) for x in view.singles(steps) if not has(x.text, target)]
            yield {
                "task": view.task,
                "target": target,
                "steps": steps,
                "reading": _reading(view),
                "transfers": len(pairs),
                **_mean(view, one, steps, pairs),
            }


def _mean(view: View, one: Judged, steps: int, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A mean over pairs: test examples of all its targets together, and the fewest seeds of a pair."""
    sizes = [view.effects.examples(g) for g in dict.fromkeys(g for _, g in pairs)]
    seeds = min((view.effects.count(Arm(f, steps), g) for f, g in pairs), default=0)
    n = None if None in sizes else sum(x or 0 for x in sizes)
    return tidy(one, n=n, seeds=seeds or None, unit=view.metric.unit)


def _reading(view: View) -> str | None:
    """None of a task without a task adapter, which has no readings."""
    return view.read_out if view.reading.has_adapter(view.task) else None
