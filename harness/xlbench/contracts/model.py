"""What a base model is: a checkpoint and what is known about its pretraining."""

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
