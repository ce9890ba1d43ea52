"""What counts come to: effects of transfer and their averages, each with its interval."""

from xlbench.scores.averages import best, chances, donation, recipience, relative
from xlbench.scores.crossed import Crossed, Term, crossed
from xlbench.scores.effects import DRAWS, Arm, Condition, Effects, Mixture, Trial
from xlbench.scores.estimate import Estimate, absent, difference, mean
from xlbench.scores.interference import inflicted, interference, suffered
from xlbench.scores.rank import rank_correlation, spearman
from xlbench.scores.repeats import LEAST_SEEDS, Repeated, rate_interval, repeated
from xlbench.scores.sequential import Course, Followed, follow
from xlbench.scores.significance import (
    Judged,
    benjamini_hochberg,
    holm,
    judge,
    kind,
    p_value,
    randomisation,
    several,
    verdicts,
)
from xlbench.scores.spread import components
from xlbench.scores.tiers import tiers

__all__ = [
    "DRAWS",
    "LEAST_SEEDS",
    "Arm",
    "Condition",
    "Course",
    "Crossed",
    "Effects",
    "Estimate",
    "Followed",
    "Judged",
    "Mixture",
    "Repeated",
    "Term",
    "Trial",
    "absent",
    "benjamini_hochberg",
    "best",
    "chances",
    "components",
    "crossed",
    "difference",
    "donation",
    "follow",
    "holm",
    "inflicted",
    "interference",
    "judge",
    "kind",
    "mean",
    "p_value",
    "randomisation",
    "rank_correlation",
    "rate_interval",
    "recipience",
    "relative",
    "repeated",
    "several",
    "spearman",
    "suffered",
    "tiers",
    "verdicts",
]
