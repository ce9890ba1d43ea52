"""Which labels a fine-tuned model predicts more or less often than before. Imports numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import Table
from xlbench.probing import counted
from xlbench_probes.labels import gold, predicted
from xlbench_probes.transfer import reading_of, run_of
from xlbench_probes.transfer_view import PROBE, View
from xlbench_probes.zero_shot_pages import measured

if TYPE_CHECKING:
    from xlbench.contracts import Evaluation, ReadBy

MOVED = 5.0
"""Points of a label's share of words beneath which a move is left out. A share of 20% in 50 sentences of 8
words has a standard error of 2 points, so that less may be the choice of sentences."""
ROWS = 20


def moved(view: View) -> Table | None:
    """The labels whose predicted share moved most, by transfer language and target, at the largest number of
    steps; None where no label did, or nothing is stored of labels.
    """
    found: dict[tuple[str, str], list[Evaluation | None]] = {}
    adapter: ReadBy | None = None
    for job, cell in view.reading.planned(PROBE, view.task):
        run = run_of(job)
        if run.is_plain and (reading_of(job), run.steps) == (view.read_out, view.last):
            adapter = job.typed.adapter
            pair = run.name, cell.target
            found.setdefault(pair, []).append(view.reading.evaluation(job, cell))
    before = {
        g: [one for _, _, one in some.values() if one]
        for g, some in measured(view.reading, view.task, adapter).items()
    }
    moves: list[tuple[float, str, str, str, float, float, float]] = []
    for (f, g), evaluations in found.items():
        after = predicted(x for x in evaluations if x)
        zero, right = predicted(before.get(g, ())), gold(before.get(g, ()))
        if not after or not zero:
            continue
        for label in {**zero, **after}:
            old, new = zero.get(label, 0.0), after.get(label, 0.0)
            if abs(new - old) >= MOVED:
                moves.append((abs(new - old), f, g, label, right.get(label, 0.0), old, new))
    if not moves:
        return None
    moves.sort(key=lambda x: (-x[0], *x[1:4]))
    name, left = view.reading.name, len(moves) - ROWS
    rows = tuple(
        (name(f), name(g), label, *(f"{x:.1f}" for x in (right, old, new)), f"{new - old:+.1f}")
        for _, f, g, label, right, old, new in moves[:ROWS]
    )
    more = f" The {ROWS} largest of {len(moves)} moves." if left > 0 else ""
    return Table(
        f"Predicted labels that moved, {counted(view.last, 'step')}",
        ("Transfer language", "Target language", "Label", "Gold", "Zero-shot", "After", "Moved"),
        rows,
        "Share of the target's words that have the label: in the gold data, and as predicted before and "
        "after fine-tuning, in percent, means over seeds. Labels whose share moved by "
        f"{MOVED:g} points or more; less may be the choice of sentences. Where one label takes over others, "
        f"an effect says more of the labels than of the language.{more}",
    )
