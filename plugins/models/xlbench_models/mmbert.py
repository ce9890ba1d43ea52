"""mmBERT: ModernBERT's architecture, trained on more than 1,800 languages."""

from __future__ import annotations

from collections.abc import Iterator

from xlbench import hookimpl
from xlbench.contracts import BaseModel, Study


@hookimpl
def xlbench_models() -> Iterator[BaseModel]:
    """The model `mmbert`. Most of its languages came in the last 100 billion pieces alone."""
    yield BaseModel(
        name="mmbert",
        summary="mmBERT base: 22 layers of 768, 307 M parameters, over 1,800 languages; MIT",
        checkpoint="jhu-clsp/mmBERT-base",
        pretraining_languages=None,
        languages_source="Marone et al. 2025 (arXiv 2509.06888): 1,833 languages; not listed here",
        defaults=Study(text="wikipedia"),
    )
