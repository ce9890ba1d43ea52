"""Decoders whose weights are open: each one's pretrained model, not what was tuned to follow instructions."""

from __future__ import annotations

from collections.abc import Iterator

from xlbench import hookimpl
from xlbench.contracts import BaseModel, Study


@hookimpl
def xlbench_models() -> Iterator[BaseModel]:
    """The models `qwen3-0.6b`, `gemma-3-270m`, `smollm3` and `apertus`."""
    yield BaseModel(
        name="qwen3-0.6b",
        summary="Qwen3 0.6B base: decoder, 28 layers of 1024, 0.6 B parameters, 119 languages; Apache-2.0",
        checkpoint="Qwen/Qwen3-0.6B-Base",
        languages_source="its model card: 119 languages; not listed here",
        defaults=Study(text="wikipedia"),
    )
    yield BaseModel(
        name="gemma-3-270m",
        summary="Gemma 3 270M: decoder, 18 layers of 640, 270 M parameters, 140 languages; Gemma licence",
        checkpoint="google/gemma-3-270m",
        languages_source="its model card: over 140 languages; not listed",
        defaults=Study(text="wikipedia"),
    )
    yield BaseModel(
        name="smollm3",
        summary="SmolLM3 base: decoder, 36 layers of 2048, 3 B parameters, 6 languages and more; Apache-2.0",
        checkpoint="HuggingFaceTB/SmolLM3-3B-Base",
        languages_source="its model card: eng, fra, spa, deu, ita, por supported; not all that it read",
        defaults=Study(text="wikipedia"),
    )
    yield BaseModel(
        name="apertus",
        summary="Apertus 8B: decoder, 32 layers of 4096, 8 B parameters, 1,811 languages; Apache-2.0",
        checkpoint="swiss-ai/Apertus-8B-2509",
        languages_source="its model card: 1,811 languages; not listed here",
        defaults=Study(text="wikipedia"),
    )
