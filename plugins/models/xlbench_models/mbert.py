"""Multilingual BERT."""

from __future__ import annotations

from collections.abc import Iterator

from xlbench import hookimpl
from xlbench.contracts import BaseModel, Study
from xlbench_models.sizes import WIKIPEDIA

CODES = """
afr ara arg ast aze azb bak bar bel ben bos bpy bre bul cat ceb ces che chv cym dan deu ell eng est eus
fas fin fra fry gle glg guj hat hbs heb hin hrv hun hye ido ind isl ita jav jpn kan kat kaz kir kor lat
lav lit lmo ltz mal mar min mkd mlg mon msa mya nds nep new nld nno nob nor oci pan pms pnb pol por ron
rus scn sco slk slv spa sqi srp sun swa swe tam tat tel tgk tgl tha tur ukr urd uzb vie vol war yor zho
"""
LANGUAGES = frozenset(CODES.split())
"""The 104 of the list: Chinese stands there twice; `nor` stands for its two Norwegians here as well."""


@hookimpl
def xlbench_models() -> Iterator[BaseModel]:
    """The model `mbert`."""
    yield BaseModel(
        name="mbert",
        summary="multilingual BERT, cased: 12 layers of 768, 178 M parameters, 104 languages",
        checkpoint="google-bert/bert-base-multilingual-cased",
        pretraining_languages=LANGUAGES,
        languages_source="github.com/google-research/bert, multilingual.md, multilingual cased (new)",
        sizes=WIKIPEDIA,
        defaults=Study(text="wikipedia"),
    )
