"""Kinds of task as the Lab calls them: what one lacks, raises or gives wrongly is one line that names it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xlbench.errors import JobError, PluginError, XlbenchError, ran_out, said_of
from xlbench.lab.encode import Encoded
from xlbench.lab.kinds.kind import Costed, Differentiable, Measures
from xlbench.metrics.task_loss import checked_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from xlbench.contracts import KindOfTask, Loss, Resolved, Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Tokenization
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.kinds.kind import Predicted

SCORED = ("encode", "predicted", "baseline")
TRAINED = ("add_head", "targets", "loss", "places")
PASSED = (XlbenchError, JobError, MemoryError, OSError, torch.OutOfMemoryError)
"""Errors that are nobody's fault, or say already whose."""
_loaded: dict[int, tuple[KindOfTask, Any]] = {}
"""What each kind's `load` gave in this process, by the kind's id."""


def called(task: Task, resolved: Resolved) -> Called:
    """The kind of a task. Raises PluginError where it cannot be loaded, or lacks a method."""
    kind = resolved.kind(task)
    owner = resolved.plugins.get(task.name)
    both = owner is not None and owner == resolved.method.owners.get(("kind", task.kind))
    of = f"task {task.name!r}{f' ({owner})' if owner else ''}"
    where = f"kind {kind.name!r} of {of}" if both else f"{resolved.method.named('kind', task.kind)} of {of}"
    if id(kind) not in _loaded:
        with blamed(f"{where}: load"):
            _loaded[id(kind)] = kind, kind.load()
    made = _loaded[id(kind)][1]
    answers = () if kind.trained and isinstance(made, Costed) else ("answers",)
    needed = (*SCORED, *answers, *(TRAINED if kind.trained else ()))
    if lacking := [x for x in needed if not callable(getattr(made, x, None))]:
        raise PluginError(
            f"{where}: what load gives, {_what(made)}, has no method {' or '.join(lacking)}; write it"
        )
    called = Called(made, where, trained=kind.trained)
    if kind.task_loss and not called.has_gradient:
        lacks = "answers_and_loss" if kind.trained else "loss or places"
        raise PluginError(
            f"{where}: says task_loss=True, and what load gives, {_what(made)}, has no method {lacks}; "
            "write it, or leave task_loss out"
        )
    return called


@contextmanager
def blamed(where: str) -> Iterator[None]:
    """Turn what a kind raises, and should not, into a PluginError."""
    try:
        yield
    except PASSED:
        raise
    except Exception as error:
        if ran_out(error):
            raise
        raise PluginError(f"{where} raises {said_of(error)}") from error


class Called:
    """A kind of task whose errors, and whose wrong answers, are PluginErrors; see `kind.Trained`."""

    def __init__(self, kind: Any, where: str, *, trained: bool) -> None:
        self._kind, self._where = kind, where
        self.costed = trained and isinstance(kind, Costed)
        """Whether its evaluations have a task loss."""
        self.has_gradient = self.costed or (not trained and isinstance(kind, Differentiable))
        """Whether its task loss has a gradient."""

    def encode(self, examples: Sequence[Any], how: Tokenization) -> Encoded:
        """See `Kind`. Raises what the kind does: `Inputs` finds the example."""
        found = self._kind.encode(examples, how)
        if not isinstance(found, Encoded):
            raise self._wrong("encode", f"an Encoded, not {_what(found)}")
        self._check_count("encode", found.gold, len(examples), "the gold of each example")
        self._check_count("encode", found.places, len(found.ids), "the places of each input")
        if longest := max((len(x) for x in found.ids if len(x) > how.max_length), default=0):
            raise self._wrong("encode", f"inputs of at most {how.max_length} tokens, not {longest}")
        return found

    def answers(
        self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[Any] | None
    ) -> tuple[Sequence[NDArray[Any]], Loss | None]:
        """See `Answers` and `Costed`; `targets` are needed by the latter alone."""
        found: Sequence[NDArray[Any]]
        if not self.costed:
            with blamed(f"{self._where}: answers"):
                found = self._kind.answers(encoder, task, batch)
            self._check_count("answers", found, len(batch.members), "an array for each input")
            return found, None
        name = "answers_and_loss"
        with blamed(f"{self._where}: {name}"):
            found, loss = self._kind.answers_and_loss(encoder, task, batch, targets)
        self._check_count(name, found, len(batch.members), "an array for each input")
        shape = len(batch.members), 2
        if not isinstance(loss, np.ndarray) or loss.shape != shape or loss.dtype.kind not in "iuf":
            what = f"shape {loss.shape}" if isinstance(loss, np.ndarray) else _what(loss)
            raise self._wrong(name, f"a loss, an array of numbers of shape {shape}, not {what}")
        return found, loss

    def check_loss(self, loss: Loss) -> None:
        """Raise JobError unless what `answers` gave of all inputs are nats and decisions."""
        checked_loss(loss, len(loss), f"{self._where}: answers_and_loss")

    def predicted(self, task: Task, encoded: Encoded, answers: Sequence[NDArray[Any]]) -> list[Predicted]:
        """See `Kind`."""
        with blamed(f"{self._where}: predicted"):
            found: list[Predicted] = self._kind.predicted(task, encoded, answers)
        return self._check_predictions("predicted", found, encoded)

    def baseline(self, task: Task, train: Sequence[Encoded], test: Encoded) -> list[Predicted]:
        """See `Kind`."""
        with blamed(f"{self._where}: baseline"):
            found: list[Predicted] = self._kind.baseline(task, train, test)
        return self._check_predictions("baseline", found, test)

    def further(self, task: Task, encoded: Encoded, predicted: Sequence[Predicted]) -> Mapping[str, float]:
        """See `Measures`; nothing of a kind that is none."""
        if not isinstance(self._kind, Measures):
            return {}
        with blamed(f"{self._where}: further"):
            found = self._kind.further(task, encoded, predicted)
        if not isinstance(found, Mapping):
            raise self._wrong("further", f"numbers by name, not {_what(found)}")
        for name, value in found.items():
            number = isinstance(value, int | float | np.number) and math.isfinite(value)
            if not (isinstance(name, str) and number):
                raise self._wrong("further", f"finite numbers by name, not {name!r}: {value!r}")
        return {name: float(value) for name, value in found.items()}

    def add_head(self, model: Any, task: Task) -> None:
        """See `Trained`."""
        with blamed(f"{self._where}: add_head"):
            self._kind.add_head(model, task)
        if task.name not in model.heads:
            raise self._wrong("add_head", f"a head named {task.name!r} on the model; it has none")

    def targets(self, task: Task, sets: Sequence[Encoded]) -> NDArray[Any]:
        """See `Trained`."""
        with blamed(f"{self._where}: targets"):
            found = self._kind.targets(task, sets)
        if not isinstance(found, np.ndarray):
            raise self._wrong("targets", f"an array, not {_what(found)}")
        return found

    def loss(self, encoder: Encoder, task: Task, batch: Batch, targets: NDArray[Any]) -> Tensor:
        """See `Trained`."""
        with blamed(f"{self._where}: loss"):
            found = self._kind.loss(encoder, task, batch, targets)
        if not isinstance(found, torch.Tensor) or found.shape != () or not found.requires_grad:
            what = (
                f"a tensor of shape {tuple(found.shape)}" if isinstance(found, torch.Tensor) else _what(found)
            )
            raise self._wrong("loss", f"a tensor of one number with a gradient, not {what}")
        return found

    def places(self, batch: Batch, targets: NDArray[Any]) -> int:
        """See `Trained`."""
        with blamed(f"{self._where}: places"):
            found = self._kind.places(batch, targets)
        if not isinstance(found, int | np.integer) or found < 1:
            raise self._wrong("places", f"a whole number from 1, not {found!r}")
        return int(found)

    def _check_predictions(self, method: str, found: Any, encoded: Encoded) -> list[Predicted]:
        self._check_count(method, found, len(encoded.gold), "a tuple for each example")
        for number, one in enumerate(found, 1):
            if not isinstance(one, tuple):
                raise self._wrong(
                    method, f"a tuple for each example; for example {number} it is {_what(one)}"
                )
        return list(found)

    def _check_count(self, method: str, found: Any, count: int, what: str) -> None:
        if not isinstance(found, Sized) or isinstance(found, str | Mapping):
            raise self._wrong(method, f"{what}, not {_what(found)}")
        if len(found) != count:
            raise self._wrong(method, f"{what}, {count:,} in all, not {len(found):,}")

    def _wrong(self, method: str, must: str) -> PluginError:
        return PluginError(f"{self._where}: {method} must give {must}")


def _what(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
