"""A study against the old way: seconds of both, interleaved in one run, and their labels one by one.

The old way's processes are counted as the released code starts them: a finetuning for each task family,
language, number of steps and seed; an evaluation for each of them and task; and the baseline again for each
language, number of steps and task. A sample of them is run, one language and one seed; the others are taken
to cost the mean of their kind. The engine runs the whole study, or, where that takes hours, one language and
one seed of it, whose seconds are taken for those of the others; its baselines are scored whole.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import made
from benchmarks.machine import Held, Usage, python, run
from benchmarks.new_way import key
from xlbench.contracts import Resolved, Study, Tagged
from xlbench.lab import Lab
from xlbench.results import Store
from xlbench.spec.study import as_json

TIE = 1e-4
"""Two logits closer than this, in units of the largest gap of the target, are taken for a tie in float32."""
MLM = {"chunk": 512}
TASKS = ("ner", "pos")


@dataclass
class Comparison:
    """One model, one study."""

    folder: Path
    shape: made.Shape
    steps: Sequence[tuple[int, ...]]
    """Numbers of steps in the order in which they come in: totals are given for the first of these, then for
    the first two together, and so on."""
    seeds: int
    limit: int
    sampled: bool
    """Whether the engine runs one language and one seed alone, for a model too slow for more."""
    used: dict[str, list[Usage]] = field(default_factory=lambda: defaultdict(list))
    """Of the old way's processes, by kind."""
    theirs: list[tuple[str, tuple[str, int, int], Path]] = field(default_factory=list)
    """Labels of the old way: task, condition, file."""

    def measure(self) -> dict[str, Any]:
        """Run both sides; seconds, ratios and differing labels, as plain data."""
        model = made.checkpoint(self.folder / "model", self.shape)
        study = made.study(
            model,
            TASKS,
            made.files(self.folder / "data", TASKS, self.limit),
            steps=tuple(k for some in self.steps for k in some),
            seeds=tuple(range(self.seeds)),
            limit=self.limit,
            mlm=MLM,
        )
        found = made.resolved(study)
        lab = Lab(found, str(model), Store(self.folder / "results").adapters, device="cpu", threads=1)
        adapters = {task: x for task in TASKS if (x := lab.task_adapter(task)) is not None}
        del lab
        self._write(found)
        here = replace(study, transfer=study.transfer[:1], seeds=study.seeds[:1]) if self.sampled else study
        commands = [self._new("baselines", replace(study, probes=("zero-shot",), transfer=()))]
        commands += [self._new(_said(some), replace(here, steps=some)) for some in self.steps]
        baselines, *conditions = self._interleaved(commands, self._old(model, found, adapters))
        times = len(study.transfer) * len(study.seeds) if self.sampled else 1
        totals, ours, steps = dict[str, Any](), baselines, tuple[int, ...]()
        for some, used in zip(self.steps, conditions, strict=True):
            ours, steps = ours + Usage(times * used.cpu, times * used.wall, used.peak), (*steps, *some)
            totals[_said(steps)] = self._beside(ours, steps, found)
        return {
            "model": f"{self.shape.layers}x{self.shape.hidden}",
            "tasks": list(TASKS), "targets": len(study.targets), "sentences": self.limit,
            "languages": len(study.transfer), "seeds": self.seeds,
            "old_processes_run": {kind: len(found) for kind, found in self.used.items()},
            "old_seconds_each": {k: round(sum(x.cpu for x in v) / len(v), 1) for k, v in self.used.items()},
            "new_conditions_run": "one language and seed, scaled" if self.sampled else "all",
            "new_seconds_each": {
                "baselines": round(baselines.cpu, 1),
                **{_said(x): round(u.cpu, 1) for x, u in zip(self.steps, conditions, strict=True)},
            },
            **totals,
            "labels": self._compare(),
        }  # fmt: skip

    def _beside(self, ours: Usage, steps: Sequence[int], found: Resolved) -> dict[str, Any]:
        theirs, counts = self._total(steps, found)
        return {
            "old_processes": counts,
            "old_cpu_seconds": round(theirs.cpu, 1), "new_cpu_seconds": round(ours.cpu, 1),
            "old_wall_seconds": round(theirs.wall, 1), "new_wall_seconds": round(ours.wall, 1),
            "cpu_ratio": round(theirs.cpu / ours.cpu, 2), "wall_ratio": round(theirs.wall / ours.wall, 2),
        }  # fmt: skip

    def _write(self, found: Resolved) -> None:
        from datasets import Dataset, disable_progress_bars

        disable_progress_bars()
        for task in TASKS:
            made.write_tests(found, task, self.folder / "test" / task)
            examples = found.examples(task, found.study.train_languages[0], "train")
            tagged = [x for x in examples if isinstance(x, Tagged)]
            rows = {"words": [list(x.words) for x in tagged], "tags": [list(x.tags) for x in tagged]}
            Dataset.from_dict(rows).save_to_disk(str(self.folder / "train" / task))
        for language in found.study.transfer:
            lines = found.corpus.lines(language, found.mlm.lines)
            (self.folder / f"{language}.txt").write_text("\n".join(lines) + "\n", "utf-8")

    def _new(self, name: str, study: Study) -> list[str]:
        path, results = self.folder / f"{name}.json", self.folder / "results"
        labels = str(self.folder / f"{name}.npz")
        said = {"study": as_json(study), "results": str(results), "labels": labels}
        path.write_text(json.dumps(said), "utf-8")
        return python("-m", "benchmarks.new_way", str(path))

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
        mlm = {k: getattr(found.mlm, k) for k in ("learning_rate", "batch_size", "chunk", "lines")}
        language, seed = found.study.transfer[0], found.study.seeds[0]
        for steps in found.study.steps:
            out = self.folder / "old" / str(steps)
            yield self._process(
                f"finetuning, {steps} steps", "finetune", out,
                model=str(model), text=str(self.folder / f"{language}.txt"), mlm=mlm, steps=steps, seed=seed,
            )  # fmt: skip
            for task in TASKS:
                yield self._evaluation(task, found, out, out / task, adapters[task])
                self.theirs.append((task, (language, steps, seed), out / task / "labels.npz"))

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

    def _total(self, steps: Sequence[int], found: Resolved) -> tuple[Usage, dict[str, int]]:
        """Of all processes that the released code starts, and their number by kind."""
        languages, seeds = len(found.study.transfer), len(found.study.seeds)
        counts = {f"finetuning, {k} steps": len(TASKS) * languages * seeds for k in steps}
        counts |= {f"evaluation, {x}": len(steps) * languages * (seeds + 1) for x in TASKS}
        cpu, wall = (
            sum(n * float(np.mean([x[i] for x in self.used[kind]])) for kind, n in counts.items())
            for i in (0, 1)
        )
        return Usage(cpu, wall, max(x.peak for some in self.used.values() for x in some)), counts

    def _compare(self) -> dict[str, Any]:
        """Labels of the old way's processes, each beside those that the engine predicted in the same run."""
        kept = [np.load(self.folder / f"{_said(some)}.npz") for some in self.steps]
        ours = {name: one[name] for one in kept for name in one.files}
        total = differing = ties = 0
        largest = 0.0
        for task, condition, path in self.theirs:
            stored = np.load(path)
            for target in made.LANGUAGES:
                theirs, gaps = stored[f"{target}.label"], stored[f"{target}.gap"]
                unlike = ours[key(task, condition, target)] != theirs
                total += len(theirs)
                differing += int(unlike.sum())
                relative = gaps[unlike] / gaps.max()
                ties += int((relative < TIE).sum())
                largest = max(largest, float(relative.max(initial=0.0)))
        return {
            "compared": total, "differing": differing, "share_differing": differing / total,
            "of_these_ties": ties, "largest_relative_gap": largest,
        }  # fmt: skip


def _said(steps: Sequence[int]) -> str:
    return "k = " + ", ".join(map(str, steps))


def measure(folder: Path, shape: made.Shape, size: str, *, sampled: bool = False) -> dict[str, Any]:
    """The comparison at a size: "quick", "default" or "full"."""
    torch.set_num_threads(1)
    if size == "quick":
        return Comparison(folder, shape, [(1,)], seeds=1, limit=50, sampled=sampled).measure()
    steps = [(1, 10), (100,)] if size == "full" else [(1, 10)]
    return Comparison(folder, shape, steps, seeds=3, limit=400, sampled=sampled).measure()
