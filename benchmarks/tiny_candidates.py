"""Looks for a `tiny` on which related text helps with the task adapter put back.

    OMP_NUM_THREADS=1 python -m benchmarks.tiny_candidates FOLDER [--only NAME] [--adapter-seed 0]

pretrains the embedded checkpoint further in each of several ways, and prints for each what fine-tuning on
a related, an unrelated and a shuffled text changes (results: docs/explanation/artificial-languages.md).
Candidates are kept in FOLDER and trained once.
"""

from __future__ import annotations

import argparse
import random
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from xlbench import Study, plugins
from xlbench.lab import Lab
from xlbench.metrics import score_of
from xlbench.studies.resolve import resolve
from xlbench_models import tiny
from xlbench_models.pretrain_tiny import LANGUAGES, Text, Training, encode, pretrain, translate
from xlbench_models.tiny_architectures import ARCHITECTURES
from xlbench_tasks.artificial.data import ArtificialText
from xlbench_tasks.artificial.tree import LEAVES

CHECKPOINT = Path(tiny.__file__).with_name("tiny_checkpoint")
LINES = 8000
"""Lines of each seen language."""
TOKENS = 1024
LEARNING_RATE = 1e-3
UNSEEN = [x for x in LEAVES if x not in LANGUAGES]
TARGETS = ("qag", "qah")
"""Toruk and Turoki, sisters."""
TEXTS: tuple[tuple[str, Literal["plain", "shuffled"]], ...] = (
    ("qag", "plain"), ("qah", "plain"), ("qam", "plain"), ("qah", "shuffled"),
)  # fmt: skip


class Candidate(NamedTuple):
    """How the embedded checkpoint is pretrained further."""

    steps: int = 0
    subword_dropout: float = 0.0
    """Chance that a candidate of the greedy match is passed over, in `share` of the lines."""
    share: float = 0.0
    unseen_lines: int = 0
    """Of each unseen language."""
    repeated: int = 1
    dropout: float = 0.0
    """Of the network, from then on: in task adapters and fine-tuning."""


CANDIDATES = {
    "as it is": Candidate(),
    "subword dropout": Candidate(1500, 0.3, 0.5),
    "rarely seen": Candidate(1200, unseen_lines=200, repeated=3),
    "seen more often, subword dropout": Candidate(1200, 0.3, 0.3, unseen_lines=800, repeated=2),
    "hardly seen, subword dropout": Candidate(1000, 0.3, 0.4, unseen_lines=40, repeated=5),
    "dropout": Candidate(dropout=0.1),
    "rarely seen, dropout": Candidate(1200, unseen_lines=200, repeated=3, dropout=0.1),
}


class MaxMatchDropout:
    """Greedy longest match that passes over a candidate with some chance (Hiraoka 2022, "MaxMatch-Dropout").

    A single letter, which is always in the vocabulary, is never passed over.
    """

    def __init__(self, tokenizer: Any, chance: float) -> None:
        self._vocabulary: dict[str, int] = tokenizer.get_vocab()
        self._unknown: int = tokenizer.unk_token_id
        self._words = cache(tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str)
        self._chance = chance
        self.random = random.Random("mm")
        self._matches = cache(self._find)

    def _find(self, word: str) -> list[list[tuple[int, int]]]:
        """At each place of a word: tokens that match there and where they end, longest first."""
        found = []
        for start in range(len(word)):
            parts = ((word[start:end] if start == 0 else f"##{word[start:end]}", end)
                     for end in range(len(word), start, -1))  # fmt: skip
            found.append([(self._vocabulary[x], end) for x, end in parts if x in self._vocabulary])
        return found

    def _word(self, word: str) -> list[int]:
        matches, place, made = self._matches(word), 0, []
        while place < len(word):
            if not matches[place]:
                return [self._unknown]
            *longer, (token, end) = matches[place]
            for other in longer:
                if self.random.random() >= self._chance:
                    token, end = other
                    break
            made.append(token)
            place = end
        return made

    def line(self, line: str) -> list[int]:
        """Tokens of a line, drawn anew at each call."""
        return [x for word, _ in self._words(line) for x in self._word(word)]


def texts(how: Candidate) -> dict[str, tuple[list[str], list[str]]]:
    """By language: its lines, and each said in another seen language, where it is a seen one itself."""
    drawn = ArtificialText(0, "pretraining")
    made = {x: (list(drawn.lines(x, LINES)), translate(x, LINES)) for x in LANGUAGES}
    if how.unseen_lines:
        for x in UNSEEN:
            lines = list(drawn.lines(x, how.unseen_lines)) * how.repeated
            made[x] = lines, [""] * len(lines)
    return made


def pretrain_further(how: Candidate, out: Path) -> None:
    """Train as `pretrain_tiny` does, from the embedded checkpoint; save model and tokenizer in `out`."""
    from transformers import AutoTokenizer, BertForMaskedLM

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT)
    model = BertForMaskedLM.from_pretrained(CHECKPOINT)
    if how.steps:
        _train(model, tokenizer, how)
    model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = how.dropout
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def _train(model: Any, tokenizer: Any, how: Candidate) -> None:
    drop, written = MaxMatchDropout(tokenizer, how.subword_dropout), texts(how)
    whole = {x: [encode(tokenizer, lines) for lines in both] for x, both in written.items()}

    def tokens(language: str, side: int) -> list[list[int]]:
        known = whole[language][side]
        if not how.subword_dropout:
            return known
        return [
            drop.line(line) if line and drop.random.random() < how.share else plain
            for line, plain in zip(written[language][side], known, strict=True)
        ]

    pretrain(
        ARCHITECTURES["bert"],
        model,
        tokenizer,
        lambda: (Text(tokens(x, 0), tokens(x, 1)) for x in written),
        Training(how.steps, TOKENS, LEARNING_RATE),
    )


def measure(model: Path, adapters: Path, args: argparse.Namespace) -> list[str]:
    """Rows of a table: zero-shot on both targets, then what each text changes, by number of steps."""
    study = Study(
        model=str(model), pretraining_languages=tuple(LANGUAGES), probes=("transfer",), transfer=("qaa",),
        tasks=("pos", "lm"), targets=TARGETS, limit=200, train_languages=tuple(LANGUAGES),
        data=dict.fromkeys(("pos", "lm"), ("artificial",)), text="artificial",
        adapter={"pos.examples": 1000, "pos.limit": 1000, "pos.epochs": 3, "pos.learning_rate": 5e-3,
                 "pos.batch_size": 32, "pos.seed": args.adapter_seed},
        mlm={"learning_rate": 2e-4, "chunk": 24, "lines": 2000},
    )  # fmt: skip
    resolved = resolve(study, plugins.load())
    lab = Lab(resolved, str(model), adapters, device="cpu", threads=1)

    def scores() -> np.ndarray[Any, Any]:
        """Points of `pos`, then bits per character of `lm`, by target."""
        return np.array([
            score_of(resolved.tasks[task].metric.score, x.counts)
            for task in ("pos", "lm") for x in lab.evaluate(resolved.cells(task))
        ])  # fmt: skip

    lab.task_adapter("pos")
    before = scores()
    rows = [f"none (zero-shot) | {before[0]:.1f} / {before[1]:.1f} | {before[2]:.2f} / {before[3]:.2f}"]
    for count, (text, variant) in product(args.steps, TEXTS):
        changes: dict[str, list[np.ndarray[Any, Any]]] = {"put back": [], "retrained": []}
        for seed in range(args.seeds):
            lab.task_adapter("pos")
            lab.finetune(text, steps=count, seed=seed, treatment=variant)
            changes["put back"].append(scores() - before)
            if args.retrained:
                lab.retrain("pos")
                changes["retrained"].append(scores() - before)
        shuffled = ", shuffled" if variant == "shuffled" else ""
        for reading, found in changes.items():
            if found:
                one, other, lm, last = np.mean(found, 0)
                name = f"{LEAVES[text].name}{shuffled}, {count} steps, {reading}"
                rows.append(f"{name} | {one:+.1f} / {other:+.1f} | {lm:+.2f} / {last:+.2f}")
    return rows


def main() -> None:
    """Read the command line; train what is missing, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tiny_candidates", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--only", choices=CANDIDATES)
    parser.add_argument("--steps", type=int, nargs="+", default=[100])
    parser.add_argument("--seeds", type=int, default=1, help="of fine-tuning (default: %(default)s)")
    parser.add_argument("--adapter-seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--retrained", action="store_true", help="train the adapter anew too")
    args = parser.parse_args()
    print(
        "| candidate | text | change against zero-shot, points: Toruk / Turoki | `lm`, bits per character |"
    )
    print("|---|---|---|---|")
    for name, how in CANDIDATES.items():
        if args.only in (None, name):
            model = args.folder / name.replace(", ", "-").replace(" ", "-")
            if not (model / "tokenizer.json").is_file():  # saved last
                pretrain_further(how, model)
            kept = args.folder / f"{model.name}-adapters"
            for row in measure(model, kept, args):
                print(f"| {name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
