"""The Lab: what probes may do with the model in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from xlbench.contracts import (
    AdapterTraining,
    Cell,
    Composition,
    Evaluation,
    LanguageAdapter,
    Predictions,
    Resolved,
    Split,
    Subwords,
)
from xlbench.contracts.treatment import PLAIN
from xlbench.errors import JobError
from xlbench.lab import representations, subwords, training
from xlbench.lab.attached import Attached
from xlbench.lab.directions import directions
from xlbench.lab.encoder import Encoder
from xlbench.lab.gradients import Gradients, Under, change_of
from xlbench.lab.guard import Guard, weights_digest
from xlbench.lab.hardware import choose_device
from xlbench.lab.inputs import Inputs, trained
from xlbench.lab.movement import Movement
from xlbench.lab.objectives.called import Called
from xlbench.lab.texts import Texts
from xlbench.metrics.counting import counted, scored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import FinetuningSettings, GradientNumbers, Json, Loss
    from xlbench.lab.batches import Batch, Stream
    from xlbench.lab.encode import Encoded
    from xlbench.lab.kinds.kind import Predicted


class Run(NamedTuple):
    """A fine-tuning, whatever its number of steps; with that it says in which state the weights are."""

    text: str
    treatment: str
    how: FinetuningSettings
    seed: int


State = tuple[Run, int] | None
"""Fine-tuned for so many steps of a run, or the pretrained weights."""

BATCH_TOKENS = {"cpu": 1024, "cuda": 32768, "xpu": 32768, "mps": 8192}
"""Tokens of an evaluation batch, with padding: measured on a CPU (docs/explanation/performance.md)."""


class Lab:
    """One model in memory, with the study's data tokenized once. Implements `contracts.Lab`."""

    def __init__(
        self,
        resolved: Resolved,
        checkpoint: str,
        adapters: Path,
        *,
        device: str = "auto",
        batch_tokens: int | None = None,
        threads: int | None = None,
        keep_predictions: bool = False,
        notify: Callable[[str, float], None] = lambda phase, fraction: None,
        gradients: Path | None = None,
    ) -> None:
        """Load the model from the folder `checkpoint`. `adapters` is the folder that keeps task adapters, and
        `gradients`, by default beside it, the one that keeps gradients.

        `batch_tokens` bounds a batch of the evaluation, padding included; it cannot change a label but
        by rounding.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        self.resolved = resolved
        self._keeps = keep_predictions
        self.seconds: dict[str, float] = {}
        self._notify = notify
        self.device = choose_device(device)
        with self._phase("load"):
            precision = resolved.study.precision or "float32"
            self.encoder = Encoder(checkpoint, self.device, precision, resolved.model.architecture)
            # What is saved beside adapters, which are there to be shared.
            self.encoder.model.config.name_or_path = resolved.model.source
        budget = batch_tokens or BATCH_TOKENS.get(self.device.type, 1024)
        self.inputs = Inputs(resolved, self.encoder, budget, self._phase)
        self.texts = Texts(resolved, self.encoder, self._phase)
        self._state: State = None
        self._loss = 0.0
        self._run: training.TextTraining[Any] | None = None
        self._read: Mapping[str, float] = {}
        """What the fine-tuning that the state is of has read."""
        self._guard = Guard(self.encoder)
        self._mark = self.encoder.originals.digest
        """Of the checkpoint's weights, and of those that the state is."""
        self.attached = Attached(
            resolved, self.encoder, self._guard, self.inputs, self.texts, adapters, self._phase,
            restore=self.restore, moved=lambda: self._state is not None, state=lambda: self._mark,
        )  # fmt: skip
        self._movement = Movement(self.encoder)
        kept = gradients or adapters.with_name("gradients")
        self._gradients = Gradients(resolved, self.encoder, self.inputs, kept, self._phase)

    # Time and progress

    @contextmanager
    def _phase(self, name: str) -> Iterator[Callable[[float], None]]:
        start = time.perf_counter()
        self._notify(name, 0.0)
        try:
            yield lambda fraction: self._notify(name, fraction)
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def take_seconds(self) -> dict[str, float]:
        """Seconds spent by phase since the last call."""
        taken, self.seconds = self.seconds, {}
        return taken

    # Weights

    def begin(self, key: str) -> None:
        """Before a job: put back whatever an earlier one changed, weights, adapters, modes and torch's
        settings alike, and seed all random states by `key`, hexadecimal digits.
        """
        self.encoder.halving.begin()
        self.attached.forget_retrained()
        self._guard.put_back()
        self._guard.seed(int(key[:15], 16))
        if not self._is_untouched():
            self.restore()
        self.attached.check()

    def restore(self) -> None:
        """See `contracts.Lab`."""
        self._guard.put_back()
        if self._state is not None:
            self.attached.forget_retrained()
        self.encoder.restore()
        self._state = self._run = None
        self._mark = self.encoder.originals.digest

    def _is_untouched(self) -> bool:
        """Whether the weights are those that the state says."""
        return weights_digest(self.encoder.own) == self._mark

    def adapters_used(self) -> dict[str, Json]:
        """Digests of the kept adapters that the job used, by the name of their folder."""
        return self.attached.used()

    def halved(self) -> list[str]:
        """What of the job was done in half batches since memory ran out: "evaluation", "training"."""
        return self.encoder.halving.halved()

    def finetune(
        self,
        text: str,
        *,
        steps: int,
        seed: int,
        treatment: str = PLAIN,
        how: FinetuningSettings | None = None,
    ) -> float:
        """See `contracts.Lab`."""
        mlm = how or self.resolved.mlm
        wanted = Run(text, treatment, mlm, seed)
        known = self._state is not None and self._is_untouched()
        if known and self._state == (wanted, steps):
            return self._loss
        self.attached.forget_retrained()
        run = self._run if known and self._passes(wanted, steps) else None
        self._guard.put_back()
        chunks, amounts = self.texts.trained_on(text, treatment, mlm, seed)
        if run is None:
            run = self._start(wanted, steps, chunks)
        with self._phase("finetune") as progress:
            first = run.done

            def after(step: int) -> bool:
                progress((step - first) / (steps - first))
                return True

            # Neither the pretrained weights nor a finished run: whatever interrupts, nothing is reused.
            self._state, self._run, self._mark = (wanted, -1), None, ""
            self._read = {}
            self.encoder.trainable_base(mlm.freeze)
            self._loss = run.run(steps, after)
            self._read = amounts.read(np.concatenate(run.chunks))
            self._state, self._mark = (wanted, steps), weights_digest(self.encoder.own)
            if mlm.schedule == "constant":
                self._run = run
        return self._loss

    def read(self) -> Mapping[str, float]:
        """See `contracts.Lab`."""
        return {} if self._state is None else dict(self._read)

    def moved(self, task: str, how: AdapterTraining | None = None) -> Mapping[str, float]:
        """See `contracts.Lab`."""
        if self._state is None:
            return {}
        resolved = trained(self.resolved, task, how)
        with self._phase("measure change"):
            found = {"weights_moved": self._movement.weights(self._mark)}
            if resolved.has_adapter(task):
                name = resolved.task_adapter_name(task)
                found["cka"] = self._movement.cka(
                    self._mark, name, lambda: self.inputs.sample(task, resolved)
                )
        return found

    def _passes(self, wanted: Run, steps: int) -> bool:
        """Whether the run that the model is in comes to these steps of the wanted one if it goes on."""
        if self._run is None:
            return False
        return self._state == (wanted, self._run.done) and self._run.done < steps

    def _start(self, wanted: Run, steps: int, chunks: NDArray[np.int32]) -> training.TextTraining[Any]:
        """A run from the pretrained weights over chunks of tokens."""
        budget = self.texts.budget_of(*wanted)
        self.attached.forget_composition()
        with self._phase("finetune"):
            self._run = None  # its optimizer need not be there beside the new one
            self.encoder.restore()
            self._state = (wanted, -1)
            return training.finetuning(
                self.encoder, Called(self.resolved, wanted.how), chunks, wanted.how,
                steps=steps, seed=wanted.seed, budget=budget,
            )  # fmt: skip

    # Data

    def encoded(self, task: str, language: str, split: Split, how: AdapterTraining | None = None) -> Encoded:
        """A split of a task's data as pieces; kept. `how`: another training than the study's."""
        return self.inputs.encoded(task, language, split, how)

    def stream(self, cells: tuple[Cell, ...]) -> tuple[Stream, list[Batch]]:
        """Test examples of cells of one task, and the batches in which they are evaluated; kept."""
        return self.inputs.stream(cells)

    def subwords(self) -> dict[str, Subwords]:
        """What the tokenizer makes of the study's languages, by task. Raises DataError."""
        with self._phase("tokenize"):
            return subwords.measure(self.resolved, self.encoder.tokenizer, self.inputs.blank)

    # Adapters

    def task_adapter(self, task: str, how: AdapterTraining | None = None) -> Path | None:
        """See `contracts.Lab`."""
        if not self.resolved.has_adapter(task):
            return None
        return self.attached.task_adapter(task, trained(self.resolved, task, how))

    def retrain(self, task: str, how: AdapterTraining | None = None) -> None:
        """See `contracts.Lab`."""
        if self.resolved.has_adapter(task):
            self.attached.retrain(task, trained(self.resolved, task, how))

    def language_adapter(self, one: LanguageAdapter) -> Mapping[str, float]:
        """See `contracts.Lab`."""
        return self.attached.language_adapter(one)

    # Scores

    def predict(self, cells: Sequence[Cell], under: Composition | None = None) -> list[list[Predicted]]:
        """What is predicted of every example of every cell, as `contracts.KindOfTask` has it."""
        return [predicted for predicted, _ in self._answered(cells, under)]

    def _answered(
        self, cells: Sequence[Cell], under: Composition | None = None
    ) -> list[tuple[list[Predicted], Loss | None]]:
        """Of every cell: what is predicted of each example, and its task loss."""
        task = cells[0].task
        if under is None:
            self._activate(task)
            return self._predict(cells)
        with self.attached.composed(under, task):
            return self._predict(cells)

    def _activate(self, task: str) -> None:
        """Run with the adapter of a task that is in memory; of a task without one, with none."""
        if not self.resolved.has_adapter(task):
            return self.encoder.use_no_adapter()
        adapter = self.resolved.adapter_task(task).name
        if not self.attached.has(adapter):
            raise RuntimeError(f"no adapter of {adapter} in memory; call Lab.task_adapter() first")
        return self.encoder.use_task_adapter(adapter)

    def _predict(self, cells: Sequence[Cell]) -> list[tuple[list[Predicted], Loss | None]]:
        task = self.resolved.tasks[cells[0].task]
        stream, batches = self.stream(tuple(cells))
        kind, targets = self.inputs.kind(task), self.inputs.targets(task, tuple(cells))
        found: list[NDArray[Any]] = [np.empty(0)] * len(stream.ids)
        losses = np.zeros((len(stream.ids), 2))
        with self._phase("evaluate") as progress, torch.inference_mode():
            for share, batch, (answers, loss) in self.encoder.halving.evaluated(
                batches, lambda batch: kind.answers(self.encoder, task, batch, targets)
            ):
                for member, answer in zip(batch.members, answers, strict=True):
                    found[member] = answer
                if loss is not None:
                    losses[batch.members] = loss
                progress(share)
        if kind.costed:
            kind.check_loss(losses)
        result: list[tuple[list[Predicted], Loss | None]] = []
        start = 0
        for cell in cells:
            encoded = self.encoded(cell.task, cell.target, "test")
            own = slice(start, start + len(encoded))
            predicted = kind.predicted(task, encoded, found[own])
            result.append((predicted, encoded.by_example(losses[own]) if kind.costed else None))
            start = own.stop
        return result

    def evaluate(self, cells: Sequence[Cell], under: Composition | None = None) -> list[Evaluation]:
        """See `contracts.Lab`."""
        evaluations = []
        for cell, (predicted, loss) in zip(cells, self._answered(cells, under), strict=True):
            encoded = self.encoded(cell.task, cell.target, "test")
            task, where = self.resolved.tasks[cell.task], self._place(cell)
            metric = task.metric
            counts = counted(metric, encoded.gold, predicted, where)
            scored(metric, counts, where)
            extra = self.inputs.kind(task).further(task, encoded, predicted)
            kept = None
            if self._keeps:
                exact = self.resolved.kind(task).exact
                right = [a == b for a, b in zip(encoded.gold, predicted, strict=True)] if exact else None
                kept = Predictions(encoded.gold, predicted, right)
            evaluations.append(Evaluation(cell, counts, encoded.truncated, extra, loss, kept))
        return evaluations

    # First order

    def gradients(
        self,
        cells: Sequence[Cell],
        how: AdapterTraining | None = None,
        numbers: GradientNumbers = "float32",
    ) -> list[Path]:
        """See `contracts.Lab`."""
        task = cells[0].task
        resolved = trained(self.resolved, task, how)
        mark = ""
        if resolved.has_adapter(task):
            folder = self.attached.task_adapter(task, resolved)
            mark = self.attached.digest_of(resolved.adapter_task(task).name, folder)
        under = Under(resolved.adapter_identity(task), mark, lambda: self._activate(task))
        return self._gradients.have(cells, under, numbers)

    def along(
        self,
        cells: Sequence[Cell],
        how: AdapterTraining | None = None,
        numbers: GradientNumbers = "float32",
    ) -> NDArray[np.float64]:
        """See `contracts.Lab`."""
        files = self.gradients(cells, how, numbers)
        change = change_of(self.encoder.own, self.encoder.originals.read())
        return self._gradients.along(files, change)

    def directions(
        self,
        text: str,
        cells: Sequence[Cell],
        *,
        batches: int,
        seed: int,
        how: AdapterTraining | None = None,
        numbers: GradientNumbers = "float32",
    ) -> NDArray[np.float64]:
        """See `contracts.Lab`."""
        files, mlm = self.gradients(cells, how, numbers), self.resolved.mlm
        chunks, _ = self.texts.trained_on(text, PLAIN, mlm, seed)
        objective = Called(self.resolved, mlm)
        budget = self.texts.budget_of(text, PLAIN, mlm, seed)
        found = []
        with self._phase("pretraining gradients") as progress:
            drawn = objective.batches(chunks, self.encoder, mlm, seed, budget)
            for change in directions(self.encoder, objective, drawn, batches, mlm.freeze):
                found.append(self._gradients.along(files, change))
                progress(len(found) / batches)
        return np.stack(found)

    def represent(self, cells: Sequence[Cell], layer: int = -1) -> list[NDArray[np.float32]]:
        """See `contracts.Lab`."""
        sizes = [len(self.encoded(c.task, c.target, "test")) for c in cells]
        for cell, size in zip(cells, sizes, strict=True):
            if size != self.resolved.size(cell.task, cell.target, "test"):
                raise JobError(
                    f"{self._place(cell)}: an example is read in several inputs, which have no vector"
                )
        stream, batches = self.stream(tuple(cells))
        with self._phase("evaluate") as progress:
            found = representations.of(self.encoder, batches, len(stream.ids), layer, progress)
        return np.split(found, np.cumsum(sizes)[:-1])

    def majority(self, cells: Sequence[Cell], how: AdapterTraining | None = None) -> list[float]:
        """See `contracts.Lab`."""
        task = self.resolved.tasks[cells[0].task]
        train = [self.encoded(task.name, x, "train", how) for x in self.resolved.train_languages(task.name)]
        scores = []
        for cell in cells:
            encoded = self.encoded(cell.task, cell.target, "test")
            predicted = self.inputs.kind(task).baseline(task, train, encoded)
            where = f"{self._place(cell)}, majority baseline"
            scores.append(scored(task.metric, counted(task.metric, encoded.gold, predicted, where), where))
        return scores

    def _place(self, cell: Cell) -> str:
        """Where something went wrong: task, plugin and language."""
        plugin = self.resolved.plugins.get(cell.task)
        return f"task {cell.task!r}{f' ({plugin})' if plugin else ''} in {cell.target}"
