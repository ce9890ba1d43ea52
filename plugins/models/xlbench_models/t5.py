"""mT5 and umT5: encoder-decoders trained by span corruption, heads on the encoder's states."""

from __future__ import annotations

from collections.abc import Iterator

from xlbench import hookimpl
from xlbench.contracts import BaseModel, Study


@hookimpl
def xlbench_models() -> Iterator[BaseModel]:
    """The models `mt5-small`, `mt5-base` and `umt5-small`."""
    mc4 = "Xue et al. 2021 (arXiv 2010.11934): 101 languages of mC4; not listed here"
    yield BaseModel(
        name="mt5-small",
        summary="mT5 small: 8 + 8 layers of 512, 300 M parameters, with decoder, 101 languages; Apache-2.0",
        checkpoint="google/mt5-small",
        # The hub's own conversion to safetensors.
        revision="6f9238ffa7de159b1245f899909bac7f40de53ae",
        languages_source=mc4,
        defaults=Study(text="wikipedia"),
    )
    yield BaseModel(
        name="mt5-base",
        summary="mT5 base: 12 + 12 layers of 768, 580 M parameters, with decoder, 101 languages; Apache-2.0",
        checkpoint="google/mt5-base",
        languages_source=mc4,
        defaults=Study(text="wikipedia"),
    )
    yield BaseModel(
        name="umt5-small",
        summary="umT5 small: 8 + 8 layers of 512, 307 M parameters, with decoder, 107 languages; Apache-2.0",
        checkpoint="google/umt5-small",
        languages_source="Chung et al. 2023 (arXiv 2304.09151): 107 languages of mC4; not listed here",
        defaults=Study(text="wikipedia"),
    )
