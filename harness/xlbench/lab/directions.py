"""In which direction a first step of fine-tuning would go, batch by batch, without any step.

AdamW moves each weight by the learning rate times m / (sqrt(v) + eps), m and v being running means of the
gradient and of its square. At the pretrained weights, for the t-th of some batches, g_t being the gradient
of each,

    d_t = - g_t / (sqrt(v_t) + eps),    v_t = (g_1^2 + ... + g_t^2) / t

d_1 is the very first step that AdamW makes, minus the sign of each gradient; later ones have the scale of its
later steps, and their mean over batches the direction that its steps have on average while the weights have
hardly moved. What one batch adds is known from it alone, so that batches say how sure the mean is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch

from xlbench.errors import JobError

if TYPE_CHECKING:
    from torch import Tensor

    from xlbench.lab.encoder import Encoder
    from xlbench.lab.objectives.called import Called

EPS = 1e-8
"""As in fine-tuning."""


def directions(
    encoder: Encoder, objective: Called, drawn: Iterator[Any], batches: int, freeze: str
) -> Iterator[list[Tensor]]:
    """Of each batch: d_t of all own parameters of the checkpoint; 0 where a parameter is frozen or has no
    gradient. Without dropout, on the pretrained weights. Raises JobError for a loss that is not finite.
    """
    moving = {id(x) for x in encoder.moving(freeze)}
    with encoder.differentiated() as own:
        encoder.use_no_adapter()
        squares = [torch.zeros_like(x) for x in own]
        wanted = [i for i, x in enumerate(own) if id(x) in moving]
        for number, batch in enumerate(islice(drawn, batches), 1):
            loss = objective.loss(encoder, batch)
            if not torch.isfinite(loss):
                raise JobError(f"the text's loss is {loss.item()} at the pretrained weights")
            found = torch.autograd.grad(loss, [own[i] for i in wanted], allow_unused=True)
            change = [torch.zeros((), device=encoder.device).expand(x.shape) for x in own]
            for i, g in zip(wanted, found, strict=True):
                if g is not None:
                    squares[i].addcmul_(g, g)
                    change[i] = g.div_((squares[i] / number).sqrt_().add_(EPS)).neg_()
            yield change
