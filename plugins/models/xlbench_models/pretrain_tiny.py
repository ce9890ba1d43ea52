"""Makes the checkpoints of `tiny`, `tiny-decoder` and `tiny-t5`: one pretraining, three architectures.

    OMP_NUM_THREADS=1 python -m xlbench_models.pretrain_tiny OUT --architecture bert --seed 0

reads nothing but the text that `xlbench_tasks.artificial` draws, and gives the same weights again
with the same arguments, library versions and processor. A run that was cut off goes on where it was last
saved when it is given the same folder and arguments.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from xlbench_models.tiny import PRETRAINING_LANGUAGES
from xlbench_models.tiny_architectures import (
    ARCHITECTURES,
    END,
    LONGEST,
    SPECIAL,
    START,
    Architecture,
    Input,
    losses,
    special_ids,
)
from xlbench_tasks.artificial.data import LINES, ArtificialText
from xlbench_tasks.artificial.scripts import alphabet
from xlbench_tasks.artificial.tree import LEAVES

VOCABULARY = 1500
"""Tokens, without the sentinels of T5."""
HIDDEN = 0.25
"""Share of the tokens hidden in training: more than usual, since training is short."""
HIDDEN_HELD_OUT = 0.15
LANGUAGES = sorted(PRETRAINING_LANGUAGES)
HELD_OUT = 400
"""Lines of each language on which the loss is measured."""
SAVED_EVERY = 500
"""Steps between two states of the training that are saved."""


class Text(NamedTuple):
    """Lines of one language as tokens without special ones, and each line said in another seen language."""

    lines: list[list[int]]
    translations: list[list[int]]


@dataclass(frozen=True)
class Training:
    """How long and how fast a model is trained."""

    steps: int
    tokens: int
    """In a batch at most, padding included."""
    learning_rate: float
    seed: int = 0


def train_tokenizer(lines: Sequence[str]) -> Any:
    """WordPiece over the lines; every letter of every script is a token, at the start of a word or in it."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertTokenizerFast

    marks = [chr(x) for x in range(33, 127)]
    letters = sorted({*alphabet(), *filter(str.isalnum, marks)})
    # Named here, tokens get their numbers in this order; else in that of a hash table, which no seed governs.
    first = [*SPECIAL, *(f"##{x}" for x in letters)]
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


def inputs(rng: random.Random, text: Text, tokenizer: Any) -> list[Input]:
    """A shuffled round through the lines: alone, with the line that follows, or with a translation.

    Predicting tokens of a line beside its translation is the translation language modelling of Conneau and
    Lample (2019), "Cross-lingual language model pretraining".
    """
    start, stop = tokenizer.convert_tokens_to_ids([START, END])
    made: list[Input] = []
    for first, following, translation in zip(
        text.lines, [*text.lines[1:], []], text.translations, strict=True
    ):
        draw = rng.random()
        second = translation if draw < 0.4 else following if draw < 0.8 else []
        tokens, segments = [start, *first[: LONGEST - 2], stop], [0] * (len(first[: LONGEST - 2]) + 2)
        if second and len(tokens) + len(second) < LONGEST:
            tokens += [*second, stop]
            segments += [1] * (len(second) + 1)
        made.append(Input(tokens, segments))
    rng.shuffle(made)
    return made


def batches(rng: random.Random, made: Sequence[Input], tokens: int) -> Iterator[list[Input]]:
    """Batches of inputs of like length, each of at most `tokens` tokens with padding, in random order."""
    pool: list[list[Input]] = []
    batch: list[Input] = []
    for one in sorted(made, key=lambda x: len(x.tokens)):
        if batch and len(one.tokens) * (len(batch) + 1) > tokens:
            pool.append(batch)
            batch = []
        batch.append(one)
    pool.append(batch)
    rng.shuffle(pool)
    yield from pool


def held_out_loss(
    architecture: Architecture, model: Any, tokenizer: Any, language: str, seed: int
) -> tuple[float, float]:
    """Mean nats an ordinary token that is predicted, on text of the language that was drawn apart (one line
    an input), and the entropy of the tokens of that text: the least that their frequencies alone could give.
    """
    import torch

    text = encode(tokenizer, ArtificialText(seed, "held out").lines(language, HELD_OUT))
    start, stop = tokenizer.convert_tokens_to_ids([START, END])
    made = [Input([start, *x, stop][:LONGEST], [0] * min(len(x) + 2, LONGEST)) for x in text]
    generator, special = torch.Generator().manual_seed(seed), torch.tensor(special_ids(tokenizer))
    found = []
    model.eval()
    with torch.inference_mode():
        for batch in batches(random.Random(seed), made, 4096):
            given = architecture.tensors(batch, tokenizer, generator, HIDDEN_HELD_OUT)
            given["labels"][torch.isin(given["labels"], special)] = -100
            found.append(losses(architecture, model, given))
    model.train()
    counts = Counter(token for line in text for token in line)
    shares = [count / counts.total() for count in counts.values()]
    return float(torch.cat(found).mean()), -sum(x * math.log(x) for x in shares)


def translate(language: str, lines: int, seed: int = 0) -> list[str]:
    """The language's lines in other languages of the pretraining, one drawn for each line."""
    rng = random.Random(f"translate {seed}/{language}")
    text, others = ArtificialText(seed, "pretraining"), [x for x in LANGUAGES if x != language]
    whole = {x: text.translated(language, x, lines) for x in others}
    return [whole[rng.choice(others)][index] for index in range(lines)]


def encode(tokenizer: Any, lines: Sequence[str]) -> list[list[int]]:
    """Tokens of each line, without special ones."""
    return list(tokenizer(list(lines), add_special_tokens=False)["input_ids"])


def pretrain(
    architecture: Architecture,
    model: Any,
    tokenizer: Any,
    text: Callable[[], Iterable[Text]],
    training: Training,
    saved: Path | None = None,
) -> None:
    """Train in place: AdamW, linear warmup over a twentieth of the steps, then linear decay to 0.

    `text` gives what a round through the lines reads. The state of the training is saved in `saved` now and
    then, and taken from there where it exists.
    """
    import torch

    rng = random.Random(f"pretrain {training.seed}")
    generator = torch.Generator().manual_seed(training.seed)
    by_rate: dict[float, list[Any]] = {}
    for name, parameter in model.named_parameters():
        by_rate.setdefault(architecture.rate(name), []).append(parameter)
    optimizer = torch.optim.AdamW(
        [{"params": x, "lr": rate * training.learning_rate} for rate, x in by_rate.items()], weight_decay=0.01
    )
    steps, warmup = training.steps, max(1, training.steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / (steps - warmup))
    )
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
    step, recent, done_in_round = 0, 0.0, 0
    if saved is not None and saved.is_file():
        state = torch.load(saved, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(state[name])
        generator.set_state(state["generator"])
        rng.setstate(state["round"])
        step, recent, done_in_round = state["step"], state["recent"], state["done_in_round"]
    began, first = time.monotonic(), step
    model.train()
    while step < steps:
        at_start = rng.getstate()
        made = [x for one in text() for x in inputs(rng, one, tokenizer)]
        for number, batch in enumerate(batches(rng, made, training.tokens), 1):
            if number <= done_in_round:
                continue
            loss = losses(
                architecture, model, architecture.tensors(batch, tokenizer, generator, HIDDEN)
            ).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            recent = loss.item() if step == 1 else 0.98 * recent + 0.02 * loss.item()
            if step % 100 == 0 or step == steps:
                left = (time.monotonic() - began) / (step - first) * (steps - step)
                print(f"step {step} of {steps}, loss {recent:.3f}, {left:.0f} s left", file=sys.stderr)
            if step == steps:
                break
            if saved is not None and step % SAVED_EVERY == 0:
                state = {name: part.state_dict() for name, part in parts.items()}
                state |= {"generator": generator.get_state(), "round": at_start}
                state |= {"step": step, "recent": recent, "done_in_round": number}
                aside = saved.with_suffix(".new")
                torch.save(state, aside)
                aside.replace(saved)
        done_in_round = 0


CARD = """---
license: apache-2.0
---
# {architecture.model}

{architecture.title}, {parameters:,} parameters, for the artificial languages of `xlbench_tasks.artificial`.
{purpose} It knows no natural language.

It was pretrained by {objective}
on {args.lines:,} lines in each of {count} languages, which the generator draws from the seed: a line alone,
with the one that follows, or with its translation into another of the {count}. AdamW, {args.steps:,} steps
of at most {args.tokens:,} tokens, learning rate {args.learning_rate}; with torch {torch} and
transformers {transformers} on one core of a CPU. Weights are stored as {architecture.stored}.
To make it again:

    OMP_NUM_THREADS=1 python -m xlbench_models.pretrain_tiny OUT --architecture {architecture.name} \\
        --seed {args.seed} --lines {args.lines} --steps {args.steps} --tokens {args.tokens} \\
        --learning-rate {args.learning_rate}

Loss on {held_out} lines that were drawn apart{hidden}, in nats per {architecture.unit}; special tokens
are not counted. Unigram is the entropy of the tokens of the same lines: the least loss of a model that knows
how frequent each token is in the language, and nothing else. Tokens of a seen language are longer, so that
losses of seen and unseen ones have different units; tokens per word say how different.

| language | name | family | script | pretraining | loss | unigram | tokens per word |
|---|---|---|---|---|---|---|---|
{rows}

Text, weights and tokenizer are generated; licence Apache-2.0.
"""


def model_card(architecture: Architecture, model: Any, tokenizer: Any, args: argparse.Namespace) -> str:
    """README.md of the checkpoint, the held-out losses measured here."""
    import torch
    import transformers

    rows = []
    for leaf in LEAVES.values():
        lines = ArtificialText(args.seed, "held out").lines(leaf.code, HELD_OUT)
        words = sum(len(x.replace(".", " .").replace(",", " ,").split()) for x in lines)
        loss, unigram = held_out_loss(architecture, model, tokenizer, leaf.code, args.seed)
        rows.append(
            f"| {leaf.code} | {leaf.name} | {leaf.family.name} | {leaf.script} | "
            f"{'seen' if leaf.code in PRETRAINING_LANGUAGES else 'unseen'} | {loss:.3f} | {unigram:.3f} | "
            f"{sum(map(len, encode(tokenizer, lines))) / words:.2f} |"
        )
    hides = "{share" in architecture.objective
    return CARD.format(
        architecture=architecture,
        args=args,
        purpose="xlbench runs it when it is given nothing else."
        if architecture.model == "tiny"
        else "It is a sibling of `tiny`: same text, same vocabulary.",
        parameters=model.num_parameters(),
        count=len(PRETRAINING_LANGUAGES),
        held_out=HELD_OUT,
        objective=architecture.objective.format(share=HIDDEN),
        hidden=f", {HIDDEN_HELD_OUT:.0%} of the tokens hidden" if hides else "",
        torch=torch.__version__,
        transformers=transformers.__version__,
        rows="\n".join(rows),
    )


def save(architecture: Architecture, model: Any, tokenizer: Any, out: Path) -> None:
    """Write checkpoint and tokenizer; the model has the stored weights from then on, in float32."""
    import torch

    model.to(getattr(torch, architecture.stored)).save_pretrained(out)
    model.float()
    tokenizer.save_pretrained(out)


def main() -> None:
    """Read the command line, train, and write checkpoint, tokenizer and model card."""
    parser = argparse.ArgumentParser(prog="python -m xlbench_models.pretrain_tiny", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="bert", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--lines", type=int, default=LINES, help="lines per language (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=16000, help="default: %(default)s")
    parser.add_argument("--tokens", type=int, default=1024, help="tokens per batch (default: %(default)s)")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="default: %(default)s")
    args = parser.parse_args()

    import torch

    architecture = ARCHITECTURES[args.architecture]
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    text = {x: ArtificialText(args.seed, "pretraining").lines(x, args.lines) for x in LANGUAGES}
    tokenizer = architecture.tokenizer(train_tokenizer([x for lines in text.values() for x in lines]))
    both = [
        Text(encode(tokenizer, lines), encode(tokenizer, translate(x, args.lines, args.seed)))
        for x, lines in text.items()
    ]
    model = architecture.new_model(tokenizer)
    training = Training(args.steps, args.tokens, args.learning_rate, args.seed)
    name = "-".join(map(str, (args.architecture, args.lines, *vars(training).values())))
    saved = args.out / f"training-{name}.pt"
    pretrain(architecture, model, tokenizer, lambda: both, training, saved)
    save(architecture, model, tokenizer, args.out)
    card = model_card(architecture, model, tokenizer, args)
    (args.out / "README.md").write_text(card, encoding="utf-8")
    saved.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
