"""Task loss: what the right decisions of each test example cost the model, a second score of any task."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench.contracts import Metric
from xlbench.errors import JobError
from xlbench.metrics.scoring import score_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import Loss

_SLACK = 1e-3
"""Nats below 0 that rounding may come to."""


def _score(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """- nats / decisions; 0 where there is no decision."""
    sums = np.asarray(sums, np.float64)
    decisions = sums[..., 1]
    found: NDArray[np.float64] = np.divide(
        -sums[..., 0], decisions, out=np.zeros_like(decisions), where=decisions != 0
    )
    return found


def _uncounted(gold: Any, predicted: Any) -> tuple[float, ...]:
    raise NotImplementedError("the task loss comes from the model's forward pass, not from predictions")


TASK_LOSS = Metric(
    "task loss",
    ("nats", "decisions"),
    _uncounted,
    _score,
    lowest=-math.inf,
    highest=0.0,
    counts="real",
    unit="nats per decision",
)
"""Of `Evaluation.loss`. Its score is minus the loss, so that a positive effect is a gain of the target, as
everywhere: a reduction of the loss.
"""


def mean_loss(loss: Loss | None) -> float | None:
    """Nats per decision; None where it is not known, or there is no decision."""
    if loss is None or not loss[:, 1].any():
        return None
    return -float(score_of(TASK_LOSS.score, loss))


def checked_loss(loss: Any, n: int, where: str) -> Loss:
    """The loss of `n` examples, shape (n, 2). Raises JobError, which begins with `where`, for another shape,
    and for the first example whose numbers are no nats and decisions.
    """
    found = np.asarray(loss)
    if found.shape != (n, 2) or found.dtype.kind not in "iuf":
        raise JobError(
            f"{where}: the loss has shape {found.shape}, not {(n, 2)}: nats and decisions of each example"
        )
    nats, decisions = found[:, 0], found[:, 1]
    with np.errstate(invalid="ignore"):
        sound = (np.abs(nats) < np.inf) & (nats >= -_SLACK) & (decisions >= 0) & (decisions < 2**31)
        sound &= decisions == np.floor(decisions)
        sound &= (decisions > 0) | (nats == 0)
    if not sound.all():
        first = int(np.argmin(sound))
        raise JobError(
            f"{where}, example {first + 1}: the loss is {nats[first]:g} nats over {decisions[first]:g} "
            "decisions; decisions are a whole number, and nats finite and at least 0 (0 without a decision)"
        )
    return found.astype(np.float32)
