"""The checkpoint of a study, and the settings that depend on what it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from xlbench.contracts import FinetuningSettings, LanguageTraining, digest
from xlbench.contracts.freezing import Frozen
from xlbench.contracts.settings import tuples
from xlbench.errors import StudyError
from xlbench.models import checkpoints, given_adapters, word_tokens
from xlbench.models.architectures import no_head
from xlbench.studies import objectives

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xlbench.contracts import AdapterTraining, BaseModel, Family, GivenAdapter, Study, Task
    from xlbench.plugins import Registry
    from xlbench.spec.problems import Problems


@dataclass(slots=True)
class Located:
    """What is known of a checkpoint; where there is none, the settings as they were said."""

    model: BaseModel
    """At the revision that was located."""
    mlm: FinetuningSettings
    language_training: LanguageTraining
    fingerprint: str = ""
    """Of its files, and of the precision of its arithmetic."""
    family: Family = "encoder"
    words: int = 1
    """Version of how given words become tokens."""
    given: dict[str, GivenAdapter] = field(default_factory=dict)
    """Language adapters that came with the study, by language."""
    layers: int | None = None
    """How many there are, where a setting names some."""


def of(
    study: Study,
    model: BaseModel,
    tasks: Mapping[str, Task],
    training: Mapping[str, AdapterTraining],
    registry: Registry,
    problems: Problems,
) -> Located:
    """The checkpoint of a study that is filled in, and its settings with objectives of the model's family.

    `training` is by task. Keeps a problem for what the checkpoint cannot do.
    """
    mlm = FinetuningSettings(**tuples(study.mlm))
    found = Located(model, mlm, LanguageTraining(**tuples(study.language_training)))
    with problems.kept():
        place = checkpoints.locate(model, study.revision)
        found.fingerprint, found.family = place.fingerprint, place.family
        if model.architecture is not None:
            found.fingerprint += f"-{_of_architecture(model, registry)}"
        if any(registry.method.kinds[task.kind].of_words for task in tasks.values()):
            found.words = word_tokens.version(place)
        if study.precision == "bfloat16":
            found.fingerprint += "-bfloat16"
        found.model = replace(model, revision=place.revision)
        found.mlm = objectives.checked(found.mlm, "mlm", study.mlm, place.family, registry, problems)
        found.language_training = objectives.checked(
            found.language_training,
            "language_training",
            study.language_training,
            place.family,
            registry,
            problems,
        )
        _check_head(study, place, model, tasks, registry, problems)
        if study.language_adapters:
            config = checkpoints.config(place)
            for language, text in study.language_adapters.items():
                with problems.kept():
                    kinds = registry.method.adapters.values()
                    found.given[language] = given_adapters.find(text, config, kinds)
        with problems.kept():
            _check_freeze(found.mlm, checkpoints.own_layers(place))
        if found.language_training.leave_out or any(how.leave_out for how in training.values()):
            found.layers = checkpoints.layers(place)
    return found


def _of_architecture(model: BaseModel, registry: Registry) -> str:
    """What tells the code that loads a model from other code; its plugin and version."""
    own = model.architecture
    owner = registry.owners.get(("model", model.name))
    origin = owner.origin if owner is not None else ""
    return digest(
        {
            "architecture": own.model_type if own else "",
            "version": own.version if own else 1,
            "plugin": origin,
        }
    )[:16]


def _check_head(
    study: Study,
    place: checkpoints.Checkpoint,
    model: BaseModel,
    tasks: Mapping[str, Task],
    registry: Registry,
    problems: Problems,
) -> None:
    """Keep a problem where text is trained on, or scored, without a language-model head that can be used."""
    finetunes = not {*study.transfer, *study.beneath} <= study.language_adapters.keys()
    own_head = [x.name for x in tasks.values() if registry.method.kinds[x.kind].own_head]
    if place.lm_head is False and (finetunes or own_head):
        problems.add(f"{model.checkpoint}: {no_head(place.family)}")
    own = registry.method.own_objective(place.family)
    if own is not None and own.likelihood == "none":
        problems.lines += [
            f"task {x} reads the probability of a text off the model's own head, and there is none that "
            f"could be compared for {model.name}, an {place.family} trained by {own.name}; leave the task out"
            for x in own_head
        ]


def _check_freeze(mlm: FinetuningSettings, layers: int | None) -> None:
    """Raise StudyError for a layer to freeze that the model does not have."""
    if layers is not None:
        try:
            Frozen.read(mlm.freeze).check(layers)
        except ValueError as error:
            raise StudyError(f"mlm.{error}") from None
