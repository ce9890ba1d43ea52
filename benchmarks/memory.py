"""Memory: the peak of a finetuning beside what a bare loop needs, and how a study's peak grows.

Growth is measured twice: as it is, and with the C library told to give large blocks back as soon as they are
freed. What grows in the first alone is memory that the allocator holds, not data that the engine keeps.

Peaks are of whole processes, in MiB resident; that of a process with the same libraries and no model is taken
off. A bare loop has weights, gradients, AdamW's state (twice the weights) and one batch. The engine has the
pretrained weights besides, to put them back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import made
from benchmarks.machine import python, run
from xlbench.spec.study import as_json

SMALL = made.Shape(4, 128)
TARGETS = "8 targets instead of 2"
ALLOCATION: Mapping[str, Mapping[str, str]] = {
    "as it is": {},
    "given back": {"MALLOC_MMAP_THRESHOLD_": "131072"},  # of glibc; others ignore it
}


def measure(folder: Path, shape: made.Shape, *, limit: int) -> dict[str, Any]:
    """Peaks and growth, as plain data."""
    return {"base": peaks(folder / "base", shape), "growth": growth(folder / "growth", limit)}


def peaks(folder: Path, shape: made.Shape) -> dict[str, Any]:
    """Of one model."""
    model = made.checkpoint(folder / "model", shape)
    weights = (model / "model.safetensors").stat().st_size / 1024**2
    mlm = {"chunk": 128, "batch_size": 2, "lines": 2000}
    found = {}
    for side in ("libraries", "bare", "engine"):
        path = folder / f"{side}.json"
        said = {
            "side": side,
            "model": str(model),
            "mlm": mlm,
            "steps": 2,
            "adapters": str(folder / "adapters"),
        }
        path.write_text(json.dumps(said), "utf-8")
        found[side] = run(python("-m", "benchmarks.peak", str(path))).peak
    bare, engine = (found[side] - found["libraries"] for side in ("bare", "engine"))
    return {
        "model": f"{shape.layers}x{shape.hidden}, vocabulary {shape.vocabulary}",
        "weights_mib": round(weights), "libraries_mib": round(found["libraries"]),
        "bare_loop_mib": round(bare), "engine_mib": round(engine),
        "bare_loop_in_weights": round(bare / weights, 2), "engine_in_weights": round(engine / weights, 2),
        "engine_beyond_optimizer_and_batch_in_weights": round((engine - bare) / weights + 1, 2),
    }  # fmt: skip


def growth(folder: Path, limit: int) -> dict[str, Any]:
    """Peaks of small studies, and of the same with more of one thing."""
    model = made.checkpoint(folder / "model", SMALL)
    files = made.files(folder / "data", ("pos",), limit)
    few: Mapping[str, Any] = {
        "targets": made.LANGUAGES[:2], "seeds": (0,), "steps": (10,), "limit": limit,
        "mlm": {"chunk": 64, "lines": 2000}, "adapter": {"epochs": 1, "limit": 50}, "transfer": ("qaa",),
    }  # fmt: skip
    more: Mapping[str, Mapping[str, Any]] = {
        "few": {}, TARGETS: {"targets": made.LANGUAGES},
        "3 seeds instead of 1": {"seeds": (0, 1, 2)}, "12 seeds": {"seeds": tuple(range(12))},
        "24 seeds": {"seeds": tuple(range(24))},
        "100 steps instead of 10": {"steps": (100,)}, "300 steps": {"steps": (300,)},
    }  # fmt: skip
    found = {how: dict[str, float]() for how in ALLOCATION}
    for number, (name, changed) in enumerate(more.items()):
        study = made.study(model, ("pos",), files, **{**few, **changed})
        for how, also in ALLOCATION.items():
            path = folder / f"{number} {how}.json"
            said = {"study": as_json(study), "results": str(path.with_suffix(""))}
            path.write_text(json.dumps(said), "utf-8")
            found[how][name] = run(python("-m", "benchmarks.new_way", str(path)), also=also).peak
    grown = {
        how: {name: round(peak - each["few"], 1) for name, peak in each.items() if name != "few"}
        for how, each in found.items()
    }
    sentences = 6 * limit
    return {
        "few_mib": {how: round(each["few"]) for how, each in found.items()},
        "grown_by_mib": grown,
        "sentences_added": sentences,
        "mib_a_thousand_sentences": round(grown["given back"][TARGETS] / sentences * 1000, 2),
    }
