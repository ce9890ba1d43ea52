"""Which architectures can be used, determined from a checkpoint's files without loading any weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from xlbench.errors import ModelError
from xlbench.models.saved import documents, settings, tokenizers, weights
from xlbench.models.saved.layout import LAYOUTS, Layout, is_spare, plain_name
from xlbench.models.saved.weights import Weight, listed

MODEL_TYPES = tuple(LAYOUTS)
"""Encoders that have a masked-LM head in `transformers` and adapters in `adapters` 1.3."""
NUMBERED_FROM_PADDING = frozenset({"roberta", "xlm-roberta"})
"""Those whose positions begin at pad_token_id + 1, so that as many fewer pieces fit."""
NO_HEAD = (
    "no masked-LM head among its weights, so nothing can be finetuned on text; give a checkpoint that was "
    "saved as a masked LM, or leave out --transfer"
)
NORMALISATION = re.compile(r"norm\.weight$", re.IGNORECASE)
"""Of the scale of a normalisation: without it nothing passes."""
MOST_NAMED = 1000
"""Missing weights that are counted; a configuration may ask for any number."""


def facts(path: Path) -> Mapping[str, Any]:
    """What a JSON file says; empty where it cannot be read, of which loading the model will tell."""
    try:
        return documents.read(path)
    except ModelError:
        return {}


def check_config(config: Mapping[str, Any], where: str) -> None:
    """Raise ModelError, which begins with `where`, where the model of a `config.json` cannot be used."""
    documents.refuse_code(config, where)
    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in MODEL_TYPES:
        raise ModelError(
            f"{where}: model type {documents.quoted(kind)} cannot be used{_why_not(config)}; supported "
            "encoders "
            f"are {', '.join(MODEL_TYPES)}"
        )
    settings.check(config, where)


def _why_not(config: Mapping[str, Any]) -> str:
    """What kind of model it is that has no masked-LM head; empty where that is not the reason."""
    if config.get("is_encoder_decoder"):
        return ": an encoder-decoder has no masked-LM head"
    built = config.get("architectures")
    names = built if isinstance(built, list) else []
    if any(str(x).endswith(("ForCausalLM", "LMHeadModel")) for x in names):
        return ": a decoder, which continues text, has no masked-LM head"
    return settings.saved_by(config)


def check_weights(folder: Path, config: Mapping[str, Any]) -> bool:
    """Whether a folder whose configuration has been checked has a masked-LM head among its weights.

    Raises ModelError, which names a weight, where the body or a part of the head is missing, a shape is not
    what the configuration asks for, a weight belongs to nothing known, a number is infinite or not a number,
    a decoder that should be the word embeddings is another, or the tokenizer gives larger numbers than there
    are embeddings.
    """
    layout, filled = LAYOUTS[config["model_type"]], settings.filled(config)
    found: dict[str, Weight] = {}
    for name, weight in weights.weights(folder).items():
        plain = plain_name(name, layout)
        if plain in found:
            raise ModelError(f"{folder}: weight {listed([name])} is there twice, under two names")
        found[plain] = weight
    hint = settings.saved_by(config)
    used = _fitting(layout.body(filled), found, folder, "the encoder", hint)
    head = list(layout.head(filled))
    others = {layout.decoder, *layout.bias}
    has_head = any(name in found for name, _ in head)
    if has_head:
        head = [(name, shape) for name, shape in head if name not in layout.bias]
        used += _fitting(iter(head), found, folder, "the masked-LM head", hint)
        used += _decoder(layout, found, folder, config, filled)
    known = {*used, *others}
    if alien := [name for name in found if name not in known and not is_spare(name, layout)]:
        raise ModelError(
            f"{folder}: weights that belong to no part of a {config['model_type']} model: "
            f"{listed(alien)}{hint}; "
            "its configuration may be another model's"
        )
    for name in used:
        if found[name].kind not in weights.FLOATS:
            raise ModelError(f"{folder}: weight {name} is of type {found[name].kind}, which cannot be used")
        if not weights.is_finite(found[name]):
            raise ModelError(
                f"{folder}: weight {name} has numbers that are infinite or not a number; get the file "
                "again, or "
                "give an earlier checkpoint"
            )
        # A disk or a download lost what was written. Biases and segments may be all zeros.
        if (name == layout.words or NORMALISATION.search(name)) and weights.is_zero(found[name]):
            raise ModelError(
                f"{folder}: weight {name} is zero throughout, as after a write or download that broke off; "
                "get the file again, or give an earlier checkpoint"
            )
    _check_tokenizer(folder, found[layout.words].shape[0])
    return has_head


def has_masked_lm(folder: Path, config: Mapping[str, Any]) -> bool:
    """Whether weights of a masked-LM head are among those of a folder. Raises ModelError."""
    layout = LAYOUTS[config["model_type"]]
    names = {plain_name(name, layout) for name in weights.weights(folder)}
    return any(name in names for name, _ in layout.head(settings.filled(config)))


def _fitting(
    wanted: Iterator[tuple[str, tuple[int, ...]]],
    found: Mapping[str, Weight],
    folder: Path,
    what: str,
    hint: str,
) -> list[str]:
    """The names of weights that are wanted; all must be there, in their shape."""
    used: list[str] = []
    missing = list(islice(_missing(wanted, found, folder, used), MOST_NAMED))
    if missing:
        raise ModelError(
            f"{folder}: weights of {what} are missing: {listed(missing)}{hint}; they would be drawn at "
            "random; give "
            "a checkpoint that has them"
        )
    return used


def _missing(
    wanted: Iterator[tuple[str, tuple[int, ...]]], found: Mapping[str, Weight], folder: Path, used: list[str]
) -> Iterator[str]:
    for name, shape in wanted:
        if (weight := found.get(name)) is None:
            yield name
        elif weight.shape != shape:
            raise ModelError(
                f"{folder}: weight {name} has shape {list(weight.shape)}, where config.json asks for "
                f"{list(shape)}; "
                "take weights and configuration from one checkpoint"
            )
        else:
            used.append(name)


def _decoder(
    layout: Layout,
    found: Mapping[str, Weight],
    folder: Path,
    config: Mapping[str, Any],
    filled: Mapping[str, Any],
) -> list[str]:
    """Names of the decoder's weights, which may be left out where they are others' too."""
    names = [x for x in layout.bias if x in found]
    if layout.bias and not names:
        raise ModelError(f"{folder}: weights of the masked-LM head are missing: {layout.bias[0]}")
    for name in names:
        if found[name].shape != (filled["vocab_size"],) or not weights.are_same(found[names[0]], found[name]):
            raise ModelError(f"{folder}: weights {names[0]} and {name} should be one, and are not")
    words, decoder = found[layout.words], found.get(layout.decoder)
    tied = config.get("tie_word_embeddings", True)
    if type(tied) is not bool:
        raise ModelError(
            f"{folder}: tie_word_embeddings is {documents.quoted(tied)}; true or false is needed"
        )
    if decoder is None:
        if tied:
            return names
        raise ModelError(
            f"{folder}: weight {layout.decoder} is missing, and tie_word_embeddings is false; it would be "
            "drawn "
            "at random"
        )
    if decoder.shape != words.shape or (tied and not weights.are_same(words, decoder)):
        raise ModelError(
            f"{folder}: weight {layout.decoder} is not {layout.words}, though tie_word_embeddings says so; "
            "it would "
            "be ignored; set tie_word_embeddings to false, or save the checkpoint again"
        )
    return [*names, layout.decoder]


def _check_tokenizer(folder: Path, rows: int) -> None:
    largest = tokenizers.largest(folder)
    if largest is not None and largest[0] >= rows:
        number, token = largest
        raise ModelError(
            f"{folder}: the tokenizer gives {documents.quoted(token, 30)} the number {number}, but there are "
            f"embeddings for 0 to {rows - 1} alone; give the tokenizer that belongs to these weights"
        )
