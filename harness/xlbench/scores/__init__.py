"""What counts come to: effects of transfer and their averages, each with its interval."""

from xlbench.scores.averages import best, donation, recipience, relative
from xlbench.scores.effects import DRAWS, Arm, Effects, Trial
from xlbench.scores.estimate import Estimate, absent, difference, mean
from xlbench.scores.rank import rank_correlation, spearman

__all__ = [
    "DRAWS",
    "Arm",
    "Effects",
    "Estimate",
    "Trial",
    "absent",
    "best",
    "difference",
    "donation",
    "mean",
    "rank_correlation",
    "recipience",
    "relative",
    "spearman",
]
