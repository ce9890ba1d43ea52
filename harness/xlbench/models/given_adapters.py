"""Language adapters that come with a study: found, and checked against the model without loading either."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xlbench import hub
from xlbench.contracts import AdapterFiles, AdapterKind, GivenAdapter
from xlbench.errors import ModelError
from xlbench.files import content
from xlbench.models.architectures import family_of
from xlbench.models.saved import documents, pickled, settings, weights
from xlbench.models.saved.defaults import DEFAULTS
from xlbench.models.saved.documents import quoted, shown

CONFIG = "adapter_config.json"
SAFE, PICKLED = "adapter.safetensors", "pytorch_adapter.bin"
WEIGHTS = (SAFE, PICKLED)
"""What `adapters` reads, the first that is there; the pickled kind as tensors alone (`torch.load`,
`weights_only`).
"""
FILES = (CONFIG, *WEIGHTS)
"""What is downloaded."""
UNREAD = frozenset({"architecture", "attention_type", "invertible_adapter", "new_attention_norm"})
"""Others of published files: those of old fusion layers, and the old place of the invertible part."""
INVERTIBLE = re.compile(r"\binvertible_(lang_)?adapters\.")
"""In the names of the weights of an invertible part, of today's and of old files."""
LAYER = re.compile(r"(?:\b(encoder|decoder)\.block|\blayers?|\bh)\.(\d+)\.")
"""In the names of weights: the number of the layer; of T5 and its kin, of the layer in one of two stacks."""


def find(text: str, model: Mapping[str, Any], kinds: Iterable[AdapterKind]) -> GivenAdapter:
    """The adapter in a folder or on the hub (`OWNER/NAME` or `OWNER/NAME@REVISION`), which is downloaded if
    it is not here yet.

    `model` is the base model's `config.json`. Which of `kinds` it is of is determined from its settings and,
    whether it has an invertible part, from its weights.

    Raises ModelError where there is none, where it is of none of the kinds, where it has settings that would
    be ignored or weights that do not go with them, or where it was made for another architecture or size.
    """
    with documents.readable(text):
        return _find(text, model, [x for x in kinds if x.files is not None and x.language is not None])


def _find(text: str, model: Mapping[str, Any], kinds: Sequence[AdapterKind]) -> GivenAdapter:
    folder = Path(text).expanduser()
    source = folder.absolute().name
    if not folder.is_dir():
        if folder.is_absolute() or text.startswith((".", "~")) or text.partition("@")[0].count("/") != 1:
            raise ModelError(f"{text}: no such folder of an adapter; a hub id is OWNER/NAME[@REVISION]")
        folder, source = _download(text)
    config = _config(folder, text)
    inner: Mapping[str, Any] = config["config"]
    with documents.understood(f"{text}: {CONFIG}"):
        kinds = _kinds_of(inner, kinds, text)
        _check_model(config, model, text)
    found = next((folder / x for x in WEIGHTS if (folder / x).is_file()), None)
    if found is None:
        raise ModelError(f"{text}: no weights beside {CONFIG}; expected one of {', '.join(WEIGHTS)}")
    with documents.understood(text):
        invertible = _check_weights(found, config, model, text)
    kind = next((x for x in kinds if x.invertible is invertible), kinds[0])
    mixable = all(_said(inner, kind, key) == value for key, value in _files(kind).place.items())
    return GivenAdapter(source, str(folder), _fingerprint(inner, found), invertible, mixable, kind.name)


def _fingerprint(inner: Mapping[str, Any], weights: Path) -> str:
    total = hashlib.sha256(json.dumps(inner, sort_keys=True).encode())
    total.update(bytes.fromhex(content.file_digest(weights)))
    return total.hexdigest()[:40]


def check_unchanged(given: GivenAdapter) -> None:
    """Raise ModelError unless the adapter is what it was when the study was planned."""
    folder = Path(given.folder)
    weights = next((folder / x for x in WEIGHTS if (folder / x).is_file()), folder / WEIGHTS[0])
    try:
        same = _fingerprint(_config(folder, given.folder)["config"], weights) == given.fingerprint
    except OSError:
        same = False
    if not same:
        raise ModelError(
            f"{folder}: changed since the study was planned; run the same command again, and leave the "
            "adapter alone meanwhile"
        )


def _download(text: str) -> tuple[Path, str]:
    """Its folder, and where it comes from: hub id and commit."""
    name, _, revision = text.partition("@")
    found = hub.find(hub.Repo(name, "model", "the folder of an adapter"), revision or None)
    for file in FILES:
        if file in found.files:
            hub.fetch(found, file)
    return found.folder, f"{name}@{found.commit}"


def _config(folder: Path, where: str) -> Mapping[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise ModelError(
            f"{where}: no {CONFIG}; an adapter is a folder as `adapters` saves it (save_adapter)"
        )
    config = documents.read(path, f"{where}: {CONFIG}")
    documents.refuse_code(config, f"{where}: {CONFIG}")
    if not isinstance(config.get("config"), Mapping):
        raise ModelError(f"{where}: {CONFIG} is not that of an adapter")
    if not isinstance(config.get("name"), str):
        raise ModelError(f"{where}: {CONFIG} has no name of the adapter, by which its weights are found")
    return config


def _files(kind: AdapterKind) -> AdapterFiles:
    assert kind.files is not None  # noqa: S101 - others are none of those that are looked at
    return kind.files


def _said(inner: Mapping[str, Any], kind: AdapterKind, key: str) -> Any:
    """What a setting of a file is, where it does not say too."""
    return inner.get(key, _files(kind).settings.get(key))


def _kinds_of(inner: Mapping[str, Any], kinds: Sequence[AdapterKind], where: str) -> list[AdapterKind]:
    """The kinds that settings are of, which may differ in an invertible part. Raises ModelError for settings
    of none, and for those that the library does not read.
    """
    found = [
        x for x in kinds if all(_said(inner, x, key) == value for key, value in _files(x).known_by.items())
    ]
    if not found:
        method = inner.get("architecture")
        what = method if isinstance(method, str) else "of another kind"
        known = ", ".join(x.name for x in kinds)
        raise ModelError(f"{where}: an adapter {what}, which is none of the kinds {known}; give another")
    files = _files(found[0])
    for key in files.said:
        if inner.get(key) is None:
            raise ModelError(f"{where}: {CONFIG} says no {key}; save the adapter again with `adapters`")
    _check_settings(inner, files.settings, where)
    return found


def _check_settings(inner: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
    """Whether these are settings all of which the library reads."""
    function = inner.get("non_linearity")
    if function is not None and str(function).lower() not in {*settings.ACTIVATIONS, "leakyrelu"}:
        raise ModelError(
            f"{where}: non_linearity is {quoted(inner['non_linearity'])}; no function of transformers "
            f"{settings.READABLE}, such as relu; save the adapter again with `adapters`"
        )
    for key, value in inner.items():
        if key not in known and key not in UNREAD and value not in (None, False, "", [], {}):
            raise ModelError(
                f"{where}: `adapters` knows no {shown(key)}, so that {quoted(value)} would be "
                "ignored; save "
                "the adapter again with `adapters`, or give another"
            )
    if isinstance(old := inner.get("invertible_adapter"), Mapping):
        if old.get("non_linearity", inner["non_linearity"]) != inner["non_linearity"]:
            raise ModelError(
                f"{where}: its invertible part has the non-linearity {quoted(old['non_linearity'])}, its "
                "other parts "
                f"{quoted(inner['non_linearity'])}; `adapters` would use one for both"
            )
        if not {"block_type", "reduction_factor"} <= set(old):
            raise ModelError(
                f"{where}: invertible_adapter {quoted(old)} has no block_type or reduction_factor"
            )


def _check_model(config: Mapping[str, Any], model: Mapping[str, Any], where: str) -> None:
    whole = settings.filled(model) if model.get("model_type") in DEFAULTS else model
    said = {"model_type": model.get("model_type"), "hidden_size": whole.get("hidden_size")}
    for key, what in (("model_type", "architecture"), ("hidden_size", "hidden size")):
        made, wanted = config.get(key), said[key]
        if made is not None and made != wanted:
            raise ModelError(
                f"{where}: made for {what} {shown(made)}, but the model's is {shown(wanted)}; give an "
                "adapter made for it"
            )


def _check_weights(path: Path, config: Mapping[str, Any], model: Mapping[str, Any], where: str) -> bool:
    """Whether there is an invertible part among the weights."""
    names: Iterable[str]
    if path.name == SAFE:
        found = weights.header(path)
        names = found
        for name, weight in found.items():
            if weight.kind not in weights.FLOATS or not weights.is_finite(weight):
                raise ModelError(
                    f"{where}: weight {shown(name)} has numbers that are infinite or not a number; "
                    "give another"
                )
    else:
        names = pickled.names(path, where)
    names = [name for name in names if config["name"] in name.split(".")]
    if not names:
        raise ModelError(
            f"{where}: no weights of an adapter {quoted(config['name'])} in {path.name}, which {CONFIG} "
            "names; save the adapter again with `adapters`"
        )
    invertible = any(INVERTIBLE.search(name) for name in names)
    inner = config["config"]
    said = bool(inner.get("inv_adapter") or inner.get("invertible_adapter"))
    if said and not invertible and config.get("type") != "text_task":  # of which the library drops it
        raise ModelError(
            f"{where}: {CONFIG} says that there is an invertible part, which is not among the weights; it "
            "would be "
            "drawn at random; give the whole adapter"
        )
    if invertible and not said:
        raise ModelError(f"{where}: an invertible part is among the weights, but {CONFIG} says nothing of it")
    layers, reading = _layers(model)
    having = {x for name in names if (x := _layer(name, reading or 0)) is not None}
    if layers is not None and reading is not None and max(having, default=-1) < reading:
        layers = reading  # of an encoder-decoder whose encoder alone has adapters
    highest = max(having, default=-1)
    if layers is not None and highest >= layers:
        raise ModelError(
            f"{where}: made for {highest + 1} layers or more, but the model has {layers}; give another"
        )
    left_out = inner.get("leave_out") or []
    if layers is not None and having and (lacking := set(range(layers)) - having - set(left_out)):
        raise ModelError(
            f"{where}: no weights for layer {min(lacking)} of the model's {layers}; give an adapter made for "
            "it"
        )
    if path.name == SAFE:
        _check_width({x: found[x].shape for x in names}, inner, model, where)
    return invertible


def _layers(model: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """How many layers the model of a configuration has, and how many of an encoder-decoder's are the
    encoder's, which come first; None where that is not known.
    """
    if model.get("model_type") not in DEFAULTS:
        return None, None
    whole = settings.filled(model)
    layers = int(whole["num_hidden_layers"])
    if family_of(model) != "encoder-decoder":
        return layers, None
    return layers + int(whole.get("num_decoder_layers", layers)), layers


def _layer(name: str, reading: int) -> int | None:
    """The number of the layer that a weight of an adapter is in; `reading` layers come before a decoder's."""
    found = LAYER.search(name)
    if found is None:
        return None
    return int(found[2]) + (reading if found[1] == "decoder" else 0)


def _check_width(
    shapes: Mapping[str, tuple[int, ...]], inner: Mapping[str, Any], model: Mapping[str, Any], where: str
) -> None:
    """Whether the bottlenecks are as wide as the settings and the model ask for."""
    if model.get("model_type") not in DEFAULTS or type(inner.get("reduction_factor")) not in (
        int,
        float,
    ):
        return  # no bottleneck, or other factors for single layers; loading tells
    hidden = settings.filled(model)["hidden_size"]
    wanted = (max(int(hidden // inner["reduction_factor"]), 1), hidden)
    for name, shape in shapes.items():
        if name.endswith("adapter_down.0.weight") and shape != wanted:
            raise ModelError(
                f"{where}: weight {shown(name)} has shape {list(shape)}, where {CONFIG} and the model ask "
                f"for {list(wanted)}; give an adapter made for the model, with its own {CONFIG}"
            )
