"""Checkpoints with random weights, each of a published model's own architecture at small size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import published_tokenizers
from made import sentence
from settled import in_order

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
LENGTH = 48
"""Longest input in pieces, special ones included."""
LINES = [" ".join(sentence(i, 8).words) for i in range(200)]


def unigram(**specials: str) -> Any:
    """SentencePiece's model and space marks, with the special tokens of XLM-R unless others are given."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    named = {"start": "<s>", "pad": "<pad>", "end": "</s>", "unk": "<unk>", "mask": "<mask>"} | specials
    core = Tokenizer(models.Unigram())
    core.normalizer = normalizers.NFKC()
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=60, special_tokens=list(named.values()), unk_token=named["unk"]
    )
    core.train_from_iterator(LINES, trainer)
    return fast(in_order(core), named)


def word_piece() -> Any:
    """BERT's: pieces that go on are marked, and second texts have segment number 1."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    named = {"start": "[CLS]", "pad": "[PAD]", "end": "[SEP]", "unk": "[UNK]", "mask": "[MASK]"}
    # Not trained: which of two pairs as frequent is joined first differs in every process.
    words = Counter(word for line in LINES for word in line.split())
    letters = sorted(set("".join(words)))
    frequent = sorted(words, key=lambda x: (-words[x], x))[:10]
    pieces = dict.fromkeys((*named.values(), *letters, *(f"##{x}" for x in letters), *frequent))
    core = Tokenizer(models.WordPiece({x: i for i, x in enumerate(pieces)}, unk_token="[UNK]"))
    core.add_special_tokens(list(named.values()))
    core.normalizer = normalizers.BertNormalizer(lowercase=False)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.decoder = decoders.WordPiece()
    return fast(core, named)


def byte_pairs(make: Callable[[list[str], int], Any]) -> Any:
    """A byte-level tokenizer with its published settings: no space before the first word."""
    tokenizer = make(LINES, 320)
    tokenizer.model_max_length = LENGTH
    return tokenizer


def fast(core: Any, named: dict[str, str]) -> Any:
    """A fast tokenizer that puts special tokens around one text or two."""
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    start, end = named["start"], named["end"]
    core.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", pair=f"{start} $A {end} $B:1 {end}:1",
        special_tokens=[(start, core.token_to_id(start)), (end, core.token_to_id(end))],
    )  # fmt: skip
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=start, eos_token=end, cls_token=start, sep_token=end,
        pad_token=named["pad"], unk_token=named["unk"], mask_token=named["mask"], model_max_length=LENGTH,
    )  # fmt: skip


def bert() -> tuple[Any, Any]:
    from transformers import BertConfig

    return BertConfig(**SIZE, max_position_embeddings=LENGTH, type_vocab_size=2), word_piece()


def minilm() -> tuple[Any, Any]:
    """Multilingual MiniLM: BERT's layers over XLM-R's tokenizer, whose padding is 1."""
    from transformers import BertConfig

    tokenizer = unigram()
    return BertConfig(**SIZE, max_position_embeddings=LENGTH, pad_token_id=0), tokenizer


def distilbert() -> tuple[Any, Any]:
    from transformers import DistilBertConfig

    config = DistilBertConfig(dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=LENGTH)
    return config, word_piece()


def albert() -> tuple[Any, Any]:
    from transformers import AlbertConfig

    tokenizer = unigram(start="[CLS]", end="[SEP]", mask="[MASK]")
    return AlbertConfig(**SIZE, embedding_size=16, max_position_embeddings=LENGTH), tokenizer


def electra() -> tuple[Any, Any]:
    from transformers import ElectraConfig

    return ElectraConfig(**SIZE, embedding_size=16, max_position_embeddings=LENGTH), word_piece()


def roberta() -> tuple[Any, Any]:
    from transformers import RobertaConfig

    tokenizer = byte_pairs(published_tokenizers.roberta)
    return RobertaConfig(**SIZE, max_position_embeddings=LENGTH + 2, type_vocab_size=1), tokenizer


def xlm_roberta() -> tuple[Any, Any]:
    from transformers import XLMRobertaConfig

    return XLMRobertaConfig(**SIZE, max_position_embeddings=LENGTH + 2, type_vocab_size=1), unigram()


def deberta() -> tuple[Any, Any]:
    from transformers import DebertaConfig

    config = DebertaConfig(
        **SIZE, max_position_embeddings=LENGTH, type_vocab_size=0, relative_attention=True,
        position_biased_input=False, pos_att_type=["c2p", "p2c"], max_relative_positions=-1,
    )  # fmt: skip
    return config, byte_pairs(published_tokenizers.deberta)


def mdeberta() -> tuple[Any, Any]:
    """Relative positions in buckets, no absolute ones, no segments, as in mDeBERTa-v3-base."""
    from transformers import DebertaV2Config

    config = DebertaV2Config(
        **SIZE, max_position_embeddings=LENGTH, type_vocab_size=0, relative_attention=True,
        position_buckets=16, norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type=["p2c", "c2p"],
        position_biased_input=False, max_relative_positions=-1, pooler_hidden_size=32,
    )  # fmt: skip
    return config, unigram(start="[CLS]", pad="[PAD]", end="[SEP]", unk="[UNK]", mask="[MASK]")


def modernbert() -> tuple[Any, Any]:
    """Rotary positions, local and global attention in turn, no biases: ModernBERT and mmBERT."""
    from transformers import ModernBertConfig

    tokenizer = byte_pairs(published_tokenizers.modernbert)
    config = ModernBertConfig(
        **SIZE, max_position_embeddings=LENGTH, local_attention=8, global_attn_every_n_layers=2,
        cls_token_id=tokenizer.cls_token_id, sep_token_id=tokenizer.sep_token_id,
    )  # fmt: skip
    return config, tokenizer


def bare(tokenizer: Any, single: str, pair: str, **named: str) -> Any:
    """A tokenizer of these special tokens alone, and of this template."""
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    core = tokenizer.backend_tokenizer
    around = {x for x in named.values() if x in single}
    core.post_processor = processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(x, core.token_to_id(x)) for x in sorted(around)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=core, model_max_length=LENGTH, **named)


DECODER = {**SIZE, "max_position_embeddings": LENGTH, "num_key_value_heads": 2}


def llama() -> tuple[Any, Any]:
    """A start before each text, nothing behind, no padding: Llama and its kin."""
    from transformers import LlamaConfig

    tokenizer = bare(unigram(), "<s> $A", "<s> $A <s> $B", bos_token="<s>", eos_token="</s>")
    return LlamaConfig(**DECODER, bos_token_id=0, eos_token_id=2), tokenizer


def mistral() -> tuple[Any, Any]:
    """A window that is shorter than most inputs."""
    from transformers import MistralConfig

    tokenizer = bare(unigram(), "<s> $A", "<s> $A <s> $B", bos_token="<s>", unk_token="<unk>")
    return MistralConfig(**DECODER, sliding_window=8), tokenizer


def of_bytes() -> Any:
    """Pairs of bytes, nothing around a text, and the end of a text as padding."""
    tokenizer = byte_pairs(published_tokenizers.qwen)
    return bare(tokenizer, "$A", "$A $B", eos_token="</s>", pad_token="</s>")


def qwen2() -> tuple[Any, Any]:
    from transformers import Qwen2Config

    return Qwen2Config(**DECODER, tie_word_embeddings=True), of_bytes()


def qwen3() -> tuple[Any, Any]:
    """Heads that are together wider than the model, and normalised."""
    from transformers import Qwen3Config

    return Qwen3Config(**DECODER, head_dim=16, tie_word_embeddings=True), of_bytes()


def of_gemma() -> Any:
    return bare(
        unigram(), "<s> $A", "<s> $A <s> $B", bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        unk_token="<unk>",
    )  # fmt: skip


def gemma2() -> tuple[Any, Any]:
    """Local and global attention in turn, capped scores."""
    from transformers import Gemma2Config

    config = Gemma2Config(**DECODER, head_dim=8, sliding_window=8, attn_logit_softcapping=2.0)
    return config, of_gemma()


def gemma3() -> tuple[Any, Any]:
    from transformers import Gemma3TextConfig

    return Gemma3TextConfig(**DECODER, head_dim=8, sliding_window=8), of_gemma()


def gpt2() -> tuple[Any, Any]:
    """Positions that are learned, and no special token but the end of a text."""
    from transformers import GPT2Config

    tokenizer = byte_pairs(published_tokenizers.roberta)
    sizes = {"n_positions": LENGTH, "n_embd": 32, "n_layer": 2, "n_head": 4}
    return GPT2Config(**sizes), bare(tokenizer, "$A", "$A $B", eos_token="</s>")


def smollm3() -> tuple[Any, Any]:
    """Every other layer without positions."""
    from transformers import SmolLM3Config

    return SmolLM3Config(**DECODER, no_rope_layer_interval=2), of_gemma()


def apertus() -> tuple[Any, Any]:
    """An activation that is learned, and no gates."""
    from transformers import ApertusConfig

    return ApertusConfig(**DECODER, rope_scaling=None), of_gemma()


def of_t5() -> Any:
    tokenizer = bare(
        unigram(), "$A </s>", "$A </s> $B </s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": [f"<extra_id_{i}>" for i in range(20)]})
    return tokenizer


ENCODER_DECODER = {"d_model": 32, "d_kv": 4, "d_ff": 64, "num_layers": 2, "num_heads": 4}


def mt5() -> tuple[Any, Any]:
    """A decoder matrix of its own, and gates; fewer layers that continue than layers that read."""
    from transformers import MT5Config

    return MT5Config(**ENCODER_DECODER, num_decoder_layers=1, decoder_start_token_id=1), of_t5()


def umt5() -> tuple[Any, Any]:
    from transformers import UMT5Config

    return UMT5Config(**ENCODER_DECODER, decoder_start_token_id=1), of_t5()


def t5() -> tuple[Any, Any]:
    from transformers import T5Config

    return T5Config(**ENCODER_DECODER, decoder_start_token_id=1), of_t5()


ENCODERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "albert": albert,
    "bert": bert,
    "deberta": deberta,
    "distilbert": distilbert,
    "electra": electra,
    "mdeberta": mdeberta,
    "minilm": minilm,
    "modernbert": modernbert,
    "roberta": roberta,
    "xlm-roberta": xlm_roberta,
}


DECODERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "apertus": apertus,
    "gemma2": gemma2,
    "gemma3": gemma3,
    "gpt2": gpt2,
    "llama": llama,
    "mistral": mistral,
    "qwen2": qwen2,
    "qwen3": qwen3,
    "smollm3": smollm3,
}
ENCODER_DECODERS: dict[str, Callable[[], tuple[Any, Any]]] = {"mt5": mt5, "t5": t5, "umt5": umt5}
ARCHITECTURES = {**ENCODERS, **DECODERS, **ENCODER_DECODERS}


def language_model(name: str) -> Any:
    """The class of transformers that has the head of an architecture's objective."""
    import transformers

    if name in ENCODER_DECODERS:
        return transformers.AutoModelForSeq2SeqLM
    return transformers.AutoModelForCausalLM if name in DECODERS else transformers.AutoModelForMaskedLM


def write(name: str, folder: Path, **changes: Any) -> Path:
    """A language model of this architecture with its tokenizer, as transformers saves it."""
    import torch

    config, tokenizer = ARCHITECTURES[name]()
    config.vocab_size = len(tokenizer)
    if name != "minilm":  # whose configuration says BERT's 0
        config.pad_token_id = tokenizer.pad_token_id
    config.initializer_range = 0.2
    if name in ENCODER_DECODERS:
        config.initializer_factor = 0.3
    for key, value in changes.items():
        setattr(config, key, value)
    torch.manual_seed(0)
    language_model(name).from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
