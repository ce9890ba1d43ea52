"""A composition in the model, beneath the adapter of a task: made, tuned, evaluated, taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from xlbench.errors import JobError, PluginError, XlbenchError, said_of
from xlbench.lab.compositions import composition, tuning
from xlbench.lab.compositions.composition import Together

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from xlbench.contracts import Composition, Method, Resolved
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.inputs import Inputs


class Composed:
    """A composition `under` the adapter `task`, of language adapters that are in the model."""

    def __init__(
        self, encoder: Encoder, method: Method, names: Sequence[str], under: Composition, task: str
    ) -> None:
        """Put in what it has beside its adapters, called `names`. Raises PluginError for its code."""
        self.under, self.task = under, task
        self._encoder, self._method = encoder, method
        self.together = self._made(names)
        with self._at_fault():
            self.added = tuple(self.together.add())
        """Names in the model of what it has beside its adapters."""

    @property
    def trained(self) -> bool:
        """Whether it has weights of its own that are trained."""
        return self._method.compositions[self.under.mix].trained

    def tune(
        self,
        task: str,
        resolved: Resolved,
        inputs: Inputs,
        phase: Callable[[str], AbstractContextManager[Callable[[float], None]]],
    ) -> None:
        """Train its own weights on the training data of a task."""
        owner = resolved.adapter_task(task)
        sets = [inputs.encoded(task, x, "train") for x in resolved.train_languages(task)]
        with self._at_fault():
            parameters, added = self.together.trained()
            if not parameters:
                raise ValueError("it names no weights to train")
        with phase("tune fusion") as progress, self._invertible():
            tuning.tune(self.together, owner, inputs.kind(owner), sets, parameters, added, progress)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Meanwhile the model runs with it beneath its task's adapter."""
        with self._invertible(), self.together.evaluating():
            with self._at_fault():
                self._encoder.use_stack(self.together.beneath(), self.task)
            yield

    def remove(self) -> None:
        """Take out what it has beside its adapters."""
        with self._at_fault():
            self.together.remove()

    def _invertible(self) -> AbstractContextManager[None]:
        names = (*self.together.names, *self.added)
        return composition.invertible(self._encoder, names, self.under.invertible)

    def _made(self, names: Sequence[str]) -> Together:
        with self._at_fault():
            found = self._method.compositions[self.under.mix].load()
        if not (isinstance(found, type) and issubclass(found, Together)):
            where = self._method.named("composition", self.under.mix)
            raise PluginError(f"{where}: gives {found!r}, not a subclass of Together")
        return found(self._encoder, names, self.under)

    @contextmanager
    def _at_fault(self) -> Iterator[None]:
        """What a composition raises, unless the user can correct it, as one line that names its plugin."""
        try:
            yield
        except (XlbenchError, JobError, KeyboardInterrupt):
            raise
        except Exception as error:  # a plugin's code may raise anything
            where = self._method.named("composition", self.under.mix)
            raise PluginError(f"{where}: {said_of(error)}") from error
