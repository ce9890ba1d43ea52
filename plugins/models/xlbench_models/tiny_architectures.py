"""The architectures that `tiny` and its siblings have: model, tokenizer, batches and loss of each.

All read the same inputs: `[CLS] line [SEP]` or `[CLS] line [SEP] other line [SEP]`. A batch is what the
model is given, of shape (inputs, longest), and `labels`: -100 except where a token is to be predicted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import torch

LONGEST = 128
"""Tokens in an input, special ones included."""
WIDTH, INNER, HEADS, LAYERS = 128, 256, 4, 2
"""Of the residual stream and of the feed-forward layer; heads of each attention; layers that are read."""
SPECIAL = PAD, UNKNOWN, START, END, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SENTINELS = tuple(f"<extra_id_{number}>" for number in range(32))
MEAN_SPAN = 3.0
"""Tokens in a corrupted span, on average."""


class Input(NamedTuple):
    """One or two lines as tokens, special ones included, and which line (0 or 1) each token is of."""

    tokens: list[int]
    segments: list[int]


class Architecture(Protocol):
    """What differs between the three."""

    name: str
    """As in `--architecture`."""
    model: str
    """Name of the registered model."""
    title: str
    objective: str
    """What it is trained on, with `{share}` for the share of the tokens that are hidden."""
    unit: str
    """What a loss is the mean of."""
    stored: str
    """Type of the stored weights; all arithmetic is in float32."""

    def tokenizer(self, base: Any) -> Any:
        """`base`, a BertTokenizerFast, as this architecture needs it; ordinary tokens keep their numbers."""

    def new_model(self, tokenizer: Any) -> Any:
        """Model with random weights, from torch's generator."""

    def rate(self, parameter: str) -> float:
        """How fast a parameter, by name, is trained, by the common learning rate."""

    def tensors(
        self, batch: Sequence[Input], tokenizer: Any, generator: torch.Generator, share: float
    ) -> dict[str, torch.Tensor]:
        """A batch of the inputs, padded on the right; `share` of the ordinary tokens are hidden, if any."""

    def logits(self, model: Any, inputs: Mapping[str, torch.Tensor], where: torch.Tensor) -> torch.Tensor:
        """Logits at the chosen positions of `labels` alone, shape (chosen, vocabulary)."""


def losses(architecture: Architecture, model: Any, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Cross entropy in nats of every token that is to be predicted, shape (predicted,)."""
    import torch

    labels = batch["labels"]
    where = labels != -100
    inputs = {name: x for name, x in batch.items() if name != "labels"}
    return torch.nn.functional.cross_entropy(
        architecture.logits(model, inputs, where), labels[where], reduction="none"
    )


class _Bert:
    """Masked language modelling: of the chosen tokens 80% are masked, 10% replaced, 10% kept."""

    name = "bert"
    model = "tiny"
    title = f"A BERT of {LAYERS} layers of {WIDTH}"
    objective = "masked language modelling ({share:.0%} of the tokens masked)"
    unit = "masked token"
    stored = "float32"

    def tokenizer(self, base: Any) -> Any:
        return base

    def new_model(self, tokenizer: Any) -> Any:
        from transformers import BertConfig, BertForMaskedLM

        return BertForMaskedLM(
            BertConfig(
                vocab_size=len(tokenizer),
                hidden_size=WIDTH,
                num_hidden_layers=LAYERS,
                num_attention_heads=HEADS,
                intermediate_size=INNER,
                max_position_embeddings=LONGEST,
                hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0,
                pad_token_id=tokenizer.pad_token_id,
            )
        )

    def rate(self, parameter: str) -> float:
        return 1.0

    def tensors(
        self, batch: Sequence[Input], tokenizer: Any, generator: torch.Generator, share: float
    ) -> dict[str, torch.Tensor]:
        import torch

        ids = _padded([x.tokens for x in batch], tokenizer.pad_token_id)
        types = _padded([x.segments for x in batch], 0)
        special = torch.isin(ids, torch.tensor(special_ids(tokenizer)))
        chosen = (torch.rand(ids.shape, generator=generator) < share) & ~special
        labels = torch.where(chosen, ids, -100)
        how = torch.rand(ids.shape, generator=generator)
        other = torch.randint(len(tokenizer), ids.shape, generator=generator)
        mask = (ids != tokenizer.pad_token_id).long()
        ids = torch.where(chosen & (how < 0.8), tokenizer.mask_token_id, ids)
        ids = torch.where(chosen & (how >= 0.9), other, ids)
        return {"input_ids": ids, "token_type_ids": types, "attention_mask": mask, "labels": labels}

    def logits(self, model: Any, inputs: Mapping[str, torch.Tensor], where: torch.Tensor) -> Any:
        return model.cls(model.bert(**inputs).last_hidden_state[where])


class _Llama:
    """Causal language modelling: every token but the first is predicted from those before it."""

    name = "llama"
    model = "tiny-decoder"
    title = f"A Llama of {LAYERS} layers of {WIDTH}"
    objective = "causal language modelling (every token predicted from those before it)"
    unit = "token"
    stored = "float16"

    def tokenizer(self, base: Any) -> Any:
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast(
            tokenizer_object=base.backend_tokenizer,
            bos_token=START,
            eos_token=END,
            unk_token=UNKNOWN,
            pad_token=PAD,
            model_max_length=LONGEST,
            model_input_names=["input_ids", "attention_mask"],
            clean_up_tokenization_spaces=False,
        )

    def new_model(self, tokenizer: Any) -> Any:
        from transformers import LlamaConfig, LlamaForCausalLM

        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=WIDTH,
                num_hidden_layers=LAYERS,
                num_attention_heads=HEADS,
                intermediate_size=INNER,
                max_position_embeddings=LONGEST,
                tie_word_embeddings=True,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )

    def rate(self, parameter: str) -> float:
        return 1.0

    def tensors(
        self, batch: Sequence[Input], tokenizer: Any, generator: torch.Generator, share: float
    ) -> dict[str, torch.Tensor]:
        import torch

        ids = _padded([x.tokens for x in batch], tokenizer.pad_token_id)
        mask = (ids != tokenizer.pad_token_id).long()
        labels = torch.where(mask == 1, ids, -100)
        return {"input_ids": ids[:, :-1], "attention_mask": mask[:, :-1], "labels": labels[:, 1:]}

    def logits(self, model: Any, inputs: Mapping[str, torch.Tensor], where: torch.Tensor) -> Any:
        return model.lm_head(model.model(**inputs, use_cache=False).last_hidden_state[where])


class _MT5:
    """Span corruption (Raffel et al. 2020): spans give way to sentinels, and the decoder says them."""

    name = "mt5"
    model = "tiny-t5"
    title = f"An mT5 of {LAYERS} encoder layers and 1 decoder layer of {WIDTH}"
    objective = "span corruption ({share:.0%} of the tokens, in spans of 3 on average)"
    unit = "token of a span"
    stored = "float16"

    def tokenizer(self, base: Any) -> Any:
        """With sentinels after all other tokens, the first one last, and no start token."""
        from tokenizers import Tokenizer
        from tokenizers.processors import TemplateProcessing
        from transformers import PreTrainedTokenizerFast

        backend = Tokenizer.from_str(base.backend_tokenizer.to_str())
        backend.post_processor = TemplateProcessing(
            single=f"$A {END}", pair=f"$A {END} $B {END}", special_tokens=[(END, base.sep_token_id)]
        )
        return PreTrainedTokenizerFast(
            tokenizer_object=backend,
            eos_token=END,
            unk_token=UNKNOWN,
            pad_token=PAD,
            additional_special_tokens=list(reversed(SENTINELS)),
            model_max_length=LONGEST,
            model_input_names=["input_ids", "attention_mask"],
            clean_up_tokenization_spaces=False,
        )

    def new_model(self, tokenizer: Any) -> Any:
        import torch
        from transformers import MT5Config, MT5ForConditionalGeneration

        model = MT5ForConditionalGeneration(
            MT5Config(
                vocab_size=len(tokenizer),
                d_model=WIDTH,
                d_kv=WIDTH // HEADS,
                d_ff=INNER,
                num_layers=LAYERS,
                num_decoder_layers=1,
                num_heads=HEADS,
                dropout_rate=0.0,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
                decoder_start_token_id=tokenizer.pad_token_id,
            )
        )
        # The library's own is made for Adafactor: logits would have a standard deviation of 11. Embeddings
        # keep theirs of 1: smaller ones drown in what the first layer adds, and what a token is with them.
        torch.nn.init.normal_(model.lm_head.weight, std=0.05)
        return model

    def rate(self, parameter: str) -> float:
        """T5 does not divide its attention by the root of the heads' width: queries that learn slower by that
        much learn as those of the others do. Its positions are a few numbers that start near 0 and have to
        grow to several units, which would take thousands of steps.
        """
        if parameter.endswith(".q.weight"):
            return math.sqrt(HEADS / WIDTH)
        return 20.0 if "relative_attention_bias" in parameter else 1.0

    def tensors(
        self, batch: Sequence[Input], tokenizer: Any, generator: torch.Generator, share: float
    ) -> dict[str, torch.Tensor]:
        import torch

        pad, end = tokenizer.pad_token_id, tokenizer.eos_token_id
        special, sentinels = set(special_ids(tokenizer)), tokenizer.convert_tokens_to_ids(list(SENTINELS))
        both = [corrupted(x.tokens[1:], special, sentinels, generator, share) for x in batch]
        ids, labels = _padded([x for x, _ in both], pad), _padded([[*x, end] for _, x in both], -100)
        # The decoder reads the padding number first, then its own output (T5's shift to the right).
        given = torch.where(labels == -100, pad, labels)[:, :-1]
        given = torch.cat([torch.full((len(ids), 1), pad), given], 1)
        return {
            "input_ids": ids,
            "attention_mask": (ids != pad).long(),
            "decoder_input_ids": given,
            "labels": labels,
        }

    def logits(self, model: Any, inputs: Mapping[str, torch.Tensor], where: torch.Tensor) -> Any:
        mask = inputs["attention_mask"]
        states = model.encoder(input_ids=inputs["input_ids"], attention_mask=mask).last_hidden_state
        decoded = model.decoder(
            input_ids=inputs["decoder_input_ids"],
            encoder_hidden_states=states,
            encoder_attention_mask=mask,
            use_cache=False,
        ).last_hidden_state
        return model.lm_head(decoded[where])


ARCHITECTURES: dict[str, Architecture] = {x.name: x for x in (_Bert(), _Llama(), _MT5())}


def special_ids(tokenizer: Any) -> list[int]:
    """Numbers of the special tokens, sentinels included: what is never hidden nor counted in a loss."""
    known = tokenizer.get_vocab()
    return [known[x] for x in (*SPECIAL, *SENTINELS) if x in known]


def corrupted(
    tokens: Sequence[int],
    special: Set[int],
    sentinels: Sequence[int],
    generator: torch.Generator,
    share: float,
) -> tuple[list[int], list[int]]:
    """Tokens with a sentinel in the place of each span, and each sentinel with its span.

    A special token is in no span: a span that would go on behind one becomes two.
    """
    ordinary = [place for place, x in enumerate(tokens) if x not in special]
    hidden = {ordinary[x] for x in noise(len(ordinary), share, generator)}
    kept: list[int] = []
    said: list[int] = []
    spans = 0
    for place, token in enumerate(tokens):
        if place not in hidden:
            kept.append(token)
            continue
        if place - 1 not in hidden:
            kept.append(sentinels[spans])
            said.append(sentinels[spans])
            spans += 1
        said.append(token)
    return kept, said


def noise(count: int, share: float, generator: torch.Generator) -> list[int]:
    """Which of `count` tokens are hidden: round(count * share) in spans of `MEAN_SPAN` on average, the first
    token never. Lengths of the spans, and of what is between them, are drawn uniformly among all that fit.
    """
    hidden = min(max(round(count * share), 1), count - 1)
    if hidden < 1:
        return []
    spans = min(max(round(hidden / MEAN_SPAN), 1), hidden, count - hidden)
    found: list[int] = []
    place = 0
    for between, length in zip(
        _parts(count - hidden, spans, generator), _parts(hidden, spans, generator), strict=True
    ):
        place += between
        found += range(place, place + length)
        place += length
    return found


def _parts(total: int, parts: int, generator: torch.Generator) -> list[int]:
    """`total` as a sum of `parts` numbers of at least 1, drawn uniformly."""
    import torch

    cuts = sorted((torch.randperm(total - 1, generator=generator)[: parts - 1] + 1).tolist())
    return [end - start for start, end in zip([0, *cuts], [*cuts, total], strict=True)]


def _padded(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    import torch

    made = torch.full((len(rows), max(map(len, rows))), value)
    for row, one in enumerate(rows):
        made[row, : len(one)] = torch.tensor(one)
    return made
