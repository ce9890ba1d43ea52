"""Weights in safetensors: their names, shapes and values, read from the files without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from xlbench.errors import ModelError
from xlbench.models.saved import documents

if TYPE_CHECKING:
    from numpy.typing import NDArray

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
"""Says which files hold the weights, where they are several."""
LONGEST_HEADER = 100_000_000
"""Bytes; the format's own bound."""
BYTES: Mapping[str, int] = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4,
    "U16": 2, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
}  # fmt: skip
FLOATS = ("F64", "F32", "F16", "BF16")
"""Types of numbers that weights may have; the others are those of quantized models."""
FORMATS = ("pt", "mlx")
"""What transformers reads without another library, of what files say of themselves."""
MANY = 1 << 22
"""Numbers that are looked at in one go."""


@dataclass(frozen=True, slots=True)
class Weight:
    """Where a weight lies, and what it is."""

    file: Path
    kind: str
    """F32, BF16, ..."""
    shape: tuple[int, ...]
    start: int
    """Byte of the file at which it begins."""

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


def files(folder: Path) -> list[Path]:
    """The files that transformers reads the weights from. Raises ModelError where it is not clear, or where
    one is missing.
    """
    single, index = folder / SINGLE, folder / INDEX
    if not index.is_file():
        if not single.is_file():
            found = sorted(x.name for x in folder.glob("*.safetensors"))
            raise ModelError(f"{folder}: no {SINGLE} and no {INDEX}, but {found[0]}; rename it to {SINGLE}")
        return [single]
    content = documents.read(index)
    named = content.get("weight_map")
    if not isinstance(named, dict) or not named or not all(isinstance(x, str) for x in named.values()):
        raise ModelError(f"{index}: not an index of weights; save the checkpoint again")
    shards = sorted(set(named.values()))
    if odd := [x for x in shards if Path(x).name != x or "\\" in x or not x.endswith(".safetensors")]:
        raise ModelError(
            f"{index}: {documents.quoted(odd[0])} is no file beside it; save the checkpoint again"
        )
    if missing := [x for x in shards if not (folder / x).is_file()]:
        raise ModelError(f"{folder}: no {', '.join(missing)}, which {INDEX} names; copy it there")
    if single.is_file() and shards != [SINGLE]:
        raise ModelError(f"{folder}: both {SINGLE} and {INDEX}; delete the one that does not belong there")
    return [folder / x for x in shards]


def weights(folder: Path) -> dict[str, Weight]:
    """All weights of a folder by name, as they are named in the files.

    Raises ModelError where a file is truncated or not safetensors, a weight is in two files, or the index
    of the files does not agree with them.
    """
    found: dict[str, Weight] = {}
    for path in files(folder):
        for name, weight in header(path).items():
            if name in found:
                raise ModelError(f"{folder}: weight {name} is in {found[name].file.name} and in {path.name}")
            found[name] = weight
    if (folder / INDEX).is_file():
        for name, file in documents.read(folder / INDEX)["weight_map"].items():
            if name not in found or found[name].file.name != file:
                raise ModelError(
                    f"{folder}: no weight {documents.shown(name)} in {file}, where {INDEX} has it; "
                    "copy the file again"
                )
    return found


def header(path: Path) -> dict[str, Weight]:
    """The weights of one file. Raises ModelError unless it is a whole safetensors file."""

    def bad(why: str = "") -> NoReturn:
        raise ModelError(f"{path}: not a safetensors file{f' ({why})' if why else ''}; get it again")

    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        documents.refuse_pointer(start + file.read(len(documents.POINTER)), str(path))
        file.seek(8)
        if size < 8 or length > min(size - 8, LONGEST_HEADER):
            raise ModelError(f"{path}: not a safetensors file, or truncated; get it again")
        try:
            content = documents.parse(file.read(length).decode("utf-8"), bad)
        except UnicodeDecodeError:
            bad()
    about = content.pop("__metadata__", None)
    if about is not None and not (
        isinstance(about, dict) and all(isinstance(x, str) for x in about.values())
    ):
        bad("its metadata are no table of text")
    if about and about.get("format", "pt") not in FORMATS:
        raise ModelError(
            f"{path}: weights of the format {documents.quoted(about['format'])}, not of PyTorch; save the "
            "checkpoint again from PyTorch"
        )
    found = {name: _weight(path, entry, 8 + length, bad) for name, entry in content.items()}
    spans = sorted((x.start, x.start + x.count * BYTES[x.kind]) for x in found.values() if x.count)
    end = spans[-1][1] if spans else 8 + length
    if size < end:
        raise ModelError(f"{path}: truncated: {size} bytes where its header asks for {end}; get it again")
    starts_right = not spans or spans[0][0] == 8 + length
    if size > end or not starts_right or any(one[1] != other[0] for one, other in pairwise(spans)):
        bad(f"{size} bytes of which its header does not tell all")
    return found


def _weight(path: Path, entry: Any, begin: int, bad: Any) -> Weight:
    try:
        kind, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except (TypeError, KeyError, ValueError):
        bad()
    numbers = [*shape, start, end] if isinstance(shape, list) else [None]
    if not isinstance(kind, str) or kind not in BYTES or any(type(x) is not int or x < 0 for x in numbers):
        bad()
    if end - start != math.prod(shape) * BYTES[kind]:
        bad("a weight that is not as long as its shape says")
    return Weight(path, kind, tuple(shape), begin + start)


def numbers(weight: Weight) -> Iterator[NDArray[Any]]:
    """The numbers of a weight in order, in parts, as floating-point numbers of at least 32 bits."""
    import numpy as np

    raw = np.memmap(weight.file, np.uint8, "r")
    width = BYTES[weight.kind]
    for first in range(0, weight.count, MANY):
        last = min(first + MANY, weight.count)
        part = raw[weight.start + first * width : weight.start + last * width].tobytes()
        if weight.kind == "BF16":
            yield (np.frombuffer(part, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            kind = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}[weight.kind]
            yield np.frombuffer(part, kind).astype(np.float64 if weight.kind == "F64" else np.float32)


def is_finite(weight: Weight) -> bool:
    """Whether no number is infinite or not a number."""
    import numpy as np

    return all(bool(np.isfinite(part).all()) for part in numbers(weight))


def is_zero(weight: Weight) -> bool:
    """Whether it has numbers, and all are zero."""
    return weight.count > 0 and not any(part.any() for part in numbers(weight))


def are_same(one: Weight, other: Weight) -> bool:
    """Whether two weights have the same shape and the same numbers, in whatever type."""
    import numpy as np

    same = one.shape == other.shape
    return same and all(np.array_equal(a, b) for a, b in zip(numbers(one), numbers(other), strict=True))


def listed(names: Sequence[str]) -> str:
    """Names for a message: the first, and how many more there are."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{documents.shown(names[0])}{more}"
