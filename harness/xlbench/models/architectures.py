"""Which architectures can be used, determined from a checkpoint's files without loading any weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.errors import ModelError
from xlbench.models.saved import documents, settings, tokenizers, weights
from xlbench.models.saved.layout import Layout, plain_name
from xlbench.models.saved.layouts import LAYOUTS
from xlbench.models.saved.weights import Weight, listed

if TYPE_CHECKING:
    from xlbench.contracts import Architecture, Family

MODEL_TYPES = tuple(LAYOUTS)
"""Models that have a head of their objective in `transformers` and adapters in `adapters` 1.3."""
NUMBERED_FROM_PADDING = frozenset({"roberta", "xlm-roberta"})
"""Those whose positions begin at pad_token_id + 1, so that as many fewer pieces fit."""
HEADS: Mapping[Family, str] = {
    "encoder": "masked-LM", "decoder": "causal-LM", "encoder-decoder": "sequence-to-sequence",
}  # fmt: skip
"""By family, the head that the model was pretrained with."""
_NO_LAYERS = "`adapters` 1.3 has neither layers nor an interface for it"
UNSUPPORTED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "bloom", "canine", "cohere", "gpt_neox", "granite", "m2m_100", "olmo2", "opt", "phi3", "rembert",
            "xglm", "xlm",
        ),
        _NO_LAYERS,
    ),
    **dict.fromkeys(
        ("bart", "mbart", "plbart"), "it rebuilds noised sentences, an objective that none is registered for"
    ),
    "gemma3": "it reads images too; save its text model alone, whose type is gemma3_text",
    "xmod": "its layers have to be told the language of each text, among those that it was built for",
}  # fmt: skip
"""By model type of others, why they cannot be used: measured, not supposed (docs/reference/models.md)."""
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


def layout_of(model_type: str, own: Architecture | None) -> Layout:
    """What is known of the weights of a model whose configuration has been checked; of an architecture of a
    plugin, no shapes.
    """
    if own is None:
        return LAYOUTS[model_type]
    head = rf"{re.escape(own.head)}(\..*)?"
    return Layout(f"{own.prefix}.", own.words, lambda _: iter(()), lambda _: iter(()), "", leftover=head)


def check_config(config: Mapping[str, Any], where: str, own: Architecture | None = None) -> None:
    """Raise ModelError, which begins with `where`, where the model of a `config.json` cannot be used.

    `own` is the architecture of a plugin, if the model has one.
    """
    documents.refuse_code(config, where)
    kind = config.get("model_type")
    if own is not None:
        if own.model_type in MODEL_TYPES:
            raise ModelError(
                f"{where}: the plugin's architecture has the model type {own.model_type}, which is built in; "
                "give it another, or leave the architecture out"
            )
        if kind != own.model_type:
            raise ModelError(
                f"{where}: model type {documents.quoted(kind)}, where the plugin's architecture is "
                f"{own.model_type}; give a checkpoint of that architecture"
            )
        return
    if not isinstance(kind, str) or kind not in MODEL_TYPES:
        raise ModelError(
            f"{where}: model type {documents.quoted(kind)} cannot be used{_why_not(config)}; supported "
            f"are {', '.join(MODEL_TYPES)}"
        )
    settings.check(config, where)


def _why_not(config: Mapping[str, Any]) -> str:
    """What is known of why; empty where nothing is."""
    if (why := UNSUPPORTED.get(str(config.get("model_type")))) is not None:
        return f": {why}"
    return settings.saved_by(config)


def check_weights(folder: Path, config: Mapping[str, Any], own: Architecture | None = None) -> bool:
    """Whether a folder whose configuration has been checked has the head of its objective among its weights.

    Raises ModelError, which names a weight, where the body or a part of the head is missing, a shape is not
    what the configuration asks for, a weight belongs to nothing known, a number is infinite or not a number,
    a decoder that should be the word embeddings is another, or the tokenizer gives larger numbers than there
    are embeddings. Of a plugin's architecture, `own`, names and shapes are checked when it is loaded.
    """
    layout = layout_of(config["model_type"], own)
    found: dict[str, Weight] = {}
    for name, weight in weights.weights(folder).items():
        plain = plain_name(name, layout)
        if plain in found:
            raise ModelError(f"{folder}: weight {listed([name])} is there twice, under two names")
        found[plain] = weight
    if own is not None:
        if own.words not in found:
            raise ModelError(f"{folder}: weights of the encoder are missing: {own.words}")
        _check_numbers(list(found), found, layout, folder)
        _check_tokenizer(folder, found[own.words].shape[0])
        return any(map(layout.is_spare, found))
    filled = settings.filled(config)
    hint = settings.saved_by(config)
    used = _fitting(
        layout.body(filled), found, folder, "the encoder" if layout.family == "encoder" else "the model", hint
    )
    head = list(layout.head(filled))
    others = {layout.decoder, *layout.bias}
    if layout.family != "encoder":
        has_head = layout.decoder in found or _is_tied(config, layout, folder)
        used += _decoder(layout, found, folder, config, filled) if has_head else []
    elif has_head := any(name in found for name, _ in head):
        head = [(name, shape) for name, shape in head if name not in layout.bias]
        used += _fitting(iter(head), found, folder, "the masked-LM head", hint)
        used += _decoder(layout, found, folder, config, filled)
    for name in layout.copies:
        if name in found and not weights.are_same(found[layout.words], found[name]):
            raise ModelError(f"{folder}: weights {layout.words} and {name} should be one, and are not")
    known = {*used, *others}
    if alien := [name for name in found if name not in known and not layout.is_spare(name)]:
        raise ModelError(
            f"{folder}: weights that belong to no part of a {config['model_type']} model: "
            f"{listed(alien)}{hint}; "
            "its configuration may be another model's"
        )
    _check_numbers(used, found, layout, folder)
    _check_tokenizer(folder, found[layout.words].shape[0])
    return has_head


def _check_numbers(used: Iterable[str], found: Mapping[str, Weight], layout: Layout, folder: Path) -> None:
    """Raise ModelError for a weight that is none, or was lost."""
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
        scale = not layout.centred and NORMALISATION.search(name)
        if (name == layout.words or scale) and weights.is_zero(found[name]):
            raise ModelError(
                f"{folder}: weight {name} is zero throughout, as after a write or download that broke off; "
                "get the file again, or give an earlier checkpoint"
            )


def family_of(config: Mapping[str, Any], own: Architecture | None = None) -> Family:
    """How the model of a configuration that has been checked reads."""
    return layout_of(config["model_type"], own).family


def no_head(family: Family) -> str:
    """What to say of a checkpoint without the head of its objective."""
    return (
        f"no {HEADS[family]} head among its weights, so nothing can be finetuned on text; give a checkpoint "
        f"that was saved as a {HEADS[family]} model, or leave out --transfer"
    )


def has_lm_head(folder: Path, config: Mapping[str, Any], own: Architecture | None = None) -> bool:
    """Whether the head of its objective is among the weights of a folder. Raises ModelError."""
    layout = layout_of(config["model_type"], own)
    names = {plain_name(name, layout) for name in weights.weights(folder)}
    if own is not None:
        return any(map(layout.is_spare, names))
    if layout.family != "encoder":
        return layout.decoder in names or _is_tied(config, layout, folder)
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


def _is_tied(config: Mapping[str, Any], layout: Layout, folder: Path) -> bool:
    """Whether the decoder's matrix is the word embeddings. Raises ModelError."""
    tied = config.get("tie_word_embeddings", layout.tied)
    if type(tied) is not bool:
        raise ModelError(
            f"{folder}: tie_word_embeddings is {documents.quoted(tied)}; true or false is needed"
        )
    return tied


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
    tied = _is_tied(config, layout, folder)
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
