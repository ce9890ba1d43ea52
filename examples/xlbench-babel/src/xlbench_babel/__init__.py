"""`babel`: a small masked language model of 42 languages, whose pretraining text is known to the line."""

from collections.abc import Iterator
from pathlib import Path

from xlbench import hookimpl
from xlbench.contracts import BaseModel, PretrainingSizes, Study

xlbench_contract = 1

CHECKPOINT = Path(__file__).with_name("checkpoint")
_LINES = """
abk 4895, ara 23823, asm 5002, bul 15447, cat 27464, ces 8535, chv 4252, ckb 2922, cym 17144, deu
30913, ell 5142, eng 34493, epo 35535, est 15350, fin 6468, fra 27739, fry 10182, glg 19579, hin
11655, hun 7641, hye 7033, kab 23730, kat 1793, kin 35304, kir 4904, kmr 7239, lav 15025, mkd 3900,
mon 5889, nld 29306, ory 5683, pan 14667, por 25964, rus 877, sah 5744, spa 11809, swe 14552, tam
5834, tat 17503, tur 14745, ukr 18643, uzb 4948
"""
LINES = {code: int(lines) for code, lines in (x.split() for x in _LINES.split(","))}
"""Lines of text per language that it was pretrained on. All other languages are unseen."""


@hookimpl
def xlbench_models() -> Iterator[BaseModel]:
    """The model, and what a study on it has where nothing else is named."""
    yield BaseModel(
        name="babel",
        summary="babel: BERT of 4 layers of 192, pretrained on 42 known languages",
        checkpoint=str(CHECKPOINT),
        pretraining_languages=frozenset(LINES),
        languages_source="xlbench-babel 1.0, README.md",
        sizes=PretrainingSizes("lines", "xlbench-babel 1.0, README.md", dict(LINES)),
        defaults=Study(
            probes=("zero-shot", "transfer"),
            steps=(10, 100),
            readings=("put-back", "retrained"),
            mlm={"chunk": 128, "batch_size": 8, "learning_rate": 1e-4},
            adapter={"epochs": 3, "limit": 150, "learning_rate": 2e-3},
            retraining={"warm_start_steps": 30},
        ),
    )
