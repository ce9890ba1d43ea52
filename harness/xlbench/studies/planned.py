"""What a study was planned with, so that a process that looks everything up again reads the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.errors import ModelError, StudyError
from xlbench.models import checkpoints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xlbench.contracts import Resolved


def fingerprints(resolved: Resolved) -> dict[str, str]:
    """Of everything that a study reads, by what it is for people. Raises DataError."""
    found = {f"the model {resolved.model.name}": resolved.model_fingerprint}
    found |= {f"the language adapter of {x}": given.fingerprint for x, given in resolved.given.items()}
    for task, targets in resolved.targets.items():
        data = resolved.data[task]
        found |= {f"the test data of {task} in {x}": data.fingerprint(x, "test") for x in targets}
        if resolved.tasks[task].training is None:
            continue
        trained = resolved.borrowed[task][1] if task in resolved.borrowed else data
        for x in resolved.study.train_languages:
            found[f"the training data of {task} in {x}"] = trained.fingerprint(x, "train")
    for x in resolved.text_languages():
        found[f"the text in {x}"] = resolved.corpus.fingerprint(x)
    return found


def check(planned: Mapping[str, str], resolved: Resolved) -> None:
    """Raise StudyError unless a study, looked up again, reads what it was planned with."""
    now = fingerprints(resolved)
    changed = [what for what, fingerprint in planned.items() if now.get(what) != fingerprint]
    if changed:
        raise StudyError(
            f"{changed[0]} changed since the study was planned; run the same command again, and leave it "
            "alone meanwhile"
        )


def check_model(resolved: Resolved) -> None:
    """Raise ModelError unless the checkpoint, just loaded, is still what the study was planned with."""
    again = checkpoints.locate(resolved.model)
    checkpoints.download(again)  # of the hub: checks each file that was written to
    if not again.fingerprint or not resolved.model_fingerprint.startswith(again.fingerprint):
        raise ModelError(
            f"the model {resolved.model.name} changed since the study was planned; run the same command "
            "again, and leave its files alone meanwhile"
        )
