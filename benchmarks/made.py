"""Models of random weights, and data in artificial languages, made where they are used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xlbench.contracts import Parsed, Resolved, Split, Study, Tagged
from xlbench.plugins import Registry, load
from xlbench.studies.resolve import resolve

LANGUAGES = tuple(f"qa{x}" for x in "abcdefgh")
VOCABULARY = 8_000


class Shape(NamedTuple):
    """Of a BERT."""

    layers: int
    hidden: int
    vocabulary: int = VOCABULARY

    @property
    def heads(self) -> int:
        """Attention heads."""
        return max(4, self.hidden // 64)

    @property
    def parameters(self) -> int:
        """Of body and masked-LM head, roughly: matrices and embeddings."""
        return 12 * self.layers * self.hidden**2 + self.hidden * (self.vocabulary + 514 + self.hidden)


def shape(text: str) -> Shape:
    """Of "12x384", or "12x768x119547" with a vocabulary."""
    return Shape(*map(int, text.split("x")))


def checkpoint(folder: Path, one: Shape) -> Path:
    """A BERT of random weights with a WordPiece tokenizer of the artificial languages."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    registry = load()
    lines = [x for code in LANGUAGES for x in registry.corpora["artificial"].lines(code, 2000)]
    trained = BertWordPieceTokenizer(lowercase=False, strip_accents=False, handle_chinese_chars=False)
    trained.train_from_iterator(lines, min(one.vocabulary, VOCABULARY), min_frequency=2, show_progress=False)
    folder.mkdir(parents=True)
    trained.save_model(str(folder))
    tokenizer = BertTokenizerFast(
        str(folder / "vocab.txt"), do_lower_case=False, strip_accents=False,
        tokenize_chinese_chars=False, model_max_length=512,
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=one.vocabulary, hidden_size=one.hidden, num_hidden_layers=one.layers,
        num_attention_heads=one.heads, intermediate_size=4 * one.hidden, max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    BertForMaskedLM(config).save_pretrained(folder)
    return folder


class Files(NamedTuple):
    """Data and text as a study names them: as files, which both sides read."""

    data: dict[str, tuple[str, ...]]
    """By task: a set's folder for each language."""
    text: str


def files(folder: Path, tasks: Sequence[str], sentences: int) -> Files:
    """Write so many test sentences a language, 100 for training, and text.

    Of `dep`, the words are those of `pos`, under trees that depend on their letters.
    """
    registry = load()
    data: dict[str, tuple[str, ...]] = {}
    for task in tasks:
        named = registry.data["ner:artificial" if task == "ner" else "pos:artificial"]
        data[task] = tuple(str(folder / task / f"{code}_made") for code in LANGUAGES)
        for code, place in zip(LANGUAGES, map(Path, data[task]), strict=True):
            place.mkdir(parents=True)
            counts: dict[Split, int] = {"train": 100, "test": sentences}
            for split, count in counts.items():
                found = (x for x in named.examples(code, split, count) if isinstance(x, Tagged))
                text = "\n".join(_rows(task, x) for x in found) + "\n"
                ending = "conll" if task == "ner" else "conllu"
                (place / f"{split}.{ending}").write_text(text, "utf-8")
    (folder / "text").mkdir()
    for code in LANGUAGES[:2]:
        lines = registry.corpora["artificial"].lines(code, 10_000)
        (folder / "text" / f"{code}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return Files(data, str(folder / "text"))


def _rows(task: str, one: Tagged) -> str:
    """One sentence."""
    if task == "ner":
        return "".join(f"{word}\t{tag}\n" for word, tag in zip(one.words, one.tags, strict=True))
    rows = []
    for i, (word, tag) in enumerate(zip(one.words, one.tags, strict=True), 1):
        head = 0 if i == 1 else max(1, i - 1 - len(word) % 3)
        relation = "root" if i == 1 else ("obj", "nsubj", "case", "amod")[len(word) % 4]
        rows.append(f"{i}\t{word}\t_\t{tag}\t_\t_\t{head}\t{relation}\t_\t_\n")
    return "".join(rows)


def study(model: Path | str, tasks: Sequence[str], given: Files | None = None, **changed: Any) -> Study:
    """A study over the artificial languages, small where it is not said how large.

    `given`: data and text to read; otherwise they are drawn.
    """
    said: dict[str, Any] = {
        "model": str(model), "tasks": tuple(tasks), "probes": ("transfer",), "controls": (),
        "transfer": LANGUAGES[:2], "targets": LANGUAGES, "train_languages": LANGUAGES[:1],
        "data": given.data if given else dict.fromkeys(tasks, ("artificial",)),
        "text": given.text if given else "artificial", "limit": 400, "reference": "qaa",
        "adapter": {"epochs": 2, "limit": 100, "learning_rate": 5e-3},
    }  # fmt: skip
    return Study(**{**said, **changed})


def resolved(asked: Study, registry: Registry | None = None) -> Resolved:
    """The study with every name looked up."""
    return resolve(asked, registry or load())


def write_tests(found: Resolved, task: str, folder: Path) -> Path:
    """Test data as JSON, a file a target, for whoever reads files."""
    folder.mkdir(parents=True, exist_ok=True)
    for target in found.targets[task]:
        examples = found.examples(task, target, "test")
        made: dict[str, list[Any]] = {"words": []}
        for one in examples:
            assert isinstance(one, Tagged | Parsed)
            made["words"].append(list(one.words))
            own = ("tags",) if isinstance(one, Tagged) else ("heads", "relations")
            for name in own:
                made.setdefault(name, []).append(list(getattr(one, name)))
        (folder / f"{target}.json").write_text(json.dumps(made), "utf-8")
    return folder


def square(size: int = 1024) -> np.ndarray:
    """A matrix for the machine's own rate of matrix products."""
    return np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
