"""Checkpoints with random weights, each of a published model's own architecture at small size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import published_tokenizers
from made import sentence

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
    return fast(core, named)


def word_piece() -> Any:
    """BERT's: pieces that go on are marked, and second texts have segment number 1."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    named = {"start": "[CLS]", "pad": "[PAD]", "end": "[SEP]", "unk": "[UNK]", "mask": "[MASK]"}
    core = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer(lowercase=False)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.decoder = decoders.WordPiece()
    core.train_from_iterator(
        LINES, trainers.WordPieceTrainer(vocab_size=60, special_tokens=list(named.values()))
    )
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


ARCHITECTURES: dict[str, Callable[[], tuple[Any, Any]]] = {
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


def write(name: str, folder: Path, **changes: Any) -> Path:
    """A masked LM of this architecture with its tokenizer, as transformers saves it."""
    import torch
    from transformers import AutoModelForMaskedLM

    config, tokenizer = ARCHITECTURES[name]()
    config.vocab_size = len(tokenizer)
    if name != "minilm":  # whose configuration says BERT's 0
        config.pad_token_id = tokenizer.pad_token_id
    config.initializer_range = 0.2
    for key, value in changes.items():
        setattr(config, key, value)
    torch.manual_seed(0)
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
