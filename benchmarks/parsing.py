"""One evaluation of dependency parsing on all targets against the old way, and the heads of both.

Both sides are whole processes: the engine's plans, loads, scores all targets, and stores. The old way's may
score a sample of the targets; its seconds after loading are then scaled to all of them. Its heads are greedy
and need be no tree, so heads are compared in sentences where they are a tree with one root.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from benchmarks import made
from benchmarks.machine import Held, python, run
from xlbench.lab import Lab
from xlbench.results import Store
from xlbench.spec.study import as_json

TASK = "dep"


def measure(folder: Path, shape: made.Shape, *, limit: int, targets: int) -> dict[str, Any]:
    """Seconds, ratio and agreement, as plain data. `targets`: how many of 8 the old way scores."""
    torch.set_num_threads(1)
    model = made.checkpoint(folder / "model", shape)
    files = made.files(folder / "data", (TASK,), limit)
    study = made.study(model, (TASK,), files, limit=limit, probes=("zero-shot",), transfer=(), text=None)
    found = made.resolved(study)
    results = folder / "results"
    lab = Lab(found, str(model), Store(results).adapters, device="cpu", threads=1)
    adapter = lab.task_adapter(TASK)
    said = folder / "study.json"
    said.write_text(json.dumps({"study": as_json(study), "results": str(results)}), "utf-8")
    out = folder / "old"
    out.mkdir()
    scored = list(study.targets[:targets])
    old = out / "parse.json"
    old.write_text(json.dumps({
        "model": str(model), "adapter": str(adapter), "labels": list(found.tasks[TASK].labels),
        "targets": scored, "test": str(made.write_tests(found, TASK, folder / "test")), "out": str(out),
        "threads": 1,
    }), "utf-8")  # fmt: skip
    new = Held(python("-m", "benchmarks.new_way", str(said)), threads=1)
    new.hold()
    theirs = run(python("-m", "benchmarks.old_way.parse", str(old)))
    new.go_on(float("inf"))
    assert new.usage is not None
    spent = json.loads((out / "seconds.json").read_text("utf-8"))
    scale = len(study.targets) / len(scored)
    all_targets = theirs.cpu + (scale - 1) * (spent[-1] - spent[0])
    return {
        "model": f"{shape.layers}x{shape.hidden}", "targets": len(study.targets), "sentences": limit,
        "old_targets_run": len(scored), "old_cpu_seconds": round(all_targets, 1),
        "new_cpu_seconds": round(new.usage.cpu, 1), "cpu_ratio": round(all_targets / new.usage.cpu, 2),
        "heads": _heads(Lab(found, str(model), Store(results).adapters, device="cpu", threads=1),
                        json.loads((out / "heads.json").read_text("utf-8"))),
    }  # fmt: skip


def _heads(lab: Lab, theirs: dict[str, list[list[int]]]) -> dict[str, Any]:
    """Agreement where greedy heads are a tree with one root."""
    lab.task_adapter(TASK)
    cells = [x for x in lab.resolved.cells(TASK) if x.target in theirs]
    compared = trees = differing = 0
    for cell, predicted in zip(cells, lab.predict(cells), strict=True):
        for arcs, heads in zip(predicted, theirs[cell.target], strict=True):
            if not _is_tree(heads):
                continue
            trees += 1
            compared += len(heads)
            differing += sum(arc is None or arc[0] != head for arc, head in zip(arcs, heads, strict=True))
    return {"sentences_whose_greedy_heads_are_a_tree": trees, "words": compared, "differing": differing}


def _is_tree(heads: list[int]) -> bool:
    """Whether all words lead to the one at the root."""
    if heads.count(0) != 1:
        return False
    for start in range(1, len(heads) + 1):
        node, seen = start, set[int]()
        while node:
            if node in seen or node > len(heads):
                return False
            seen.add(node)
            node = heads[node - 1]
    return True
