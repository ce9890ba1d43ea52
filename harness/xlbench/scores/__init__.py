"""What counts come to: effects of transfer and their averages, each with its interval."""

from xlbench.scores.averages import best, donation, recipience, relative
from xlbench.scores.effects import DRAWS, Arm, Condition, Effects, Mixture, Trial
from xlbench.scores.estimate import Estimate, absent, difference, mean
from xlbench.scores.interference import inflicted, interference, suffered
from xlbench.scores.rank import rank_correlation, spearman
from xlbench.scores.significance import benjamini_hochberg, draws_for, kind, p_value, verdicts

__all__ = [
    "DRAWS",
    "Arm",
    "Condition",
    "Effects",
    "Estimate",
    "Mixture",
    "Trial",
    "absent",
    "benjamini_hochberg",
    "best",
    "difference",
    "donation",
    "draws_for",
    "inflicted",
    "interference",
    "kind",
    "mean",
    "p_value",
    "rank_correlation",
    "recipience",
    "relative",
    "spearman",
    "suffered",
    "verdicts",
]
