"""What is measured on: a checkpoint, part-of-speech data and text, given as folders or made at random."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import made
from xlbench.contracts import Study

TASK = "pos"


class Size(NamedTuple):
    """How much is measured."""

    limit: int
    """Test sentences a target at most."""
    chunk: int
    """Tokens of a chunk of text, of which 8 are a step."""
    steps: int
    train: int = 32
    """Sentences that the task adapter is trained on, twice."""
    rounds: int = 1
    """Of which the medians are taken."""
    matrix: int = 256
    """Rows and columns of the matrices whose product is timed."""


@dataclass(frozen=True)
class Material:
    """Folders, and the languages that are used of them."""

    checkpoint: Path
    data: tuple[str, ...]
    """Folders of part-of-speech data."""
    text: str
    language: str
    """The transfer language."""
    train: str
    """The language that the task adapter is trained on."""
    targets: tuple[str, ...]

    @classmethod
    def at_random(cls, folder: Path, shape: made.Shape, limit: int) -> Material:
        """A checkpoint of random weights, and sentences in artificial languages."""
        checkpoint = made.checkpoint(folder / "model", shape)
        files = made.files(folder / "data", (TASK,), limit)
        return cls(checkpoint, files.data[TASK], files.text, "qaa", "qaa", made.LANGUAGES)

    @classmethod
    def given(
        cls, checkpoint: Path, data: Sequence[str], text: Path, language: str, train: str, targets: str
    ) -> Material:
        """Real ones."""
        return cls(checkpoint, tuple(data), str(text), language, train, tuple(targets.split(",")))

    @property
    def shape(self) -> made.Shape:
        """Of the checkpoint, whose inner layers are taken to be four times as wide."""
        said = json.loads((self.checkpoint / "config.json").read_text("utf-8"))
        return made.Shape(said["num_hidden_layers"], said["hidden_size"], said["vocab_size"])

    def study(self, size: Size, **changed: Any) -> Study:
        """One transfer language."""
        settings: dict[str, Any] = {
            "transfer": (self.language,), "targets": self.targets, "train_languages": (self.train,),
            "reference": self.train, "limit": size.limit, "steps": (1,), "seeds": (0,),
            "mlm": {"chunk": size.chunk},
            "adapter": {"epochs": 2, "limit": size.train, "learning_rate": 5e-4},
        }  # fmt: skip
        files = made.Files({TASK: self.data}, self.text)
        return made.study(self.checkpoint, (TASK,), files, **{**settings, **changed})

    def without_dropout(self, folder: Path) -> Material:
        """The same checkpoint, whose finetuning draws nothing at random but chunks and masks."""
        folder.mkdir(parents=True)
        for path in self.checkpoint.iterdir():
            if path.name != "config.json":
                (folder / path.name).symlink_to(path.resolve())
        said = json.loads((self.checkpoint / "config.json").read_text("utf-8"))
        said |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        (folder / "config.json").write_text(json.dumps(said), "utf-8")
        return Material(folder, self.data, self.text, self.language, self.train, self.targets)
