"""A kind of task: what the core has to know of it; what the Lab does with it lies behind `load`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from xlbench.contracts.examples import Example, Worded
from xlbench.contracts.method import MethodPart

Level: TypeAlias = Literal["token", "sentence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOfTask(MethodPart):
    """A kind of task: what its examples are, and what is predicted of each for the task's metric to count.

    `load` gives an object with the methods of `xlbench.lab.kinds.kind.Kind`, and of a kind whose tasks are
    `trained` those of `Trained` too.
    """

    examples: type[Example]
    """The class of its examples, whose methods say what the core has to know of one."""
    gold: str
    """What the metric gets as gold of each example, for people: "a tuple of tags"."""
    predicted: str
    """What the metric gets as predicted: "a tuple with one tag per word; None where it was cut off"."""
    trained: bool = True
    """Whether its tasks have an adapter and a head that are trained on labels; otherwise the model is scored
    as it is."""
    own_head: bool = False
    """Whether it reads the model's own language-model head, which a checkpoint may lack."""
    task_loss: bool = False
    """Whether each of its test examples has a task loss, with a gradient: what `load` gives has
    `answers_and_loss` too or, of a kind that is not trained, `loss` and `places`. Studies of task loss to
    first order are refused of other kinds when they are planned."""
    level: Level | None = None
    """What is labelled, for comparisons of token-level with sentence-level tasks; None: neither."""
    exact: bool = False
    """Whether an example is right where, and only where, what is predicted equals its gold."""

    def __post_init__(self) -> None:
        if isinstance(self.examples, type) and self.examples.sentences is Example.sentences:
            raise ValueError(
                f"kind {self.name!r}: the class {self.examples.__name__} needs a method sentences"
            )

    @property
    def of_words(self) -> bool:
        """Whether its examples are given words."""
        return issubclass(self.examples, Worded)
