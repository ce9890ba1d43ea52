"""What can be known of a transfer study before it is run: agreement with what was measured.

    python -m benchmarks.foresight [STUDY.TOML] [options of `xlbench plan`] [--batches 32]
        [--keep DIR] [--save FILE.npz]
    python -m benchmarks.foresight --memory

Without options the study is 8 transfer languages by 12 targets of the artificial languages, on `tiny`, for
pos; `--task ner` takes another task, and `--model`, `--data`, `--text`, `--transfer`, `--targets` and all
else ask for any study of one task. The first task adapter and the reading put-back are what is measured.

One run measures the change of the task loss that fine-tuning makes: exactly; to first order (the inner
product of the change of the weights with each target's gradient); and foreseen without any fine-tuning (the
inner product with what first steps on so many batches would do). Printed after each seed: rank correlations
with the exact mean over seeds, over all pairs and within a target, with 95% intervals over transfer
languages and targets; the reliability of that mean, above which nothing can agree with it; coverage of 90%
intervals of what is foreseen, on transfer languages and targets that their scale was not fitted on; and CPU
seconds of each side, which had the same process on the same machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias

import numpy as np
import typer
from numpy.typing import NDArray

from xlbench.cli.options import asks
from xlbench.contracts import Study
from xlbench.contracts.mixture import has
from xlbench.errors import StudyError, XlbenchError
from xlbench.lab import Lab
from xlbench.models import checkpoints
from xlbench.output import complain
from xlbench.plugins import load
from xlbench.probing import spearman
from xlbench.spec.problems import ManyProblemsError
from xlbench.spec.study import filled
from xlbench.studies.resolve import resolve
from xlbench_probes.first_order_view import loss_of
from xlbench_probes.foresee import DRAW, rate_sum
from xlbench_probes.foresee_scale import FEWEST, Foreseen, fit

if TYPE_CHECKING:
    from xlbench.contracts import Resolved

Numbers: TypeAlias = NDArray[np.float64]
EVERY = Study(readings=("put-back",), controls=())
"""What is measured of any study."""
ON_TINY = Study(
    tasks=("pos",),
    transfer=("qac", "qag", "qah", "qam", "qaa", "qal", "qao", "qaf"),
    targets=("qaa", "qab", "qac", "qad", "qaf", "qag", "qah", "qal", "qam", "qan", "qao", "qap"),
    steps=(1, 10, 100),
    seeds=(0, 1, 2),
    adapter_seeds=(0,),
    mlm={"learning_rate": 5e-4},
)
"""Of `tiny`, as far as nothing else is asked."""
DRAWS = 500
"""Of transfer languages and targets."""


class Clock:
    """CPU seconds by what they were spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """Add what is done meanwhile."""
        start = time.process_time()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + time.process_time() - start


class Table(NamedTuple):
    """The pairs of transfer languages and targets that count: own texts do not."""

    donors: tuple[str, ...]
    targets: tuple[str, ...]
    others: NDArray[np.bool_]
    """Shape (donors, targets)."""

    @classmethod
    def of(cls, donors: tuple[str, ...], targets: tuple[str, ...]) -> Table:
        """Of all pairs."""
        return cls(donors, targets, np.array([[not has(f, g) for g in targets] for f in donors]))

    def agreement(self, one: Numbers, other: Numbers) -> Numbers:
        """Rank correlation over all pairs, and within a target, mean over targets."""
        return _agreement(one, other, self.others)

    def drawn(self, statistic: Callable[[NDArray[np.intp], NDArray[np.intp]], Numbers]) -> Numbers:
        """Ends of 95% percentile intervals, shape (2, numbers): transfer languages and targets are drawn
        with replacement, each by itself.
        """
        rng = np.random.default_rng(0)
        n, m = self.others.shape
        found = [
            statistic(rng.integers(0, n, size=(n,)), rng.integers(0, m, size=(m,))) for _ in range(DRAWS)
        ]
        ends: Numbers = np.nanquantile(np.array(found), (0.025, 0.975), axis=0)
        return ends

    def said(self, one: Numbers, other: Numbers) -> str:
        """Agreement over all pairs and within a target, each with its interval."""
        values = self.agreement(one, other)

        def again(f: NDArray[np.intp], g: NDArray[np.intp]) -> Numbers:
            at = np.ix_(f, g)
            return _agreement(one[at], other[at], self.others[at])

        low, high = self.drawn(again)
        each = zip(values, low, high, strict=True)
        return " / ".join(f"{x:.2f} [{a:.2f}, {b:.2f}]" for x, a, b in each)

    def reliability(self, each: Numbers) -> str:
        """Share of the variance of means over seeds, `each` of shape (seeds, donors, targets), that is not of
        seeds: over all pairs, and within a target.
        """
        if len(each) < 2:
            return "one seed"
        means, others = each.mean(axis=0), self.others
        noise = float((each.var(axis=0, ddof=1) / len(each))[others].mean())
        centred = np.where(others, means, np.nan) - np.nanmean(np.where(others, means, np.nan), axis=0)
        within = float(np.nansum(centred**2)) / (others.sum() - others.shape[1])
        return " / ".join(f"{1 - noise / x:.2f}" for x in (means[others].var(), within))


def _agreement(one: Numbers, other: Numbers, others: NDArray[np.bool_]) -> Numbers:
    if others.sum() < 2:
        return np.array([np.nan, np.nan])
    columns = zip(one.T, other.T, others.T, strict=True)
    within = [float(spearman(x[own], y[own])) for x, y, own in columns if own.sum() > 1]
    known = [x for x in within if np.isfinite(x)]
    return np.array([float(spearman(one[others], other[others])), np.mean(known) if known else np.nan])


def study(asked: Study) -> Resolved:
    """What is asked, with what is open filled in. Raises StudyError where it is not of one task."""
    whole = filled(asked, ON_TINY if asked.model == ON_TINY.model else Study())
    found = resolve(filled(whole, EVERY), load())
    if len(found.tasks) != 1 or not found.study.transfer:
        raise StudyError(
            "agreement is measured for one task and some transfer languages: name --task and --transfer"
        )
    return found


class Measured(NamedTuple):
    """What there is after a seed of a number of steps."""

    steps: int
    directions: Numbers
    """Shape (donors, batches, targets): reductions of the loss in nats per decision and unit of learning
    rate.
    """
    exact: Numbers
    """Shape (seeds, donors, targets): reductions of the loss in nats per decision."""
    linear: Numbers
    """The same to first order."""


def measure(found: Resolved, folder: Path, clock: Clock, batches: int) -> Iterator[Measured]:
    """Once for each number of steps and seed."""
    (task,), donors = found.tasks, found.study.transfer
    path = checkpoints.download(checkpoints.locate(found.model))
    lab, cells = Lab(found, str(path), folder / "adapters", device="cpu"), found.cells(task)
    metric = found.tasks[task].metric

    def losses() -> Numbers:
        return np.array([loss_of(x, metric) for x in lab.evaluate(cells)], np.float64)

    with clock.of("task adapter"):
        lab.task_adapter(task)
    with clock.of("baseline"):
        before = losses()
    with clock.of("gradients"):
        lab.gradients(cells)
    with clock.of("foresight"):
        directions = np.stack([-lab.directions(x, cells, batches=batches, seed=DRAW) for x in donors])
    for k in found.study.steps:
        exact, linear = list[Numbers](), list[Numbers]()
        for seed in found.study.seeds:
            exact.append(np.zeros(directions.shape[::2]))
            linear.append(np.zeros(directions.shape[::2]))
            for f, donor in enumerate(donors):
                with clock.of(f"fine-tuning, {k}"):
                    lab.finetune(donor, steps=k, seed=seed)
                with clock.of(f"evaluation, {k}"):
                    exact[-1][f] = before - losses()
                with clock.of(f"inner products, {k}"):
                    linear[-1][f] = -lab.along(cells)
            yield Measured(k, directions, np.array(exact), np.array(linear))


def coverage(table: Table, one: Measured, rate: float, splits: int = 50) -> str:
    """Percentage of 90% intervals that have the measured mean of a pair neither of whose languages was among
    those that the scale was fitted on: half of the transfer languages and of the targets, drawn again and
    again.
    """
    donors, targets = table.donors, table.targets
    some = len(donors) // 2, len(targets) // 2
    if min(some) < FEWEST:
        return "too few"
    value = rate * one.directions.mean(axis=1)
    error = rate * one.directions.std(axis=1, ddof=1) / one.directions.shape[1] ** 0.5
    pairs = {(donors[f], targets[g]): (f, g) for f, g in zip(*np.nonzero(table.others), strict=True)}
    foreseen = {pair: Foreseen(float(value[at]), float(error[at])) for pair, at in pairs.items()}
    mean = one.exact.mean(axis=0)
    true = {pair: float(mean[at]) for pair, at in pairs.items()}
    rng, inside = np.random.default_rng(0), []
    for _ in range(splits):
        fitted = {*rng.choice(donors, some[0], replace=False)}, {*rng.choice(targets, some[1], replace=False)}
        scale = fit(foreseen, {x: y for x, y in true.items() if x[0] in fitted[0] and x[1] in fitted[1]})
        if scale is None:
            continue
        for pair, y in true.items():
            if pair[0] not in fitted[0] and pair[1] not in fitted[1]:
                _, low, high = scale.predict(foreseen[pair], 0.9)
                inside.append(low <= y <= high)
    return f"{100 * float(np.mean(inside)):.0f}" if inside else "none"


def row(table: Table, one: Measured, rate: float, seconds: Mapping[str, float]) -> str:
    """Of one number of steps, in Markdown."""
    mean = one.exact.mean(axis=0)
    sides = [
        table.said(one.linear.mean(axis=0), mean),
        table.said(one.directions.mean(axis=1), mean),
        table.reliability(one.exact),
        coverage(table, one, rate),
    ]
    spent = [f"{seconds[f'{x}, {one.steps}']:.1f}" for x in ("fine-tuning", "evaluation", "inner products")]
    return f"| {' | '.join([str(one.steps), str(len(one.exact)), *sides, *spent])} |"


def peak(targets: int) -> float:
    """Peak of this process, in MiB, which evaluates one fine-tuning on so many targets to first order."""
    import resource

    from benchmarks import made

    with tempfile.TemporaryDirectory() as folder:
        model = made.checkpoint(Path(folder) / "model", made.Shape(4, 384))
        found = made.resolved(made.study(model, ("pos",), targets=made.LANGUAGES[:targets], limit=20))
        lab, cells = Lab(found, str(model), Path(folder) / "adapters", device="cpu"), found.cells("pos")
        lab.gradients(cells)
        lab.finetune("qaa", steps=1, seed=0)
        lab.along(cells)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory() -> None:
    """Print the peak by the number of targets: a process for each."""
    from benchmarks.machine import python, run

    print("| targets | peak, MiB |\n|---|---|")
    for targets in (1, 2, 4, 8):
        found = run(python("-m", "benchmarks.foresight", "--peak", str(targets)))
        print(f"| {targets} | {found.peak:.0f} |", flush=True)


HEADS = (
    "steps", "seeds", "first order", "foresight", "reliability", "covered, %", "fine-tuning, s",
    "evaluation, s", "inner products, s",
)  # fmt: skip


def show(asked: Study, batches: int, keep: Path | None, save: Path | None) -> None:
    """Print the table of a study."""
    found, clock = study(asked), Clock()
    (task,), kept = found.tasks, dict[str, Any]()
    table = Table.of(found.study.transfer, tuple(x.target for x in found.cells(task)))
    with tempfile.TemporaryDirectory() as folder:
        for number, one in enumerate(measure(found, keep or Path(folder), clock, batches)):
            if not number:
                first = {k: x for k, x in clock.seconds.items() if "," not in k}
                print(f"CPU seconds: {', '.join(f'{k} {x:.1f}' for k, x in first.items())}\n")
                print(f"| {' | '.join(HEADS)} |\n{'|---' * len(HEADS)}|")
            rate = rate_sum(one.steps, found.mlm.learning_rate, found.mlm.schedule)
            print(row(table, one, rate, clock.seconds), flush=True)
            kept |= {f"exact {one.steps}": one.exact, f"linear {one.steps}": one.linear}
            if save is not None:
                np.savez(save, directions=one.directions, donors=table.donors, targets=table.targets, **kept)


app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=__doc__)
@asks
def main(
    study: Study,
    batches: Annotated[int, typer.Option(help="Batches of each transfer language.", min=2)] = 32,
    keep: Annotated[
        Path | None, typer.Option(help="Folder that keeps task adapters and gradients.", metavar="DIR")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="File to keep all numbers in.", metavar="FILE.npz")
    ] = None,
    memory_: Annotated[bool, typer.Option("--memory", help="Measure memory by targets instead.")] = False,
    peak_: Annotated[int, typer.Option("--peak", help="Print the memory of so many targets.")] = 0,
) -> None:
    """Print the tables."""
    if memory_:
        memory()
    elif peak_:
        print(f"{peak(peak_):.0f}")
    else:
        show(study, batches, keep, save)


if __name__ == "__main__":
    try:
        app()
    except XlbenchError as error:
        for line in error.problems if isinstance(error, ManyProblemsError) else (str(error),):
            complain(line)
        sys.exit(error.exit_code)
