"""Language adapters that come with a study: found, and checked against the model without loading either."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlbench import hub
from xlbench.contracts import GivenAdapter
from xlbench.errors import ModelError

CONFIG = "adapter_config.json"
WEIGHTS = ("model.safetensors", "adapter.safetensors", "pytorch_adapter.bin")
"""What `adapters` calls them; the pickled kind is read as tensors alone (`torch.load`, `weights_only`)."""
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
FILES = (CONFIG, *WEIGHTS)
"""What is downloaded."""


def find(text: str, model: Mapping[str, Any]) -> GivenAdapter:
    """The adapter in a folder or on the hub (`OWNER/NAME` or `OWNER/NAME@REVISION`), which is downloaded if
    it is not here yet.

    `model` is the base model's `config.json`. Raises ModelError where there is none, where it is not a
    bottleneck adapter, or where it was made for another architecture or hidden size.
    """
    folder = Path(text).expanduser()
    source = folder.absolute().name
    if not folder.is_dir():
        if folder.is_absolute() or text.startswith((".", "~")) or text.partition("@")[0].count("/") != 1:
            raise ModelError(f"{text}: no such folder of an adapter; a hub id is OWNER/NAME[@REVISION]")
        folder, source = _download(text)
    config = _config(folder, text)
    _check(config, model, text)
    inner: Mapping[str, Any] = config["config"]
    found = next((folder / x for x in WEIGHTS if (folder / x).is_file()), None)
    if found is None:
        raise ModelError(f"{text}: no weights beside {CONFIG}; expected one of {', '.join(WEIGHTS)}")
    mixable = all(inner.get(key, value) == value for key, value in PLACE.items())
    total = hashlib.sha256(json.dumps(inner, sort_keys=True).encode())
    with found.open("rb") as file:
        total.update(hashlib.file_digest(file, "sha256").digest())
    return GivenAdapter(source, str(folder), total.hexdigest()[:40], bool(inner.get("inv_adapter")), mixable)


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
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{where}: no {CONFIG}; an adapter is a folder as `adapters` saves it (save_adapter)"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{where}: {CONFIG} cannot be read: {error}") from None
    if not isinstance(config, Mapping) or not isinstance(config.get("config"), Mapping):
        raise ModelError(f"{where}: {CONFIG} is not that of an adapter")
    return config


def _check(config: Mapping[str, Any], model: Mapping[str, Any], where: str) -> None:
    if config["config"].get("reduction_factor") is None:
        kind = config["config"].get("architecture") or "of another kind"
        raise ModelError(f"{where}: not a bottleneck adapter but {kind}; only those can be stacked and fused")
    for key, what in (("model_type", "architecture"), ("hidden_size", "hidden size")):
        made, wanted = config.get(key), model.get(key)
        if made is not None and made != wanted:
            raise ModelError(
                f"{where}: made for {what} {made}, but the model's is {wanted}; give an adapter made for it"
            )
