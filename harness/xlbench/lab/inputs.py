"""The examples of a study as the model takes them: tokenized once, and batches of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from xlbench.errors import DataError, JobError, XlbenchError, said_of
from xlbench.lab.batches import Stream
from xlbench.lab.encode import Tokenization, blank_pieces
from xlbench.lab.kinds.called import Called, called
from xlbench.lab.movement import spread_over

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import AdapterTraining, Cell, Resolved, Split, Task
    from xlbench.lab.batches import Batch
    from xlbench.lab.encode import Encoded
    from xlbench.lab.encoder import Encoder

LEARNED = 4
"""How many times less of a batch fits where it is learned from, since the passes of all layers are kept."""
Phase = Callable[[str], AbstractContextManager[object]]


class Inputs:
    """The data of a study as pieces, kept."""

    def __init__(self, resolved: Resolved, encoder: Encoder, budget: int, phase: Phase) -> None:
        """`budget` bounds a batch of the evaluation, in pieces, padding included; `phase` times what it
        names.
        """
        self._resolved, self._encoder, self._budget, self._phase = resolved, encoder, budget, phase
        self.blank = blank_pieces(encoder.tokenizer)
        """Pieces that carry no text."""
        self._encoded: dict[tuple[str, str, Split, tuple[object, ...]], Encoded] = {}
        self._batches: dict[tuple[Cell, ...], tuple[Stream, list[Batch]]] = {}
        self._targets: dict[tuple[Cell, ...], NDArray[Any]] = {}

    def kind(self, task: Task) -> Called:
        """What the Lab does with tasks of this one's kind; blames who is at fault for what that raises."""
        return called(task, self._resolved)

    def _tokenization(self, task: Task) -> Tokenization:
        length = min(task.max_length, self._encoder.longest)
        return Tokenization(self._encoder.tokenizer, length, self.blank, self._encoder.family)

    def encoded(self, task: str, language: str, split: Split, how: AdapterTraining | None = None) -> Encoded:
        """A split of a task's data as pieces; kept. `how`: another training than the study's."""
        train = split == "train"
        resolved = trained(self._resolved, task, how) if train else self._resolved
        one = resolved.adapter_task(task) if train else resolved.tasks[task]
        sample = _examples_of(resolved.training[task]) if train else ()
        key = (one.name if train else task, language, split, sample)
        if key not in self._encoded:
            with self._phase("tokenize"):
                examples = resolved.examples(task, language, split)
                kind, wanted = self.kind(one), self._resolved.kind(one).examples
                if alien := next((x for x in examples if not isinstance(x, wanted)), None):
                    raise DataError(
                        f"{self._resolved.data[task].name}: {type(alien).__name__} in {split} of {language}, "
                        f"where {task} needs {wanted.__name__}; take data of kind {one.kind}"
                    )
                try:
                    found = kind.encode(examples, self._tokenization(one))
                except (JobError, XlbenchError):
                    raise
                except Exception as error:
                    raise self._at_fault(kind, one, key[:3], examples, error) from error
                for array in (*found.ids, *(found.types or ()), *found.places, *(found.ends or ())):
                    array.flags.writeable = False  # probes share them
                self._encoded[key] = found
        return self._encoded[key]

    def _at_fault(
        self, kind: Any, task: Task, key: tuple[str, str, Split], examples: Sequence[Any], error: Exception
    ) -> DataError:
        """What to say of data that cannot be encoded: whose they are, and the first example at fault."""
        number = 0
        with suppress(Exception):
            for example in examples:
                number += 1
                kind.encode([example], self._tokenization(task))
        data = self._resolved.data.get(key[0])
        name = f" ({data.name})" if data is not None else ""
        return DataError(
            f"task {task.name!r}{name}: {key[2]} of {key[1]}, example {number}: {said_of(error)}"
        )

    def stream(self, cells: tuple[Cell, ...]) -> tuple[Stream, list[Batch]]:
        """Test examples of cells of one task, and the batches in which they are evaluated; kept."""
        if cells not in self._batches:
            stream = Stream.of([self.encoded(c.task, c.target, "test") for c in cells])
            pad = self._encoder.pad
            self._batches[cells] = stream, list(stream.by_length(self._budget, pad, self._encoder.device))
        return self._batches[cells]

    def batches_of(self, cell: Cell) -> tuple[list[Batch], NDArray[Any]]:
        """Test examples of one cell in batches to be learned from, and what is right on them; not kept."""
        task, encoded = self._resolved.tasks[cell.task], self.encoded(cell.task, cell.target, "test")
        kind, pad = self.kind(task), self._encoder.pad
        targets = kind.targets(task, [encoded]) if kind.costed else np.empty(0)
        budget = max(1, self._budget // LEARNED)
        return list(Stream.of([encoded]).by_length(budget, pad, self._encoder.device)), targets

    def targets(self, task: Task, cells: tuple[Cell, ...]) -> NDArray[Any] | None:
        """What is right on the stream of these cells, for the task loss; kept. None of a kind without one."""
        kind = self.kind(task)
        if kind.costed and cells not in self._targets:
            sets = [self.encoded(c.task, c.target, "test") for c in cells]
            self._targets[cells] = kind.targets(task, sets)
        return self._targets.get(cells)

    def sample(self, task: str, resolved: Resolved) -> list[Batch]:
        """A few of the sentences that the adapter of a task is trained on, evenly over languages and data."""
        one, languages = resolved.adapter_task(task), resolved.train_languages(task)
        kind, how = self.kind(one), self._tokenization(one)
        sets = []
        for language, most in zip(languages, spread_over(len(languages)), strict=True):
            found = resolved.examples(task, language, "train")
            places = np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int))
            if few := [found[i] for i in places]:
                sets.append(kind.encode(few, how))
        pad = self._encoder.pad
        return list(Stream.of(sets).by_length(self._budget, pad, self._encoder.device))


def trained(resolved: Resolved, task: str, how: AdapterTraining | None) -> Resolved:
    """The study with the adapter of a task trained so; None is the study's own way."""
    if how is None or how == resolved.training[task]:
        return resolved
    return resolved.with_training({task: how})


def _examples_of(how: AdapterTraining) -> tuple[object, ...]:
    """What says which training examples are used."""
    return how.limit, how.examples, how.temperature, how.seed if how.examples is not None else None
