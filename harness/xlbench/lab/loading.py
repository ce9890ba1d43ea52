"""Loading a checkpoint: as an adapter model, and as the language model whose head is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from xlbench.contracts import ModelClasses
from xlbench.errors import ModelError, said_of
from xlbench.lab.adapter_models import class_over, own_class_over
from xlbench.models.architectures import NUMBERED_FROM_PADDING, layout_of
from xlbench.models.saved import documents, settings, tokenizers, weights
from xlbench.models.saved.layout import Layout, plain_name
from xlbench.models.saved.layouts import LAYOUTS
from xlbench.models.saved.weights import listed

if TYPE_CHECKING:
    from xlbench.contracts import Architecture, Family

FIXED: Mapping[str, Mapping[str, Any]] = {
    # transformers' older class of the masked-LM head; see `HEAD_KEYS`.
    "deberta": {"legacy": True},
    "deberta-v2": {"legacy": True},
    # Compiled layers and unpadded attention would go past the hooks by which adapters act.
    "modernbert": {"reference_compile": False, "_attn_implementation": "sdpa"},
    # Scores are capped before the softmax, which transformers' other attention leaves out in silence.
    "gemma2": {"_attn_implementation": "eager"},
}
"""By model type: settings that hold whatever the configuration says."""
HEAD_KEYS = {
    r"^lm_predictions\.lm_head\.(dense|LayerNorm)\.": r"cls.predictions.transform.\1.",
    r"^lm_predictions\.lm_head\.bias$": "cls.predictions.bias",
}
"""The masked-LM head of DeBERTa by the names of its authors' checkpoints, and by those of transformers' older
class, which computes the same and is the one whose decoder can be tied."""
LANGUAGE_MODELS: Mapping[Family, str] = {
    "encoder": "AutoModelForMaskedLM", "decoder": "AutoModelForCausalLM",
    "encoder-decoder": "AutoModelForSeq2SeqLM",
}  # fmt: skip
POOLER = re.compile(r"(^|\.)pooler\.")
"""Part of the body of some, and read by no task or head here."""
NEEDED: Mapping[Family, tuple[str, ...]] = {
    "encoder": ("cls", "sep", "pad"), "decoder": (), "encoder-decoder": ("eos", "pad"),
}  # fmt: skip
"""By family, the special tokens without which inputs cannot be made."""
LOCAL = {"trust_remote_code": False, "local_files_only": True}
SAFE = {"use_safetensors": True, "output_loading_info": True, **LOCAL}


@contextmanager
def one_line(where: str, what: str, hint: str = "") -> Iterator[None]:
    """Turn whatever the libraries raise at files that others made into a ModelError of one line.

    They raise anything: ImportError, AttributeError, AssertionError, RecursionError, panics of Rust.
    """
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{where}: {what}: {reason(error)}{hint}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of the tokenizers, which is no Exception
            raise
        raise ModelError(f"{where}: {what}: {reason(error)}{hint}") from error


def reason(error: BaseException) -> str:
    """The first line of what an error says that is no heading, in characters of any encoding, cut to 200; or
    its type.
    """
    lines = [" ".join(x.split()) for x in str(error).splitlines() if x.strip()]
    lines = [x for x in lines if not x.endswith(":")] or lines
    first = documents.shown(lines[0], 200).replace('\\"', '"') if lines else ""
    name = type(error).__name__
    return (
        first
        if isinstance(error, OSError | ValueError | RuntimeError) and first
        else f"{name} {first}".strip()
    )


def own_classes(own: Architecture) -> ModelClasses:
    """The classes of a plugin's architecture. Raises ModelError, one line, where they are not what is due."""
    where = f"architecture {own.model_type!r}"
    try:
        found = own.load()
    except (Exception, SystemExit) as error:
        raise ModelError(f"{where}: load raises {said_of(error)}") from error
    if not isinstance(found, ModelClasses):
        raise ModelError(f"{where}: load gives a {type(found).__name__}, not ModelClasses")
    from transformers import PretrainedConfig, PreTrainedModel

    for name, kind in (
        ("config", PretrainedConfig),
        ("body", PreTrainedModel),
        ("language_model", PreTrainedModel),
    ):
        one: Any = getattr(found, name)
        if not (isinstance(one, type) and issubclass(one, kind)):
            raise ModelError(f"{where}: {name} must be a class derived from {kind.__name__}, not {one!r:.80}")
        field, due = ("model_type", own.model_type) if name == "config" else ("base_model_prefix", own.prefix)
        if (said := getattr(one, field, "")) != due:
            raise ModelError(f"{where}: {field} of {one.__name__} must be {due!r}, not {said!r}")
    if len(found.body.__bases__) != 1 or found.body.__bases__[0] is PreTrainedModel:
        raise ModelError(
            f"{where}: {found.body.__name__} must derive from one class of the family, which derives from "
            "PreTrainedModel and has config_class and base_model_prefix"
        )
    return found


def config(checkpoint: str, own: ModelClasses | None = None) -> Any:
    """The configuration of a folder that `checkpoints` has checked, without what only changes outputs.

    Settings of transformers 5 are those of 4.57 that mean the same. Raises ModelError for an attention
    implementation that is code of a repository: a second look, at what transformers has made of the file.
    """
    from transformers import AutoConfig

    path = Path(checkpoint) / "config.json"
    said = documents.read(path)
    documents.refuse_code(said, str(path))
    found = (AutoConfig if own is None else own.config).from_pretrained(checkpoint, **LOCAL)
    if own is None:
        for key, value in {**settings.converted(said, str(path)), **FIXED.get(found.model_type, {})}.items():
            setattr(found, key, value)
    if found._attn_implementation not in documents.ATTENTION:
        raise ModelError(f"{path}: attention implementation {found._attn_implementation!r} is never run")
    found.return_dict, found.output_hidden_states, found.chunk_size_feed_forward = True, False, 0
    if own is None and LAYOUTS[found.model_type].family != "encoder":
        found.use_cache = False
    return found


def tokenizer(checkpoint: str, family: Family, own: Architecture | None = None) -> Any:
    """The tokenizer of a folder. Raises ModelError unless it is a fast one with the special tokens that the
    model was trained with: of an encoder those around a text, padding and mask, of an encoder-decoder the
    end, of a decoder none.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    folder = Path(checkpoint)
    tokenizers.check(folder)
    newer = tokenizers.settings(folder).get("tokenizer_class") == tokenizers.NEWER
    kind = PreTrainedTokenizerFast if newer or own is not None else AutoTokenizer
    try:
        found = kind.from_pretrained(checkpoint, **LOCAL, **tokenizers.how(folder))
    except TypeError as error:  # a class that is given None for the path of its file
        raise ModelError(
            f"{checkpoint}: no tokenizer of the class that its configuration asks for; save a fast one "
            "beside the weights (tokenizer.json)"
        ) from error
    if not found.is_fast:
        raise ModelError(f"{checkpoint}: needs a fast tokenizer (tokenizer.json)")
    if family == "encoder" and found.mask_token_id is None:
        raise ModelError(f"{checkpoint}: needs a fast tokenizer (tokenizer.json) with a mask token")
    for name in NEEDED[family]:
        if getattr(found, f"{name}_token_id") is None:
            raise ModelError(f"{checkpoint}: its tokenizer has no {name}_token; set it and save it again")
    known = {} if (folder / "vocab.json").is_file() else tokenizers.numbers(folder)
    for name in ("bos", "eos", "cls", "sep", "pad", "mask", "unk"):
        token = getattr(found, f"{name}_token")
        if known and token is not None and token not in known:
            raise ModelError(
                f"{checkpoint}: its {name}_token {documents.quoted(token)} is none of its tokens, so that it "
                "would get an embedding that was never trained; give the tokenizer that belongs to these "
                "weights"
            )
    return found


def check_fit(tokenizer: Any, body: Any, checkpoint: str) -> None:
    """Raise ModelError where a tokenizer gives numbers that the model has no embeddings for, or pads with
    another than the one from which the model counts positions.
    """
    rows = body.get_input_embeddings().num_embeddings
    token, number = max(tokenizer.get_vocab().items(), key=lambda x: x[1])
    if number >= rows:
        raise ModelError(
            f"{checkpoint}: the tokenizer gives {documents.quoted(token, 30)} the number {number}, but "
            "there are "
            f"embeddings for 0 to {rows - 1} alone; give the tokenizer that belongs to these weights"
        )
    padding = body.config.pad_token_id
    if body.config.model_type in NUMBERED_FROM_PADDING and padding != tokenizer.pad_token_id:
        raise ModelError(
            f"{checkpoint}: the tokenizer pads with {tokenizer.pad_token_id}, the model counts positions "
            "from "
            f"pad_token_id {padding}; give the tokenizer that belongs to these weights"
        )


def adapter_model(
    checkpoint: str, config: Any, own: Architecture | None = None, classes: ModelClasses | None = None
) -> Any:
    """The adapter model of a folder, from safetensors; what transformers raises goes through.

    Raises ModelError where a weight is missing or belongs nowhere.
    """
    from adapters import AutoAdapterModel
    from adapters.heads.model_mixin import MODEL_HEAD_MAP
    from adapters.wrappers.interfaces import get_adapter_interface
    from transformers import AutoModel

    layout = layout_of(config.model_type, own)
    known = own is None and layout.family == "encoder" and get_adapter_interface(config.model_type) is None
    body = AutoModel._model_mapping[type(config)] if classes is None else classes.body
    kind = (
        AutoAdapterModel
        if known
        else (
            class_over(body, layout.family)
            if own is None
            else own_class_over(body, layout.family, own.interface)
        )
    )
    if not known:
        config.architectures = None  # no head is made of the one that is named here
    model, info = kind.from_pretrained(checkpoint, config=config, **SAFE)
    info["missing_keys"] = [x for x in info["missing_keys"] if not _is_zero_bias(model, x)]
    _check_loaded(info, layout, checkpoint)
    # Heads need nothing but hidden states, so every architecture has whichever a kind of task asks for; the
    # library's own lists leave some out for some.
    model.head_types = [*MODEL_HEAD_MAP]
    return model


def language_model(
    checkpoint: str,
    config: Any,
    own: Architecture | None = None,
    classes: ModelClasses | None = None,
    *,
    has_head: bool,
) -> Any:
    """The model of a folder with the head of its objective, from safetensors; what transformers raises goes
    through.

    Raises ModelError where a weight is missing or belongs nowhere; without a head, one of the body.
    """
    import transformers

    layout = layout_of(config.model_type, own)
    renamed = dict(HEAD_KEYS) if config.model_type in {"deberta", "deberta-v2"} else {}
    names = {plain_name(x, layout) for x in weights.weights(Path(checkpoint))}
    if layout.bias and layout.bias[0] not in names:
        # Of a vector with two names, transformers puts the first in the place of the second.
        renamed |= {f"^{re.escape(x)}$": layout.bias[0] for x in layout.bias[1:]}
    how = {"key_mapping": renamed} if renamed else {}
    kind = (
        getattr(transformers, LANGUAGE_MODELS[layout.family]) if classes is None else classes.language_model
    )
    model, info = kind.from_pretrained(checkpoint, config=config, **SAFE, **how)
    if own is not None and has_head:
        layout = replace(layout, leftover="")  # the head of the files is all that is read
    _check_loaded(info, layout, checkpoint, whole=has_head)
    return model


class _HandOn(nn.Module):
    """Stands where the language model's body was; its output is its input."""

    def forward(self, *_: Any, inputs_embeds: Tensor, **__: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

        return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=inputs_embeds)


def take_body_out(lm: Any, family: Family) -> None:
    """Have a language model that is its head alone."""
    if family != "encoder-decoder":
        name = lm.base_model_prefix if hasattr(lm, lm.base_model_prefix) else "model"
        setattr(lm, name, _HandOn())
        return
    lm.encoder, lm.decoder, lm.shared = nn.Identity(), _HandOn(), nn.Identity()


def _is_zero_bias(model: Any, name: str) -> bool:
    """Whether a weight is a bias that `adapters` adds to a map without one (DeBERTa, ModernBERT), still
    zero.
    """
    return name.endswith((".in_proj.bias", ".Wqkv.bias")) and not model.get_parameter(name).any()


def _check_loaded(info: Mapping[str, Any], layout: Layout, checkpoint: str, *, whole: bool = False) -> None:
    """Raise ModelError for weights that were drawn at random or left out; heads aside unless `whole`.

    `info` is what transformers says it has done. The files have been looked at before; this is what came of
    them.
    """
    for what, loss in (
        ("missing", "would be drawn at random"),
        ("unexpected", "would be ignored"),
        ("mismatched", "have another shape than the model"),
    ):
        names = [x[0] if isinstance(x, tuple) else str(x) for x in info.get(f"{what}_keys", ())]
        # "heads." is what `adapters` makes of a head that the configuration names; no task uses it.
        odd = [x for x in names if not layout.is_spare(plain_name(x, layout)) and not x.startswith("heads.")]
        if what == "missing" and whole:
            odd = [x for x in names if not POOLER.search(x)]
        if odd:
            raise ModelError(
                f"{checkpoint}: weights {loss}: {listed(sorted(odd))}; save the checkpoint again"
            )
