"""Language adapters that come with a study: found, and checked against the model without loading either."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from xlbench import hub
from xlbench.contracts import GivenAdapter
from xlbench.errors import ModelError
from xlbench.files import content
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
BOTTLENECK: Mapping[str, Any] = {
    "mh_adapter": None, "output_adapter": None, "reduction_factor": None, "non_linearity": None,
    "original_ln_before": False, "original_ln_after": True, "ln_before": False, "ln_after": False,
    "init_weights": "bert", "init_weights_seed": None, "is_parallel": False, "scaling": 1.0,
    "use_gating": False, "residual_before_ln": True, "adapter_residual_before_ln": False, "inv_adapter": None,
    "inv_adapter_reduction_factor": None, "cross_adapter": False, "leave_out": [], "dropout": 0.0,
    "phm_layer": False, "phm_dim": 4, "factorized_phm_W": True, "shared_W_phm": False,
    "shared_phm_rule": True, "factorized_phm_rule": False, "phm_c_init": "normal",
    "phm_init_range": 0.0001, "learn_phm": True,
    "hypercomplex_nonlinearity": "glorot-uniform", "phm_rank": 1, "phm_bias": True, "stochastic_depth": 0.0,
}  # fmt: skip
"""Settings of a bottleneck adapter (`adapters.BnConfig`), with what holds where a file does not say."""
UNREAD = frozenset({"architecture", "attention_type", "invertible_adapter", "new_attention_norm"})
"""Others of published files: those of old fusion layers, and the old place of the invertible part."""
PLACE = {
    "mh_adapter": False,
    "output_adapter": True,
    "original_ln_before": True,
    "original_ln_after": True,
    "residual_before_ln": True,
    "adapter_residual_before_ln": False,
    "leave_out": [],
}
"""Where `seq_bn` sits, and what it is given (`adapters.SeqBnConfig`)."""
INVERTIBLE = re.compile(r"\binvertible_(lang_)?adapters\.")
"""In the names of the weights of an invertible part, of today's and of old files."""
LAYER = re.compile(r"\blayers?\.(\d+)\.")


def find(text: str, model: Mapping[str, Any]) -> GivenAdapter:
    """The adapter in a folder or on the hub (`OWNER/NAME` or `OWNER/NAME@REVISION`), which is downloaded if
    it is not here yet.

    `model` is the base model's `config.json`. Whether it has an invertible part is determined from its
    weights.

    Raises ModelError where there is none, where it is not a bottleneck adapter, where it has settings that
    would be ignored or weights that do not go with them, or where it was made for another architecture or
    size.
    """
    with documents.readable(text):
        return _find(text, model)


def _find(text: str, model: Mapping[str, Any]) -> GivenAdapter:
    folder = Path(text).expanduser()
    source = folder.absolute().name
    if not folder.is_dir():
        if folder.is_absolute() or text.startswith((".", "~")) or text.partition("@")[0].count("/") != 1:
            raise ModelError(f"{text}: no such folder of an adapter; a hub id is OWNER/NAME[@REVISION]")
        folder, source = _download(text)
    config = _config(folder, text)
    inner: Mapping[str, Any] = config["config"]
    with documents.understood(f"{text}: {CONFIG}"):
        _check_kind(inner, text)
        _check_model(config, model, text)
    found = next((folder / x for x in WEIGHTS if (folder / x).is_file()), None)
    if found is None:
        raise ModelError(f"{text}: no weights beside {CONFIG}; expected one of {', '.join(WEIGHTS)}")
    with documents.understood(text):
        invertible = _check_weights(found, config, model, text)
    effective = {**BOTTLENECK, **inner}
    mixable = all(effective[key] == value for key, value in PLACE.items())
    return GivenAdapter(source, str(folder), _fingerprint(inner, found), invertible, mixable)


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


def _check_kind(inner: Mapping[str, Any], where: str) -> None:
    """Whether these are the settings of a bottleneck adapter, all of which the library reads."""
    kind = inner.get("architecture")
    if kind is not None or inner.get("reduction_factor") is None:
        what = kind if isinstance(kind, str) else "of another kind"
        raise ModelError(f"{where}: not a bottleneck adapter but {what}; only those can be stacked and fused")
    for key in ("mh_adapter", "output_adapter", "non_linearity"):
        if inner.get(key) is None:
            raise ModelError(f"{where}: {CONFIG} says no {key}; save the adapter again with `adapters`")
    if str(inner["non_linearity"]).lower() not in {*settings.ACTIVATIONS, "leakyrelu"}:
        raise ModelError(
            f"{where}: non_linearity is {quoted(inner['non_linearity'])}; no function of transformers "
            f"{settings.READABLE}, such as relu; save the adapter again with `adapters`"
        )
    for key, value in inner.items():
        if key not in BOTTLENECK and key not in UNREAD and value not in (None, False, "", [], {}):
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
    own = f"adapters.{config['name']}."
    names = [name for name in names if own in name]
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
    layers = settings.filled(model)["num_hidden_layers"] if model.get("model_type") in DEFAULTS else None
    highest = max((int(x[1]) for name in names if (x := LAYER.search(name))), default=-1)
    if layers is not None and highest >= layers:
        raise ModelError(
            f"{where}: made for {highest + 1} layers or more, but the model has {layers}; give another"
        )
    having = {int(x[1]) for name in names if (x := LAYER.search(name))}
    left_out = inner.get("leave_out") or []
    if layers is not None and having and (lacking := set(range(layers)) - having - set(left_out)):
        raise ModelError(
            f"{where}: no weights for layer {min(lacking)} of the model's {layers}; give an adapter made for "
            "it"
        )
    if path.name == SAFE:
        _check_width({x: found[x].shape for x in names}, inner, model, where)
    return invertible


def _check_width(
    shapes: Mapping[str, tuple[int, ...]], inner: Mapping[str, Any], model: Mapping[str, Any], where: str
) -> None:
    """Whether the bottlenecks are as wide as the settings and the model ask for."""
    if model.get("model_type") not in DEFAULTS or type(inner["reduction_factor"]) not in (
        int,
        float,
    ):
        return  # other factors for single layers; loading tells
    hidden = settings.filled(model)["hidden_size"]
    wanted = (max(int(hidden // inner["reduction_factor"]), 1), hidden)
    for name, shape in shapes.items():
        if name.endswith("adapter_down.0.weight") and shape != wanted:
            raise ModelError(
                f"{where}: weight {shown(name)} has shape {list(shape)}, where {CONFIG} and the model ask "
                f"for {list(wanted)}; give an adapter made for the model, with its own {CONFIG}"
            )
