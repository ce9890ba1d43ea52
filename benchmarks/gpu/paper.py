"""The time of a study of the size of arXiv 2403.20088, from measured parts."""

from __future__ import annotations

from benchmarks.gpu.speed import Costs
from benchmarks.overhead import SEEDS, STEPS, TARGETS, TRANSFER

SENTENCES = 1_252
"""Test sentences a cell: the mean of the paper's 114 treebanks, of 142,730 sentences in all."""


def extrapolated(costs: Costs, overhead: float | None, chunk: int = 512) -> dict[str, str]:
    """Hours on one device, with the arithmetic. `overhead`: seconds a cell to plan, store and read back;
    None: not measured, and said to be left out.

    Every cell is taken to cost what part-of-speech tagging does. Task adapters are trained once and left out.
    """
    runs = TRANSFER * len(STEPS) * SEEDS
    steps = TRANSFER * SEEDS * sum(STEPS)
    pairs = sum(TARGETS.values())
    cells = runs * pairs
    parts = {
        "starts": (f"{runs:,} fine-tunings x {costs.start:.3g} s", runs * costs.start),
        "steps": (
            f"{TRANSFER} languages x {SEEDS} seeds x ({' + '.join(map(str, STEPS))}) steps = {steps:,} steps "
            f"of 8 x {chunk} tokens x {costs.step:.3g} s",
            steps * costs.step,
        ),
        "evaluation": (
            f"{runs:,} fine-tunings x {pairs} target cells x {SENTENCES:,} sentences x "
            f"{costs.sentence:.3g} s",
            cells * SENTENCES * costs.sentence,
        ),
    }
    if overhead is not None:
        parts["bookkeeping"] = f"{cells:,} cells x {overhead:.3g} s", cells * overhead
    total = sum(seconds for _, seconds in parts.values())
    said = {name: f"{how} = {seconds / 3600:.1f} h" for name, (how, seconds) in parts.items()}
    name = "in all" if overhead is not None else "in all, without bookkeeping, which was not measured"
    return {**said, name: f"{total / 3600:.1f} h"}
