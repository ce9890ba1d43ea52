"""What counts come to: effects of transfer and their averages, each with its interval."""

from xlbench.scores.averages import best, chances, relative
from xlbench.scores.crossed import Crossed, Term, crossed
from xlbench.scores.effects import DRAWS, Condition, Effects, Trial
from xlbench.scores.estimate import Estimate, absent, difference, mean, weighted
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
    "Condition",
    "Course",
    "Crossed",
    "Effects",
    "Estimate",
    "Followed",
    "Judged",
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
    "follow",
    "holm",
    "judge",
    "kind",
    "mean",
    "p_value",
    "randomisation",
    "rank_correlation",
    "rate_interval",
    "relative",
    "repeated",
    "several",
    "spearman",
    "tiers",
    "verdicts",
    "weighted",
]
