"""Training on text by a pretraining objective: the loop, its learning rates and its random state.

Follows the released code of arXiv 2403.20088: AdamW without weight decay; linear decay to 0 over the steps of
the run, or, unlike there, a constant rate; no warmup, no clipping.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic

import torch

from xlbench.errors import JobError
from xlbench.lab.objectives.objective import B, Pretrains

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Parameter

    from xlbench.contracts import MaskedLM
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.matched import Budget


def linear(learning_rate: float, steps: int) -> Callable[[int], float]:
    """Linear decay to 0 over `steps` steps, no warmup: the learning rate of each step, counted from 0."""
    return lambda step: learning_rate * (1 - step / steps)


class Training(Generic[B]):
    """Steps of AdamW without weight decay by an objective over `batches`, which may be done in several parts.

    Between them the random state is put aside, so that parts make the very steps of one run. `rate` is the
    learning rate of each step; `setting` names it for whoever must lower it.
    """

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
        self.done = 0
        """Steps."""
        self.chunks: list[NDArray[np.int64]] = []
        """Numbers of the chunks of each step done."""
        self._encoder, self._objective = encoder, objective
        self._parameters, self._batches = parameters, batches
        self._rate, self._setting = rate, setting
        self._optimizer = torch.optim.AdamW(
            parameters, lr=rate(0), betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, fused=True
        )
        torch.manual_seed(seed)
        self._random = _random_state(encoder.device)

    def run(self, steps: int, after: Callable[[int], bool]) -> float:
        """Go on until `steps` are done in all, or `after`, called with the number done, says no.

        Returns the last step's loss in nats; the parameters, which must be trainable, are frozen then.
        Raises JobError where the loss is not finite.
        """
        value = math.nan
        _set_random_state(self._encoder.device, self._random)
        self._encoder.train(True)
        try:
            for batch in itertools.islice(self._batches, steps - self.done):
                for group in self._optimizer.param_groups:
                    group["lr"] = self._rate(self.done)
                loss = self._objective.loss(self._encoder, batch)
                self._optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                self._optimizer.step()
                value = loss.item()  # waits for an accelerator, so it comes after all that is queued there
                if not math.isfinite(value):
                    raise JobError(
                        f"the text's loss became {value} at step {self.done + 1} of {steps}; lower "
                        f"{self._setting} ({self._rate(0):g})"
                    )
                self.done += 1
                self.chunks.append(batch.chunks)
                if not after(self.done):
                    break
        finally:
            self._random = _random_state(self._encoder.device)
            self._encoder.train(False)
            for parameter in self._parameters:
                parameter.grad = None
                parameter.requires_grad_(False)
        return value


def _random_state(device: torch.device) -> tuple[Tensor, ...]:
    """Of the processor, and of the device where it has its own."""
    if device.type == "cpu":
        return (torch.get_rng_state(),)
    return torch.get_rng_state(), getattr(torch, device.type).get_rng_state(*_number(device))


def _set_random_state(device: torch.device, state: tuple[Tensor, ...]) -> None:
    torch.set_rng_state(state[0])
    if device.type != "cpu":
        getattr(torch, device.type).set_rng_state(state[1], *_number(device))


def _number(device: torch.device) -> tuple[torch.device, ...]:
    """What names the device to its own functions; there is but one of Apple's."""
    return () if device.type == "mps" else (device,)


def finetuning(
    encoder: Encoder,
    objective: Pretrains[B],
    text: NDArray[np.int32],
    settings: MaskedLM,
    *,
    steps: int,
    seed: int,
    budget: Budget | None = None,
) -> Training[B]:
    """A run over the encoder's own weights that are not frozen, to be started from the pretrained ones.

    With linear decay it is one of `steps` steps; at a constant rate of as many as wanted, a part at a time.
    """
    batches = objective.batches(text, encoder, settings, seed, budget)
    rate = settings.learning_rate
    decay = linear(rate, steps) if settings.schedule == "linear" else lambda step: rate
    return Training(
        encoder, objective, encoder.trainable_base(settings.freeze), batches, decay, "mlm.learning_rate", seed
    )
