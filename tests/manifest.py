"""What the manifest of the real data says."""

import csv
from pathlib import Path

from xlbench.contracts import Split


def sizes(folder: Path, start: str, end: str = "") -> dict[tuple[str, Split], int]:
    """By language and split: how many items the sets have whose path starts and ends so."""
    found: dict[tuple[str, Split], int] = {}
    with (folder / "MANIFEST.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["path"].startswith(start) and row["path"].endswith(end):
                splits: tuple[Split, ...] = ("train", "dev", "test")
                found |= {(row["iso639_3"], x): int(row[x]) for x in splits if row[x] != "0"}
    return found
