"""Batches of examples: a length-sorted stream under a token budget, or shuffled ones for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xlbench.lab.encode import Encoded


@dataclass(frozen=True, eq=False)
class Batch:
    """Padded inputs on the device."""

    ids: Tensor
    """Shape (batch, length), int32."""
    attention: Tensor
    """Shape (batch, length), int64, 0 on padding."""
    types: Tensor | None
    rows: Tensor
    """Row of each place that was not cut off, shape (places,), int64."""
    columns: Tensor
    """Column of each such place, shape (places,)."""
    slots: NDArray[np.int64]
    """Number of each place in the stream, shape (places,)."""
    ends: Tensor
    """One past the column of the last piece of what begins at each place, shape (places,), int64."""
    members: NDArray[np.int64]
    """Number of each input in the stream, shape (batch,)."""
    sizes: NDArray[np.int64]
    """Places of each input, shape (batch,)."""

    def halves(self) -> tuple[Batch, ...]:
        """Its inputs in two batches, as wide as this one; of a single input, the batch itself."""
        half = (len(self.members) + 1) // 2
        parts = (slice(0, half), slice(half, None)) if half < len(self.members) else (slice(None),)
        return tuple(self._rows(part) for part in parts)

    def _rows(self, part: slice) -> Batch:
        start, stop, _ = part.indices(len(self.members))
        first, last = int(self.sizes[:start].sum()), int(self.sizes[:stop].sum())
        return Batch(
            ids=self.ids[part],
            attention=self.attention[part],
            types=None if self.types is None else self.types[part],
            rows=self.rows[first:last] - start,
            columns=self.columns[first:last],
            slots=self.slots[first:last],
            ends=self.ends[first:last],
            members=self.members[part],
            sizes=self.sizes[part],
        )

    def split(self, found: NDArray[Any]) -> list[NDArray[Any]]:
        """What was found at all places, shape (places, ...), by input."""
        return np.split(found, np.cumsum(self.sizes)[:-1])

    def summed(self, found: Tensor, kept: Tensor | None = None) -> NDArray[np.float64]:
        """Of what was found at all places, shape (places,), and was kept: sum and number by input, shape
        (batch, 2).
        """
        rows = np.repeat(np.arange(len(self.sizes)), self.sizes)
        values = found.cpu().double().numpy()
        number = self.sizes if kept is None else np.bincount(rows, kept.cpu().numpy(), len(self.sizes))
        return np.stack([np.bincount(rows, values, len(self.sizes)), number], axis=1)


@dataclass(frozen=True, eq=False)
class Stream:
    """Inputs of one or more encoded sets, one after the other, with their places numbered through."""

    ids: list[NDArray[np.int32]]
    types: list[NDArray[np.int32]] | None
    places: list[NDArray[np.int32]]
    ends: list[NDArray[np.int32]]
    starts: NDArray[np.int64]
    """Number of each input's first place, those that were cut off counted; one more at the end."""

    @classmethod
    def of(cls, sets: Sequence[Encoded]) -> Stream:
        """Join sets. All of them have segment numbers, or none."""
        places = [p for s in sets for p in s.places]
        typed = sets[0].types is not None if sets else False
        return cls(
            ids=[x for s in sets for x in s.ids],
            types=[x for s in sets for x in s.types or ()] if typed else None,
            places=places,
            ends=[e for s in sets for e in (s.ends or [p + 1 for p in s.places])],
            starts=np.concatenate([[0], np.cumsum([len(p) for p in places], dtype=np.int64)]),
        )

    def batch(self, members: Sequence[int], pad: int, device: torch.device) -> Batch:
        """Pad the inputs with these numbers together."""
        width = max(len(self.ids[m]) for m in members)
        ids = np.full((len(members), width), pad, np.int32)
        attention = np.zeros((len(members), width), np.int64)
        types = np.zeros((len(members), width), np.int32) if self.types is not None else None
        rows, columns, slots, ends = [], [], [], []
        for row, member in enumerate(members):
            length = len(self.ids[member])
            ids[row, :length] = self.ids[member]
            attention[row, :length] = 1
            if types is not None and self.types is not None:
                types[row, :length] = self.types[member]
            kept = np.flatnonzero(self.places[member] >= 0)
            rows.append(np.full(len(kept), row, np.int64))
            columns.append(self.places[member][kept].astype(np.int64))
            slots.append(kept + self.starts[member])
            ends.append(self.ends[member][kept].astype(np.int64))
        return Batch(
            ids=torch.from_numpy(ids).to(device),
            attention=torch.from_numpy(attention).to(device),
            types=None if types is None else torch.from_numpy(types).to(device),
            rows=torch.from_numpy(np.concatenate(rows)).to(device),
            columns=torch.from_numpy(np.concatenate(columns)).to(device),
            slots=np.concatenate(slots),
            ends=torch.from_numpy(np.concatenate(ends)).to(device),
            members=np.asarray(members, np.int64),
            sizes=np.array([len(x) for x in slots], np.int64),
        )

    def by_length(self, budget: int, pad: int, device: torch.device) -> Iterator[Batch]:
        """Every input once, longest first, with at most `budget` pieces (padding included) a batch."""
        order = sorted(range(len(self.ids)), key=lambda i: -len(self.ids[i]))
        start = 0
        while start < len(order):
            count = max(1, budget // len(self.ids[order[start]]))
            yield self.batch(order[start : start + count], pad, device)
            start += count

    def shuffled(self, size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        """Numbers of the inputs in batches of `size`, in random order, inputs of like length together.

        Lengths are sorted within random windows of 16 batches, which halves the padding and leaves every
        input's place in the epoch random.
        """
        order = rng.permutation(len(self.ids))
        lengths = np.fromiter((len(x) for x in self.ids), np.int64, len(self.ids))
        windows = [order[i : i + 16 * size] for i in range(0, len(order), 16 * size)]
        batches = []
        for window in windows:
            ordered = window[np.argsort(lengths[window], kind="stable")]
            batches += [ordered[i : i + size] for i in range(0, len(ordered), size)]
        return [batches[i] for i in rng.permutation(len(batches))]
