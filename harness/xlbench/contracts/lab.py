"""What a probe may do with the model in memory. `xlbench.lab` implements it, and alone imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from xlbench.contracts.adapter import Composition, LanguageAdapter
    from xlbench.contracts.cell import Cell
    from xlbench.contracts.gradient import GradientNumbers
    from xlbench.contracts.probe import Evaluation
    from xlbench.contracts.resolved import Resolved
    from xlbench.contracts.study import FinetuningSettings
    from xlbench.contracts.task import AdapterTraining


class Lab(Protocol):
    """One model in memory, with the study's data tokenized once."""

    @property
    def resolved(self) -> Resolved:
        """The study that the lab serves."""

    def restore(self) -> None:
        """Put the pretrained weights back."""

    def finetune(
        self,
        text: str,
        *,
        steps: int,
        seed: int,
        treatment: str = "plain",
        how: FinetuningSettings | None = None,
    ) -> float:
        """Restore, then fine-tune the weights on the study's text of a language, or of several ("deu+tur",
        "deu:0.7+tur:0.3"), under a registered text treatment. `how`: other settings than the study's own,
        such as `replace(lab.resolved.mlm, learning_rate=1e-4)`; what a job says of them belongs in its
        condition (`Resolved.text_identity`). Does nothing where the model is in just that state already, and
        at a constant rate goes on from an earlier step of the same run where that is the last thing it did.
        Returns the last step's loss (nats a predicted token). Raises JobError if the loss is not finite, or a
        treatment fails; StudyError for a treatment that is not registered.
        """

    def task_adapter(self, task: str, how: AdapterTraining | None = None) -> Path | None:
        """Folder of the trained task adapter and head, in AdapterHub's on-disk format; None for a task
        without one. Trains them on the restored base model where they are not kept yet, which leaves the
        model restored. From now on the task is scored with them. `how`: other than the study's own training;
        with `how.over`, its language adapters are trained first where they are not kept.
        """

    def retrain(self, task: str, how: AdapterTraining | None = None) -> None:
        """Train a task adapter and head on the weights as they are, by the same rule as `task_adapter` does
        on the pretrained ones: anew, or with a warm start further from the adapter that `task_adapter` keeps
        for `how.first`, which must have been called before the weights moved. They are in memory only: the
        task is scored with them until the weights move, `task_adapter` is called or the job ends. Does
        nothing for a task without adapter. Raises JobError if the loss is not finite.
        """

    def moved(self, task: str, how: AdapterTraining | None = None) -> Mapping[str, float]:
        """How far finetuning has moved the model. `weights_moved`: the norm of the change of all weights over
        the norm of the pretrained ones. `cka`, for a task with an adapter: linear CKA, 0 to 1, of the vectors
        of a few training sentences before and after, read without any adapter. Measured once per state;
        nothing on the pretrained weights. `how`: as `task_adapter` has it.
        """

    def read(self) -> Mapping[str, float]:
        """How much text the finetuning that the model is in has read: `tokens_read` (without special ones),
        `bytes_read`, `words_read` where the script has spaces, and `times_read`, over the whole text. Counted
        in the very chunks of its steps; of treated tokens, as before they were treated. Nothing on the
        pretrained weights.
        """

    def language_adapter(self, one: LanguageAdapter) -> Mapping[str, float]:
        """Have a language adapter at hand, in AdapterHub's on-disk format. A trained one is trained on the
        restored base model where it is not kept yet, which leaves the model restored. Returns what was
        measured then: `held_out_before` and `held_out_after` (the objective's loss, in nats per predicted
        token, on text that it was not trained on) and `adapter_steps`; nothing for a given or random one.
        Raises JobError if the loss is not finite.
        """

    def evaluate(self, cells: Sequence[Cell], under: Composition | None = None) -> list[Evaluation]:
        """Score cells of one task, in order, on the weights as they are, under the task's adapter,
        which must be there already (`task_adapter`); of a task without one, by the model's own head.
        `under`: with these language adapters beneath it. Those that are not kept yet are trained, and a tuned
        fusion is trained for the task, both on the pretrained weights: on fine-tuned ones this raises
        JobError, unless the adapters are there already (`language_adapter`), and always for a tuned fusion.
        """

    def gradients(
        self,
        cells: Sequence[Cell],
        how: AdapterTraining | None = None,
        numbers: GradientNumbers = "float32",
    ) -> Sequence[Path]:
        """Have the gradient of the mean task loss of each cell of one task at hand, at the pretrained
        weights, with respect to all of them: computed once per task adapter and cell, without dropout, and
        kept on disk in these numbers. `how`: as `task_adapter` has it, which this does first; the weights
        stay as they are otherwise. Raises JobError for a task whose loss has no gradient.
        """

    def along(
        self,
        cells: Sequence[Cell],
        how: AdapterTraining | None = None,
        numbers: GradientNumbers = "float32",
    ) -> NDArray[np.float64]:
        """How far the change of the weights since they were pretrained changes the mean task loss of each
        cell of one task, to first order: its inner product with each of `gradients`, in nats per decision
        (above 0: the loss rises), shape (cells,). Zeros on the pretrained weights.
        """

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
        """What a first step of fine-tuning on each of so many batches of a text would do to each cell of one
        task, to first order, per unit of learning rate: the inner product of each of `gradients` with minus
        the batch's pretraining gradient over the root of the mean of squares that AdamW has seen by then.
        Nothing is fine-tuned. Shape (batches, cells), in nats per decision (above 0: the loss rises).
        """

    def represent(self, cells: Sequence[Cell], layer: int = -1) -> list[NDArray[np.float32]]:
        """A vector for each test example of each cell of one task, shape (examples, hidden), on the weights
        as they are, without any adapter: the mean over the tokens of its text, special tokens left out, as
        the task reads it (cut to its longest input; two texts as one).

        `layer`: 0 is the embeddings, 1 what the first layer gives, and so on; -1 is the last. Raises JobError
        for a layer that the model does not have, and for a task that reads an example in several inputs.
        """

    def majority(self, cells: Sequence[Cell], how: AdapterTraining | None = None) -> list[float]:
        """Score of a prediction that ignores its input, fitted to the data that `how` trains on: the most
        frequent label; in parsing, the neighbour on the better side as head; of spans, the first words of the
        context; of a language model, all tokens of the vocabulary equally probable.
        """
