"""Whether retrained adapters with a warm start read the same gains as adapters trained anew.

    python -m benchmarks.warm_start [--steps 20,40,80] [--seeds 3] [--adapter-seeds 2] [--limit 200]

Part-of-speech tagging with `tiny` after 100 steps at 2e-4: every transfer language by every target, own
text included, with task adapters trained on all its pretraining languages. One line per way of retraining:
the mean gain over pairs of different languages, that of own text, and against adapters trained anew the
difference of both with its 95% CI, the root mean square difference of single pairs, the correlation over
pairs, the verdicts that agree, and seconds per retraining. The last line is training anew with other adapter
seeds: what a second look at the same thing differs by.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import xlbench
from xlbench import Study, plugins
from xlbench.probing.reading import Reading
from xlbench.results import Store
from xlbench.scores import difference, mean
from xlbench_models.tiny import PRETRAINING_LANGUAGES
from xlbench_probes.transfer_view import View

TASK = "pos"
TRANSFER = ("qaa", "qac", "qag", "qah")
TARGETS = ("qaa", "qac", "qag", "qah", "qal", "qap")
STEPS = 100


@dataclass(frozen=True)
class Way:
    """One way of retraining, measured."""

    name: str
    view: View
    seconds: float
    """Of one retraining."""

    @property
    def own(self) -> list[tuple[str, str]]:
        """Pairs of a language with itself."""
        return [(x, x) for x in TRANSFER]

    @property
    def others(self) -> list[tuple[str, str]]:
        """Pairs of different languages."""
        return [(f, g) for f in TRANSFER for g in TARGETS if f != g]

    def gain(self, pairs: list[tuple[str, str]]) -> Any:
        """Mean over pairs."""
        arms = {x.text: x for x in self.view.arms(STEPS)}
        return mean(self.view.effects.effect(arms[f], g) for f, g in pairs)


def measure(results: Path, name: str, study: Study) -> Way:
    """Run a study and read its gains."""
    done = xlbench.run(study, results=results, workers=1)
    if done.failed:
        raise SystemExit(f"{name}: {next(iter(done.failed.values()))}")
    store = Store(results)
    metrics = {TASK: plugins.load().tasks[TASK].metric}
    spent = [
        x["seconds"].get("train adapter", 0.0)
        for x in store.provenances()
        if x.get("probe", "transfer") == "transfer" and "finetune" in x["seconds"]
    ]
    reading = Reading(store.records(metrics))
    return Way(name, View.of(reading, TASK, "retrained"), float(np.median(spent)))


def table(ways: list[Way]) -> Iterator[str]:
    """Lines of markdown; the first way is what the others are held against."""
    anew = ways[0]
    yield (
        "| retrained adapters | mean gain | own text | difference of mean gains | of own text "
        "| RMS of pairs | correlation | verdicts alike | seconds |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for way in ways:
        gains = [way.gain(x).number().text() for x in (way.others, way.own)]
        if way is anew:
            apart = ["", "", "", "", ""]
        else:
            apart = [_interval(difference(way.gain(x), anew.gain(x))) for x in (way.others, way.own)]
            both = [_gains(x) for x in (way, anew)]
            words = [[y.number.word for y in x.view.judged_effects(STEPS).values()] for x in (way, anew)]
            alike = sum(a == b for a, b in zip(*words, strict=True))
            apart += [
                f"{np.sqrt(np.mean((both[0] - both[1]) ** 2)):.1f}",
                f"{np.corrcoef(*both)[0, 1]:.2f}",
                f"{alike} of {len(words[0])}",
            ]
        yield f"| {' | '.join([way.name, *gains, *apart, f'{way.seconds:.1f}'])} |"


def _gains(way: Way) -> Any:
    return np.array([way.gain([x]).value for x in (*way.others, *way.own)])


def _interval(found: Any) -> str:
    one = found.number()
    return f"{one.text()} [{one.text(one.low)}, {one.text(one.high)}]"


def main() -> None:
    """Measure each way in turn and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", default="20,40,80", help="of warm starts (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="of fine-tuning (default: %(default)s)")
    parser.add_argument("--adapter-seeds", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--limit", type=int, default=200, help="test sentences (default: %(default)s)")
    said = parser.parse_args()
    n = said.adapter_seeds

    def study(first: int = 0, warm_start_steps: int | None = None) -> Study:
        return Study(
            probes=("transfer",), tasks=(TASK,), transfer=TRANSFER, targets=TARGETS, steps=(STEPS,),
            seeds=tuple(range(said.seeds)), adapter_seeds=tuple(range(first, first + n)), controls=(),
            readings=("retrained",), train_languages=tuple(sorted(PRETRAINING_LANGUAGES)), limit=said.limit,
            mlm={"learning_rate": 2e-4, "chunk": 24}, adapter={"examples": 1800, "limit": 600},
            retraining={"warm_start_steps": warm_start_steps},
        )  # fmt: skip

    warm = [int(x) for x in said.steps.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        asked = {"anew": study()}
        asked |= {f"warm start, {k} steps": study(warm_start_steps=k) for k in warm}
        asked["anew, other adapter seeds"] = study(n)
        ways = [measure(Path(folder) / str(i), *x) for i, x in enumerate(asked.items())]
        print("\n".join(table(ways)))


if __name__ == "__main__":
    main()
