"""The vocabularies of the method: kinds of task, objectives, adapters, compositions, text treatments.

A plugin registers a part of the method as it registers a task. What planning has to know of it are its
fields; what the Lab does with it is what `load` gives, which alone may import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from xlbench.contracts.allowed import SHAPE

if TYPE_CHECKING:
    from xlbench.contracts import allowed
    from xlbench.contracts.adapter import AdapterFiles, LanguageTraining
    from xlbench.contracts.cell import Json
    from xlbench.contracts.kind import KindOfTask
    from xlbench.contracts.objective import Family, Objective
    from xlbench.contracts.task import AdapterTraining
    from xlbench.contracts.treatment import Treatment

OF_SHAPE = frozenset({*SHAPE, "leave_out"})
"""Settings of an adapter's training that its kind may have or not (`AdapterKind.shape`)."""
Vocabulary: TypeAlias = Literal["kind", "objective", "adapter", "composition", "treatment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodPart:
    """What all parts of the method have."""

    name: allowed.Name
    summary: str
    """One line, for `xlbench list methods`."""
    load: Callable[[], Any]
    """What the Lab works with; called in a process that has torch, once."""
    version: int = 1
    """Raised whenever the same data and settings would give other numbers. In the identity of what it made
    from version 2 on, so that results of version 1 stay found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterKind(MethodPart):
    """A kind of adapter, for tasks and for languages.

    `load` gives a function of the settings of an adapter (those of `task` or `language` with their values,
    and `leave_out` where layers are left out) that returns its configuration in the library `adapters`.
    """

    task: allowed.Shape | None
    """As a task adapter: which settings it has, with their defaults; None where it cannot be one."""
    language: allowed.Shape | None
    """As a language adapter, likewise."""
    place: str
    """Where in a layer it acts, in a few words: kinds of one place can be put together in a composition."""
    abilities: frozenset[str] = frozenset()
    """What compositions may do with several of them (`CompositionKind.needs`): "average" their outputs,
    "fuse" them by attention, "merge" their weights."""
    leaves_out: bool = True
    """Whether single layers can go without it (`leave_out`)."""
    invertible: bool = False
    """Whether it has an invertible part at the embeddings, which only a language adapter may have."""
    files: AdapterFiles | None = None
    """How a language adapter of this kind is known from its files; None: none can be given, only trained."""

    def __post_init__(self) -> None:
        if self.task is None and self.language is None:
            raise ValueError(f"adapter {self.name}: neither a task adapter nor a language adapter")
        if self.invertible and self.task is not None:
            raise ValueError(
                f"adapter {self.name}: a kind with an invertible part cannot be a task adapter, since a task "
                "adapter's would not act over a language adapter"
            )

    def shape(self, how: AdapterTraining | LanguageTraining) -> dict[str, Json]:
        """The settings of an adapter that is trained as `how` says, the kind's defaults filled in; what the
        kind has not is not among them. With `leave_out`, the layers that go without it, where there are any.
        """
        defaults = self.task if how.role == "task" else self.language
        said = {x: getattr(how, x) for x in defaults or {}}
        found: dict[str, Json] = {
            x: default if said[x] is None else said[x] for x, default in (defaults or {}).items()
        }
        if how.leave_out:
            found["leave_out"] = [*sorted(set(how.leave_out))]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositionKind(MethodPart):
    """A way in which several language adapters are put together beneath a task adapter.

    `load` gives a subclass of `xlbench.lab.compositions.composition.Together`.
    """

    needs: str = ""
    """What adapters must be able to do to be put together so (`AdapterKind.abilities`); "": nothing."""
    alone: bool = False
    """Whether it takes exactly one adapter, instead of any number."""
    seeded: bool = False
    """Whether `Composition.seed` can change its numbers."""
    trained: bool = False
    """Whether it has weights that are trained for the task, as `Composition.fusion` says; the seed gives the
    order of the data then."""
    weighted: bool = False
    """Whether it heeds `Composition.weights`."""

    def __post_init__(self) -> None:
        if self.trained and not self.seeded:
            raise ValueError(f"composition {self.name}: seeded must be true where trained is")


@dataclass(frozen=True, slots=True)
class Method:
    """All parts of the method that are registered, each by its name."""

    kinds: Mapping[str, KindOfTask] = field(default_factory=dict)
    objectives: Mapping[str, Objective] = field(default_factory=dict)
    adapters: Mapping[str, AdapterKind] = field(default_factory=dict)
    compositions: Mapping[str, CompositionKind] = field(default_factory=dict)
    treatments: Mapping[str, Treatment] = field(default_factory=dict)
    origins: Mapping[tuple[Vocabulary, str], str] = field(default_factory=dict)
    """Of parts that third parties registered: what tells their plugin from others, as `Resolved.origins`."""
    owners: Mapping[tuple[Vocabulary, str], str] = field(default_factory=dict)
    """The plugin that registers each, for messages."""

    def named(self, vocabulary: Vocabulary, name: str) -> str:
        """A part, for messages: "treatment 'shuffled' (plugin 'treatments' of xlbench 1.0)"."""
        owner = self.owners.get((vocabulary, name))
        return f"{vocabulary} {name!r}{f' ({owner})' if owner else ''}"

    def of(self, vocabulary: Vocabulary) -> Mapping[str, MethodPart]:
        """A whole vocabulary, by name."""
        return {
            "kind": self.kinds,
            "objective": self.objectives,
            "adapter": self.adapters,
            "composition": self.compositions,
            "treatment": self.treatments,
        }[vocabulary]

    def own_objective(self, family: Family) -> Objective | None:
        """The objective that models of a family were pretrained with; None where none is registered."""
        built_in = (x for name, x in self.objectives.items() if ("objective", name) not in self.origins)
        return next((x for x in built_in if family in x.own), None)

    def identity(self, vocabulary: Vocabulary, name: str) -> dict[str, Json]:
        """What tells a part from others of its name, for the identity of what it made: nothing for a built-in
        part at version 1. Raises KeyError for a name that is not registered.
        """
        version, origin = self.of(vocabulary)[name].version, self.origins.get((vocabulary, name))
        made: dict[str, Json] = {}
        if version > 1 or origin:
            made[f"{vocabulary}_version"] = version
        if origin:
            made[f"{vocabulary}_plugin"] = origin
        return made
