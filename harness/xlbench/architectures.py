"""Which architectures can be used, told from a checkpoint's files without loading any weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlbench.errors import ModelError

MODEL_TYPES: Mapping[str, tuple[str, ...]] = {
    "albert": ("predictions.",),
    "bert": ("cls.predictions.",),
    "deberta": ("cls.predictions.", "lm_predictions."),
    "deberta-v2": ("cls.predictions.", "lm_predictions."),
    "distilbert": ("vocab_",),
    "electra": ("generator_predictions.",),
    "modernbert": ("decoder.",),
    "roberta": ("lm_head.",),
    "xlm-roberta": ("lm_head.",),
}
"""Encoders that have a masked-LM head in `transformers` and adapters in `adapters` 1.3; by type, how names of
that head's weights begin."""
NUMBERED_FROM_PADDING = frozenset({"roberta", "xlm-roberta"})
"""Those whose positions begin at pad_token_id + 1, so that as many fewer pieces fit."""
NO_HEAD = (
    "no masked-LM head among its weights, so nothing can be finetuned on text; give a checkpoint that was "
    "saved as a masked LM, or leave out --transfer"
)


def facts(path: Path) -> Mapping[str, Any]:
    """What a JSON file says; empty where it cannot be read, of which loading the model will tell."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def check_config(config: Any, where: str) -> None:
    """Raise ModelError, which begins with `where`, where the model of a `config.json` cannot be used."""
    if not isinstance(config, Mapping):
        raise ModelError(f"{where}: not a model configuration")
    if config.get("auto_map"):
        raise ModelError(f"{where}: the model needs code of its own (auto_map), which is never run")
    kind = config.get("model_type")
    if kind not in MODEL_TYPES:
        raise ModelError(
            f"{where}: model type {kind!r} cannot be used{_why_not(config)}; supported encoders are "
            f"{', '.join(MODEL_TYPES)}"
        )


def _why_not(config: Mapping[str, Any]) -> str:
    """What kind of model it is that has no masked-LM head; empty where that is not the reason."""
    if config.get("is_encoder_decoder"):
        return ": an encoder-decoder has no masked-LM head"
    built = config.get("architectures") or ()
    if any(str(x).endswith(("ForCausalLM", "LMHeadModel")) for x in built):
        return ": a decoder, which continues text, has no masked-LM head"
    return ""


def has_masked_lm(folder: Path) -> bool:
    """Whether weights of a masked-LM head are among those of a folder that `locate` has checked."""
    begin = MODEL_TYPES[facts(folder / "config.json")["model_type"]]
    return any(name.startswith(begin) for path in folder.glob("*.safetensors") for name in _header(path))


def _header(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        found: Mapping[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return found
