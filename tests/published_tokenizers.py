"""Small tokenizers with the settings that published models have, trained on the spot."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

TEXT = [
    "Der alte Mann geht am Abend über die Straße, und das Kind läuft ihm nach.",
    "Don't tell them that we can't come; they'd never cannot gonna forgive us.",
    "The old man's house (built in 1907) wasn't sold for $10,000 or 5%.",
    "Vanhan miehen talossa asuu kissa, joka ei pidä koirista.",
    "Он не знает, где живёт старый человек из нашей деревни.",
    "Evin önündeki ağaç geçen yıl kesildi, çünkü çok yaşlıydı.",
    "L'homme n'a pas d'argent, mais il m'a donné l'adresse qu'il avait.",
    "彼は東京に行くと言ったが、東京には行かなかった。",
    "我們昨天去了學校，老師不在學校。",
    "الرجل في البيت وقال للولد إن الكتاب على الطاولة.",
] * 12
SIZE = 420
START, PAD, END, UNKNOWN, MASK = SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
QWEN = "|".join(
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",
        r"\p{N}",
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
"""How GPT-4, Llama 3 and Qwen cut text before bytes are paired."""


def wrapped(core: Any, post: Any = None, kind: str = "PreTrainedTokenizerFast", **more: Any) -> Any:
    import transformers
    from tokenizers import processors

    numbers = [(x, core.token_to_id(x)) for x in (START, END)]
    core.post_processor = post or processors.TemplateProcessing(
        single=f"{START} $A {END}", pair=f"{START} $A {END} $B:1 {END}:1", special_tokens=numbers
    )
    return getattr(transformers, kind)(
        tokenizer_object=core, bos_token=START, eos_token=END, cls_token=START, sep_token=END, pad_token=PAD,
        unk_token=UNKNOWN, mask_token=MASK, model_max_length=512, **more,
    )  # fmt: skip


def byte_level(
    pre: Any, normalizer: Any = None, lines: Iterable[str] = TEXT, size: int = SIZE, **more: Any
) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre
    if normalizer is not None:
        core.normalizer = normalizer
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(
        lines,
        trainers.BpeTrainer(
            vocab_size=size, special_tokens=list(SPECIAL), show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )  # fmt: skip
    return wrapped(core, **more)


def roberta(lines: Iterable[str] = TEXT, size: int = SIZE, prefix: bool = False) -> Any:
    """RoBERTa, and with `prefix` what people make of it for given words."""
    from tokenizers import pre_tokenizers, processors

    post = processors.RobertaProcessing((END, 2), (START, 0), trim_offsets=True, add_prefix_space=prefix)
    return byte_level(
        pre_tokenizers.ByteLevel(add_prefix_space=prefix), lines=lines, size=size, post=post,
        kind="RobertaTokenizerFast", add_prefix_space=prefix,
    )  # fmt: skip


def deberta(lines: Iterable[str] = TEXT, size: int = SIZE) -> Any:
    """DeBERTa (version 1)."""
    from tokenizers import pre_tokenizers

    return byte_level(
        pre_tokenizers.ByteLevel(add_prefix_space=False), lines=lines, size=size,
        kind="DebertaTokenizerFast", add_prefix_space=False,
    )  # fmt: skip


def modernbert(lines: Iterable[str] = TEXT, size: int = SIZE) -> Any:
    from tokenizers import normalizers, pre_tokenizers

    return byte_level(
        pre_tokenizers.ByteLevel(add_prefix_space=False), normalizers.NFC(), lines=lines, size=size
    )


def qwen(lines: Iterable[str] = TEXT, size: int = SIZE) -> Any:
    """Text is cut by an expression first; offsets are not trimmed."""
    from tokenizers import Regex, normalizers, pre_tokenizers

    pre = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )
    return byte_level(pre, normalizers.NFC(), lines=lines, size=size)


def marked_pairs(normalizer: Any, pre: Any, lines: Iterable[str], size: int) -> Any:
    """Byte pairs of characters, spaces being written as marks by a normalizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    core = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token=UNKNOWN))
    # For training only: nothing merges over a space, or letters with punctuation.
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation("isolated")]
    )
    bytes_ = [f"<0x{i:02X}>" for i in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=size + 256, special_tokens=[*SPECIAL, *bytes_], show_progress=False
    )
    core.train_from_iterator(lines, trainer)
    core.normalizer = normalizer
    core.pre_tokenizer = pre
    return wrapped(core)


def gemma(lines: Iterable[str] = TEXT, size: int = SIZE) -> Any:
    """Gemma 2 and mmBERT: no mark before the first word."""
    from tokenizers import normalizers, pre_tokenizers

    return marked_pairs(
        normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous"), lines, size
    )


def llama(lines: Iterable[str] = TEXT, size: int = SIZE) -> Any:
    """Llama 2: a mark before the first word, put there by the normalizer."""
    from tokenizers import normalizers, pre_tokenizers

    none = pre_tokenizers.Sequence([])
    return marked_pairs(
        normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), none, lines, size
    )


def sentence_piece(
    lines: Iterable[str] = TEXT, size: int = SIZE, scheme: str = "always", split: bool = False
) -> Any:
    """XLM-R (always), and Metaspace' other schemes; `split`: as older versions of its file have it."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    core = Tokenizer(models.Unigram())
    core.normalizer = normalizers.NFKC()
    mark = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    core.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), mark]) if split else mark
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=list(SPECIAL), unk_token=UNKNOWN, show_progress=False
    )
    core.train_from_iterator(lines, trainer)
    return wrapped(core)


def word_piece(lines: Iterable[str] = TEXT, size: int = SIZE, lowercase: bool = False) -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    core = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    core.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=list(SPECIAL), show_progress=False)
    core.train_from_iterator(lines, trainer)
    return wrapped(core)


MAKERS: dict[str, Callable[..., Any]] = {
    "roberta": roberta,
    "roberta with prefix": partial(roberta, prefix=True),
    "deberta": deberta,
    "modernbert": modernbert,
    "qwen": qwen,
    "gemma": gemma,
    "llama": llama,
    "xlm-r": sentence_piece,
    "xlm-r as it was": partial(sentence_piece, split=True),
    "metaspace first": partial(sentence_piece, scheme="first"),
    "metaspace never": partial(sentence_piece, scheme="never"),
    "mbert": word_piece,
    "bert lowercase": partial(word_piece, lowercase=True),
}


@cache
def tokenizer(name: str) -> Any:
    return MAKERS[name]()
