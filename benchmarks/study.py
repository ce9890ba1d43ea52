"""A study against the old way: seconds of both, interleaved in one run, and their labels one by one.

The old way's processes are counted as the released code starts them: a finetuning for each task family,
language, number of steps and seed; an evaluation for each of them and task; and the baseline again for each
language, number of steps and task. Where only a sample of its processes is run, the others are taken to cost
the mean of those of their kind.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks import made
from benchmarks.machine import Held, Usage, python, run
from xlbench.contracts import Resolved
from xlbench.lab import Lab
from xlbench.results import Store
from xlbench.study import as_json

TIE = 1e-4
"""Two logits closer than this, in units of the largest gap of the target, are taken for a tie in float32."""
MLM = {"chunk": 512}


class Condition(NamedTuple):
    """What the old way has a checkpoint of."""

    language: str
    steps: int
    seed: int


@dataclass
class Comparison:
    """One model, one study."""

    folder: Path
    shape: made.Shape
    tasks: tuple[str, ...]
    steps: tuple[int, ...]
    seeds: int
    limit: int
    whole: bool
    """Whether all processes of the old way are run, instead of a sample."""
    part: bool = False
    """Whether the new way runs one language and one seed alone, for a model too slow for more."""
    used: dict[str, list[Usage]] = field(default_factory=lambda: defaultdict(list))
    """Of the old way's processes, by kind."""
    labels: dict[tuple[str, Condition], Path] = field(default_factory=dict)

    def measure(self) -> dict[str, Any]:
        """Run both sides; seconds, ratios and differing labels, as plain data."""
        model = made.checkpoint(self.folder / "model", self.shape)
        study = made.study(
            model,
            self.tasks,
            made.files(self.folder / "data", self.tasks, self.limit),
            steps=self.steps,
            seeds=tuple(range(self.seeds)),
            limit=self.limit,
            mlm=MLM,
        )
        found = made.resolved(study)
        results = self.folder / "results"
        lab = Lab(found, str(model), Store(results).adapters, device="cpu", threads=1)
        adapters = {task: lab.task_adapter(task) for task in self.tasks}
        self._write(found)
        run_here = replace(study, transfer=study.transfer[:1], seeds=study.seeds[:1]) if self.part else study
        new = self._interleaved(
            [
                self._new("baselines", replace(study, probes=("zero-shot",), transfer=())),
                self._new("conditions", run_here),
            ],
            self._old(model, found, adapters),
        )
        times = len(study.transfer) * len(study.seeds) if self.part else 1
        ours = Usage(
            new[0].cpu + times * new[1].cpu, new[0].wall + times * new[1].wall, max(x.peak for x in new)
        )
        theirs, counts = self._total(found)
        return {
            "model": f"{self.shape.layers}x{self.shape.hidden}",
            "tasks": list(self.tasks), "targets": len(study.targets), "sentences": self.limit,
            "languages": len(study.transfer), "seeds": self.seeds, "steps": list(self.steps),
            "old_processes": counts,
            "old_processes_run": {kind: len(found) for kind, found in self.used.items()},
            "old_seconds_each": {k: round(sum(x.cpu for x in v) / len(v), 1) for k, v in self.used.items()},
            "new_conditions_run": "one language and seed, scaled" if self.part else "all",
            "old_cpu_seconds": round(theirs.cpu, 1), "new_cpu_seconds": round(ours.cpu, 1),
            "old_wall_seconds": round(theirs.wall, 1), "new_wall_seconds": round(ours.wall, 1),
            "cpu_ratio": round(theirs.cpu / ours.cpu, 2), "wall_ratio": round(theirs.wall / ours.wall, 2),
            "labels": self._compare(lab),
        }  # fmt: skip

    def _write(self, found: Resolved) -> None:
        from datasets import Dataset, disable_progress_bars

        disable_progress_bars()
        for task in self.tasks:
            made.write_tests(found, task, self.folder / "test" / task)
            examples = found.examples(task, found.study.train_languages[0], "train")
            rows = {"words": [list(x.words) for x in examples], "tags": [list(x.tags) for x in examples]}
            Dataset.from_dict(rows).save_to_disk(str(self.folder / "train" / task))
        for language in found.study.transfer:
            lines = found.corpus.lines(language, found.mlm.lines)
            (self.folder / f"{language}.txt").write_text("\n".join(lines) + "\n", "utf-8")

    def _new(self, name: str, study: Any) -> list[str]:
        said = self.folder / f"{name}.json"
        said.write_text(
            json.dumps({"study": as_json(study), "results": str(self.folder / "results")}), "utf-8"
        )
        return python("-m", "benchmarks.new_way", str(said))

    def _interleaved(self, new: list[list[str]], old: Iterator[Usage]) -> list[Usage]:
        """The new way's processes, each let run for as long as the old way's last process took."""
        ended = []
        for command in new:
            held = Held(command, threads=1)
            held.hold()
            for used in old:
                held.go_on(used.wall)
                if held.usage is not None:
                    break
            else:
                held.go_on(float("inf"))
            assert held.usage is not None
            ended.append(held.usage)
        for _ in old:
            pass
        return ended

    def _old(self, model: Path, found: Resolved, adapters: dict[str, Path]) -> Iterator[Usage]:
        """Run processes of the old way, one after the other."""
        study = found.study
        mlm = {k: getattr(found.mlm, k) for k in ("learning_rate", "batch_size", "chunk", "lines")}
        languages, seeds = (study.transfer, study.seeds) if self.whole else (study.transfer[:1], (0,))
        families = self.tasks if self.whole else self.tasks[:1]
        for one in (Condition(x, k, s) for k in self.steps for x in languages for s in seeds):
            out = self.folder / "old" / f"{one.language}-{one.steps}-{one.seed}"
            for _ in families:
                yield self._process(
                    f"finetuning, {one.steps} steps", "finetune", out,
                    model=str(model), text=str(self.folder / f"{one.language}.txt"), mlm=mlm,
                    steps=one.steps, seed=one.seed,
                )  # fmt: skip
            for task in self.tasks:
                yield self._evaluation(task, found, out, out / task, adapters[task])
                self.labels[task, one] = out / task / "labels.npz"
                if self.whole and one.seed == study.seeds[0]:
                    yield self._evaluation(task, found, model, out / f"{task}-baseline", adapters[task])

    def _evaluation(self, task: str, found: Resolved, model: Path, out: Path, adapter: Path) -> Usage:
        return self._process(
            f"evaluation, {task}", "tag", out, model=str(model), adapter=str(adapter),
            labels=list(found.tasks[task].labels), targets=list(found.targets[task]),
            test=str(self.folder / "test" / task), train=str(self.folder / "train" / task),
        )  # fmt: skip

    def _process(self, kind: str, module: str, out: Path, **said: Any) -> Usage:
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"{module}.json"
        path.write_text(json.dumps({**said, "out": str(out), "threads": 1}), "utf-8")
        used = run(python("-m", f"benchmarks.old_way.{module}", str(path)))
        self.used[kind].append(used)
        return used

    def _total(self, found: Resolved) -> tuple[Usage, dict[str, int]]:
        """Of all processes that the released code starts, and their number by kind."""
        languages, seeds = len(found.study.transfer), len(found.study.seeds)
        counts = {f"finetuning, {k} steps": len(self.tasks) * languages * seeds for k in self.steps}
        counts |= {f"evaluation, {x}": len(self.steps) * languages * (seeds + 1) for x in self.tasks}
        cpu, wall = (
            sum(n * float(np.mean([x[i] for x in self.used[kind]])) for kind, n in counts.items())
            for i in (0, 1)
        )
        return Usage(cpu, wall, max(x.peak for some in self.used.values() for x in some)), counts

    def _compare(self, lab: Lab) -> dict[str, Any]:
        """Labels of the old way's processes, each beside those of the same condition here."""
        total = differing = ties = 0
        largest = 0.0
        for (task, one), path in self.labels.items():
            stored = np.load(path)
            lab.finetune(one.language, steps=one.steps, seed=one.seed)
            names = list(lab.resolved.tasks[task].labels)
            cells = lab.resolved.cells(task)
            for cell, predicted in zip(cells, lab.predict(cells), strict=True):
                # A word that was cut off here has no label there: compared are those that both have.
                ours = np.array([names.index(x) for labels in predicted for x in labels if x is not None])
                theirs, gaps = stored[f"{cell.target}.label"], stored[f"{cell.target}.gap"]
                unlike = ours != theirs
                total += len(ours)
                differing += int(unlike.sum())
                relative = gaps[unlike] / gaps.max()
                ties += int((relative < TIE).sum())
                largest = max(largest, float(relative.max(initial=0.0)))
        return {
            "compared": total, "differing": differing, "share_differing": differing / total,
            "of_these_ties": ties, "largest_relative_gap": largest,
        }  # fmt: skip


def measure(folder: Path, size: str, shape: made.Shape) -> dict[str, Any]:
    """The comparison at a size: "quick", "default" or "full"."""
    torch.set_num_threads(1)
    quick, full = size == "quick", size == "full"
    return Comparison(
        folder, shape, ("ner", "pos"), (1,) if quick else (1, 10), seeds=1 if quick else 3,
        limit=50 if quick else 400, whole=full, part=size == "part",
    ).measure()  # fmt: skip
