"""A text treatment: from the text of languages to what is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Literal, TypeAlias

from xlbench.contracts.method import MethodPart

if TYPE_CHECKING:
    from xlbench.contracts import allowed
    from xlbench.contracts.cell import Json

Stage: TypeAlias = Literal["lines", "tokens", "languages"]
PLAIN = "plain"
"""The treatment that changes nothing."""
MIXTURE = "mixture"
"""The treatment that puts the languages of one text together, where no other does."""
OF_OTHER_LANGUAGES = ("target", "reference")
"""Controls that are plain text of other languages than the transfer languages."""
_TAKEN = (*OF_OTHER_LANGUAGES, "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment(MethodPart):
    """What is done to a text before it is trained on.

    `load` gives a function. Of a treatment of lines, it takes the lines of one language, its ISO 639-3 code
    and the run's seed, and gives lines. Of tokens, it takes chunks of tokens, an int32 array of shape
    (chunks, length) that must not be changed, the numbers of the special tokens and the run's seed, and gives
    an array of that shape. Of languages, it takes such an array for each language, their shares, which add up
    to 1, and the run's seed, and gives for each language the numbers of the chunks to take, which may repeat.
    """

    stage: Stage
    """What it works on: text, what the tokenizer makes of it, or the texts of several languages."""
    draws: bool = False
    """Whether the seed makes a difference; otherwise text is treated once for all seeds."""
    beside: tuple[allowed.LanguageCode, ...] = ()
    """Of a treatment of languages: what it reads besides the languages of the text itself."""
    requires: tuple[str, ...] = ()
    """Distributions that must be installed, as pip names them; their versions are in the identity."""
    settings: Mapping[str, Json] = field(default_factory=dict)
    """What else can change what it does; in the identity."""

    def __post_init__(self) -> None:
        if self.name in _TAKEN:
            raise ValueError(f"treatment {self.name!r}: the name says another control; choose another")
        if self.beside and self.stage != "languages":
            raise ValueError(f"treatment {self.name!r}: only one of languages reads others beside")

    def missing(self) -> tuple[str, ...]:
        """Distributions that it requires and that are not installed."""
        return tuple(x for x in self.requires if _version(x) is None)

    def identity(self) -> dict[str, Json]:
        """What can change what it does, beside version and plugin."""
        found: dict[str, Json] = {}
        if self.settings:
            found["treatment_settings"] = dict(self.settings)
        if self.requires:
            found["treatment_requires"] = {x: _version(x) for x in self.requires}
        return found


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
