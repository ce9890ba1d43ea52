"""What a base model is: a checkpoint and what is known about its pretraining."""

import re
from dataclasses import dataclass, field

from xlbench.contracts.study import Study


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A pretrained multilingual encoder that can be named in a study."""

    name: str
    """"xlmr"."""
    summary: str
    checkpoint: str
    """A hub id ("FacebookAI/xlm-roberta-base") or a local folder."""
    revision: str | None = None
    """Hub revision; None is the default branch."""
    pretraining_languages: frozenset[str] | None = None
    """ISO 639-3; None where not known."""
    languages_source: str = ""
    """Where that list was published."""
    defaults: Study = field(default_factory=Study)
    """What a study with this model takes where it says nothing itself: tasks, languages, data, settings."""

    @property
    def source(self) -> str:
        """The checkpoint as anyone may know it: a hub id, or a folder's name without the path to it."""
        name = re.split(r"[/\\]", self.checkpoint.rstrip("/\\"))[-1]
        if not re.match(r"[/.~\\]|[A-Za-z]:[/\\]", self.checkpoint) and name != self.name:
            return self.checkpoint
        return self.name if name in ("", ".", "..", "~") else name
