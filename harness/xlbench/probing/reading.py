"""Reading records: what was found for what was planned, and languages' names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Number

if TYPE_CHECKING:
    from xlbench.contracts import Cell, Evaluation, Job, Records
    from xlbench.scores import Estimate, Judged


class Reading:
    """Records by job and cell, with words for people."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self._found = {(x.condition_key, x.evaluation.cell): x.evaluation for x in records.records}

    def planned(self, probe: str, task: str) -> Iterator[tuple[Job, Cell]]:
        """What the study expects of a probe on a task."""
        for job in self.records.expected:
            if job.probe == probe:
                yield from ((job, cell) for cell in job.cells if cell.task == task)

    def evaluation(self, job: Job, cell: Cell) -> Evaluation | None:
        """What was measured; None where it is missing."""
        return self._found.get((job.condition_key, cell))

    def missing(self, job: Job, cell: Cell) -> str:
        """What to call a missing evaluation, with the error of a job that failed."""
        error = self.records.failures.get(job.condition_key)
        return f"{job.label}, on {cell.target}: {f'failed: {error}' if error else 'not run yet'}"

    def parallel(self, task: str) -> bool:
        """Whether the test rows of a task's targets are translations of each other."""
        return self.records.parallel.get(task, False)

    def has_adapter(self, task: str) -> bool:
        """Whether a task is scored with a task adapter, as far as the planned jobs say."""
        jobs = (job for job in self.records.expected if any(cell.task == task for cell in job.cells))
        found = next((job.typed.adapter for job in jobs), None)
        return found is not None and found.is_adapter

    def tasks(self, probe: str) -> list[str]:
        """Tasks that the study expects a probe to have scored, in order."""
        jobs = (job for job in self.records.expected if job.probe == probe)
        return list(dict.fromkeys(cell.task for job in jobs for cell in job.cells))

    def name(self, code: str) -> str:
        """The name with its code, "Finnish (fin)", or the code alone."""
        language = self.records.languages.get(code)
        return language.label if language else code

    def seen(self, code: str) -> str:
        """Whether the model was pretrained on a language."""
        return {True: "yes", False: "no", None: "not known"}[self.records.seen.get(code)]


def number(estimate: Estimate | None) -> Number | None:
    """A cell; empty, with nothing missing, where there is nothing to take a mean of."""
    if estimate is None or (estimate.value is None and not estimate.missing):
        return None
    return estimate.number()


def made_from(found: Number, **parts: Estimate) -> Number:
    """A number with the values that it is made from, for those that are known."""
    known = tuple((name.capitalize(), x.value) for name, x in parts.items() if x.value is not None)
    return replace(found, details=known)


def tidy(found: Number | Judged, *, n: int | None, seeds: int | None, unit: str) -> dict[str, Any]:
    """The columns of a number in a tidy table (`contracts.Frames`): `effect` with its 95% interval from `low`
    to `high`, in `unit`; `q`, the p-value corrected over its table, and the `verdict` that comes from it; `n`
    test examples and `seeds`; the minimum detectable effect; and, where the number is missing, what it lacks.
    """
    one, tested = (found, None) if isinstance(found, Number) else (found.number, found)
    return {
        "effect": one.value,
        "low": one.low,
        "high": one.high,
        "q": tested.q if tested else None,
        "verdict": one.word,
        "n": n,
        "seeds": seeds,
        "minimum_detectable_effect": tested.detectable if tested else None,
        "unit": unit,
        "missing": "; ".join(one.missing) or None,
    }


def words(items: Iterable[object]) -> str:
    """Join as in "a, b and c"."""
    texts = [str(item) for item in items]
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)


TARGET_GAINS = "positive: the target gains"
"""The sign of effects and gains."""


def verdicts_over(family: str) -> str:
    """What verdicts are, and over what they are corrected."""
    return (
        f"Verdicts (helps, harms, no clear effect) come from paired two-sided tests with the false discovery "
        f"rate held at 5% over {family}."
    )


def adapters(reading: Reading, task: str, number: int) -> str:
    """What the task adapters have to do with the intervals; "" where there is none."""
    if not reading.has_adapter(task):
        return ""
    if number == 1:
        return (
            "All numbers are of one task adapter: what another adapter seed would change is in no interval "
            "(--adapter-seeds 3 trains three)."
        )
    return f"Means over {number} task adapters, trained with as many seeds; intervals cover their choice too."


def covers(seeds: int) -> str:
    """What intervals are made of, and what one seed lets nobody say."""
    if seeds == 1:
        return (
            "Intervals are 95% CIs over test examples only: with one seed, what is found holds for this run "
            "only, and nothing is said to help, to harm or to be best."
        )
    return "Intervals are 95% CIs, by a paired bootstrap over test examples and the spread over seeds."


def interval(number: Number, unit: str) -> str:
    """As in "+0.42 points (95% CI -0.10 to +0.95), no clear effect"; untested, "CI includes 0"."""
    if number.value is None:
        return "not known, because something is missing"
    if number.low is None or number.high is None:
        return between(number, unit)
    within = "CI includes 0" if number.low <= 0 <= number.high else "CI excludes 0"
    return f"{between(number, unit)}, {number.word or within}"


def between(number: Number, unit: str) -> str:
    """As in "+0.42 points (95% CI -0.10 to +0.95)": of a number that is there."""
    if number.low is None or number.high is None:
        return f"{number.text()} {unit}"
    return f"{number.text()} {unit} (95% CI {number.text(number.low)} to {number.text(number.high)})"
