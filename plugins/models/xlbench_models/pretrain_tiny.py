"""Makes the checkpoint of `tiny`: a small BERT, pretrained by masked language modelling.

    OMP_NUM_THREADS=1 python -m xlbench_models.pretrain_tiny OUT --seed 0

reads nothing but the text that `xlbench_tasks.artificial` draws, and gives the same weights again
with the same arguments, library versions and processor.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from xlbench_models.tiny import PRETRAINING_LANGUAGES
from xlbench_tasks.artificial.data import LINES, ArtificialText
from xlbench_tasks.artificial.scripts import alphabet
from xlbench_tasks.artificial.tree import LEAVES

if TYPE_CHECKING:
    import torch

LONGEST = 128
"""Pieces in an input, special ones included."""
VOCABULARY = 1500
MASKED = 0.25
"""Share of the pieces hidden in training: more than usual, since training is short."""
MASKED_HELD_OUT = 0.15
LANGUAGES = sorted(PRETRAINING_LANGUAGES)
HELD_OUT = 400
"""Lines of each language on which the loss is measured."""


class Input(NamedTuple):
    """One or two lines as pieces, special ones included, and which line (0 or 1) each piece is of."""

    pieces: list[int]
    segments: list[int]


class Text(NamedTuple):
    """Lines of one language as pieces without special ones, and each line said in another seen language."""

    lines: list[list[int]]
    translations: list[list[int]]


def train_tokenizer(lines: Sequence[str]) -> Any:
    """WordPiece over the lines; every letter of every script is a piece, at the start of a word or in it."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertTokenizerFast

    marks = [chr(x) for x in range(33, 127)]
    letters = sorted({*alphabet(), *filter(str.isalnum, marks)})
    # Named here, pieces get their numbers in this order; else in that of a hash table, which no seed governs.
    first = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"##{x}" for x in letters)]
    trained = BertWordPieceTokenizer(lowercase=False, strip_accents=False, handle_chinese_chars=False)
    trained.train_from_iterator(
        [*lines, *marks, *letters], VOCABULARY, min_frequency=5, special_tokens=first, show_progress=False
    )
    with TemporaryDirectory() as folder:
        (vocabulary,) = trained.save_model(folder)
        return BertTokenizerFast(
            vocabulary,
            do_lower_case=False,
            strip_accents=False,
            tokenize_chinese_chars=False,
            model_max_length=LONGEST,
        )


def new_model(tokenizer: Any) -> Any:
    """A BertForMaskedLM with random weights, from torch's generator."""
    from transformers import BertConfig, BertForMaskedLM

    return BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=256,
            max_position_embeddings=LONGEST,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def inputs(rng: random.Random, text: Text, tokenizer: Any) -> list[Input]:
    """A shuffled round through the lines: alone, with the line that follows, or with a translation.

    Hiding pieces of a line beside its translation is the translation language modelling of Conneau and
    Lample (2019), "Cross-lingual language model pretraining".
    """
    start, stop = tokenizer.cls_token_id, tokenizer.sep_token_id
    made: list[Input] = []
    for first, following, translation in zip(
        text.lines, [*text.lines[1:], []], text.translations, strict=True
    ):
        draw = rng.random()
        second = translation if draw < 0.4 else following if draw < 0.8 else []
        pieces, segments = [start, *first[: LONGEST - 2], stop], [0] * (len(first[: LONGEST - 2]) + 2)
        if second and len(pieces) + len(second) < LONGEST:
            pieces += [*second, stop]
            segments += [1] * (len(second) + 1)
        made.append(Input(pieces, segments))
    rng.shuffle(made)
    return made


def batches(rng: random.Random, made: Sequence[Input], pieces: int) -> Iterator[list[Input]]:
    """Batches of inputs of like length, each of at most `pieces` pieces with padding, in random order."""
    pool: list[list[Input]] = []
    batch: list[Input] = []
    for one in sorted(made, key=lambda x: len(x.pieces)):
        if batch and len(one.pieces) * (len(batch) + 1) > pieces:
            pool.append(batch)
            batch = []
        batch.append(one)
    pool.append(batch)
    rng.shuffle(pool)
    yield from pool


def tensors(
    batch: Sequence[Input], tokenizer: Any, generator: torch.Generator, share: float
) -> dict[str, torch.Tensor]:
    """Padded and masked: of a share of the pieces 80% are hidden, 10% replaced, 10% kept (BERT).

    `input_ids`, `token_type_ids` and `attention_mask` have shape (inputs, longest), `labels` too: -100
    but where a piece is to be guessed.
    """
    import torch

    longest = max(len(x.pieces) for x in batch)
    ids = torch.full((len(batch), longest), tokenizer.pad_token_id)
    types = torch.zeros_like(ids)
    for row, one in enumerate(batch):
        ids[row, : len(one.pieces)] = torch.tensor(one.pieces)
        types[row, : len(one.segments)] = torch.tensor(one.segments)
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids))
    chosen = (torch.rand(ids.shape, generator=generator) < share) & ~special
    labels = torch.where(chosen, ids, -100)
    how = torch.rand(ids.shape, generator=generator)
    other = torch.randint(len(tokenizer), ids.shape, generator=generator)
    mask = (ids != tokenizer.pad_token_id).long()
    ids = torch.where(chosen & (how < 0.8), tokenizer.mask_token_id, ids)
    ids = torch.where(chosen & (how >= 0.9), other, ids)
    return {"input_ids": ids, "token_type_ids": types, "attention_mask": mask, "labels": labels}


def losses(model: Any, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Cross entropy in nats of every masked piece, shape (masked,); logits are made for these alone."""
    import torch

    labels = batch["labels"]
    where = labels != -100
    hidden = model.bert(**{k: x for k, x in batch.items() if k != "labels"}).last_hidden_state
    return torch.nn.functional.cross_entropy(model.cls(hidden[where]), labels[where], reduction="none")


def held_out_loss(model: Any, tokenizer: Any, language: str, seed: int) -> float:
    """Mean nats a masked piece on text of the language that was drawn apart, one line an input."""
    import torch

    text = encode(tokenizer, ArtificialText(seed, "held out").lines(language, HELD_OUT))
    made = [Input([tokenizer.cls_token_id, *x, tokenizer.sep_token_id], [0] * (len(x) + 2)) for x in text]
    made = [Input(x.pieces[:LONGEST], x.segments[:LONGEST]) for x in made]
    generator = torch.Generator().manual_seed(seed)
    rounds = batches(random.Random(seed), made, 4096)
    model.eval()
    with torch.inference_mode():
        found = [losses(model, tensors(x, tokenizer, generator, MASKED_HELD_OUT)) for x in rounds]
    model.train()
    return float(torch.cat(found).mean())


def translate(language: str, args: argparse.Namespace) -> list[str]:
    """The language's lines in other languages of the pretraining, one drawn for each line."""
    rng = random.Random(f"translate {args.seed}/{language}")
    text, others = ArtificialText(args.seed, "pretraining"), [x for x in LANGUAGES if x != language]
    whole = {x: text.translated(language, x, args.lines) for x in others}
    return [whole[rng.choice(others)][index] for index in range(args.lines)]


def encode(tokenizer: Any, lines: Sequence[str]) -> list[list[int]]:
    """Pieces of each line, without special ones."""
    return list(tokenizer(list(lines), add_special_tokens=False)["input_ids"])


def pretrain(model: Any, tokenizer: Any, text: Sequence[Text], args: argparse.Namespace) -> None:
    """Train in place: AdamW, linear warmup over a twentieth of the steps, then linear decay to 0."""
    import torch

    rng, generator = random.Random(f"pretrain {args.seed}"), torch.Generator().manual_seed(args.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=0.01)
    warmup = max(1, args.steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (args.steps - step) / (args.steps - warmup))
    )
    began = time.monotonic()
    step, recent = 0, 0.0
    while step < args.steps:
        made = [x for one in text for x in inputs(rng, one, tokenizer)]
        for batch in batches(rng, made, args.pieces):
            loss = losses(model, tensors(batch, tokenizer, generator, MASKED)).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            recent = loss.item() if step == 1 else 0.98 * recent + 0.02 * loss.item()
            if step % 100 == 0 or step == args.steps:
                left = (time.monotonic() - began) / step * (args.steps - step)
                print(f"step {step} of {args.steps}, loss {recent:.3f}, {left:.0f} s left", file=sys.stderr)
            if step == args.steps:
                break


CARD = """---
license: apache-2.0
---
# tiny

A BERT of {layers} layers of {hidden}, {parameters:,} parameters, for the artificial languages of
`xlbench_tasks.artificial`: what xlbench runs when it is given nothing else. It knows no natural language.

Made by masked language modelling ({masked:.0%} of the pieces hidden; AdamW, {args.steps:,} steps of at most
{args.pieces:,} pieces, learning rate {args.learning_rate}) on {args.lines:,} lines in each of {count}
languages, which the generator draws from the seed: a line alone, with the one that follows, or with its
translation into another of the {count}. With torch {torch} and transformers {transformers} on one core
of a CPU.
To make it again:

    OMP_NUM_THREADS=1 python -m xlbench_models.pretrain_tiny OUT --seed {args.seed} --lines {args.lines} \\
        --steps {args.steps} --pieces {args.pieces} --learning-rate {args.learning_rate}

Loss on {held_out} lines that were drawn apart, {masked_held_out:.0%} of the pieces hidden, in nats a hidden
piece. Pieces of a seen language are longer, so that losses of seen and unseen ones have different units;
pieces per word say how different.

| language | name | family | script | pretraining | loss | pieces per word |
|---|---|---|---|---|---|---|
{rows}

Text, weights and tokenizer are generated; licence Apache-2.0.
"""


def model_card(model: Any, tokenizer: Any, args: argparse.Namespace) -> str:
    """README.md of the checkpoint, the held-out losses measured here."""
    import torch
    import transformers

    rows = []
    for leaf in LEAVES.values():
        lines = ArtificialText(args.seed, "held out").lines(leaf.code, HELD_OUT)
        words = sum(len(x.replace(".", " .").replace(",", " ,").split()) for x in lines)
        rows.append(
            f"| {leaf.code} | {leaf.name} | {leaf.family.name} | {leaf.script} | "
            f"{'seen' if leaf.code in PRETRAINING_LANGUAGES else 'unseen'} | "
            f"{held_out_loss(model, tokenizer, leaf.code, args.seed):.3f} | "
            f"{sum(map(len, encode(tokenizer, lines))) / words:.2f} |"
        )
    return CARD.format(
        args=args,
        layers=model.config.num_hidden_layers,
        hidden=model.config.hidden_size,
        parameters=model.num_parameters(),
        count=len(PRETRAINING_LANGUAGES),
        held_out=HELD_OUT,
        masked=MASKED,
        masked_held_out=MASKED_HELD_OUT,
        torch=torch.__version__,
        transformers=transformers.__version__,
        rows="\n".join(rows),
    )


def main() -> None:
    """Read the command line, train, and write checkpoint, tokenizer and model card."""
    parser = argparse.ArgumentParser(prog="python -m xlbench_models.pretrain_tiny", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lines", type=int, default=LINES, help="lines a language (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=16000, help="default: %(default)s")
    parser.add_argument("--pieces", type=int, default=1024, help="pieces a batch (default: %(default)s)")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="default: %(default)s")
    args = parser.parse_args()

    import torch

    torch.manual_seed(args.seed)
    text = {x: ArtificialText(args.seed, "pretraining").lines(x, args.lines) for x in LANGUAGES}
    tokenizer = train_tokenizer([x for lines in text.values() for x in lines])
    both = [
        Text(encode(tokenizer, lines), encode(tokenizer, translate(x, args))) for x, lines in text.items()
    ]
    model = new_model(tokenizer)
    pretrain(model, tokenizer, both, args)
    model.save_pretrained(args.out)
    tokenizer.save_pretrained(args.out)
    (args.out / "README.md").write_text(model_card(model, tokenizer, args), encoding="utf-8")


if __name__ == "__main__":
    main()
