"""What is attached to the model in memory: task adapters, language adapters, a composition of these."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from xlbench.contracts import digest
from xlbench.errors import JobError, ModelError
from xlbench.lab import language_adapters, task_adapters
from xlbench.lab.adapters import configuration
from xlbench.lab.compositions import composition
from xlbench.lab.compositions.composed import Composed
from xlbench.lab.objectives.called import Called
from xlbench.models import given_adapters, kept_adapters
from xlbench.output import complain

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from xlbench.contracts import (
        AdapterTraining,
        Composition,
        Json,
        LanguageAdapter,
        LanguageTraining,
        Resolved,
    )
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.guard import Guard
    from xlbench.lab.inputs import Inputs
    from xlbench.lab.texts import Texts

    Phase = Callable[[str], AbstractContextManager[Callable[[float], None]]]

MOST_ADAPTERS = 32
"""Language adapters kept in memory; the others are read from disk again."""


class Attached:
    """Adapters and compositions in memory, each loaded once, with digests that say whether it is as it was.

    Adapters are kept that were trained on the pretrained weights: `restore` puts these back, `moved` says
    whether they are not there, and `state` is a digest of the weights that are.
    """

    def __init__(
        self,
        resolved: Resolved,
        encoder: Encoder,
        guard: Guard,
        inputs: Inputs,
        texts: Texts,
        folder: Path,
        phase: Phase,
        *,
        restore: Callable[[], None],
        moved: Callable[[], bool],
        state: Callable[[], str],
    ) -> None:
        """`folder` keeps adapters. Nothing is attached at first."""
        self.resolved, self.encoder, self.folder = resolved, encoder, folder
        self._guard, self._inputs, self._texts, self._phase = guard, inputs, texts, phase
        self._restore, self._moved, self._state = restore, moved, state
        self._tasks: dict[str, Path | None] = {}
        """Folder of the adapter that is in memory for a task; None for one that was retrained."""
        self._languages: OrderedDict[str, Mapping[str, float]] = OrderedDict()
        """What was measured in training of each language adapter in memory, the last used last."""
        self._composed: Composed | None = None
        self._marks: dict[str, str] = {}
        """By name of an adapter (or fusion) in memory: the digest of its weights."""
        self._digests: dict[str, tuple[str, str]] = {}
        """By name of a kept adapter in memory: its folder's name and digest."""
        self._used: dict[str, Json] = {}

    # What a job finds and leaves

    def check(self) -> None:
        """Before a job: forget adapters, fusion and heads in memory that are not as they were loaded, trained
        or drawn, and which adapters were used.
        """
        model = self.encoder.model
        there = {*model.adapters_config.adapters, *model.adapters_config.fusions, *model.heads}
        changed = {*there, *self._marks} - (there & self._guard.unchanged(self._marks))
        if changed:
            self.forget_composition()
        for name in changed:
            self._marks.pop(name, None)
            self._tasks.pop(name, None)
            self._languages.pop(name, None)
            if name in model.adapters_config.fusions:
                model.delete_adapter_fusion(name)
            else:
                self.encoder.delete_task_adapter(name)
        self._guard.forget_all_but(self._marks)
        self._used = {}

    def used(self) -> dict[str, Json]:
        """Digests of the kept adapters that the job used, by the name of their folder."""
        return dict(sorted(self._used.items()))

    def _note(self, name: str) -> None:
        """The job uses this adapter."""
        if name in self._digests:
            folder, found = self._digests[name]
            self._used[folder] = found

    # Task adapters

    def has(self, task: str) -> bool:
        """Whether an adapter of this name is in memory for its task."""
        return task in self._tasks

    def task_adapter(self, task: str, resolved: Resolved) -> Path:
        """Have the adapter of a task in memory, trained as `resolved` has it; its folder."""
        one = resolved.adapter_task(task)
        name, kind = one.name, self._inputs.kind(one)
        folder = self.folder / resolved.task_adapter_name(task)
        if self._tasks.get(name) != folder:
            self.forget_task_adapter(name)
            self._from_kept(
                name,
                folder,
                resolved.adapter_identity(task),
                lambda: self._train_kept(task, resolved, folder),
                lambda: self.encoder.load_task_adapter(
                    name,
                    folder,
                    self._config(resolved.training[task]),
                    lambda model: kind.add_head(model, one),
                ),
            )
            self._tasks[name] = folder
        self._note(name)
        return folder

    def digest_of(self, name: str, folder: Path) -> str:
        """Digest of the kept adapter that is in memory under this name. Raises JobError unless it is that of
        the folder: of an adapter that was retrained there is none.
        """
        kept, found = self._digests.get(name, ("", ""))
        if kept != folder.name:
            raise JobError(f"the adapter of {name} in memory is not the one that was put back")
        return found

    def retrain(self, task: str, resolved: Resolved) -> None:
        """Have an adapter of a task in memory that is trained on the weights as they are, kept nowhere."""
        name = resolved.adapter_task(task).name
        if resolved.training[task].warm_start_steps is None:
            self.forget_task_adapter(name)
        else:
            self._load_first(task, resolved)
        self._train(task, resolved)
        self._tasks[name] = None

    def _load_first(self, task: str, resolved: Resolved) -> None:
        """Have the adapter that a warm start goes on from in memory, about to be trained further."""
        weights, name = self._state(), resolved.adapter_task(task).name
        first = resolved.with_training({task: resolved.training[task].first})
        self.task_adapter(task, first)
        for table in (self._tasks, self._marks, self._digests):
            table.pop(name, None)
        if self._state() != weights:
            raise JobError(
                f"the adapter of {task} that a warm start goes on from was not there, and training it took "
                "the place of the fine-tuned weights; run the same command again"
            )

    def _train_kept(self, task: str, resolved: Resolved, folder: Path) -> None:
        """Train an adapter on the pretrained weights and keep it on disk, not in memory."""
        self._restore()
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
        self.forget_composition()
        one, how = resolved.adapter_task(task), resolved.training[task]
        sets = [self._inputs.encoded(task, x, "train", how) for x in resolved.train_languages(task)]
        beneath = self._beneath(how)
        invertible = how.over is None or how.over.invertible
        with (
            self._phase("train adapter") as progress,
            composition.invertible(self.encoder, beneath, invertible),
        ):
            kind, add = self._inputs.kind(one), self.adding(how)
            return task_adapters.train(self.encoder, one, kind, sets, how, progress, add, beneath)

    def _beneath(self, how: AdapterTraining) -> list[str]:
        """Names in the model of the language adapters that a task adapter is trained over, each loaded."""
        if how.over is None:
            return []
        self._check_at_hand(how.over.adapters)
        for one in how.over.adapters:  # training one may drop others from memory
            self.language_adapter(one)
        names = [self.load(one) for one in how.over.adapters]
        for name in names:
            self._note(name)
        return names

    def forget_task_adapter(self, name: str) -> None:
        """Take a task adapter out of memory, and with it the composition beneath one."""
        if name in self._tasks:
            self.forget_composition()
            for table in (self._tasks, self._marks, self._digests):
                table.pop(name, None)
            self.encoder.delete_task_adapter(name)

    def forget_retrained(self) -> None:
        """Take out adapters that were trained on weights which are about to move."""
        for name in [x for x, folder in self._tasks.items() if folder is None]:
            self.forget_task_adapter(name)

    # Adapters of both roles

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

    def adding(self, how: AdapterTraining | LanguageTraining) -> Callable[[str], None]:
        """What puts a fresh adapter into the model, by its name."""
        return partial(configuration.add, self.encoder, self.resolved.method, how)

    # Language adapters

    def language_adapter(self, one: LanguageAdapter) -> Mapping[str, float]:
        """Have a language adapter at hand; what was measured when it was trained."""
        measured = self._languages[self.load(one)]
        self._make_room()
        return measured

    def load(self, one: LanguageAdapter, copy: int = 0) -> str:
        """Name of the adapter in the model, where it is after this; a second copy has a name of its own."""
        identity = self.resolved.language_adapter_identity(one)
        name = self._name_of(one) + (f"-{copy}" if copy else "")
        if name in self._languages:
            self._languages.move_to_end(name)
            return name
        measured: Mapping[str, float] = {}
        if one.kind == "random":
            torch.manual_seed(one.seed)
            self.adding(one.training)(name)
        elif one.kind == "given":
            self._load_given(one, name)
        else:
            folder = self.folder / self.resolved.language_adapter_name(one)
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

    def _load_given(self, one: LanguageAdapter, name: str) -> None:
        given = self.resolved.given[one.language]
        like, invertible = configuration.like(self.resolved, one), self.resolved.is_invertible(one)
        self.encoder.load_language_adapter(
            name, Path(given.folder), "give another", like, invertible=invertible
        )
        try:
            given_adapters.check_unchanged(given)
        except ModelError:
            self.encoder.delete_adapter(name)
            raise

    def _train_language(
        self, one: LanguageAdapter, name: str, folder: Path, identity: Mapping[str, object]
    ) -> None:
        self._restore()
        self.forget_composition()
        how = one.training
        text = self._texts.chunks(one.language, how.lines, how.chunk)
        objective = Called(self.resolved, how)
        with self._phase("train language adapter") as progress:
            measured = language_adapters.fit(
                self.encoder, objective, name, text, how, self.adding(how), one.seed, progress
            )
        about = {"identity": identity, "language": one.language, "measured": measured}
        try:
            kept_adapters.keep(folder, about, lambda new: self.encoder.save_language_adapter(name, new))
        finally:
            self.encoder.delete_adapter(name)

    def _make_room(self) -> None:
        """Drop the language adapters that were used least recently, but none that is in use."""
        used = self._composed.together.names if self._composed is not None else ()
        spare = [x for x in self._languages if x not in used]
        for name in spare[: max(0, len(self._languages) - MOST_ADAPTERS)]:
            del self._languages[name]
            self._marks.pop(name, None)
            self.encoder.delete_adapter(name)

    def _check_at_hand(self, adapters: Sequence[LanguageAdapter]) -> None:
        """On fine-tuned weights: raise JobError for a language adapter that would have to be trained, which
        is done on the pretrained ones.
        """
        for one in adapters if self._moved() else ():
            identity = self.resolved.language_adapter_identity(one)
            folder = self.folder / self.resolved.language_adapter_name(one)
            known = one.kind != "trained" or self._name_of(one) in self._languages
            if not known and isinstance(kept_adapters.examine(folder, identity), str):
                raise JobError(
                    f"the language adapter of {one.language} is not there, and training it would take the "
                    "place of the fine-tuned weights; call Lab.language_adapter before Lab.finetune"
                )

    def _name_of(self, one: LanguageAdapter) -> str:
        """What the model calls a language adapter."""
        return f"language-{digest(self.resolved.language_adapter_identity(one))[:16]}"

    # Compositions

    @contextmanager
    def composed(self, under: Composition, task: str) -> Iterator[None]:
        """Meanwhile the model runs with language adapters beneath the adapter of a task, put together as
        wanted, ready for evaluation.
        """
        one = self._compose(under, task)
        for name in one.together.names:
            self._note(name)
        with one.evaluating():
            self._guard.for_evaluation(tuned=one.trained)
            yield

    def _compose(self, under: Composition, task: str) -> Composed:
        """A composition in the model, its own weights trained."""
        self.resolved.check_composition(under)
        self._check_at_hand(under.adapters)
        trained = self.resolved.method.compositions[under.mix].trained
        if trained and self._moved():
            raise JobError(
                f"the composition {under.mix} is trained on the pretrained weights, and these are fine-tuned "
                "ones; restore them, or put the adapters together in another way"
            )
        one = self.resolved.adapter_task(task)
        if self._composed is not None and (self._composed.under, self._composed.task) == (under, one.name):
            return self._composed
        self.forget_composition()
        seen: Counter[LanguageAdapter] = Counter()
        names, weights = [], self._state()
        for adapter in under.adapters:
            names.append(self.load(adapter, seen[adapter]))
            seen[adapter] += 1
        if self._state() != weights:  # one that was kept had to be trained again
            raise JobError("training a language adapter took the place of the weights; run the command again")
        composition.check(self.encoder, names, [x.language for x in under.adapters])
        self._composed = Composed(self.encoder, self.resolved.method, names, under, one.name)
        try:
            if trained:
                self._composed.tune(task, self.resolved, self._inputs, self._phase)
        except BaseException:
            self.forget_composition()
            raise
        for name in self._composed.added:
            self._marks[name] = self._guard.remember(name)
        return self._composed

    def forget_composition(self) -> None:
        """Take out what a composition has beside its adapters, and adapters beyond those that fit."""
        if self._composed is not None:
            one, self._composed = self._composed, None
            self.encoder.use_no_adapter()
            for name in one.added:
                self._marks.pop(name, None)
            one.remove()
        self._make_room()
