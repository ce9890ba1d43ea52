"""Objectives as the Lab calls them: what one lacks, raises or gives wrongly is one line that names it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xlbench.errors import JobError, PluginError
from xlbench.lab.kinds.called import blamed

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.contracts import Resolved
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.matched import Budget
    from xlbench.lab.objectives.objective import TextSettings

METHODS = ("batches", "loss", "places")


class Called:
    """An objective whose errors, and whose wrong answers, are PluginErrors; see `objective.Pretrains`."""

    def __init__(self, resolved: Resolved, how: TextSettings) -> None:
        """The objective of settings. Raises PluginError where it cannot be loaded, or lacks a method."""
        one = resolved.objective(how)
        self._where = resolved.method.named("objective", one.name)
        with blamed(f"{self._where}: load"):
            self._objective = one.load()
        if lacking := [x for x in METHODS if not callable(getattr(self._objective, x, None))]:
            what = type(self._objective).__name__
            raise PluginError(
                f"{self._where}: what load gives, a {what}, has no method {' or '.join(lacking)}; write it"
            )

    def batches(
        self,
        text: NDArray[np.int32],
        encoder: Encoder,
        settings: TextSettings,
        seed: int,
        budget: Budget | None = None,
    ) -> Iterator[Any]:
        """See `Pretrains`."""
        with blamed(f"{self._where}: batches"):
            for batch in self._objective.batches(text, encoder, settings, seed, budget):
                rows = getattr(batch, "chunks", None)
                if not isinstance(rows, np.ndarray) or not np.issubdtype(rows.dtype, np.integer):
                    raise PluginError(
                        f"{self._where}: batches must give inputs whose `chunks` are an array of numbers"
                    )
                yield batch
            raise PluginError(f"{self._where}: batches must give inputs without end")

    def loss(self, encoder: Encoder, batch: Any) -> Tensor:
        """See `Pretrains`."""
        with blamed(f"{self._where}: loss"):
            found = self._objective.loss(encoder, batch)
        if not isinstance(found, torch.Tensor) or found.shape != ():
            raise PluginError(f"{self._where}: loss must give a tensor of one number, not {found!r:.60}")
        return found

    def places(self, batch: Any) -> int:
        """See `Pretrains`."""
        with blamed(f"{self._where}: places"):
            found = self._objective.places(batch)
        if not isinstance(found, int | np.integer) or found < 1:
            raise PluginError(f"{self._where}: places must give a whole number from 1, not {found!r:.60}")
        return int(found)

    def halves(self, batch: Any) -> Sequence[tuple[Any, int]]:
        """See `Halves`. Raises JobError where the objective has no such method."""
        if not callable(getattr(self._objective, "halves", None)):
            raise JobError(
                f"memory ran out, and {self._where} has no method halves with which its batches could be "
                "halved; use fewer --workers or more memory"
            )
        with blamed(f"{self._where}: halves"):
            found = [(one, int(places)) for one, places in self._objective.halves(batch)]
            chunks = np.concatenate([one.chunks for one, _ in found])
        if sum(x for _, x in found) != self.places(batch) or not np.array_equal(chunks, batch.chunks):
            raise PluginError(f"{self._where}: halves must give all chunks and places of the batch, once")
        return found
