"""Models pretrained on CC-100, as XLM-R was: XLM-V, mDeBERTa and multilingual MiniLM.

Their repositories have safetensors only in a commit of the hub's own conversion, which is named here.
"""

from __future__ import annotations

from collections.abc import Iterator

from xlbench import hookimpl
from xlbench.contracts import BaseModel, Study
from xlbench_models.sizes import CC100
from xlbench_models.xlmr import LANGUAGES, SOURCE

DEFAULTS = Study(text="wikipedia")


@hookimpl
def xlbench_models() -> Iterator[BaseModel]:
    """The models `xlmv`, `mdeberta` and `minilm`."""
    yield BaseModel(
        name="xlmv",
        summary="XLM-V base: 12 layers of 768, a vocabulary of 901,629, 779 M parameters, 100 languages; MIT",
        checkpoint="facebook/xlm-v-base",
        revision="643a987aa713ecd3c9a26a801fc715aa7f56b409",
        pretraining_languages=LANGUAGES,
        languages_source=f"Liang et al. 2023 (arXiv 2301.10472): pretrained on CC-100; {SOURCE}",
        sizes=CC100,
        defaults=DEFAULTS,
    )
    yield BaseModel(
        name="mdeberta",
        summary="mDeBERTa v3 base: 12 layers of 768, 279 M parameters, 100 languages; MIT",
        checkpoint="microsoft/mdeberta-v3-base",
        revision="faf660b811036d7b6dfc53aacfe5281447d4e2c6",
        pretraining_languages=LANGUAGES,
        languages_source=f"He et al. 2021 (arXiv 2111.09543): pretrained on CC-100; {SOURCE}",
        sizes=CC100,
        defaults=DEFAULTS,
    )
    yield BaseModel(
        name="minilm",
        summary="multilingual MiniLM: 12 layers of 384, 118 M parameters, distilled from XLM-R base; MIT",
        checkpoint="microsoft/Multilingual-MiniLM-L12-H384",
        revision="d71b3dab802f265324697876f4be37dd61ec3160",
        pretraining_languages=LANGUAGES,
        languages_source=f"Wang et al. 2020 (arXiv 2002.10957): distilled from XLM-R base; {SOURCE}",
        sizes=CC100,
        defaults=DEFAULTS,
    )
