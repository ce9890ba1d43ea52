"""The tables and matrices of a transfer page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import Curves, Matrix, Number, Table
from xlbench.scores import Arm, best, difference, mean, rank_correlation, relative
from xlbench_probes.reading import counted, made_from, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xlbench.contracts import Value
    from xlbench.scores import Estimate
    from xlbench_probes.transfer_view import View


def donors(view: View) -> Table:
    """Transfer languages by donation at the largest number of steps."""
    k, name, seen = view.last, view.reading.name, view.reading.seen
    rows = [
        (name(f), seen(f), found.number(), sum(g != f for g in view.targets), number(view.own(f, k)))
        if f in view.targets
        else (name(f), seen(f), found.number(), len(view.targets), None)
        for f, found in view.ranked_donors(k)
    ]
    return Table(
        f"Transfer languages by donation, {counted(k, 'step')}",
        ("Transfer language", "Seen", "Donation", "Targets", "On itself"),
        tuple(rows),
        "Donation: mean change of the score over targets other than the language itself, after finetuning on "
        "its text. On itself: adaptation, in no mean.",
    )


def controls(view: View) -> Table:
    """What donation is beside the same number of steps on text that cannot teach the language."""
    k, effects = view.last, view.effects
    columns = ["Transfer language"]
    if view.shuffled:
        columns += ["Shuffled text", "Donation minus shuffled"]
    if view.reference:
        columns += [f"{view.reading.name(view.reference)} text", "Donation minus reference"]
    rows = []
    for f, found in view.ranked_donors(k):
        row: list[Value | Number] = [view.reading.name(f)]
        if view.shuffled:
            arm = Arm(f, k, "shuffled")
            there = bool(effects.seeds(arm))
            row += (
                [number(view.donation(arm)), number(difference(found, view.donation(arm)))] if there else _GAP
            )
        if view.reference == f:
            row += _GAP
        elif view.reference:
            control = view.donation(Arm(view.reference, k), f)
            paired = view.donation(Arm(f, k), view.reference)
            row += [number(control), number(difference(paired, control))]
        rows.append(tuple(row))
    note = ["The same number of steps"]
    if view.shuffled:
        note.append("on the same text with its pieces in random order" + (", and" if view.reference else "."))
    if view.reference:
        note.append(
            "on text of the reference language (over targets other than the transfer and the reference "
            "language, in both)."
        )
    note.append("A donation that controls match is the effect of any update, not of the language.")
    title = f"Donation against controls, {counted(k, 'step')}"
    return Table(title, tuple(columns), tuple(rows), " ".join(note))


def targets(view: View) -> Table:
    """Targets by recipience at the largest number of steps."""
    k, effects = view.last, view.effects
    rows = [
        (
            view.reading.name(g),
            view.reading.seen(g),
            effects.before(g).number(),
            view.majority.get(g),
            found.number(),
            relative(found, effects.before(g)).number(),
        )
        for g, found in view.ranked_targets(k)
    ]
    return Table(
        f"Targets by recipience, {counted(k, 'step')}",
        ("Target language", "Seen", "Zero-shot", "Majority", "Recipience", "In % of zero-shot"),
        tuple(rows),
        "Recipience: mean change of the target's score over transfer languages other than itself. Majority: "
        "what reads no input, such as always the most frequent training label.",
    )


def best_for_targets(view: View) -> Table:
    """The best transfer language for each target, beside the target's own text."""
    k = view.last
    rows: list[tuple[Value | Number, ...]] = []
    for g, _ in view.ranked_targets(k):
        effects = {arm.text: view.effects.effect(arm, g) for arm in view.arms(k) if arm.text != g}
        chosen, own = best(effects), number(view.own(g, k))
        if chosen is None:
            rows.append((view.reading.name(g), None, mean(effects.values()).number(), None, own))
        else:
            f, share = chosen
            rows.append(
                (view.reading.name(g), view.reading.name(f), number(effects[f]), round(100 * share), own)
            )
    return Table(
        f"Best transfer language for each target, {counted(k, 'step')}",
        ("Target language", "Best transfer language", "Its effect", "Best in % of draws", "Own text"),
        tuple(rows),
        "Best in % of draws: how often the bootstrap puts it first; near 100 it is clearly the best, near an "
        "even share it is first by chance. The effect of what comes first of many is likelier over- than "
        "understated. Own text: adaptation to the target itself.",
    )


def seen_against_unseen(view: View) -> Curves:
    """Mean recipience of targets in the model's pretraining, and of the others."""
    seen = view.reading.records.seen
    sides = [[g for g in view.targets if seen.get(g) is side] for side in (True, False)]
    rows: list[list[Number | None]] = [[], [], []]
    for k in view.steps:
        means = [mean(view.recipience(g, k) for g in side) for side in sides]
        for row, found in zip(rows, (*means, difference(means[1], means[0])), strict=True):
            row.append(number(found))
    return Curves(
        "Seen against unseen targets",
        (f"Seen ({len(sides[0])})", f"Unseen ({len(sides[1])})", "Unseen minus seen"),
        view.steps,
        tuple(map(tuple, rows)),
        "Targets",
        "Steps",
        unit=f"points of {view.metric.name}",
        note="Mean recipience of targets in the model's pretraining and of those outside it (how many, in "
        "brackets); targets of which that is not known are left out.",
    )


def distances(view: View) -> Table:
    """Whether a known distance goes with the effect at the largest number of steps."""
    rows = []
    for distance in view.distances:
        pairs = [
            (arm, g)
            for arm in view.arms(view.last)
            for g in view.targets
            if arm.text != g and (arm.text, g) in distance.table
        ]
        found = rank_correlation(
            [view.effects.effect(arm, g) for arm, g in pairs],
            [distance.table[arm.text, g] for arm, g in pairs],
            f"{view.task}, {distance.name}",
        )
        rows.append((distance.name, found.number(), len(pairs), distance.summary))
    return Table(
        f"Effect and known distance, {counted(view.last, 'step')}",
        ("Distance", "Rank correlation", "Pairs", "What it is"),
        tuple(rows),
        "Spearman's correlation of the effect with the distance between transfer and target language, over "
        "pairs of different languages: below 0, nearer languages help more. 95% intervals by a bootstrap "
        "over pairs, each with its effect in a draw of seeds and test examples.",
    )


def donation_by_steps(view: View) -> Curves:
    """Donation at every number of steps."""
    rows = [
        (view.reading.name(f), [view.donation(Arm(f, k)) for k in view.steps])
        for f, _ in view.ranked_donors(view.last)
    ]
    return _by_steps(view, "Donation by steps", "Transfer language", rows)


def recipience_by_steps(view: View) -> Curves:
    """Recipience at every number of steps."""
    rows = [
        (view.reading.name(g), [view.recipience(g, k) for k in view.steps])
        for g, _ in view.ranked_targets(view.last)
    ]
    return _by_steps(view, "Recipience by steps", "Target language", rows)


def matrix(view: View, steps: int) -> Matrix:
    """Every effect; rows and columns in the order of the tables at the largest number of steps."""
    rows = [f for f, _ in view.ranked_donors(view.last)]
    columns = [g for g, _ in view.ranked_targets(view.last)]
    effects = view.effects

    def cell(f: str, g: str) -> Number:
        arm = Arm(f, steps)
        return made_from(
            effects.effect(arm, g).number(), before=effects.before(g), after=effects.after(arm, g)
        )

    return Matrix(
        f"Effect on {view.task}, {counted(steps, 'step')}",
        tuple(view.reading.name(f) for f in rows),
        tuple(view.reading.name(g) for g in columns),
        tuple(tuple(cell(f, g) for g in columns) for f in rows),
        "Transfer language",
        "Target language",
        unit=f"points of {view.metric.name}",
        note="Change of the target's score after finetuning on the transfer language's text.",
    )


_GAP: list[Value | Number] = [None, None]


def _by_steps(view: View, title: str, first: str, rows: Sequence[tuple[str, Sequence[Estimate]]]) -> Curves:
    names = tuple(name for name, _ in rows)
    values = tuple(tuple(map(number, line)) for _, line in rows)
    return Curves(title, names, view.steps, values, first, "Steps", unit=f"points of {view.metric.name}")
