"""XLM-RoBERTa, base and large."""

from __future__ import annotations

from collections.abc import Iterator

from xlbench import hookimpl
from xlbench.contracts import BaseModel, Study
from xlbench_models.sizes import CC100

CODES = """
afr amh ara asm aze bel ben bos bre bul cat ces cym dan deu ell eng epo est eus fas fin fra fry gla gle
glg guj hau heb hin hrv hun hye ind isl ita jav jpn kan kat kaz khm kir kmr kor kur lao lat lav lit mal
mar mkd mlg mon msa mya nep nld nob nor ori orm pan pol por pus ron rus san sin slk slv snd som spa sqi
srp sun swa swe tam tel tgl tha tur uig ukr urd uzb vie xho yid zho
"""
LANGUAGES = frozenset(CODES.split())
"""The 100 of the list: it counts Latin-script Bengali, Hindi, Tamil, Telugu and Urdu, Zawgyi Burmese and
traditional Chinese apart. Its Kurdish is `kur` and `kmr` (Kurmanji) here, its Norwegian `nor` and `nob`."""
SOURCE = "Conneau et al. 2020 (arXiv 1911.02116), appendix A: languages of CC-100"


@hookimpl
def xlbench_models() -> Iterator[BaseModel]:
    """The models `xlmr` and `xlmr-large`."""
    yield BaseModel(
        name="xlmr",
        summary="XLM-R base: 12 layers of 768, 278 M parameters, 100 languages",
        checkpoint="FacebookAI/xlm-roberta-base",
        pretraining_languages=LANGUAGES,
        languages_source=SOURCE,
        sizes=CC100,
        defaults=Study(text="wikipedia"),
    )
    yield BaseModel(
        name="xlmr-large",
        summary="XLM-R large: 24 layers of 1024, 560 M parameters, 100 languages",
        checkpoint="FacebookAI/xlm-roberta-large",
        pretraining_languages=LANGUAGES,
        languages_source=SOURCE,
        sizes=CC100,
        defaults=Study(text="wikipedia"),
    )
