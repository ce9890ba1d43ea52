"""Checks of a transfer page: whether its effects can be read for what they seem to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from xlbench.contracts import Check
from xlbench.metrics import log_likelihood
from xlbench.probing import LEAST_SEEDS, Trial, between, counted, mean, repeated, words
from xlbench_probes.transfer import reading_of, run_of
from xlbench_probes.transfer_view import PROBE, View
from xlbench_probes.zero_shot_pages import adapter_seed_of, baselines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xlbench.contracts import Cell, Counts, Job, ReadBy
    from xlbench.probing import Reading
    from xlbench_probes.arms import Arm
    from xlbench_probes.transfer_readings import Pair

POSITIVE = "Own text lowers held-out loss (positive control)"
NEGATIVE = "A condition does not differ from itself (negative control)"
MISMATCH = "Effects are not read-out mismatch"
MOVED = "Training-language vectors stay where the task adapter reads them"
SHORT = {POSITIVE: "own text", NEGATIVE: "null", MISMATCH: "mismatch", MOVED: "vectors"}
"""Of the checks, in summaries."""
MOST_MISMATCH = 0.5
LEAST_CKA = 0.99
"""A convention: above it, on `tiny`, an adapter put back keeps its training languages' scores."""


def checks(view: View, pair: Pair | None, language_model: View | None) -> tuple[Check, ...]:
    """The checks of one task's page. `pair`: the task in both readings; `language_model`: the study's view of
    held-out text, which the same fine-tuned weights are scored on.
    """
    found = (_positive(view, language_model), _negative(view))
    of_read_out = (_mismatch(view, pair), _moved(view))
    return (
        *(replace(x, short=SHORT[x.name]) for x in found),
        *(replace(x, short=SHORT[x.name], reading=view.what) for x in of_read_out),
    )


def warnings(view: View, pair: Pair | None) -> tuple[str, ...]:
    """A line for each reading whose task adapters read the targets no better than the majority baseline: what
    does not depend on its input does not change with it, so that a gain of 0 would look like a finding.
    """
    if not view.reading.has_adapter(view.task):
        return ()
    found = []
    for one in (view, pair.retrained) if pair else (view,):
        scored = {g: x for g in one.targets if (x := one.effects.before(g)).value is not None}
        if not scored or any(g not in one.majority for g in scored):
            continue
        zero_shot = mean(scored.values()).number()
        baseline = sum(one.majority[g] for g in scored) / len(scored)
        if zero_shot.low is not None and zero_shot.low <= baseline:
            again = one.read_out == "retrained"
            more = f"--{'retraining examples=N' if again else 'adapter limit=N'} or --adapter epochs=N"
            found.append(
                f"The task adapters that are {'retrained' if again else 'put back'} score "
                f"{between(zero_shot, one.metric.unit)} zero-shot, on average over "
                f"{counted(len(scored), 'target')}; the majority baseline scores {baseline:.1f}. They read "
                f"these targets no better than that, so {one.what}s say little of any text: train them "
                f"longer or on more ({more}), or choose another task."
            )
    return tuple(found)


def language_model_of(reading: Reading) -> View | None:
    """What the study has of the task that scores held-out text, if it has one."""
    name = log_likelihood().name
    tasks = [x for x in reading.tasks(PROBE) if reading.records.metrics[x].name == name]
    return View.of(reading, tasks[0]) if tasks else None


def _positive(view: View, lm: View | None) -> Check:
    """Fine-tuning on a text helps the model to predict more of that text."""
    if lm is None:
        return _open(POSITIVE, "add the task lm, which scores the same weights on held-out text")
    k, name = view.last, view.reading.name
    own = {g: x for g in lm.targets if (x := lm.own(g, k)) is not None}
    if not own:
        return _open(POSITIVE, "name transfer languages among the targets, or add --controls target")
    total = mean(own.values())
    if total.value is None:
        return _open(POSITIVE, f"complete the study (missing: {'; '.join(total.missing[:3])})")
    each, over_all = {g: x.number() for g, x in own.items()}, total.number()
    lowered = sum(x.low is not None and x.low > 0 for x in each.values())
    fallen = [g for g, x in each.items() if x.high is not None and x.high < 0]
    known = [name(g) for g in fallen if view.reading.seen(g) == "yes"]
    raised = [name(g) for g in fallen if view.reading.seen(g) != "yes"]
    said = (
        f"After {counted(k, 'step')} on its own text, a language's held-out log-likelihood changes by "
        f"{between(over_all, lm.metric.unit)}, on average over {counted(len(own), 'language')}; it rises "
        f"clearly in {lowered} of them.{_one_run(lm)}"
    )
    if known:
        said += (
            f" It falls in {words(known)}, of which the model has seen much more in its pretraining: there, "
            "more text has little to add, and fine-tuning costs something."
        )
    if over_all.low is None or over_all.low <= 0:
        return Check(
            POSITIVE,
            "fail",
            said,
            "The model has not learned from the texts, so effects on this page say nothing about what a text "
            "is worth: use more steps or another learning rate.",
        )
    if raised:
        return Check(
            POSITIVE,
            "fail",
            said,
            f"Held-out log-likelihood falls in {words(raised)}: effects of such text are damage by the "
            "fine-tuning, not what the language has to give.",
        )
    return Check(POSITIVE, "pass", said)


def _negative(view: View) -> Check:
    """Seeds of one condition differ from other seeds of it no more often than tests promise."""
    if view.followed:
        return _open(NEGATIVE, "run without --adaptive, which chooses seeds by what earlier ones showed")
    trials, before = _repetitions(view)
    found = repeated(view.task, view.metric, before, trials, parallel=view.reading.parallel(view.task))
    if found is None:
        return _open(NEGATIVE, f"use at least {LEAST_SEEDS} seeds (--seeds {LEAST_SEEDS})")
    said = (
        f"Of {counted(found.tests, 'difference')} between seeds of the same condition, whose true value is "
        f"0, {found.differ} ({_percent(found.differ / found.tests)}, 95% CI {_percent(found.low)} to "
        f"{_percent(found.high)}) have p <= 0.05 before correction; tests promise at most 5% "
        f"({counted(found.conditions, 'transfer language')}, {counted(view.last, 'step')})."
    )
    if found.is_nominal:
        return Check(NEGATIVE, "pass", said)
    return Check(
        NEGATIVE,
        "fail",
        said,
        "Seeds differ by more than the intervals on this page allow, so its verdicts are wrong more often "
        "than they promise: rely on no effect that is not several times as large as its interval.",
    )


def _mismatch(view: View, pair: Pair | None) -> Check:
    """Not most of the mean effect is there only because vectors moved under an adapter that stayed."""
    if not view.reading.has_adapter(view.task):
        return Check(MISMATCH, "pass", "The task has no adapter that could be mismatched.")
    if pair is None and view.read_out == "retrained":
        return Check(MISMATCH, "pass", "The task adapters are retrained on the fine-tuned weights.")
    if pair is None:
        return _open(MISMATCH, "add --readings put-back,retrained")
    effect, gain, mismatch = pair.overall.values()
    if effect.value is None or gain.value is None or mismatch.value is None:
        return _open(MISMATCH, f"complete the study (missing: {'; '.join(mismatch.missing[:3])})")
    unit, both = view.metric.unit, abs(gain.value) + abs(mismatch.value)
    share = abs(mismatch.value) / both if both else 0.0
    said = (
        f"The mean effect after {counted(pair.last, 'step')}, {effect.text()} {unit}, is a gain of "
        f"{gain.text()} and a read-out mismatch of {between(mismatch, unit)} between the task adapter and "
        f"vectors that have moved; the mismatch is {_percent(share)} of the two together.{_one_run(view)}"
    )
    clear = mismatch.low is not None and mismatch.high is not None and not mismatch.low <= 0 <= mismatch.high
    if clear and share >= MOST_MISMATCH:
        return Check(
            MISMATCH,
            "fail",
            said,
            "Effects on this page mostly say how well an old adapter reads the changed model; for what a "
            "language helps, read the gains.",
        )
    return Check(MISMATCH, "pass", said)


def _moved(view: View) -> Check:
    """The weights have moved, and the vectors of training languages' text are near where they were."""
    values: dict[tuple[str, str], dict[str, float]] = {}
    for job, cell, arm in _runs(view):
        one = view.reading.evaluation(job, cell)
        for key in ("weights_moved", "cka"):
            if one is not None and key in one.extra:  # the same in all cells of a job
                values.setdefault((key, arm.text), {})[job.condition_key] = one.extra[key]
    means = {where: sum(x.values()) / len(x) for where, x in values.items()}
    weights, cka = ({f: x for (y, f), x in means.items() if y == key} for key in ("weights_moved", "cka"))
    if not weights:
        return _open(MOVED, "run again with --rerun all; these results were made before it was measured")
    of = f"{len(weights)} of {counted(len(view.arms(view.last)), 'transfer language')}"
    said = (
        f"After {counted(view.last, 'step')} the weights have moved by {_range(weights, 100, '%')} of their "
        f"norm ({of})."
    )
    name = view.reading.name
    if still := [name(f) for f, x in weights.items() if x == 0]:
        return Check(
            MOVED,
            "fail",
            said,
            f"Text of {words(still)} has changed nothing, so its effects are no effects of any text.",
        )
    if not view.reading.has_adapter(view.task):
        return Check(MOVED, "pass", f"{said} The task has no adapter, so no vectors are compared.")
    if not cka:
        return _open(MOVED, "run again with --rerun all; these results have no vectors to compare", said)
    said += f" CKA of training sentences' vectors before and after is {_range(cka)}, where 1 is unchanged."
    far = [name(f) for f, x in sorted(cka.items(), key=lambda y: y[1]) if x < LEAST_CKA]
    if not far or view.read_out == "retrained":
        return Check(MOVED, "pass", said)
    return Check(
        MOVED,
        "fail",
        said,
        f"CKA is below {LEAST_CKA:g} with text of {words(far)}: a task adapter that is put back then reads "
        "vectors unlike those that it was trained on, and part of these effects is due to that.",
    )


def _runs(view: View) -> Iterator[tuple[Job, Cell, Arm]]:
    """What was planned on transfer languages' plain text at the largest number of steps."""
    arms = {arm.text: arm for arm in view.arms(view.last)}
    for job, cell in view.reading.planned(PROBE, view.task):
        run = run_of(job)
        plain = run.is_plain and run.steps == view.last
        if plain and run.name in arms and reading_of(job) == view.read_out:
            yield job, cell, arms[run.name]


def _repetitions(view: View) -> tuple[list[Trial], dict[str, dict[int, Counts | str]]]:
    """The runs of one task adapter that were scored, and its zero-shot counts."""
    adapter: ReadBy | None = None
    found = []
    for job, cell, arm in _runs(view):
        adapter = adapter or job.typed.adapter
        one = view.reading.evaluation(job, cell)
        if one is not None and job.typed.adapter == adapter:
            seed, own = run_of(job).seed, adapter_seed_of(job)
            found.append(Trial(arm, seed, cell.target, one.counts, adapter=own))
    return found, baselines(view.reading, view.task, adapter, alone=True)


def _open(name: str, add: str, said: str = "") -> Check:
    """A check that the study has nothing for, and what would change that."""
    return Check(name, "not measured", f"{said} To measure it, {add}.".strip())


def _one_run(view: View) -> str:
    return " With one seed this holds for this run only." if view.seeds == 1 else ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _range(values: Mapping[str, float], scale: float = 1, unit: str = "") -> str:
    """Mean, with the lowest and the highest where there are several."""
    digits = 2 if unit else 3
    low, middle, high = (
        f"{scale * x:.{digits}f}{unit}"
        for x in (min(values.values()), sum(values.values()) / len(values), max(values.values()))
    )
    return middle if low == high else f"{middle} ({low} to {high})"
