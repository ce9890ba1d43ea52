"""The smallest study: one step on the embedded model, over a few sentences of the artificial languages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xlbench.contracts import Study

TASK, TRANSFER, TARGETS = "pos", ("qaa", "qab"), ("qaa", "qac")


def tiny_study(**fields: Any) -> Study:
    """A study that takes seconds on a CPU; `fields` replace its own (`xlbench.contracts.Study`)."""
    small = Study(
        model="tiny",
        tasks=(TASK,),
        probes=("zero-shot",),
        transfer=(),
        targets=TARGETS,
        train_languages=("qaa",),
        text="artificial",
        limit=8,
        steps=(1,),
        seeds=(0,),
        adapter_seeds=(0,),
        controls=(),
        readings=("put-back",),
        mlm={"chunk": 16, "batch_size": 2, "lines": 60},
        adapter={"epochs": 1, "limit": 12, "batch_size": 6},
        language_training={"steps": 2, "chunk": 16, "batch_size": 2, "lines": 60},
    )
    return replace(small, **fields)
