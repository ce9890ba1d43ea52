"""What a reader makes of a file: the examples, and what was done to them on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")


class Reading(list[T], Generic[T]):
    """Examples of a file, in file order."""

    def __init__(
        self,
        examples: Iterable[T] = (),
        *,
        notes: Sequence[str] = (),
        ids: Sequence[str] | None = None,
        mark: str = "",
    ) -> None:
        super().__init__(examples)
        self.notes = tuple(notes)
        """What was repaired, converted, left out or read as something else: one part of a sentence each."""
        self.ids = None if ids is None else tuple(ids)
        """What the file calls each example; None where it has no such names."""
        self.mark = mark
        """Not empty where an earlier version of the reader made other examples of the same file."""


def joined(readings: Sequence[Sequence[T]]) -> Sequence[T]:
    """One reading of the parts of a set that comes in several files."""
    if len(readings) == 1:
        return readings[0]
    counts: Counter[str] = Counter(x for one in readings for x in notes(one))
    ids = [x for one in readings for x in getattr(one, "ids", None) or ()]
    whole = [x for one in readings for x in one]
    return Reading(
        whole,
        notes=[x if n == 1 else f"{x} (in {n} files)" for x, n in counts.items()],
        ids=ids if len(ids) == len(whole) else None,
        mark="".join(sorted({getattr(x, "mark", "") for x in readings})),
    )


def notes(reading: Sequence[T]) -> tuple[str, ...]:
    """What a reader has to say; of a plain list nothing."""
    return reading.notes if isinstance(reading, Reading) else ()


def counted(counts: Mapping[str, int]) -> str:
    """Such as `MISC 8, DATE 2`: the most frequent first."""
    return ", ".join(f"{x} {n:,}" for x, n in sorted(counts.items(), key=lambda x: (-x[1], x[0])))
