"""What can be known of a transfer study before it is run, on `tiny`: agreement with what was measured.

    python -m benchmarks.foresight [--seeds 3] [--steps 1,10,100] [--task pos]
    python -m benchmarks.foresight --memory

One run measures, for 8 transfer languages and 12 targets, the change of the task loss that fine-tuning makes:
exactly; to first order (the inner product of the change of the weights with each target's gradient); and
foreseen without any fine-tuning (the inner product with what first steps on up to 32 batches would do).
Printed: rank correlations with the exact mean over seeds, over all pairs and within a target; the reliability
of that mean, above which nothing can agree with it; coverage of 90% intervals of what is foreseen, on
transfer languages and targets that their scale was not fitted on; and CPU seconds of each side, which had the
same process on the same machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench.contracts import Study
from xlbench.lab import Lab
from xlbench.models import checkpoints
from xlbench.plugins import load
from xlbench.probing import spearman
from xlbench.studies.resolve import resolve
from xlbench_probes.first_order_view import loss_of
from xlbench_probes.foresee import DRAW, rate_sum
from xlbench_probes.foresee_scale import Foreseen, fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import Resolved

DONORS = ("qac", "qag", "qah", "qam", "qaa", "qal", "qao", "qaf")
TARGETS = ("qaa", "qab", "qac", "qad", "qaf", "qag", "qah", "qal", "qam", "qan", "qao", "qap")
BATCHES = 32


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


def study(task: str, steps: tuple[int, ...], seeds: int, rate: float) -> Resolved:
    """8 x 12 artificial languages."""
    asked = Study(
        model="tiny", probes=("transfer",), tasks=(task,), transfer=DONORS, targets=TARGETS, steps=steps,
        seeds=tuple(range(seeds)), readings=("put-back",), adapter_seeds=(0,), controls=(),
        mlm={"learning_rate": rate},
    )  # fmt: skip
    return resolve(asked, load())


def measure(
    found: Resolved, task: str, folder: Path, clock: Clock
) -> Iterator[dict[str, NDArray[np.float64]]]:
    """First "directions", shape (donors, batches, targets): reductions of the loss in nats per decision, per
    unit of learning rate. Then, for each number of steps, "exact K" and "linear K", shape (seeds, donors,
    targets).
    """
    path = checkpoints.download(checkpoints.locate(found.model))
    lab, cells = Lab(found, str(path), folder / "adapters", device="cpu"), found.cells(task)
    metric = found.tasks[task].metric

    def losses() -> NDArray[np.float64]:
        return np.array([loss_of(x, metric) for x in lab.evaluate(cells)], np.float64)

    lab.task_adapter(task)
    before = losses()
    with clock.of("gradients"):
        lab.gradients(cells)
    with clock.of("foresight"):
        each = [-lab.directions(x, cells, batches=BATCHES, seed=DRAW) for x in DONORS]
    yield {"directions": np.stack(each)}
    for k in found.study.steps:
        exact, linear = (np.zeros((len(found.study.seeds), len(DONORS), len(cells))) for _ in range(2))
        for s in found.study.seeds:
            for f, donor in enumerate(DONORS):
                with clock.of(f"fine-tuning {k}"):
                    lab.finetune(donor, steps=k, seed=s)
                with clock.of(f"evaluation {k}"):
                    exact[s, f] = before - losses()
                with clock.of(f"inner products {k}"):
                    linear[s, f] = -lab.along(cells)
        yield {f"exact {k}": exact, f"linear {k}": linear}


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


def agreement(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """Rank correlation over all pairs of different languages, and within a target, mean over targets."""
    others = np.array([[f != g for g in TARGETS] for f in DONORS])
    within = [float(spearman(one[own, g], other[own, g])) for g, own in enumerate(others.T)]
    return float(spearman(one[others], other[others])), float(np.mean(within))


def reliability(each: NDArray[np.float64]) -> tuple[float, float]:
    """Share of the variance of means over seeds, shape (seeds, donors, targets), that is not of seeds: over
    all pairs, and within a target.
    """
    means, noise = each.mean(axis=0), float((each.var(axis=0, ddof=1) / len(each)).mean())
    within = means - means.mean(axis=0)
    freedom = len(DONORS) / (len(DONORS) - 1)
    return 1 - noise / means.var(), 1 - noise / (freedom * within.var())


def coverage(
    directions: NDArray[np.float64], mean: NDArray[np.float64], rate: float, splits: int = 50
) -> float:
    """Share of 90% intervals that have the measured mean of a pair neither of whose languages was among those
    that the scale was fitted on: 4 transfer languages and 6 targets, drawn again and again.
    """
    value = rate * directions.mean(axis=1)
    error = rate * directions.std(axis=1, ddof=1) / directions.shape[1] ** 0.5
    foreseen = {
        (f, g): Foreseen(float(value[i, j]), float(error[i, j]))
        for i, f in enumerate(DONORS)
        for j, g in enumerate(TARGETS)
        if f != g
    }
    true = {(f, g): float(mean[DONORS.index(f), TARGETS.index(g)]) for f, g in foreseen}
    rng, inside = np.random.default_rng(0), []
    for _ in range(splits):
        some = {*rng.choice(DONORS, 4, replace=False)}, {*rng.choice(TARGETS, 6, replace=False)}
        scale = fit(foreseen, {x: y for x, y in true.items() if x[0] in some[0] and x[1] in some[1]})
        if scale is None:
            continue
        for pair, y in true.items():
            if pair[0] not in some[0] and pair[1] not in some[1]:
                _, low, high = scale.predict(foreseen[pair], 0.9)
                inside.append(low <= y <= high)
    return float(np.mean(inside))


def row(made: Mapping[str, NDArray[np.float64]], k: int, rate: float) -> list[str]:
    """Of one number of steps."""
    exact = made[f"exact {k}"]
    mean = exact.mean(axis=0)
    sides = [
        agreement(made[f"linear {k}"].mean(axis=0), mean),
        agreement(made["directions"].mean(axis=1), mean),
        reliability(exact),
    ]
    covered = coverage(made["directions"], mean, rate_sum(k, rate, "linear"))
    return [str(k), *(f"{a:.2f} / {b:.2f}" for a, b in sides), f"{100 * covered:.0f}"]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", default="pos")
    parser.add_argument("--steps", default="1,10,100")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--peak", type=int)
    given = parser.parse_args()
    if given.memory:
        return memory()
    if given.peak:
        return print(f"{peak(given.peak):.0f}")
    clock = Clock()
    made: dict[str, Any] = {}
    print("| steps | first order | foresight | reliability | covered, % |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        steps = tuple(map(int, given.steps.split(",")))
        found = study(given.task, steps, given.seeds, given.rate)
        for more in measure(found, given.task, Path(folder), clock):
            made |= more
            for k in (int(x.split()[1]) for x in more if x.startswith("exact")):
                print(f"| {' | '.join(row(made, k, given.rate))} |", flush=True)
    for what, x in clock.seconds.items():
        print(f"{what}: {x:.1f} s")
    return None


if __name__ == "__main__":
    main()
