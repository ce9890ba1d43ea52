"""What a base model is: a checkpoint and what is known about its pretraining."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xlbench.contracts import allowed
from xlbench.contracts.architecture import Architecture
from xlbench.contracts.study import Study


@dataclass(frozen=True, slots=True)
class PretrainingSizes:
    """How much text of each language a model was pretrained on."""

    unit: str
    """What is counted: "GiB of CC-100", "lines"."""
    source: str
    """Where the numbers were published."""
    table: Mapping[str, float] = field(repr=False)
    """By ISO 639-3, above 0. A language that the model was pretrained on may be missing."""

    def __post_init__(self) -> None:
        for code, size in self.table.items():
            if not (re.fullmatch("[a-z]{3}", code) and math.isfinite(size) and size > 0):
                raise ValueError(
                    f"pretraining size of {code!r} is {size!r}; give a number above 0 by ISO 639-3 code"
                )


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A pretrained multilingual encoder that can be named in a study."""

    name: allowed.Name
    """"xlmr"."""
    summary: str
    checkpoint: allowed.Checkpoint
    """A hub id ("FacebookAI/xlm-roberta-base") or a local folder."""
    revision: str | None = None
    """Hub revision; None is the default branch."""
    pretraining_languages: frozenset[allowed.LanguageCode] | None = None
    """ISO 639-3; None where not known."""
    languages_source: str = ""
    """Where that list was published."""
    sizes: PretrainingSizes | None = None
    """How much text of each there was; None where not known."""
    defaults: Study = field(default_factory=Study)
    """What a study with this model takes where it says nothing itself: tasks, languages, data, settings."""
    architecture: Architecture | None = None
    """How it is loaded; None of an architecture that is built in."""

    @property
    def source(self) -> str:
        """The checkpoint as anyone may know it: a hub id, or a folder's name without the path to it."""
        name = re.split(r"[/\\]", self.checkpoint.rstrip("/\\"))[-1]
        of_hub = re.fullmatch(r"[\w.-]+(/[\w.-]+)?", self.checkpoint) and not self.checkpoint.startswith(".")
        if of_hub and (name != self.name or not Path(self.checkpoint).is_dir()):
            return self.checkpoint
        return self.name if name in ("", ".", "..", "~") else name
