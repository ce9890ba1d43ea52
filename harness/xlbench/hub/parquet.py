"""Which parquet files of a repository are a split of a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable

CONVERTED = "refs/convert/parquet"
"""Where the hub keeps a set in parquet that is a loading script itself, or has another format."""


def parquet_files(paths: Iterable[str], config: str, split: str) -> tuple[str, ...]:
    """The files of a split, sorted: `CONFIG/SPLIT-00000-of-00001.parquet`, `CONFIG/SPLIT/0000.parquet` and
    `CONFIG/SPLIT.parquet`, in any folder.

    Of a large set the hub's own conversion has the first part alone, `CONFIG/partial-SPLIT/`. Where a
    configuration's files name no split at all, they are all its `train`.
    """
    below = re.compile(rf"(?:^|/){re.escape(config)}/(?P<rest>.+)\.parquet$")
    inside = {path: found["rest"] for path in paths if (found := below.search(path))}
    named = re.compile(rf"(?:^|.*/)(?:partial-)?{re.escape(split)}(?:[-./_].*)?")
    chosen = [path for path, rest in inside.items() if named.fullmatch(rest)]
    any_split = re.compile(r"(?:^|.*/)(?:partial-)?(?:train|test|dev|validation)(?:[-./_].*)?")
    if not chosen and split == "train" and not any(any_split.fullmatch(x) for x in inside.values()):
        chosen = list(inside)
    return tuple(sorted(chosen))
