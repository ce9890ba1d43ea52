"""Memory that runs out: a batch in halves, with the numbers of the whole one up to rounding.

An evaluation draws nothing, and no input of a batch depends on another, so its halves are just two batches.
In training two things hold them together. The loss is a mean over places, so that each half counts by its
share of them:

    L = sum over halves h of (n_h / n) L_h,    n_h: places of half h

And dropout draws for the batch as a whole. So for each half the random state is put back to where it was,
the numbers of the whole batch are drawn, and the half takes its own rows of them. Where that cannot be done,
as of a kernel that draws inside, nothing is halved: other draws would be other numbers.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from xlbench.errors import JobError, ran_out
from xlbench.lab.random_state import get_random_state, set_random_state
from xlbench.output import complain

if TYPE_CHECKING:
    from xlbench.lab.batches import Batch

T = TypeVar("T")
ADVICE = "use fewer --workers or more memory"


class Halving:
    """What was halved since `begin`, in this process."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._halved: set[str] = set()
        self._said: set[str] = set()

    def begin(self) -> None:
        """Before a job."""
        self._halved.clear()

    def halved(self) -> list[str]:
        """What of the job was done in half batches: "evaluation", "training"."""
        return sorted(self._halved)

    def note(self, what: str) -> None:
        """Memory ran out in batches of this kind, which are halved then. Say so, and free what can be."""
        gc.collect()
        if self.device.type in ("cuda", "xpu", "mps"):
            getattr(torch, self.device.type).empty_cache()
        self._halved.add(what)
        if what not in self._said:
            self._said.add(what)
            complain(
                f"memory ran out in a batch of {what}; batches are halved where it does, which changes no "
                f"number but by rounding ({ADVICE} to be faster)"
            )

    def evaluated(
        self, batches: Sequence[Batch], do: Callable[[Batch], T]
    ) -> Iterator[tuple[float, Batch, T]]:
        """What `do` gives of each batch, with the share that is done then; from the first for which memory
        does not suffice, of the halves of each. Raises JobError where it does not suffice for a half.
        """
        halved = False
        for number, batch in enumerate(batches, 1):
            share = number / len(batches)
            if not halved:
                try:
                    found = do(batch)
                except Exception as error:
                    if not ran_out(error):
                        raise
                    halved = True
                else:
                    yield share, batch, found
                    continue
                self.note("evaluation")
            for half in batch.halves():
                try:
                    found = do(half)
                except Exception as error:
                    if not ran_out(error):
                        raise
                    raise exhausted("evaluation") from error
                yield share, half, found


def exhausted(what: str) -> JobError:
    """What to say where half a batch is too much too."""
    return JobError(
        f"memory ran out in half a batch of {what} too; {ADVICE}, then run the same command again, which "
        "tries this job once more"
    )


def learned(device: torch.device, parts: Sequence[tuple[int, float, Callable[[], Tensor]]]) -> Tensor:
    """Add up the gradients of a batch, given in parts: the number of its inputs that a part has, a weight,
    and its loss. Returns the batch's loss, in nats.

    Random numbers are those that the whole batch would draw. Raises JobError where they cannot be. Parts of
    weight 0 are left out.
    """
    if len(parts) == 1:
        loss = parts[0][2]()
        torch.autograd.backward(loss)
        return loss.detach()
    sizes = [size for size, _, _ in parts]
    before, total = get_random_state(device), torch.zeros((), device=device)
    first: _Redrawn | None = None
    for number, (size, weight, loss_of) in enumerate(parts):
        if not weight:
            continue
        set_random_state(device, before)
        start = sum(sizes[:number])
        with _Redrawn(device, sum(sizes), slice(start, start + size)) as drawn:
            loss = loss_of() * weight
            torch.autograd.backward(loss)
        total += loss.detach()
        first = first or drawn
        if first.drawn != drawn.drawn:
            raise _not_redrawn("what is drawn differs between the halves")
    return total


class _Redrawn(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Meanwhile what is drawn for some rows of a batch is what would be drawn for all of them."""

    def __init__(self, device: torch.device, rows: int, own: slice) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._device, self._rows, self._own = device, rows, own
        self.drawn: list[tuple[str, tuple[int, ...]]] = []
        """Operations, with the shape of what each drew, rows aside."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        if func is torch.ops.aten.bernoulli_.float and len(args) == 2 and not kwargs:
            here, p = args
            return here.copy_(self._whole(func, here).bernoulli_(p)[self._own])
        if func is torch.ops.aten.native_dropout.default:
            here, p, train = args
            if not train or p == 0:
                return func(*args, **kwargs)
            # What is kept, and what that is scaled by, as the kernel does.
            kept = func(torch.ones_like(self._whole(func, here)), p, train)[1][self._own]
            return here * kept * (0.0 if p == 1 else 1 / (1 - p)), kept
        before = get_random_state(self._device)
        found = func(*args, **kwargs)
        after = get_random_state(self._device)
        if not all(torch.equal(a, b) for a, b in zip(before, after, strict=True)):
            raise _not_redrawn(str(func))
        return found

    def _whole(self, func: Any, here: Tensor) -> Tensor:
        if not here.dim() or here.shape[0] != self._own.stop - self._own.start:
            raise _not_redrawn(str(func))
        self.drawn.append((str(func), tuple(here.shape[1:])))
        # As it would lie in memory, which may be the order in which it is drawn.
        order = sorted(range(here.dim()), key=here.stride, reverse=True)
        size = (self._rows, *here.shape[1:])
        return torch.empty_permuted(size, order, dtype=here.dtype, device=here.device)


def _not_redrawn(why: str) -> JobError:
    return JobError(
        "memory ran out in a batch of training, which cannot be halved without other random numbers "
        f"({why}); {ADVICE}, or a smaller batch_size, which is another study"
    )
