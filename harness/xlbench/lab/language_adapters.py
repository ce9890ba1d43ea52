"""Training of a language adapter on the frozen pretrained model, by a pretraining objective."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch

from xlbench.errors import DataError, JobError, ran_out
from xlbench.lab.objectives.objective import halves
from xlbench.lab.training import TextTraining, linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import LanguageTraining
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.objectives.objective import B, Pretrains

MASKS_OF_HELD_OUT = 0
"""Seed of the batches of held-out text: the same for all runs, so that their losses can be compared."""


def fit(
    encoder: Encoder,
    objective: Pretrains[B],
    name: str,
    text: NDArray[np.int32],
    how: LanguageTraining,
    add: Callable[[str], None],
    seed: int,
    progress: Callable[[float], None],
) -> dict[str, float]:
    """Train a fresh adapter called `name`, which `add` puts into the model, on `text`, chunks of pieces of
    shape (chunks, length).

    Returns `held_out_before` and `held_out_after` (the objective's loss, in nats, on the last chunks, which
    are not trained on; before is the bare encoder) and `adapter_steps`, those of the weights that are kept.
    Raises DataError where there is but one chunk, JobError where the loss is not finite.
    """
    kept = max(1, round(len(text) * how.held_out))
    if len(text) <= kept:
        raise DataError(
            f"text of {len(text)} chunk of {text.shape[1]} pieces is too little to train a language adapter "
            "on and hold some out; give more text, or set language_training.chunk lower"
        )
    seen, held_out = text[:-kept], text[-kept:]
    rounds = -(-kept // how.batch_size)
    unseen = list(islice(objective.batches(held_out, encoder, how, MASKS_OF_HELD_OUT), rounds))
    steps = how.epochs * -(-len(seen) // how.batch_size)
    steps = steps if how.steps is None else min(steps, how.steps)
    encoder.use_no_adapter()
    before = _mean_loss(encoder, objective, unseen)
    torch.manual_seed(seed)
    add(name)
    parameters = encoder.train_language_adapter(name)
    checks = {round(steps * (i + 1) / how.checks) for i in range(how.checks)}
    best, best_step, worse = math.inf, 0, 0
    weights = [p.detach().clone() for p in parameters]

    def after(step: int) -> bool:
        nonlocal best, best_step, worse
        progress(step / steps)
        if step not in checks:
            return True
        encoder.train(False)
        loss = _mean_loss(encoder, objective, unseen)
        encoder.train(True)
        if loss < best:
            best, best_step, worse = loss, step, 0
            for copy, parameter in zip(weights, parameters, strict=True):
                copy.copy_(parameter.detach())
        else:
            worse += 1
        return worse < how.patience

    batches = objective.batches(seen, encoder, how, seed)
    rate = linear(how.learning_rate, steps)
    try:
        setting = "language_training.learning_rate"
        TextTraining(encoder, objective, parameters, batches, rate, setting, seed).run(steps, after)
        if math.isinf(best):
            raise JobError(
                f"held-out loss was not finite at any check; lower language_training.learning_rate "
                f"({how.learning_rate:g})"
            )
        with torch.no_grad():
            for copy, parameter in zip(weights, parameters, strict=True):
                parameter.copy_(copy)
    except BaseException:
        encoder.use_no_adapter()
        encoder.delete_adapter(name)
        raise
    encoder.use_no_adapter()
    return {"held_out_before": before, "held_out_after": best, "adapter_steps": float(best_step)}


def _mean_loss(encoder: Encoder, objective: Pretrains[B], batches: Sequence[B]) -> float:
    """Mean over all places of the batches that carry loss, in nats."""
    with torch.inference_mode():
        losses = [_loss(encoder, objective, batch) for batch in batches]
    return float(np.average(losses, weights=[objective.places(batch) for batch in batches]))


def _loss(encoder: Encoder, objective: Pretrains[B], batch: B) -> float:
    """Mean over the places of a batch, in nats; by halves where memory runs out."""
    try:
        return objective.loss(encoder, batch).item()
    except Exception as error:
        if not ran_out(error):
            raise
    parts = [(share, part) for _, share, part in halves(objective, batch) if share]
    encoder.halving.note("evaluation")
    return sum(share * objective.loss(encoder, part).item() for share, part in parts)
