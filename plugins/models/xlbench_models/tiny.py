"""`tiny`: a small BERT of the artificial languages, embedded, with a study of two minutes and a half."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xlbench import hookimpl
from xlbench.contracts import BaseModel, PretrainingSizes, Study

PRETRAINING_LANGUAGES = frozenset({"qaa", "qab", "qad", "qae", "qaf", "qai", "qaj", "qak", "qam", "qan"})
"""Unseen are qac and qal, each with a seen sister in another script and seen cousins in its own; and two
branches as a whole, qag and qah (cousins seen, one in the same script) and qao and qap (none in theirs)."""

SIZES = PretrainingSizes(
    "lines", "xlbench_models/tiny_checkpoint/README.md", dict.fromkeys(PRETRAINING_LANGUAGES, 20_000)
)

DEFAULTS = Study(
    probes=("transfer", "stacking", "interference"),
    steps=(200,),
    seeds=(0, 1, 2),
    adapter_seeds=(0, 1, 2),
    controls=("reference", "shuffled"),
    readings=("put-back", "retrained"),
    retraining={"warm_start_steps": 30},
    tasks=("pos", "lm"),
    transfer=("qag", "qah", "qam"),
    targets=("qag", "qah", "qac", "qaa", "qam"),
    train_languages=tuple(sorted(PRETRAINING_LANGUAGES)),
    reference="qam",
    data=dict.fromkeys(("pos", "ner", "nli", "lm"), ("artificial",)),
    text="artificial",
    limit=150,
    mlm={"chunk": 64, "lines": 2000, "learning_rate": 2e-4},
    adapter={
        f"{task}.{key}": value
        for task, settings in {
            "pos": {"epochs": 3, "examples": 2000, "learning_rate": 5e-3, "batch_size": 32},
            "ner": {"epochs": 3, "examples": 2000, "learning_rate": 5e-3, "batch_size": 32},
            "nli": {"epochs": 5, "examples": 2400, "learning_rate": 5e-3, "reduction_factor": 2},
        }.items()
        for key, value in {"limit": 1000, **settings}.items()
    },
    language_training={"learning_rate": 3e-3, "steps": 60, "chunk": 24, "lines": 2000, "checks": 4},
    options={
        "interference": {
            "sizes": [2],
            "random": False,
            "fusion_steps": 10,
            "fusion_learning_rate": 2e-3,
            "fusion_batch_size": 16,
        },
    },
)
"""Two unseen sisters, with text of their own, of each other and of an unrelated language; sized for two and a
half minutes at most on two idle cores."""


@hookimpl
def xlbench_models() -> Iterator[BaseModel]:
    """The embedded model."""
    yield BaseModel(
        name="tiny",
        summary="embedded: BERT of 2 layers of 128, pretrained on 10 of the 16 artificial languages",
        checkpoint=str(Path(__file__).with_name("tiny_checkpoint")),
        pretraining_languages=PRETRAINING_LANGUAGES,
        languages_source="xlbench_models/tiny_checkpoint/README.md",
        sizes=SIZES,
        defaults=DEFAULTS,
    )
