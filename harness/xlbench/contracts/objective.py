"""A pretraining objective: how a text moves the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from xlbench.contracts.method import MethodPart

Family: TypeAlias = Literal["encoder", "decoder", "encoder-decoder"]
"""How a model reads: `encoder`, each token sees the whole text; `decoder`, each token sees what is before it;
`encoder-decoder`, a text that is seen whole, and another that is continued."""
LikelihoodKind: TypeAlias = Literal["exact", "pseudo", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective(MethodPart):
    """A pretraining objective. `load` gives a `xlbench.lab.objectives.objective.Pretrains`."""

    families: frozenset[Family]
    """The models that can be trained with it."""
    own: frozenset[Family] = frozenset()
    """Those of them that were pretrained with it: their objective where a study names none. A third party's
    objective is never taken without being named."""
    head: str = ""
    """What it needs among a checkpoint's weights besides the body, for messages: "masked-LM head"; empty:
    nothing."""
    likelihood: LikelihoodKind = "none"
    """What the task kind `language-model` reads from a model of its own objective: the log-likelihood of a
    text (`exact`), the pseudo-log-likelihood (`pseudo`), or nothing that can be compared."""
    reads: frozenset[str] = frozenset()
    """Settings of fine-tuning that only some objectives read, and this one does: "mask_probability"."""
