"""`tiny` and its siblings: small models of the artificial languages, embedded, with one study for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xlbench import hookimpl
from xlbench.contracts import BaseModel, PretrainingSizes, Study

PRETRAINING_LANGUAGES = frozenset({"qaa", "qab", "qad", "qae", "qaf", "qai", "qaj", "qak", "qam", "qan"})
"""Unseen are qac and qal, each with a seen sister in another script and seen cousins in its own; and two
branches as a whole, qag and qah (cousins seen, one in the same script) and qao and qap (none in theirs)."""

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


_WHAT = "pretrained on 10 of the 16 artificial languages"


@hookimpl
def xlbench_models() -> Iterator[BaseModel]:
    """The embedded models."""
    yield _embedded("tiny", f"embedded: BERT of 2 layers of 128, {_WHAT}")
    yield _embedded("tiny-decoder", f"embedded: Llama of 2 layers of 128, {_WHAT}")
    yield _embedded("tiny-t5", f"embedded: mT5 of 2 encoder layers of 128 and 1 decoder layer, {_WHAT}")


def _embedded(name: str, summary: str) -> BaseModel:
    folder = Path(__file__).with_name(f"{name.replace('-', '_')}_checkpoint")
    source = f"xlbench_models/{folder.name}/README.md"
    return BaseModel(
        name=name,
        summary=summary,
        checkpoint=str(folder),
        pretraining_languages=PRETRAINING_LANGUAGES,
        languages_source=source,
        sizes=PretrainingSizes("lines", source, dict.fromkeys(PRETRAINING_LANGUAGES, 20_000)),
        defaults=DEFAULTS,
    )
