"""Gradients of task losses at the pretrained weights, kept on disk, and what they say of a change of weights.

With w the pretrained weights, d a change of them and L the mean task loss of a target, nats per decision,

    L(w + d) - L(w) = <g, d> + O(|d|^2),    g = dL/dw

so that one gradient per target says what any number of changes do to it, to first order. A gradient is
computed once per task adapter and target, without dropout, and read from disk one tensor at a time: how
much memory that takes does not depend on how many targets there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from xlbench.contracts.gradient import gradient_identity, gradient_name
from xlbench.errors import JobError, ModelError
from xlbench.files import disk
from xlbench.models import kept_adapters
from xlbench.output import complain

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Parameter

    from xlbench.contracts import Cell, GradientNumbers, Json, Resolved
    from xlbench.lab.encoder import Encoder
    from xlbench.lab.inputs import Inputs

    Phase = Callable[[str], AbstractContextManager[Callable[[float], None]]]

FILE = "gradient.safetensors"
ROWS = "#rows"
"""Ends the name under which it is said which rows of a matrix are kept; the others are 0."""
BLOCK = 1 << 22
"""Numbers whose product is summed at a time, with 64 bits."""


class Under(NamedTuple):
    """Under which task adapter a loss is taken."""

    identity: dict[str, Json]
    """`Resolved.adapter_identity`."""
    digest: str
    """Of its weights as they are kept; "" of a task without one."""
    activate: Callable[[], None]
    """Have the model run with it."""


class Gradients:
    """Gradients of task losses on disk, a folder for each."""

    def __init__(
        self, resolved: Resolved, encoder: Encoder, inputs: Inputs, folder: Path, phase: Phase
    ) -> None:
        """`folder` keeps them; `phase` times what it names."""
        self._resolved, self._encoder, self._inputs = resolved, encoder, inputs
        self._folder, self._phase = folder, phase
        self._sound: dict[Path, tuple[object, ...]] = {}
        """Folders that were checked in this process, and how their files looked then."""

    def have(self, cells: Sequence[Cell], under: Under, numbers: GradientNumbers) -> list[Path]:
        """Files with the gradients of cells of one task; those that are not kept yet are computed, on the
        pretrained weights. Leaves the weights as they are. Raises JobError where a loss has no gradient.
        """
        found = []
        with self._phase("gradient") as progress:
            for number, cell in enumerate(cells, 1):
                found.append(self._one(cell, under, numbers) / FILE)
                progress(number / len(cells))
        return found

    def _one(self, cell: Cell, under: Under, numbers: GradientNumbers) -> Path:
        identity = gradient_identity(self._resolved.model_fingerprint, under.identity, cell, numbers)
        folder = self._folder / gradient_name(identity)
        if self._sound.get(folder) == (under.digest, *_looks(folder)):
            return folder
        for _ in range(kept_adapters.TRIES):
            why = kept_adapters.examine(folder, identity)
            if isinstance(why, kept_adapters.Kept):
                if why.about.get("adapter_digest") == under.digest:
                    self._sound[folder] = under.digest, *_looks(folder)
                    return folder
                why = "is of a task adapter that was trained anew since"
                disk.set_aside(folder, folder.parent.with_name("aside"))
            if why:
                complain(f"gradient {folder.name} {why}; it is computed again")
            self._keep(folder, identity, cell, under, numbers)
        raise ModelError(f"{folder}: changes while it is read; leave it alone and run the same command again")

    def _keep(
        self, folder: Path, identity: dict[str, Json], cell: Cell, under: Under, numbers: GradientNumbers
    ) -> None:
        from safetensors.torch import save_file

        loss, decisions, found = self.compute(cell, under)
        tensors = _packed(found, torch.bfloat16 if numbers == "bfloat16" else torch.float32)
        about = {
            "identity": identity, "adapter_digest": under.digest, "loss": loss, "decisions": decisions,
        }  # fmt: skip
        kept_adapters.keep(folder, about, lambda new: save_file(tensors, new / FILE))

    def compute(self, cell: Cell, under: Under) -> tuple[float, int, dict[str, Tensor]]:
        """The mean task loss of a cell at the pretrained weights, in nats per decision, how many decisions
        there are, and the gradient by name of each parameter that has one. Leaves the weights as they are.
        """
        encoder, task = self._encoder, self._resolved.tasks[cell.task]
        kind = self._inputs.kind(task)
        if not kind.has_gradient:
            raise JobError(
                f"tasks of kind {task.kind} have no task loss with a gradient; leave {cell.task} out of "
                "first-order evaluation"
            )
        batches, targets = self._inputs.batches_of(cell)
        batches = [x for x in batches if len(x.slots)]
        with encoder.differentiated() as own:
            under.activate()
            total, places = [torch.zeros_like(x) for x in own], 0
            touched, nats = [False] * len(own), 0.0

            def learn(batch: Any) -> tuple[float, int, Sequence[Tensor | None]]:
                count = kind.places(batch, targets)
                loss = kind.loss(encoder, task, batch, targets) * count
                return loss.item(), count, torch.autograd.grad(loss, own, allow_unused=True)

            for _, _, (value, count, parts) in encoder.halving.evaluated(batches, learn):
                nats, places = nats + value, places + count
                for i, part in enumerate(parts):
                    if part is not None:
                        touched[i] = True
                        total[i] += part
        if not places or not np.isfinite(nats):
            raise JobError(
                f"the task loss of {cell.task} in {cell.target} is {nats:g} nats over {places} decisions"
            )
        named = zip(encoder.names, total, touched, strict=True)
        return nats / places, places, {name: x / places for name, x, is_ in named if is_}

    def along(self, files: Sequence[Path], change: Sequence[Tensor]) -> NDArray[np.float64]:
        """Inner product of each kept gradient with a change of the checkpoint's own parameters: how far the
        task loss of its cell changes to first order, in nats per decision, shape (files,).
        """
        from safetensors import safe_open

        place = {name: i for i, name in enumerate(self._encoder.names)}
        found = np.zeros(len(files))
        with self._phase("inner products"):
            for number, path in enumerate(files):
                with safe_open(path, framework="pt", device="cpu") as kept:
                    names = set(kept.keys())
                    for name in sorted(x for x in names if not x.endswith(ROWS)):
                        d = change[place[name]]
                        if name + ROWS in names:
                            d = d[kept.get_tensor(name + ROWS).to(d.device)]
                        found[number] += inner(kept.get_tensor(name).to(d.device), d)
        return found


def inner(one: Tensor, other: Tensor) -> float:
    """Sum of the products of two tensors of one shape, added up with 64 bits."""
    a, b = one.reshape(-1), other.reshape(-1)
    pairs = zip(torch.split(a, BLOCK), torch.split(b, BLOCK), strict=True)
    return float(sum(torch.dot(a.double(), b.double()) for a, b in pairs))


def change_of(own: Sequence[Parameter], originals: Sequence[Tensor]) -> list[Tensor]:
    """How far each parameter is from what it was."""
    with torch.no_grad():
        return [p.detach() - before for p, before in zip(own, originals, strict=True)]


def _packed(found: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """As it is kept: of a matrix most of whose rows are 0, such as those of tokens that no example has, the
    other rows alone.
    """
    made: dict[str, Tensor] = {}
    for name, x in found.items():
        kept = x
        if x.dim() == 2:
            rows = torch.nonzero(x.ne(0).any(dim=1)).squeeze(1)
            if 2 * len(rows) < len(x):
                made[name + ROWS] = rows.cpu()
                kept = x[rows]
        made[name] = kept.to(dtype).cpu().contiguous()
    return made


def _looks(folder: Path) -> tuple[object, ...]:
    """How the files of a folder look from outside; nothing of one that is not there."""
    found = []
    for name in (FILE, kept_adapters.ABOUT):
        try:
            at = (folder / name).stat()
        except OSError:
            return ()
        found.append((at.st_ino, at.st_size, at.st_mtime_ns))
    return tuple(found)
