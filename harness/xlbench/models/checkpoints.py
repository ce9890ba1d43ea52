"""Checkpoints on disk and on the hub: found, checked and fingerprinted without loading any weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlbench import hub
from xlbench.contracts import Architecture, BaseModel, Family, digest
from xlbench.errors import ModelError
from xlbench.models.architectures import (
    NUMBERED_FROM_PADDING,
    check_config,
    check_weights,
    facts,
    family_of,
)
from xlbench.models.saved import documents, settings, tokenizers, weights
from xlbench.models.saved.defaults import DEFAULTS
from xlbench.models.saved.tokenizers import EXTRA, TOKENIZERS
from xlbench.models.saved.weights import INDEX

PICKLED = (".bin", ".pt", ".pth", ".ckpt")
NEEDED = (".json", ".txt", ".model", ".safetensors")
"""Endings of what is downloaded, of the files beside `config.json`."""
REDIRECTING = "adapter_config.json"
"""In the folder of a checkpoint it has transformers load another one, where peft is installed."""
ALSO_READ = ("generation_config.json", "preprocessor_config.json", "processor_config.json")
"""Other configurations beside the weights, which must not ask for code either."""
_passed: dict[str, bool] = {}
"""By digest: contents that have been checked in this process, and whether they have a language-model head."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that passed the checks."""

    source: str
    """A folder, or a hub id."""
    revision: str | None
    """The hub's commit; None for a folder."""
    fingerprint: str
    """Changes whenever weights, configuration or tokenizer do; never a path."""
    size: int
    """Bytes of weights; 0 where not known before the download."""
    family: Family = "encoder"
    lm_head: bool | None = None
    """Whether the head of its objective is among the weights; None where not known before the download."""
    architecture: Architecture | None = None
    """Of a plugin; None where it is built in."""


def locate(model: BaseModel, revision: str | None = None) -> Checkpoint:
    """Find the checkpoint of a model: a folder where there is one of that name, otherwise on the hub.

    Loads no weights. Raises ModelError for a folder without weights, with pickled ones only, without
    a tokenizer, with code of its own or of an unsupported architecture; and where the hub has no such
    checkpoint or cannot be reached and nothing is cached.
    """
    folder = Path(model.checkpoint).expanduser()
    with documents.readable(model.checkpoint):
        if folder.is_dir():
            if revision is not None:
                raise ModelError(f"{folder}: a folder has no revisions; leave out --revision {revision}")
            return _local(folder, model.architecture)
        if folder.exists():
            raise ModelError(
                f"{folder}: not a folder; --model takes the folder of a checkpoint, with its config.json"
            )
    if folder.is_absolute() or model.checkpoint.startswith((".", "~")) or model.checkpoint.count("/") > 1:
        raise ModelError(f"{model.checkpoint}: no such checkpoint folder")
    return _hub(model.checkpoint, revision or model.revision, model.architecture)


def download(checkpoint: Checkpoint) -> Path:
    """The folder of a checkpoint, downloaded if it is not here yet. Raises ModelError where that fails."""
    if checkpoint.revision is None:
        return Path(checkpoint.source)
    found = hub.find(_repo(checkpoint.source), checkpoint.revision)
    for name in _needed(found.files):
        hub.fetch(found, name)
    # The files are now here, so the checks that needed them can be made.
    with documents.readable(checkpoint.source):
        _local(found.folder, checkpoint.architecture)
    return found.folder


def config(checkpoint: Checkpoint) -> Mapping[str, Any]:
    """The checkpoint's `config.json`, which `locate` has checked already."""
    path = Path(checkpoint.source) / "config.json"
    if checkpoint.revision is not None:
        path = hub.fetch(hub.find(_repo(checkpoint.source), checkpoint.revision), "config.json")
    return documents.read(path)


def layers(checkpoint: Checkpoint) -> int | None:
    """How many layers the checkpoint's model has, an encoder-decoder's of both kinds, the encoder's first;
    None where its configuration does not say.
    """
    said = config(checkpoint)
    known = settings.filled(said) if said.get("model_type") in DEFAULTS else said
    found = known.get("num_hidden_layers")
    if not isinstance(found, int):
        return None
    more = known.get("num_decoder_layers", found) if checkpoint.family == "encoder-decoder" else 0
    return found + more


def own_layers(checkpoint: Checkpoint) -> int | None:
    """As `layers`, of those with weights of their own: ALBERT's share theirs in groups."""
    said = config(checkpoint)
    if said.get("model_type") != "albert":
        return layers(checkpoint)
    known = settings.filled(said)
    return int(known["num_hidden_groups"]) * int(known["inner_group_num"])


def longest_input(checkpoint: Checkpoint) -> int | None:
    """Pieces in the longest input of a checkpoint, special tokens included, as the Lab reckons them.

    None where its configuration does not say, or is not here yet.
    """
    folder = Path(checkpoint.source)
    if checkpoint.revision is not None:
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(checkpoint.source, "config.json", revision=checkpoint.revision)
        if not isinstance(cached, str):
            return None
        folder = Path(cached).parent
    config, tokenizer = facts(folder / "config.json"), facts(folder / "tokenizer_config.json")
    positions = config.get("max_position_embeddings", config.get("n_positions"))
    if positions and config.get("model_type") in NUMBERED_FROM_PADDING:
        positions = positions - config["pad_token_id"] - 1 if config.get("pad_token_id") is not None else None
    limits = (positions, tokenizer.get("model_max_length"))
    return min((int(x) for x in limits if isinstance(x, int | float) and 0 < x < 1 << 30), default=None)


def parameters(checkpoint: Checkpoint) -> int | None:
    """Number of the weights of a checkpoint; None where it is not here yet. Raises ModelError."""
    if not is_here(checkpoint):
        return None
    return sum(one.count for one in weights.weights(download(checkpoint)).values())


def is_here(checkpoint: Checkpoint) -> bool:
    """Whether nothing has to be downloaded."""
    if checkpoint.revision is None:
        return True
    found = hub.find(_repo(checkpoint.source), checkpoint.revision)
    return hub.is_here(found, _needed(found.files))


def _local(folder: Path, own: Architecture | None) -> Checkpoint:
    names = sorted(x.name for x in folder.iterdir())
    _check_names(names, str(folder))
    weights = [x for x in names if x.endswith(".safetensors")]
    content = ["config.json", *weights, *(x for x in (*TOKENIZERS, *EXTRA) if x in names)]
    for name in (*content, *(x for x in (*ALSO_READ, INDEX) if x in names)):
        if not (folder / name).is_file():
            raise ModelError(
                f"{folder / name}: not a file, or a link to none; copy the file itself there, or delete it"
            )
    config = documents.read(folder / "config.json")
    with documents.understood(str(folder / "config.json")):
        check_config(config, str(folder / "config.json"), own)
    for name in ALSO_READ:
        if name in names:
            documents.refuse_code(documents.read(folder / name), str(folder / name))
    with documents.understood(f"{folder}: its tokenizer"):
        tokenizers.check(folder)
    total = hashlib.sha256()
    for name in content:
        total.update(f"{name}\0".encode())
        with (folder / name).open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    fingerprint = total.hexdigest()[:40]
    whole = fingerprint + ("" if own is None else f" {own.prefix} {own.words} {own.head}")
    if INDEX in names:
        whole += digest(documents.read(folder / INDEX))
    if whole not in _passed:
        with documents.understood(str(folder)):
            _passed[whole] = check_weights(folder, config, own)
    size = sum((folder / x).stat().st_size for x in weights)
    return Checkpoint(str(folder), None, fingerprint, size, family_of(config, own), _passed[whole], own)


def _check_names(names: list[str], where: str) -> None:
    if "config.json" not in names:
        raise ModelError(
            f"{where}: no config.json; --model takes a checkpoint folder as transformers saves it"
        )
    if not any(x.endswith(".safetensors") for x in names):
        pickled = [x for x in names if x.endswith(PICKLED)]
        if pickled:
            raise ModelError(
                f"{where}: only pickled weights ({pickled[0]}), which can run any code when loaded; if you "
                "trust them, convert them to safetensors with transformers: "
                "AutoModelForMaskedLM (AutoModelForCausalLM of a decoder, AutoModelForSeq2SeqLM of mT5)"
                ".from_pretrained(OLD).save_pretrained(NEW); on the hub, a --revision "
                "may have them, such as refs/pr/N of its conversion"
            )
        raise ModelError(f"{where}: no weights; a checkpoint needs model.safetensors")
    if REDIRECTING in names:
        raise ModelError(
            f"{where}: {REDIRECTING} beside the weights: it is an adapter, or has another model loaded; "
            "give a "
            "folder of the whole model without it"
        )
    if not any(x in names for x in TOKENIZERS):
        raise ModelError(f"{where}: no tokenizer; save it beside the weights (tokenizer.json)")


def _hub(name: str, revision: str | None, own: Architecture | None) -> Checkpoint:
    found = hub.find(_repo(name), revision)
    _check_names(sorted(found.files), name)
    path = hub.fetch(found, "config.json")
    with documents.understood(f"{name}: config.json"):
        config = documents.read(path, f"{name}: config.json")
        check_config(config, f"{name}: config.json", own)
    size = sum(found.files[x].size for x in _needed(found.files) if x.endswith(".safetensors"))
    fingerprint = _hub_fingerprint(name, found.commit)
    return Checkpoint(name, found.commit, fingerprint, size, family_of(config, own), None, own)


def _repo(name: str) -> hub.Repo:
    return hub.Repo(name, "model", "a checkpoint folder")


def _needed(names: Iterable[str]) -> list[str]:
    """Those beside `config.json`, not exports for other programs in folders below."""
    return sorted(x for x in names if "/" not in x and x.endswith(NEEDED))


def _hub_fingerprint(repo: str, commit: str) -> str:
    """A commit never changes, so the files need not be here to tell them apart."""
    return digest({"repository": repo, "commit": commit})
