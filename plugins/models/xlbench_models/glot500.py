"""Glot500-m: XLM-R base, trained on in more than 500 languages, with a larger vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

from xlbench import hookimpl
from xlbench.contracts import BaseModel, Study


@hookimpl
def xlbench_models() -> Iterator[BaseModel]:
    """The model `glot500`.

    Its authors publish sizes of the corpora of all languages that they collected, among them 514 with 30,000
    sentences or more, but not which 511 were trained on: so no language is said to be seen or unseen.
    """
    yield BaseModel(
        name="glot500",
        summary="Glot500-m base: 12 layers of 768, 395 M parameters, 511 languages; Apache-2.0",
        checkpoint="cis-lmu/glot500-base",
        pretraining_languages=None,
        languages_source="Imani et al. 2023 (arXiv 2305.12182): 511 languages; not listed one by one",
        defaults=Study(text="wikipedia"),
    )
