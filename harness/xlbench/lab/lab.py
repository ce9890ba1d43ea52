"""The Lab: what probes may do with the model in memory."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
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
    LanguageTraining,
    Resolved,
    Split,
    Subwords,
    digest,
)
from xlbench.contracts.treatment import PLAIN
from xlbench.errors import JobError, ModelError
from xlbench.lab import language_adapters, representations, subwords, task_adapters, training
from xlbench.lab.adapters import configuration
from xlbench.lab.compositions import blocks as compositions
from xlbench.lab.encoder import Encoder
from xlbench.lab.guard import Guard, weights_digest
from xlbench.lab.hardware import choose_device
from xlbench.lab.inputs import Inputs, trained
from xlbench.lab.movement import Movement
from xlbench.lab.texts import Texts
from xlbench.metrics.counting import counted, scored
from xlbench.models import given_adapters, kept_adapters
from xlbench.output import complain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.contracts import Json, Loss, MaskedLM
    from xlbench.lab.batches import Batch, Stream
    from xlbench.lab.encode import Encoded
    from xlbench.lab.kinds.kind import Predicted
    from xlbench.lab.objectives.objective import Pretrains, TextSettings


class Run(NamedTuple):
    """A fine-tuning, whatever its number of steps; with that it says in which state the weights are."""

    text: str
    treatment: str
    how: MaskedLM
    seed: int


State = tuple[Run, int] | None
"""Fine-tuned for so many steps of a run, or the pretrained weights."""

Composed = tuple[Composition, str, tuple[str, ...]] | None
"""A composition under the adapter of a task, with the names of its adapters in the model."""

MOST_ADAPTERS = 32
"""Language adapters kept in memory; the others are read from disk again."""
BATCH_TOKENS = {"cpu": 1024, "cuda": 32768, "xpu": 32768, "mps": 8192}
"""Pieces of a batch of the evaluation, padding included: measured on a CPU (docs/performance.md)."""


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
        notify: Callable[[str, float], None] = lambda phase, fraction: None,
    ) -> None:
        """Load the model from the folder `checkpoint`. `adapters` is the folder that keeps task adapters.

        `batch_tokens` bounds a batch of the evaluation, padding included; it cannot change a label but
        by rounding.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        self.resolved = resolved
        self.seconds: dict[str, float] = {}
        self._notify = notify
        self._adapters = adapters
        self.device = choose_device(device)
        with self._phase("load"):
            self.encoder = Encoder(checkpoint, self.device, resolved.study.precision or "float32")
            # What is saved beside adapters, which are there to be shared.
            self.encoder.model.config.name_or_path = resolved.model.source
        budget = batch_tokens or BATCH_TOKENS.get(self.device.type, 1024)
        self.inputs = Inputs(resolved, self.encoder, budget, self._phase)
        self.texts = Texts(resolved, self.encoder, self._phase)
        self._state: State = None
        self._loss = 0.0
        self._run: training.Training[Any] | None = None
        self._read: Mapping[str, float] = {}
        """What the fine-tuning that the state is of has read."""
        self._adapter: dict[str, Path | None] = {}
        """Folder of the adapter that is in memory for a task; None for one that was retrained."""
        self._languages: OrderedDict[str, Mapping[str, float]] = OrderedDict()
        self._composed: Composed = None
        self._guard = Guard(self.encoder)
        self._pretrained = self._mark = weights_digest(self.encoder.own)
        """Of the checkpoint's weights, and of those that the state is."""
        self._marks: dict[str, str] = {}
        """By name of an adapter (or fusion) in memory: the digest of its weights."""
        self._digests: dict[str, tuple[str, str]] = {}
        """By name of a kept adapter in memory: its folder's name and digest."""
        self._used: dict[str, Json] = {}
        self._movement = Movement(self.encoder)

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
        self._forget_retrained()
        self._guard.put_back()
        self._guard.seed(int(key[:15], 16))
        if not self._is_untouched():
            self.restore()
        self._check_adapters()
        self._used = {}

    def restore(self) -> None:
        """See `contracts.Lab`."""
        self._guard.put_back()
        if self._state is not None:
            self._forget_retrained()
        self.encoder.restore()
        self._state = self._run = None
        self._mark = self._pretrained

    def _is_untouched(self) -> bool:
        """Whether the weights are those that the state says."""
        return weights_digest(self.encoder.own) == self._mark

    def _check_adapters(self) -> None:
        """Forget adapters, fusion and heads in memory that are not as they were loaded, trained or drawn."""
        model = self.encoder.model
        there = {*model.adapters_config.adapters, *model.adapters_config.fusions, *model.heads}
        changed = {*there, *self._marks} - (there & self._guard.unchanged(self._marks))
        if changed:
            self._forget_composition()
        for name in changed:
            self._marks.pop(name, None)
            self._adapter.pop(name, None)
            self._languages.pop(name, None)
            if name in model.adapters_config.fusions:
                model.delete_adapter_fusion(name)
            else:
                self.encoder.delete_task_adapter(name)
        self._guard.forget_all_but(self._marks)

    def adapters_used(self) -> dict[str, Json]:
        """Digests of the kept adapters that the job used, by the name of their folder."""
        return dict(sorted(self._used.items()))

    def finetune(
        self, text: str, *, steps: int, seed: int, treatment: str = PLAIN, how: MaskedLM | None = None
    ) -> float:
        """See `contracts.Lab`."""
        mlm = how or self.resolved.mlm
        wanted = Run(text, treatment, mlm, seed)
        known = self._state is not None and self._is_untouched()
        if known and self._state == (wanted, steps):
            return self._loss
        self._forget_retrained()
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

    def _objective(self, how: TextSettings) -> Pretrains[Any]:
        """The objective of settings, at work."""
        found: Pretrains[Any] = self.resolved.objective(how).load()
        return found

    def _passes(self, wanted: Run, steps: int) -> bool:
        """Whether the run that the model is in comes to these steps of the wanted one if it goes on."""
        if self._run is None:
            return False
        return self._state == (wanted, self._run.done) and self._run.done < steps

    def _start(self, wanted: Run, steps: int, chunks: NDArray[np.int32]) -> training.Training[Any]:
        """A run from the pretrained weights over chunks of tokens."""
        budget = self.texts.budget_of(*wanted)
        self._forget_composition()
        with self._phase("finetune"):
            self._run = None  # its optimizer need not be there beside the new one
            self.encoder.restore()
            self._state = (wanted, -1)
            return training.finetuning(
                self.encoder, self._objective(wanted.how), chunks, wanted.how,
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

    # Task adapters

    def task_adapter(self, task: str, how: AdapterTraining | None = None) -> Path | None:
        """See `contracts.Lab`."""
        if not self.resolved.has_adapter(task):
            return None
        resolved = trained(self.resolved, task, how)
        name = resolved.adapter_task(task).name
        folder = self._adapters / resolved.task_adapter_name(task)
        if self._adapter.get(name) != folder:
            self._forget_adapter(name)
            self._from_kept(
                name,
                folder,
                resolved.adapter_identity(task),
                lambda: self._train_kept(task, resolved, folder),
                lambda: self.encoder.load_task_adapter(name, folder, self._config(resolved.training[task])),
            )
            self._adapter[name] = folder
        self._note(name)
        return folder

    def retrain(self, task: str, how: AdapterTraining | None = None) -> None:
        """See `contracts.Lab`."""
        if self.resolved.has_adapter(task):
            resolved = trained(self.resolved, task, how)
            name = resolved.adapter_task(task).name
            if resolved.training[task].warm_start_steps is None:
                self._forget_adapter(name)
            else:
                self._load_first(task, resolved)
            self._train(task, resolved)
            self._adapter[name] = None

    def _load_first(self, task: str, resolved: Resolved) -> None:
        """Have the adapter that a warm start goes on from in memory, about to be trained further."""
        weights, name = self._mark, resolved.adapter_task(task).name
        self.task_adapter(task, resolved.training[task].first)
        for table in (self._adapter, self._marks, self._digests):
            table.pop(name, None)
        if self._mark != weights:
            raise JobError(
                f"the adapter of {task} that a warm start goes on from was not there, and training it took "
                "the place of the fine-tuned weights; run the same command again"
            )

    def _train_kept(self, task: str, resolved: Resolved, folder: Path) -> None:
        """Train an adapter on the pretrained weights and keep it on disk, not in memory."""
        self.restore()
        if resolved.training[task].warm_start_steps is not None:
            self._load_first(task, resolved)
        name, loss = resolved.adapter_task(task).name, self._train(task, resolved)
        examples = {x: resolved.size(task, x, "train") for x in resolved.train_languages(task)}
        identity = resolved.adapter_identity(task)
        about = {"identity": identity, "examples": examples, "last_epoch_loss": loss}
        try:
            kept_adapters.keep(folder, about, lambda new: self.encoder.save_task_adapter(name, new))
        finally:
            self.encoder.delete_task_adapter(name)

    def _train(self, task: str, resolved: Resolved) -> float:
        """Train a fresh adapter, or the one in memory further, on the weights as they are; its loss in the
        last epoch (of a warm start: over its steps), in nats.
        """
        self._forget_composition()
        one, how = resolved.adapter_task(task), resolved.training[task]
        sets = [self.encoded(task, x, "train", how) for x in resolved.train_languages(task)]
        beneath = self._beneath(how)
        invertible = how.over is None or how.over.invertible
        with (
            self._phase("train adapter") as progress,
            compositions.invertible(self.encoder, beneath, invertible),
        ):
            kind, add = self.inputs.kind(one), self._adding(how)
            return task_adapters.train(self.encoder, one, kind, sets, how, progress, add, beneath)

    def _beneath(self, how: AdapterTraining) -> list[str]:
        """Names in the model of the language adapters that a task adapter is trained over, each loaded."""
        if how.over is None:
            return []
        self._check_at_hand(how.over.adapters)
        for one in how.over.adapters:  # training one may drop others from memory
            self.language_adapter(one)
        names = [self._load(one) for one in how.over.adapters]
        for name in names:
            self._note(name)
        return names

    def _forget_adapter(self, name: str) -> None:
        """Take a task adapter out of memory, and with it the composition beneath one."""
        if name in self._adapter:
            self._forget_composition()
            for table in (self._adapter, self._marks, self._digests):
                table.pop(name, None)
            self.encoder.delete_task_adapter(name)

    def _forget_retrained(self) -> None:
        """Take out adapters that were trained on weights which are about to move."""
        for name in [x for x, folder in self._adapter.items() if folder is None]:
            self._forget_adapter(name)

    def _from_kept(
        self,
        name: str,
        folder: Path,
        identity: Mapping[str, Json],
        train: Callable[[], None],
        load: Callable[[], None],
    ) -> Mapping[str, Any]:
        """Load an adapter that is kept and as it was kept; otherwise say why, and train it first.

        Returns what is known about it. Raises ModelError where the folder does not stay as it is.
        """
        for _ in range(kept_adapters.TRIES):
            if isinstance(why := kept_adapters.examine(folder, identity), str):
                if why:
                    complain(f"adapter {folder.name} {why}; it is trained again")
                train()
            load()
            if isinstance(found := kept_adapters.examine(folder, identity), kept_adapters.Kept):
                self._marks[name] = self._guard.remember(name)
                self._digests[name] = folder.name, found.digest
                return found.about
            self.encoder.delete_task_adapter(name)
        raise ModelError(f"{folder}: changes while it is read; leave it alone and run the same command again")

    def _config(self, how: AdapterTraining | LanguageTraining) -> Any:
        """The library's configuration of an adapter."""
        return configuration.configured(self.resolved.method, how)

    def _adding(self, how: AdapterTraining | LanguageTraining) -> Callable[[str], None]:
        """What puts a fresh adapter into the model."""
        return partial(configuration.add, self.encoder, self.resolved.method, how)

    def _note(self, name: str) -> None:
        """The job uses this adapter."""
        if name in self._digests:
            folder, found = self._digests[name]
            self._used[folder] = found

    # Language adapters

    def language_adapter(self, one: LanguageAdapter) -> Mapping[str, float]:
        """See `contracts.Lab`."""
        measured = self._languages[self._load(one)]
        self._make_room()
        return measured

    def _load(self, one: LanguageAdapter, copy: int = 0) -> str:
        """Name of the adapter in the model, where it is after this; a second copy has a name of its own."""
        identity = self.resolved.language_adapter_identity(one)
        name = self._name_of(one) + (f"-{copy}" if copy else "")
        if name in self._languages:
            self._languages.move_to_end(name)
            return name
        measured: Mapping[str, float] = {}
        if one.kind == "random":
            torch.manual_seed(one.seed)
            self._adding(one.training)(name)
        elif one.kind == "given":
            given = Path(self.resolved.given[one.language].folder)
            self.encoder.load_language_adapter(
                name,
                given,
                "give another",
                configuration.like(self.resolved, one),
                invertible=self.resolved.is_invertible(one),
            )
            try:
                given_adapters.check_unchanged(self.resolved.given[one.language])
            except ModelError:
                self.encoder.delete_adapter(name)
                raise
        else:
            folder = self._adapters / self.resolved.language_adapter_name(one)
            invertible = self.resolved.is_invertible(one)
            advice = "delete the folder, it will be trained again"
            about = self._from_kept(
                name,
                folder,
                identity,
                lambda: self._train_language(one, name, folder, identity),
                lambda: self.encoder.load_language_adapter(
                    name, folder, advice, self._config(one.training), invertible=invertible
                ),
            )
            measured = about["measured"]
        self._marks[name] = self._guard.remember(name)
        self._languages[name] = measured
        return name

    def _train_language(
        self, one: LanguageAdapter, name: str, folder: Path, identity: Mapping[str, object]
    ) -> None:
        self.restore()
        self._forget_composition()
        how = one.training
        text = self.texts.chunks(one.language, how.lines, how.chunk)
        with self._phase("train language adapter") as progress:
            measured = language_adapters.fit(
                self.encoder,
                self._objective(how),
                name,
                text,
                how,
                self._adding(how),
                one.seed,
                progress,
            )
        about = {"identity": identity, "language": one.language, "measured": measured}
        try:
            kept_adapters.keep(folder, about, lambda new: self.encoder.save_language_adapter(name, new))
        finally:
            self.encoder.delete_adapter(name)

    def _check_at_hand(self, adapters: Sequence[LanguageAdapter]) -> None:
        """On fine-tuned weights: raise JobError for a language adapter that would have to be trained, which
        is done on the pretrained ones.
        """
        for one in adapters if self._state is not None else ():
            identity = self.resolved.language_adapter_identity(one)
            folder = self._adapters / self.resolved.language_adapter_name(one)
            known = one.kind != "trained" or self._name_of(one) in self._languages
            if not known and isinstance(kept_adapters.examine(folder, identity), str):
                raise JobError(
                    f"the language adapter of {one.language} is not there, and training it would take the "
                    "place of the fine-tuned weights; call Lab.language_adapter before Lab.finetune"
                )

    def _name_of(self, one: LanguageAdapter) -> str:
        """What the model calls a language adapter."""
        return f"language-{digest(self.resolved.language_adapter_identity(one))[:16]}"

    def _compose(self, under: Composition, task: str) -> tuple[str, ...]:
        """Names of the adapters in the model, mixed as wanted, the fusion tuned."""
        self._check_at_hand(under.adapters)
        if self._state is not None and under.mix == "tuned":
            raise JobError(
                "a fusion is tuned on the pretrained weights, and these are fine-tuned; restore them, or mix "
                "the adapters in another way"
            )
        one = self.resolved.adapter_task(task)
        if self._composed is not None and self._composed[:2] == (under, one.name):
            return self._composed[2]
        self._forget_composition()
        seen: Counter[LanguageAdapter] = Counter()
        names, weights = [], self._mark
        for adapter in under.adapters:
            names.append(self._load(adapter, seen[adapter]))
            seen[adapter] += 1
        if self._mark != weights:  # one that was kept had to be trained again
            raise JobError("training a language adapter took the place of the weights; run the command again")
        compositions.check(self.encoder, names, [x.language for x in under.adapters])
        if under.mix in ("untrained", "tuned"):
            compositions.add_fusion(self.encoder, names, under.seed)
        self._composed = (under, one.name, tuple(names))
        if under.mix == "tuned":
            sets = [self.encoded(task, x, "train") for x in self.resolved.train_languages(task)]
            try:
                with (
                    self._phase("tune fusion") as progress,
                    compositions.invertible(self.encoder, names, under.invertible),
                ):
                    kind = self.inputs.kind(one)
                    compositions.tune(
                        self.encoder, names, one, kind, sets, under.fusion, under.seed, progress
                    )
            except BaseException:
                self._forget_composition()
                raise
        for fusion in self.encoder.model.adapters_config.fusions:
            self._marks[fusion] = self._guard.remember(fusion)
        return tuple(names)

    def _forget_composition(self) -> None:
        """Drop fusion layers, and language adapters beyond those that fit."""
        if self._composed is not None:
            under, _, names = self._composed
            self.encoder.use_no_adapter()
            if under.mix in ("untrained", "tuned"):
                compositions.delete_fusion(self.encoder, names)
                self._marks.pop(",".join(names), None)
            self._composed = None
        self._make_room()

    def _make_room(self) -> None:
        """Drop the language adapters that were used least recently, but none that is in use."""
        used = self._composed[2] if self._composed is not None else ()
        spare = [x for x in self._languages if x not in used]
        for name in spare[: max(0, len(self._languages) - MOST_ADAPTERS)]:
            del self._languages[name]
            self._marks.pop(name, None)
            self.encoder.delete_adapter(name)

    # Scores

    def predict(self, cells: Sequence[Cell], under: Composition | None = None) -> list[list[Predicted]]:
        """What is predicted of every example of every cell, as `contracts.KindOfTask` has it."""
        return [predicted for predicted, _ in self._answered(cells, under)]

    def _answered(
        self, cells: Sequence[Cell], under: Composition | None = None
    ) -> list[tuple[list[Predicted], Loss | None]]:
        """Of every cell: what is predicted of each example, and its task loss."""
        task = cells[0].task
        adapter = self.resolved.adapter_task(task).name
        if under is None:
            if self.resolved.has_adapter(task):
                if adapter not in self._adapter:
                    raise RuntimeError(f"no adapter of {adapter} in memory; call Lab.task_adapter() first")
                self.encoder.use_task_adapter(adapter)
            else:
                self.encoder.use_no_adapter()
            return self._predict(cells)
        names = self._compose(under, task)
        for name in names:
            self._note(name)
        with (
            compositions.invertible(self.encoder, names, under.invertible),
            compositions.reordered(self.encoder, names, under.mix),
        ):
            compositions.use(self.encoder, names, under.mix, adapter)
            self._guard.for_evaluation(tuned=under.mix == "tuned")
            return self._predict(cells)

    def _predict(self, cells: Sequence[Cell]) -> list[tuple[list[Predicted], Loss | None]]:
        task = self.resolved.tasks[cells[0].task]
        stream, batches = self.stream(tuple(cells))
        kind, targets = self.inputs.kind(task), self.inputs.targets(task, tuple(cells))
        found: list[NDArray[Any]] = [np.empty(0)] * len(stream.ids)
        losses = np.zeros((len(stream.ids), 2))
        with self._phase("evaluate") as progress, torch.inference_mode():
            for number, batch in enumerate(batches, 1):
                answers, loss = kind.answers(self.encoder, task, batch, targets)
                for member, answer in zip(batch.members, answers, strict=True):
                    found[member] = answer
                if loss is not None:
                    losses[batch.members] = loss
                progress(number / len(batches))
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
            evaluations.append(Evaluation(cell, counts, encoded.truncated, extra, loss))
        return evaluations

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
