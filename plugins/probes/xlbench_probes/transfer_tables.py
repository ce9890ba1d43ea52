"""The tables and matrices of a transfer page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.contracts import Curves, Matrix, Number, Table
from xlbench.contracts.mixture import has
from xlbench.probing import (
    TARGET_GAINS,
    chances,
    counted,
    crossed,
    difference,
    judge,
    made_from,
    mean,
    number,
    rank_correlation,
    relative,
    verdicts_over,
    words,
)
from xlbench_probes.arms import Arm
from xlbench_probes.transfer_answer import SHUFFLED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xlbench.contracts import Value
    from xlbench.probing import Estimate, Judged
    from xlbench_probes.transfer_view import View

FEWEST_DONORS = 6
"""Transfer languages below which no correlation with a distance is shown."""
SIDES = {"yes": "seen", "no": "unseen", "not known": "not known"}
"""Of targets, by what `Reading.seen` says."""
DETECTABLE = "Minimum detectable effect: the smallest true effect that is found with 80% power."
OWN_FAMILY = (
    "Own text of a transfer language is a cell of the effect matrix, and has its verdict; own texts of other "
    "targets are corrected together."
)


MATRIX = verdicts_over("the effect matrix at one number of steps")
"""Of every single effect, wherever it is shown."""


def donors(view: View) -> Table:
    """Transfer languages by donation at the largest number of steps."""
    k, name, seen, tier = view.last, view.reading.name, view.reading.seen, view.tiers(view.last)
    own = view.judged_own(k)
    rows = [
        (
            name(f),
            tier[f],
            seen(f),
            found.number,
            found.detectable,
            sum(not has(f, g) for g in view.targets),
            own[f].number if f in own else None,
        )
        for f, found in view.judged_donations(k).items()
    ]
    return Table(
        f"Transfer languages by donation, {counted(k, 'step')}",
        (
            "Transfer language",
            "Tier",
            "Seen",
            "Donation",
            "Minimum detectable effect",
            "Targets",
            "Own text",
        ),
        tuple(rows),
        "Donation: mean change of the score over all targets but the language itself, after fine-tuning on "
        "its text (positive: the targets gain). Tier: within a tier, no language is clearly worse than the "
        f"first, by corrected tests of all pairs. {DETECTABLE} Own text: adaptation to the language itself, "
        f"excluded from averages. {verdicts_over('the donations at one number of steps')} {OWN_FAMILY}",
        drawn=("Donation",),
        unit=view.metric.measure,
        sign=TARGET_GAINS,
    )


def controls(view: View) -> Table:
    """What donation is beside the same number of steps on other text."""
    k, effects, name = view.last, view.effects, view.reading.name
    columns: dict[str, dict[str, Estimate]] = {}
    for f, found in view.ranked_donors(k):
        sides: dict[str, tuple[str, Estimate, Estimate]] = {}
        for treatment in view.treatments:
            if effects.seeds(arm := Arm(f, k, treatment)):
                title = f"{treatment.capitalize()} text"
                sides[title] = (f"Donation minus {treatment}", found, view.donation(arm))
        if view.reference and view.reference != f:
            control = view.donation(Arm(view.reference, k), f)
            title = f"{name(view.reference)} text"
            sides[title] = ("Donation minus reference", view.donation(Arm(f, k), view.reference), control)
        own = {g: x for g in view.targets if not has(f, g) and (x := view.own(g, k)) is not None}
        if own:
            same = mean(effects.effect(Arm(f, k), g) for g in own)
            sides["Targets' own text"] = ("Donation minus own", same, mean(own.values()))
        for title, (minus, here, there) in sides.items():
            columns.setdefault(title, {})[f] = there
            columns.setdefault(minus, {})[f] = difference(here, there)
    tested = {
        (x, f): y for x, some in columns.items() if x.startswith("Donation minus ") for f, y in some.items()
    }
    judged = judge(tested, alike=lambda key: key[0])
    others = [x for x in view.treatments if x != SHUFFLED]
    other = f"the same text under the treatment {words(others)}; " if others else ""
    rows = []
    for f, _ in view.ranked_donors(k):
        cells = (
            judged[x, f].number if (x, f) in judged else number(some.get(f)) for x, some in columns.items()
        )
        rows.append((name(f), *cells))
    return Table(
        f"Donation against controls, {counted(k, 'step')}",
        ("Transfer language", *columns),
        tuple(rows),
        "What the same number of steps does on other text: the same text with its pieces in random order; "
        f"{other}text of the reference language; text of each target itself. Both sides of a difference "
        "are over the same targets: other than the transfer language, than the reference language beside it, "
        "and with text of their own beside that. Helps: the language does more for the targets than the "
        "control; a "
        f"donation that controls match is the effect of any update. {verdicts_over('the table')}",
        leads=True,
    )


def targets(view: View) -> Table:
    """Targets by recipience at the largest number of steps."""
    k, effects = view.last, view.effects
    found = view.judged_recipiences(k)
    rows = [
        (
            view.reading.name(g),
            view.reading.seen(g),
            effects.zero_shot(g),
            view.majority.get(g),
            found[g].number,
            found[g].detectable,
            relative(x, effects.before(g)).number(),
        )
        for g, x in view.ranked_targets(k)
    ]
    return Table(
        f"Targets by recipience, {counted(k, 'step')}",
        (
            "Target language",
            "Seen",
            "Zero-shot",
            "Majority",
            "Recipience",
            "Minimum detectable effect",
            "In % of zero-shot",
        ),
        tuple(rows),
        "Recipience: mean change of the target's score over all transfer languages but itself (positive: the "
        "target gains). Majority: score of always predicting the most frequent training label. "
        f"{DETECTABLE} {verdicts_over('the recipiences at one number of steps')}",
    )


def best_for_targets(view: View) -> Table:
    """The best transfer language for each target, beside the target's own text: what recommendations and
    summaries name.
    """
    k, name, what = view.last, view.reading.name, view.what or "effect"
    owned = view.judged_own(k)
    rows: list[tuple[Value | Number, ...]] = []
    for g, _ in view.ranked_targets(k):
        effects = {arm.text: view.effects.effect(arm, g) for arm in view.arms(k) if not has(arm.text, g)}
        own = owned[g].number if g in owned else None
        shares = chances(effects)
        if any(x.alone for x in effects.values()):
            rows.append((name(g), "this run only", None, None, own))
        elif shares is None:
            rows.append((name(g), None, mean(effects.values()).number(), None, own))
        else:
            first, found = next(iter(view.shortlist(g, k).items()))
            helps = (found.number.value or 0.0) > 0
            chosen, effect = (first, found.number) if helps else (None, None)
            share = round(100 * shares[chosen])
            rows.append((name(g), name(chosen) if chosen else "none", effect, share, own))
    return Table(
        f"Best transfer language for each target ({what}), {counted(k, 'step')}",
        ("Target language", "Best transfer language", f"Its {what}", "Best in % of draws", "Own text"),
        tuple(rows),
        f"Best: what clearly helps before the others, then by the lower end of the interval of the {what}, "
        "which puts what is sure before what may be large. This run only: with one seed none can be called "
        f"best. None: the {what} of what comes first is not above 0, so the model as it is comes first. Best "
        f"in % of draws: how often the bootstrap gives it the largest {what}, the model as it is among the "
        "candidates; near an even share it is first by chance. Of many, what comes first is likelier over- "
        f"than understated. Own text: adaptation to the target itself. {MATRIX} {OWN_FAMILY}",
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
        unit=view.metric.measure,
        sign=TARGET_GAINS,
        note="Mean recipience of targets in the model's pretraining and of those outside it (how many, in "
        "brackets); targets of which that is not known are left out.",
    )


def distances(view: View, what: str = "Effect") -> Table:
    """Whether a known distance goes with the effect, or the gain, at the largest number of steps."""
    rows: list[tuple[Value | Number, ...]] = []
    for distance in view.distances:
        for side in SIDES:
            effects = {
                (arm.text, g): view.effects.effect(arm, g)
                for arm in view.arms(view.last)
                for g in view.targets
                if not has(arm.text, g) and view.reading.seen(g) == side and (arm.text, g) in distance.table
            }
            if effects:
                label = f"{view.task}, {distance.name}, {side}"
                found = rank_correlation(effects, distance.table, label)
                rows.append((distance.name, SIDES[side], found, len(effects), distance.summary))
    return Table(
        f"{what} and known distance, {counted(view.last, 'step')}",
        ("Distance", "Targets", "Rank correlation", "Pairs", "What it is"),
        tuple(rows),
        f"Spearman's correlation of the {what.lower()} with the distance between transfer and target "
        "language, over pairs of different languages: below 0, nearer languages help more. Targets seen in "
        "pretraining stand apart from unseen ones, since text of a near language may help the one kind and "
        "overwrite what the model knows of the other. 95% CIs by a bootstrap over both languages, each pair "
        f"with its number in a draw of seeds and test examples. Shown from {FEWEST_DONORS} transfer "
        "languages on.",
    )


def donation_by_steps(view: View) -> Curves:
    """Donation at every number of steps."""
    return _by_steps(view, "Donation by steps", "Transfer language", view.judged_donations, "donations")


def recipience_by_steps(view: View) -> Curves:
    """Recipience at every number of steps."""
    return _by_steps(view, "Recipience by steps", "Target language", view.judged_recipiences, "recipiences")


def seeds_spent(view: View, steps: int) -> Table:
    """Of an adaptive study: how many seeds each transfer language's effects have, and why no more."""
    followed, most = view.followed, view.seeds
    rows: list[tuple[Value | Number, ...]] = []
    for f, _ in view.ranked_donors(view.last):
        cells = [followed[pair] for g in view.targets if (pair := (Arm(f, steps), g)) in followed]
        short = [x for x in cells if x.seeds < most]
        rows.append(
            (
                view.reading.name(f),
                sum(x.seeds for x in cells),
                most * len(cells),
                *(sum(x.word == word for x in short) for word in ("helps", "harms", "no clear effect")),
                len(cells) - len(short),
            )
        )
    return Table(
        f"Seeds spent, {counted(steps, 'step')}",
        ("Transfer language", "Evaluations", "Of", "Soon: helps", "Soon: harms", "Left", "All seeds"),
        tuple(rows),
        "Evaluations that were run, of those that all seeds would need; then targets: settled before all "
        "seeds by a sequential test, corrected over the matrix; left, since seeds to come were unlikely to "
        "settle them; and those that got all seeds. An effect is the mean over the seeds that it has.",
    )


def matrix(view: View, steps: int) -> Matrix:
    """Every effect."""
    return by_pair(
        view,
        steps,
        "Effect",
        f"Change of the target's score after fine-tuning on the transfer language's text. {MATRIX}",
        ties=True,
    )


def by_pair(view: View, steps: int, what: str, note: str, *, ties: bool = False) -> Matrix:
    """What the view has of every pair; rows and columns in the order of the tables at the largest number of
    steps. `ties`: with the languages that are tied with the best, at that number.
    """
    rows = [f for f, _ in view.ranked_donors(view.last)]
    columns = [g for g, _ in view.ranked_targets(view.last)]
    found, effects = view.judged_effects(steps), view.effects
    tied = [view.tied(g, steps) for g in columns] if ties and steps == view.last else []

    def cell(f: str, g: str) -> Number:
        if (f, g) not in found:
            return Number(None)
        after = effects.after(Arm(f, steps), g)
        return made_from(found[f, g].number, before=effects.before(g), after=after)

    return Matrix(
        f"{what} on {view.task}, {counted(steps, 'step')}",
        tuple(view.reading.name(f) for f in rows),
        tuple(view.reading.name(g) for g in columns),
        tuple(tuple(cell(f, g) for g in columns) for f in rows),
        "Transfer language",
        "Target language",
        unit=view.metric.measure,
        note=note,
        sign=TARGET_GAINS,
        ties=tuple(tuple(i for i, f in enumerate(rows) if f in some) for some in tied),
    )


def predictors(view: View) -> Table | None:
    """What predicts the effect; None where languages are too few, or an effect is missing."""
    effects, known = view.known_pairs(view.last)
    fitted = crossed(effects, known) if effects else None
    if fitted is None:
        return None
    rows = [(x.name, _VARIES[x.varies], x.number) for x in fitted.terms]
    rest = "; ".join(f"{name} {x:.2f}" for name, x in fitted.deviations.items())
    out = "; ".join(f"{name} ({why})" for name, why in fitted.left_out.items())
    return Table(
        f"What predicts the effect, {counted(view.last, 'step')}",
        ("Predictor", "Varies with", "Change of effect"),
        tuple(rows),
        "A linear model of the effects of all pairs of different languages, with transfer and target "
        "language as crossed random effects: by how much an effect is higher where the predictor "
        "holds, or for one standard deviation of it, the others held. Helps: it goes with higher effects, "
        f"which need not be its doing. Standard deviations of what is left, in {view.metric.unit}: {rest}."
        f"{f' Not in it: {out}.' if out else ''} {verdicts_over('the table')}",
    )


_VARIES = {"transfer": "transfer language", "target": "target language", "pair": "both"}


def _by_steps(
    view: View, title: str, first: str, judged: Callable[[int], Mapping[str, Judged]], family: str
) -> Curves:
    """Names in the order of the table at the largest number of steps."""
    found = {k: judged(k) for k in view.steps}
    return Curves(
        title,
        tuple(map(view.reading.name, found[view.last])),
        view.steps,
        tuple(
            tuple(found[k][x].number if x in found[k] else None for k in view.steps) for x in found[view.last]
        ),
        first,
        "Steps",
        unit=view.metric.measure,
        sign=TARGET_GAINS,
        note=verdicts_over(f"the {family} at one number of steps"),
    )
