"""The one training loop: steps of AdamW over batches, their learning rates and their random state.

Follows the released code of arXiv 2403.20088: AdamW without weight decay; linear decay to 0 over the steps of
the run, or, of fine-tuning and unlike there, a constant rate; no warmup; gradients clipped at norm 1 where
there are labels, and not on text.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

from xlbench.errors import JobError, ran_out
from xlbench.lab.memory import exhausted, learned
from xlbench.lab.objectives.objective import B, halves
from xlbench.lab.random_state import get_random_state, set_random_state

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Parameter

    from xlbench.contracts import FinetuningSettings
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.matched import Budget
    from xlbench.lab.objectives.objective import Pretrains

Batch = TypeVar("Batch")
LABELLED_NORM = 1.0
"""At which gradients are clipped where there are labels."""


def linear(learning_rate: float, steps: int) -> Callable[[int], float]:
    """Linear decay to 0 over `steps` steps, no warmup: the learning rate of each step, counted from 0."""
    return lambda step: learning_rate * (1 - step / steps)


class Training(Generic[Batch]):
    """Steps of AdamW without weight decay over `batches`, which may be done in several parts.

    Between them the random state is put aside, so that parts make the very steps of one run; it begins with
    the state as it is. `learn` adds up the gradients of a batch, in halves or not, and gives its loss in
    nats; None for a batch that has nothing to learn from, which counts as a step and makes none. Batches are
    halved from the first on for which memory does not suffice. `rate` is the learning rate of each
    step; `clip` the norm at which gradients are clipped. `what` names the loss and `setting` the rate, for
    whoever must lower it.
    """

    def __init__(
        self,
        encoder: Encoder,
        parameters: Sequence[Parameter],
        batches: Iterator[Batch],
        learn: Callable[[Batch, bool], Tensor | None],
        rate: Callable[[int], float],
        *,
        what: str,
        setting: str,
        clip: float | None = None,
    ) -> None:
        self.losses: list[float | None] = []
        """Of each step done, in nats; None where its batch had nothing to learn from."""
        self._encoder, self._parameters, self._batches = encoder, parameters, batches
        self._learn, self._rate, self._clip = learn, rate, clip
        self._what, self._setting = what, setting
        self._optimizer = torch.optim.AdamW(
            parameters, lr=rate(0), betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, fused=True
        )
        self._random = get_random_state(encoder.device)
        self._halved = False

    @property
    def done(self) -> int:
        """Steps."""
        return len(self.losses)

    def run(self, steps: int, after: Callable[[int], bool]) -> float:
        """Go on until `steps` are done in all, or `after`, called with the number done, says no.

        Returns the last loss in nats; the parameters, which must be trainable, are frozen then. Raises
        JobError where a loss is not finite.
        """
        value = math.nan
        set_random_state(self._encoder.device, self._random)
        self._encoder.train(True)
        try:
            for batch in itertools.islice(self._batches, steps - self.done):
                for group in self._optimizer.param_groups:
                    group["lr"] = self._rate(self.done)
                loss = self._step(batch)
                if loss is not None:
                    if self._clip is not None:
                        torch.nn.utils.clip_grad_norm_(self._parameters, self._clip)
                    self._optimizer.step()
                    # Waits for an accelerator, so it comes after all that is queued there.
                    value = loss.item()
                    if not math.isfinite(value):
                        raise JobError(
                            f"{self._what} became {value} at step {self.done + 1} of {steps}; lower "
                            f"{self._setting} ({self._rate(0):g})"
                        )
                self.losses.append(None if loss is None else value)
                if not after(self.done):
                    break
        finally:
            self._random = get_random_state(self._encoder.device)
            self._encoder.train(False)
            for parameter in self._parameters:
                parameter.grad = None
                parameter.requires_grad_(False)
        return value

    def _step(self, batch: Batch) -> Tensor | None:
        """Add up the gradients of a batch. Raises JobError where memory does not suffice for its halves."""
        encoder = self._encoder
        self._optimizer.zero_grad(set_to_none=True)
        if not self._halved:
            before = get_random_state(encoder.device)
            try:
                return self._learn(batch, False)
            except Exception as error:
                if not ran_out(error):
                    raise
                self._halved = True
            set_random_state(encoder.device, before)
            self._optimizer.zero_grad(set_to_none=True)
            encoder.halving.note("training")
        try:
            return self._learn(batch, True)
        except Exception as error:
            if not ran_out(error) or isinstance(error, JobError):
                raise
            raise exhausted("training") from error


class TextTraining(Training[B]):
    """Training by a pretraining objective, without clipping."""

    def __init__(
        self,
        encoder: Encoder,
        objective: Pretrains[B],
        parameters: Sequence[Parameter],
        batches: Iterator[B],
        rate: Callable[[int], float],
        setting: str,
        seed: int,
    ) -> None:
        self.chunks: list[NDArray[np.int64]] = []
        """Numbers of the chunks of each step."""

        def learn(batch: B, halved: bool) -> Tensor:
            parts = halves(objective, batch) if halved else [(len(batch.chunks), 1.0, batch)]
            losses = [(size, share, partial(objective.loss, encoder, one)) for size, share, one in parts]
            loss = learned(encoder.device, losses)
            self.chunks.append(batch.chunks)
            return loss

        torch.manual_seed(seed)
        what = "the text's loss"
        super().__init__(encoder, parameters, batches, learn, rate, what=what, setting=setting)


def finetuning(
    encoder: Encoder,
    objective: Pretrains[B],
    text: NDArray[np.int32],
    settings: FinetuningSettings,
    *,
    steps: int,
    seed: int,
    budget: Budget | None = None,
) -> TextTraining[B]:
    """A run over the encoder's own weights that are not frozen, to be started from the pretrained ones.

    With linear decay it is one of `steps` steps; at a constant rate of as many as wanted, a part at a time.
    """
    batches = objective.batches(text, encoder, settings, seed, budget)
    rate = settings.learning_rate
    decay = linear(rate, steps) if settings.schedule == "linear" else lambda step: rate
    own = encoder.trainable_base(settings.freeze)
    return TextTraining(encoder, objective, own, batches, decay, "mlm.learning_rate", seed)
