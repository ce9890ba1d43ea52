"""How often each label is predicted, beside how often it is right to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from xlbench.contracts import GOLD_SHARE, PREDICTED_SHARE

if TYPE_CHECKING:
    from xlbench.contracts import Labels


def label_shares(gold: Sequence[Labels], predicted: Sequence[Labels]) -> dict[str, float]:
    """Shares of all words, in percent, by label that occurs: `gold.NOUN`, `predicted.NOUN`. Words that were
    cut off count among all words, and have no predicted label.
    """
    words = sum(map(len, gold))
    found: dict[str, float] = {}
    for prefix, labels in ((GOLD_SHARE, gold), (PREDICTED_SHARE, predicted)):
        counts = Counter(label for sentence in labels for label in sentence if label is not None)
        found |= {f"{prefix}{label}": 100 * count / words for label, count in sorted(counts.items())}
    return found
