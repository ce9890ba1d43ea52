"""A study as xlbench runs it, in a process of its own: planned, done and stored, without reports."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from xlbench import api
from xlbench.spec.study import parse


def main() -> None:
    """Run the study of the JSON file named on the command line. Ends with 1 where a job failed.

    Where the file names `labels`, predicted labels are written there, as `kept_labels` has them.
    """
    said = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    with kept_labels(said.get("labels")):
        done = api.run(parse(said["study"]), results=said["results"], device="cpu", workers=1)
    for label, error in done.failed.items():
        print(f"{label}: {error}")
    sys.exit(bool(done.failed))


def key(task: str, condition: tuple[str, int, int], target: str) -> str:
    """What the labels of a condition (language, steps, seed) are found under."""
    return ".".join(map(str, (task, *condition, target)))


@contextmanager
def kept_labels(path: str | None) -> Iterator[None]:
    """Write numbers of the labels of all finetuned states to an npz file at the end.

    Each entry has shape (words,); a word that was cut off has none.
    """
    if path is None:
        yield
        return
    import numpy as np

    from xlbench.lab import Lab

    found: dict[str, Any] = {}
    predict = Lab.predict

    def noted(lab: Lab, cells: Any, under: Any = None) -> Any:
        predicted = predict(lab, cells, under)
        if lab._state is not None:
            run, steps = lab._state
            names = list(lab.resolved.tasks[cells[0].task].labels)
            for cell, sentences in zip(cells, predicted, strict=True):
                numbers = [names.index(x) for labels in sentences for x in labels if x is not None]
                found[key(cell.task, (run.text, steps, run.seed), cell.target)] = np.array(numbers, np.int16)
        return predicted

    with patch.object(Lab, "predict", noted):
        yield
    np.savez(path, **found)


if __name__ == "__main__":
    main()
